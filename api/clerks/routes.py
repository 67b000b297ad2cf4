"""Clerks over HTTP: sign in, see who one is, manage clerks, read the audit trail."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from api import audit
from api.access import Caller, clerk, demand_role, public
from api.answers import private_answer
from api.clerks import queries
from api.clerks.make_clerk import make_clerk
from api.clerks.schemas import (
    AuditLine,
    ClerkAnswer,
    ClerkSignedIn,
    ClerkSignInBody,
    ListedClerk,
    NewClerk,
    NewClerkBody,
)
from api.clerks.sign_in import sign_in
from api.database import Database
from api.errors import Conflict, Forbidden, NotFound, Unauthorized, ValidationFailed
from api.kinds import demand_text, path_text
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.sessions import Tokens, revoke_session, revoke_sessions_of
from api.settings import Settings
from api.vault import Vault

_NEWEST = 2**62

User = Annotated[str, path_text(40, "a clerk's user name", "wang.min")]
Subject = Annotated[
    str | None,
    QueryParameter(
        name="subject",
        max_length=100,
        pattern=r"\A[^\x00]*\Z",
        description="What was changed, such as `case:…`",
    ),
]
Actor = Annotated[
    str | None,
    QueryParameter(
        name="actor",
        max_length=100,
        pattern=r"\A[^\x00]*\Z",
        description="Who changed it, such as `clerk:wang.min`",
    ),
]


@post(
    "/sessions",
    guards=[public],
    responses=problems(ValidationFailed, Unauthorized),
    summary="Sign in as a clerk",
)
async def start_session(
    data: JSONBody[ClerkSignInBody],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    tokens: NamedDependency[Tokens],
    settings: NamedDependency[Settings],
) -> Response[ClerkSignedIn]:
    """Password and the six digits of the authenticator. Five failures lock for 15 minutes;
    half an hour without a call ends the session."""
    answer = await sign_in(database, vault, tokens, settings, data)
    return private_answer(answer, status=201)


@delete(
    "/sessions/current",
    guards=[clerk],
    responses=problems(Unauthorized),
    summary="Sign out",
)
async def end_session(caller: NamedDependency[Caller], database: NamedDependency[Database]) -> None:
    """The token is worth nothing from now on."""
    async with database.transaction() as connection:
        await revoke_session(connection, caller.session_id or "")


@get("/me", guards=[clerk], responses=problems(Unauthorized, NotFound), summary="Who one is")
async def me(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
) -> Response[ClerkAnswer]:
    """The clerk's roles, and what they cover."""
    row = await database.read(
        lambda c: queries.find_session(
            c, session_id=caller.session_id, idle_minutes=settings.clerk_idle_minutes
        )
    )
    if row is None:
        raise Unauthorized()
    return private_answer(
        ClerkAnswer(row.user_name, row.name, row.roles, row.service_prefixes, row.region_prefixes)
    )


@post(
    "/clerks",
    guards=[clerk],
    responses=problems(ValidationFailed, Unauthorized, Forbidden, Conflict),
    summary="Make a clerk",
)
async def add_clerk(
    data: JSONBody[NewClerkBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[NewClerk]:
    """For administrators. The authenticator's secret is shown this once."""
    demand_role(caller, "administrator")
    return private_answer(await make_clerk(database, vault, data, actor=caller.actor), status=201)


@get(
    "/clerks",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden),
    summary="Clerks",
)
async def clerks(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[ListedClerk]]:
    """For administrators, by user name."""
    demand_role(caller, "administrator")
    of = cursors.of("clerks")
    after = of.read(cursor, str, "")
    rows = await database.read(lambda c: queries.list_clerks(c, after=after, limit=limit + 1))
    return private_answer(of.cut(rows, limit, lambda row: row, lambda row: row.user))


@delete(
    "/clerks/{user:str}",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="Disable a clerk",
)
async def disable_clerk(
    user: User, caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> None:
    """For administrators. Their sessions end at once; what they did stays in the trail."""
    demand_role(caller, "administrator")
    demand_text(user, 40, NotFound())
    async with database.transaction() as connection:
        if await queries.disable_clerk(connection, user_name=user) is None:
            raise NotFound()
        await revoke_sessions_of(connection, "clerk", user)
        await audit.note(
            connection, actor=caller.actor, action="clerk.disabled", subject=f"clerk:{user}"
        )


@get(
    "/audit",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden),
    summary="The audit trail",
)
async def audit_trail(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    subject: Subject = None,
    actor: Actor = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[AuditLine]]:
    """For auditors, the newest first. Each entry is chained to the one before by its seal;
    `python -m api audit verify` walks the whole chain."""
    demand_role(caller, "auditor")
    of = cursors.of("audit", subject, actor)
    before = of.read(cursor, int, _NEWEST)
    rows = await database.read(
        lambda c: audit.list_entries(
            c, subject=subject, actor=actor, before=before, limit=limit + 1
        )
    )
    return private_answer(of.cut(rows, limit, _line, lambda row: row.entry_id))


def _line(entry: audit.ListedEntry) -> AuditLine:
    return AuditLine(
        entry.entry_id,
        entry.noted_at,
        entry.actor,
        entry.action,
        entry.subject,
        msgspec.json.decode(entry.details, type=dict[str, object]),
        entry.seal_no,
        entry.seal.hex() if entry.seal else None,
    )


router = Router(
    "/v1/clerk",
    route_handlers=[start_session, end_session, me, add_clerk, clerks, disable_clerk, audit_trail],
    tags=["clerks"],
)
