"""What Schemathesis must know to judge the service fairly."""

from typing import Any

import schemathesis
from schemathesis import SerializationContext


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A cursor is sealed: no text made up from its schema can be a valid one.

    So none is sent where the call is meant to be valid; wrong ones are sent where it is not.
    Cursors have their own tests in tests/kit/test_pages.py.
    """
    if case.query and case.meta is not None and case.meta.generation.mode.is_positive:
        case.query.pop("cursor", None)


@schemathesis.serializer("application/x-ndjson")
def send_lines(_context: SerializationContext, value: Any) -> bytes:
    """The lines are text already: the document says no more of them."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")
