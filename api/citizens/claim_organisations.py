"""Organisations 法人: who says to represent one, and whether somebody has confirmed it.

Nothing here asks the register of organisations. A claim stays `unverified` until a
supervisor has compared it with the register; of several claims to one code one is
confirmed at most.
"""

from __future__ import annotations

from stdnum.cn import uscc

from api.audit import note
from api.citizens import queries
from api.citizens.agent_schemas import (
    ClaimAnswer,
    MemberAnswer,
    MemberBody,
    OrganisationAnswer,
    OrganisationBody,
)
from api.citizens.authorise_agents import use_invitation
from api.citizens.link_channels import demand_citizen
from api.citizens.sealed import masked_name
from api.database import Database
from api.errors import Conflict, FieldError, Forbidden, NotFound, Unauthorized, ValidationFailed
from api.kinds import new_id
from api.statements import Connection
from api.vault import Vault

CLAIMS_MOST = 10
_AFTER_EVERY_KEY = "g"


class AssuranceTooLow(Forbidden):
    """请先完成实名认证。"""

    code = "assurance_too_low"
    english = "Please verify your identity first."


class TooManyClaims(Conflict):
    """待核实的法人过多，请等待核实结果。"""

    code = "too_many_claims"
    english = "Too many of your claims wait to be confirmed. Please wait for these first."


class LastRepresentative(Conflict):
    """请先增加另一位法定代表人。"""

    code = "last_representative"
    english = "Name another legal representative first."


class AlreadyConfirmed(Conflict):
    """该统一社会信用代码已有核实的法人。"""

    code = "organisation_already_confirmed"
    english = "Another claim to this code has been confirmed."


async def claim_organisation(
    database: Database, citizen_id: str, body: OrganisationBody
) -> OrganisationAnswer:
    """Raises ValidationFailed for an impossible code, AssuranceTooLow, TooManyClaims."""
    if not uscc.is_valid(body.credit_code):
        raise _wrong_code()
    organisation_id = new_id()

    async def decide(connection: Connection) -> OrganisationAnswer:
        await queries.lock_citizens(connection, citizen_ids=[citizen_id])
        citizen = await demand_citizen(connection, citizen_id)
        if citizen.assurance_level == "basic":
            raise AssuranceTooLow()
        if (await queries.count_claims(connection, citizen_id=citizen_id) or 0) >= CLAIMS_MOST:
            raise TooManyClaims()
        await queries.add_organisation(
            connection,
            organisation_id=organisation_id,
            credit_code=body.credit_code,
            name=body.name,
        )
        await queries.add_member(
            connection,
            organisation_id=organisation_id,
            citizen_id=citizen_id,
            role=body.role,
            state="active",
        )
        return await show_organisation(connection, citizen_id, organisation_id)

    return await database.decide(decide)


async def invite_member(
    database: Database, vault: Vault, citizen_id: str, organisation_id: str, body: MemberBody
) -> list[MemberAnswer]:
    """Name somebody by the code they gave; they accept by themselves. Gives all members.

    Raises NotFound for strangers, Forbidden for handlers, AgentUnknown, Conflict.
    """

    async def decide(connection: Connection) -> list[MemberAnswer]:
        await _demand_representative(connection, citizen_id, organisation_id)
        invited = await use_invitation(connection, body.invitation_code)
        if await queries.share_citizen(connection, citizen_id=invited) is None:
            raise NotFound()
        added = await queries.add_member(
            connection,
            organisation_id=organisation_id,
            citizen_id=invited,
            role=body.role,
            state="invited",
        )
        if not added:
            raise Conflict("此人已是该法人的办事人员。", "They belong to the organisation already.")
        return await _members(connection, vault, organisation_id)

    return await database.decide(decide)


async def accept_membership(
    database: Database, citizen_id: str, organisation_id: str
) -> OrganisationAnswer:
    """The invited person accepts; again changes nothing. Raises NotFound."""
    async with database.transaction() as connection:
        own = {"organisation_id": organisation_id, "citizen_id": citizen_id}
        await queries.accept_membership(connection, **own)
        return await show_organisation(connection, citizen_id, organisation_id)


async def end_membership(
    database: Database, citizen_id: str, organisation_id: str, member_id: str
) -> None:
    """Leave, or as legal representative let somebody go. Raises NotFound, LastRepresentative."""

    async def decide(connection: Connection) -> None:
        if member_id == citizen_id:
            await _demand_member(connection, citizen_id, organisation_id)
        else:
            await _demand_representative(connection, citizen_id, organisation_id)
        await queries.lock_organisation(connection, organisation_id=organisation_id)
        of = {"organisation_id": organisation_id, "citizen_id": member_id}
        member = await queries.find_membership(connection, **of)
        if member is None:
            raise NotFound()
        is_last = (
            member.role == "legal_representative"
            and member.state == "active"
            and not await queries.count_other_representatives(connection, **of)
        )
        if (
            is_last
            and len(await queries.list_members(connection, organisation_id=organisation_id)) > 1
        ):
            raise LastRepresentative()
        await queries.end_membership(connection, **of)

    await database.decide(decide)


async def list_members(
    database: Database, vault: Vault, citizen_id: str, organisation_id: str
) -> list[MemberAnswer]:
    """Everybody who belongs to it, for those who do. Raises NotFound."""

    async def read(connection: Connection) -> list[MemberAnswer]:
        await _demand_member(connection, citizen_id, organisation_id)
        return await _members(connection, vault, organisation_id)

    return await database.read(read)


async def decide_claim(
    database: Database, actor: str, organisation_id: str, confirmed: bool
) -> ClaimAnswer:
    """What the comparison with the register showed. Raises NotFound, AlreadyConfirmed."""

    async def decide(connection: Connection) -> ClaimAnswer:
        claims = await queries.lock_claims(connection, organisation_id=organisation_id)
        if not claims:
            raise NotFound()
        if confirmed and any(claim.state == "verified" for claim in claims):
            raise AlreadyConfirmed()
        decided = await queries.decide_claim(
            connection,
            organisation_id=organisation_id,
            state="verified" if confirmed else "refused",
            decided_by=actor,
        )
        if decided is None:
            raise Conflict("这项申请已有结论。", "This claim has been decided.")
        await note(
            connection,
            actor=actor,
            action="organisation.decided",
            subject=f"organisation:{organisation_id}",
            details={"state": decided.state},
        )
        return decided

    return await database.decide(decide)


async def show_organisation(
    connection: Connection, citizen_id: str, organisation_id: str
) -> OrganisationAnswer:
    """An organisation as one of its people sees it. Raises NotFound for everybody else."""
    found = await queries.list_organisations(
        connection,
        citizen_id=citizen_id,
        before=_AFTER_EVERY_KEY,
        organisation_id=organisation_id,
        limit=1,
    )
    if not found:
        raise NotFound()
    return found[0]


async def _members(
    connection: Connection, vault: Vault, organisation_id: str
) -> list[MemberAnswer]:
    rows = await queries.list_members(connection, organisation_id=organisation_id)
    return [
        MemberAnswer(
            row.citizen_id,
            masked_name(vault, row.citizen_id, row.name_sealed),
            row.role,  # type: ignore[arg-type]
            row.state,  # type: ignore[arg-type]
        )
        for row in rows
    ]


async def _demand_member(connection: Connection, citizen_id: str, organisation_id: str) -> str:
    own = {"organisation_id": organisation_id, "citizen_id": citizen_id}
    member = await queries.find_membership(connection, **own)
    if member is None:
        raise NotFound()
    return member.role if member.state == "active" else "invited"


async def _demand_representative(
    connection: Connection, citizen_id: str, organisation_id: str
) -> None:
    if await queries.share_citizen(connection, citizen_id=citizen_id) is None:
        raise Unauthorized()
    if await _demand_member(connection, citizen_id, organisation_id) != "legal_representative":
        raise Forbidden("只有法定代表人可以这样做。", "Only a legal representative may do this.")


def _wrong_code() -> ValidationFailed:
    return ValidationFailed(
        errors=[
            FieldError(
                "credit_code",
                "wrong_check_character",
                "统一社会信用代码不正确，请核对。",
                "The unified social credit code is not right. Please compare it.",
            )
        ]
    )
