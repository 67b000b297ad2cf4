"""Who may call what. Every route names one guard of this module; a test holds them to it.

`public` lets everybody in, in so many words. The guards for citizens,
platforms and clerks prove who calls and put a `Caller` into the request's state.
"""

from __future__ import annotations

from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from msgspec import Struct

from api.errors import Unauthorized

Connection = ASGIConnection[Any, Any, Any, Any]


class Caller(Struct, frozen=True):
    """Who is calling: `identifier` is a citizen id, a platform's key id or a clerk's user name."""

    kind: Literal["anonymous", "citizen", "platform", "clerk"]
    identifier: str | None = None


ANONYMOUS = Caller("anonymous")


async def public(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Open to everybody: the catalogue, health, documents."""
    # Guards are coroutines although they await nothing: Litestar sends others through a thread.
    connection.state.caller = ANONYMOUS


def caller_of(connection: Connection) -> Caller:
    """The proven caller. Raises Unauthorized where no guard has proven one."""
    caller = getattr(connection.state, "caller", None)
    if caller is None:
        raise Unauthorized()
    return caller  # type: ignore[no-any-return]
