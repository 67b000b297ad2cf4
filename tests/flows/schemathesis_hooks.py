"""What Schemathesis must know to judge the service fairly."""

from typing import Any

import schemathesis


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """A cursor is sealed: no text made up from its schema can be a valid one.

    So none is sent where the call is meant to be valid; wrong ones are sent where it is not.
    Cursors have their own tests in tests/kit/test_pages.py.
    """
    if case.query and case.meta is not None and case.meta.generation.mode.is_positive:
        case.query.pop("cursor", None)
