"""Who may call what. Every route names one guard of this module; a test holds them to it.

`public` lets everybody in, in so many words. The others have the caller proven by what
the features opened for it (`app.state.provers`), and put a `Caller` into the request's
state, where `caller_of` finds it. A guard proves; what an object's owner may see is
decided by the WHERE of the statement that reads it.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from msgspec import Struct

from api.errors import Forbidden, Unauthorized

Connection = ASGIConnection[Any, Any, Any, Any]


class Authority(Struct, frozen=True):
    """A written authority 代办授权 that lets the caller act for another citizen.

    `service_codes` empty: every service. `scopes`: what may be done in the principal's name.
    """

    authority_id: str
    agent_id: str
    scopes: frozenset[str]
    service_codes: frozenset[str]


class Caller(Struct, frozen=True):
    """Who is calling.

    `identifier` is the citizen whose things are meant, a platform's id or a clerk's user
    name. `session_id` is the proven session, `channel` the app it came by; `key_id` the
    platform's key. `authority` is set where an agent acts: `identifier` is then the principal.
    `roles` are a clerk's; `service_prefixes` and `region_prefixes` bound what a platform or
    clerk may touch (an empty prefix "" is everything, an empty tuple nothing).
    """

    kind: Literal["anonymous", "citizen", "platform", "clerk"]
    identifier: str | None = None
    session_id: str | None = None
    channel: str | None = None
    key_id: str | None = None
    authority: Authority | None = None
    roles: frozenset[str] = frozenset()
    service_prefixes: tuple[str, ...] = ()
    region_prefixes: tuple[str, ...] = ()

    @property
    def owner(self) -> str:
        """The proven caller's identifier. Raises Unauthorized for anonymous callers."""
        if self.identifier is None:
            raise Unauthorized()
        return self.identifier

    @property
    def actor(self) -> str:
        """Who acts, for the audit trail: `citizen:…`, `agent:…`, `platform:…`, `clerk:…`."""
        if self.authority is not None:
            return f"agent:{self.authority.agent_id}"
        return f"{self.kind}:{self.identifier or ''}"


ANONYMOUS = Caller("anonymous")


class Prover(Protocol):
    """Proves a caller from a request, or raises Unauthorized, Forbidden or RateLimited."""

    async def prove(self, connection: Connection) -> Caller: ...


async def public(connection: Connection, _handler: BaseRouteHandler) -> None:
    """Open to everybody: the catalogue, health, documents."""
    # Guards are coroutines although they await nothing: Litestar sends others through a thread.
    connection.state.caller = ANONYMOUS


async def citizen(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A signed-in citizen, for themselves only: `X-On-Behalf-Of` is refused here."""
    caller = await _prove(connection, "citizen")
    if caller.authority is not None:
        raise Forbidden("代办人不能代做这件事。", "An agent cannot do this for somebody else.")
    connection.state.caller = caller


async def citizen_or_agent(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A signed-in citizen, or an agent for the citizen named in `X-On-Behalf-Of`.

    The route asks `demand_scope` for what it does.
    """
    connection.state.caller = await _prove(connection, "citizen")


async def signed_by_platform(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A platform whose signature (RFC 9421) covers method, address and body."""
    connection.state.caller = await _prove(connection, "platform")


async def clerk(connection: Connection, _handler: BaseRouteHandler) -> None:
    """A clerk who signed in with password and second factor."""
    connection.state.caller = await _prove(connection, "clerk")


def caller_of(connection: Connection) -> Caller:
    """The proven caller. Raises Unauthorized where no guard has proven one."""
    caller = getattr(connection.state, "caller", None)
    if caller is None:
        raise Unauthorized()
    return caller  # type: ignore[no-any-return]


def bearer_token(connection: Connection) -> str:
    """The token of `Authorization: Bearer …` (RFC 6750). Raises Unauthorized without one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthorized(headers={"WWW-Authenticate": "Bearer"})
    return token.strip()


def demand_role(caller: Caller, role: str) -> None:
    """Raises Forbidden unless the clerk has the role."""
    if role not in caller.roles:
        raise Forbidden()


def demand_scope(caller: Caller, scope: str, service_code: str | None = None) -> None:
    """Raises Forbidden where an agent's authority does not cover this act and service."""
    authority = caller.authority
    if authority is None:
        return
    covered = not authority.service_codes or service_code in authority.service_codes
    if scope not in authority.scopes or not covered:
        raise Forbidden("您的代办授权不包括这件事。", "Your written authority does not cover this.")


def covers(caller: Caller, service_code: str, region_code: str) -> bool:
    """Whether a platform's or clerk's rights cover an item of a region."""
    return any(service_code.startswith(p) for p in caller.service_prefixes) and any(
        region_code.startswith(p) for p in caller.region_prefixes
    )


async def _prove(connection: Connection, kind: str) -> Caller:
    prover: Prover = connection.app.state.provers[kind]
    return await prover.prove(connection)
