"""Agents 代办 and organisations 法人 over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, QueryParameter

from api.access import Caller, citizen, clerk, demand_role
from api.answers import private_answer
from api.citizens import queries
from api.citizens.agent_schemas import (
    AuthorityAnswer,
    AuthorityBody,
    ClaimAnswer,
    ClaimDecision,
    Invitation,
    MemberAnswer,
    MemberBody,
    OrganisationAnswer,
    OrganisationBody,
)
from api.citizens.authorise_agents import (
    AgentUnknown,
    AuthorityExists,
    accept_authority,
    end_authority,
    invite,
    offer_authority,
    shape_authority,
)
from api.citizens.claim_organisations import (
    AlreadyConfirmed,
    AssuranceTooLow,
    LastRepresentative,
    TooManyClaims,
    accept_membership,
    claim_organisation,
    decide_claim,
    end_membership,
    invite_member,
    list_members,
)
from api.database import Database
from api.errors import Conflict, Forbidden, NotFound, Unauthorized, ValidationFailed
from api.kinds import demand_code, path_code
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.vault import Vault

_EXAMPLE = "0193bd0000000123456789abcdef0123"
# Sorts behind every key: they are hexadecimal.
_AFTER_EVERY_KEY = "g"

AuthorityId = Annotated[str, path_code(32, "an authority's id", _EXAMPLE, "0-9a-f")]
OrganisationId = Annotated[str, path_code(32, "an organisation's id", _EXAMPLE, "0-9a-f")]
MemberId = Annotated[str, path_code(32, "a citizen's id", _EXAMPLE, "0-9a-f")]


@post(
    "/agents/invitations",
    guards=[citizen],
    responses=problems(Unauthorized),
    summary="A code to be named by",
)
async def add_invitation(
    caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> Response[Invitation]:
    """Give it to whoever should name you as agent or representative; once, within a day."""
    return private_answer(await invite(database, caller.owner), status=201)


@post(
    "/agents",
    guards=[citizen],
    responses=problems(ValidationFailed, Unauthorized, AgentUnknown, AuthorityExists),
    summary="Authorise an agent",
)
async def add_authority(
    data: JSONBody[AuthorityBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[AuthorityAnswer]:
    """In force once the agent has accepted. The agent then calls with `X-On-Behalf-Of`."""
    answer = await offer_authority(database, vault, caller.owner, data)
    return private_answer(answer, status=201)


@get("/agents", guards=[citizen], responses=problems(Unauthorized), summary="Authorities")
async def authorities(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    cursors: NamedDependency[Cursors],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[AuthorityAnswer]]:
    """Those given and those held, the newest first; ended ones too."""
    of = cursors.of("agents", caller.owner)
    before = of.read(cursor, str, _AFTER_EVERY_KEY)
    rows = await database.read(
        lambda c: queries.list_authorities(
            c, citizen_id=caller.owner, before=before, authority_id=None, limit=limit + 1
        )
    )
    return private_answer(
        of.cut(
            rows,
            limit,
            lambda row: shape_authority(row, caller.owner, vault),
            lambda row: row.authority_id,
        )
    )


@post(
    "/agents/{authority_id:str}/acceptance",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound, Conflict),
    summary="Accept an authority",
    status_code=200,
)
async def accept(
    authority_id: AuthorityId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[AuthorityAnswer]:
    """The agent's own act. Accepting again changes nothing."""
    demand_code(authority_id, 32, NotFound())
    return private_answer(await accept_authority(database, vault, caller.owner, authority_id))


@delete(
    "/agents/{authority_id:str}",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound),
    summary="End an authority",
)
async def remove_authority(
    authority_id: AuthorityId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> None:
    """Either of the two ends it, at once."""
    demand_code(authority_id, 32, NotFound())
    await end_authority(database, caller.owner, authority_id)


@post(
    "/organisations",
    guards=[citizen],
    responses=problems(ValidationFailed, Unauthorized, AssuranceTooLow, TooManyClaims),
    summary="Say that one represents an organisation",
)
async def add_organisation(
    data: JSONBody[OrganisationBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[OrganisationAnswer]:
    """`unverified` until a supervisor has compared the claim with the register."""
    return private_answer(await claim_organisation(database, caller.owner, data), status=201)


@get("/organisations", guards=[citizen], responses=problems(Unauthorized), summary="Organisations")
async def organisations(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[OrganisationAnswer]]:
    """Those one belongs to or is invited to, the newest first."""
    of = cursors.of("organisations", caller.owner)
    before = of.read(cursor, str, _AFTER_EVERY_KEY)
    rows = await database.read(
        lambda c: queries.list_organisations(
            c, citizen_id=caller.owner, before=before, organisation_id=None, limit=limit + 1
        )
    )
    return private_answer(of.cut(rows, limit, lambda row: row, lambda row: row.organisation_id))


@get(
    "/organisations/{organisation_id:str}/members",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound),
    summary="Who acts for an organisation",
)
async def members(
    organisation_id: OrganisationId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[Page[MemberAnswer]]:
    """At most 200, in the order they came; one page."""
    demand_code(organisation_id, 32, NotFound())
    found = await list_members(database, vault, caller.owner, organisation_id)
    return private_answer(Page(found, None))


@post(
    "/organisations/{organisation_id:str}/members",
    guards=[citizen],
    responses=problems(ValidationFailed, Unauthorized, Forbidden, AgentUnknown, Conflict),
    summary="Invite somebody to act for an organisation",
)
async def add_member(
    organisation_id: OrganisationId,
    data: JSONBody[MemberBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[Page[MemberAnswer]]:
    """By the code they gave. A legal representative invites; the invited person accepts."""
    demand_code(organisation_id, 32, NotFound())
    found = await invite_member(database, vault, caller.owner, organisation_id, data)
    return private_answer(Page(found, None), status=201)


@post(
    "/organisations/{organisation_id:str}/acceptance",
    guards=[citizen],
    responses=problems(Unauthorized, NotFound),
    summary="Accept to act for an organisation",
    status_code=200,
)
async def accept_member(
    organisation_id: OrganisationId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[OrganisationAnswer]:
    """The invited person's own act. Accepting again changes nothing."""
    demand_code(organisation_id, 32, NotFound())
    return private_answer(await accept_membership(database, caller.owner, organisation_id))


@delete(
    "/organisations/{organisation_id:str}/members/{citizen_id:str}",
    guards=[citizen],
    responses=problems(Unauthorized, Forbidden, NotFound, LastRepresentative),
    summary="Leave an organisation, or let somebody go",
)
async def remove_member(
    organisation_id: OrganisationId,
    citizen_id: MemberId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> None:
    """One's own id: leave. Another's: only as a legal representative."""
    demand_code(organisation_id, 32, NotFound())
    demand_code(citizen_id, 32, NotFound())
    await end_membership(database, caller.owner, organisation_id, citizen_id)


@get(
    "/clerk/organisations",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden),
    summary="Claims to be compared with the register",
)
async def claims(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    wanted: Annotated[
        Literal["unverified", "verified", "refused"], QueryParameter(name="state")
    ] = "unverified",
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[ClaimAnswer]]:
    """For supervisors; the oldest first."""
    demand_role(caller, "supervisor")
    of = cursors.of("claims", wanted)
    after = of.read(cursor, str, "")
    rows = await database.read(
        lambda c: queries.list_claims(c, state=wanted, after=after, limit=limit + 1)
    )
    return private_answer(of.cut(rows, limit, lambda row: row, lambda row: row.organisation_id))


@post(
    "/clerk/organisations/{organisation_id:str}/decision",
    guards=[clerk],
    responses=problems(ValidationFailed, Unauthorized, Forbidden, NotFound, AlreadyConfirmed),
    summary="Confirm or refuse a claim",
    status_code=200,
)
async def decide(
    organisation_id: OrganisationId,
    data: JSONBody[ClaimDecision],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[ClaimAnswer]:
    """For supervisors, after a look into the register. Of several claims one is confirmed."""
    demand_role(caller, "supervisor")
    demand_code(organisation_id, 32, NotFound())
    return private_answer(
        await decide_claim(database, caller.actor, organisation_id, data.confirmed)
    )


agent_router = Router(
    "/v1",
    route_handlers=[
        add_invitation,
        add_authority,
        authorities,
        accept,
        remove_authority,
        add_organisation,
        organisations,
        members,
        add_member,
        accept_member,
        remove_member,
        claims,
        decide,
    ],
    tags=["agents"],
)
