"""Written authority 代办: one citizen lets another act for them, until a day, within bounds."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from api.audit import note
from api.citizens import queries
from api.citizens.agent_schemas import AuthorityAnswer, AuthorityBody, Invitation
from api.citizens.link_channels import demand_citizen
from api.citizens.rows import AuthorityRow
from api.citizens.sealed import masked_name
from api.database import CHINA, Database
from api.errors import Conflict, FieldError, NotFound, Unauthorized, ValidationFailed
from api.kinds import new_id
from api.statements import Connection
from api.vault import Vault

INVITATION_HOURS = 24
# Without the characters that are mistaken for one another: 60 bits in twelve.
ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_LENGTH = 12
_LONGEST = timedelta(days=366)
_AFTER_EVERY_KEY = "g"


class AgentUnknown(NotFound):
    """没有找到这位代办人，请核对邀请码。"""

    code = "agent_unknown"
    english = "There is no such agent. Please check the invitation code."


class AuthorityExists(Conflict):
    """您已授权给这位代办人，请先解除原授权。"""

    code = "authority_exists"
    english = "You have authorised this agent already. End that authority first."


async def invite(database: Database, citizen_id: str) -> Invitation:
    """A code by which this citizen can be named once; earlier ones end."""
    code = "".join(secrets.choice(ALPHABET) for _ in range(_CODE_LENGTH))
    async with database.transaction() as connection:
        await demand_citizen(connection, citizen_id)
        await queries.forget_invitations(connection, citizen_id=citizen_id)
        await queries.add_invitation(
            connection,
            code_hash=_digest(code),
            citizen_id=citizen_id,
            hours=INVITATION_HOURS,
        )
    return Invitation(code, datetime.now(CHINA) + timedelta(hours=INVITATION_HOURS))


async def use_invitation(connection: Connection, code: str) -> str:
    """The citizen who gave out the code, which is worth nothing from now on.

    Raises AgentUnknown.
    """
    citizen_id = await queries.use_invitation(connection, code_hash=_digest(code))
    if citizen_id is None:
        raise AgentUnknown()
    return citizen_id


async def offer_authority(
    database: Database, vault: Vault, principal_id: str, body: AuthorityBody
) -> AuthorityAnswer:
    """Raises AgentUnknown, AuthorityExists, ValidationFailed for a day out of bounds."""
    _demand_bounds(body)
    authority_id = new_id()

    async def decide(connection: Connection) -> AuthorityAnswer:
        agent_id = body.agent_id or await use_invitation(connection, body.invitation_code or "")
        if agent_id == principal_id:
            raise _wrong("agent_id", "不能授权给自己。", "You need no authority of your own.")
        await _demand_both(connection, principal_id, agent_id)
        pair = {"principal_id": principal_id, "agent_id": agent_id}
        await queries.end_expired_authorities(connection, **pair)
        added = await queries.add_authority(
            connection,
            **pair,
            authority_id=authority_id,
            scopes=sorted(set(body.scopes)),
            service_codes=sorted(set(body.service_codes)),
            until=body.until,
        )
        if not added:
            raise AuthorityExists()
        await _note(connection, principal_id, authority_id, "offered")
        return await _show(connection, vault, principal_id, authority_id)

    return await database.decide(decide)


async def accept_authority(
    database: Database, vault: Vault, citizen_id: str, authority_id: str
) -> AuthorityAnswer:
    """The agent accepts; accepting again changes nothing. Raises NotFound, Conflict."""

    async def decide(connection: Connection) -> AuthorityAnswer:
        own = {"authority_id": authority_id, "citizen_id": citizen_id}
        accepted = await queries.accept_authority(connection, **own)
        shown = await _show(connection, vault, citizen_id, authority_id)
        if shown.role != "agent":
            raise NotFound()
        if not accepted and not shown.in_force:
            raise Conflict("这份授权已失效。", "This authority has ended.")
        if accepted:
            await _note(connection, citizen_id, authority_id, "accepted")
        return shown

    return await database.decide(decide)


async def end_authority(database: Database, citizen_id: str, authority_id: str) -> None:
    """Either of the two ends it, at once. Raises NotFound."""
    async with database.transaction() as connection:
        own = {"authority_id": authority_id, "citizen_id": citizen_id}
        if not await queries.end_authority(connection, **own):
            raise NotFound()
        await _note(connection, citizen_id, authority_id, "ended")


def shape_authority(row: AuthorityRow, citizen_id: str, vault: Vault) -> AuthorityAnswer:
    """The authority as this one of its two people sees it."""
    is_agent = row.agent_id == citizen_id
    other_id = row.principal_id if is_agent else row.agent_id
    return AuthorityAnswer(
        authority_id=row.authority_id,
        role="agent" if is_agent else "principal",
        principal_id=row.principal_id,
        agent_id=row.agent_id,
        other_name=masked_name(vault, other_id, row.other_name_sealed),
        scopes=row.scopes,
        service_codes=row.service_codes,
        state=row.state,  # type: ignore[arg-type]
        in_force=row.in_force,
        until=row.until,
        created_at=row.created_at,
        accepted_at=row.accepted_at,
    )


async def _note(connection: Connection, citizen_id: str, authority_id: str, what: str) -> None:
    await note(
        connection,
        actor=f"citizen:{citizen_id}",
        action=f"authority.{what}",
        subject=f"authority:{authority_id}",
    )


async def _show(
    connection: Connection, vault: Vault, citizen_id: str, authority_id: str
) -> AuthorityAnswer:
    rows = await queries.list_authorities(
        connection,
        citizen_id=citizen_id,
        before=_AFTER_EVERY_KEY,
        authority_id=authority_id,
        limit=1,
    )
    if not rows:
        raise NotFound()
    return shape_authority(rows[0], citizen_id, vault)


async def _demand_both(connection: Connection, principal_id: str, agent_id: str) -> None:
    if await queries.share_citizen(connection, citizen_id=principal_id) is None:
        raise Unauthorized()
    if await queries.share_citizen(connection, citizen_id=agent_id) is None:
        raise AgentUnknown()


def _demand_bounds(body: AuthorityBody) -> None:
    if (body.agent_id is None) == (body.invitation_code is None):
        raise _wrong(
            "agent_id",
            "请填写代办人或其邀请码，二者择一。",
            "Name the agent by id or by invitation code, one of the two.",
        )
    today = datetime.now(CHINA).date()
    if not today <= body.until <= today + _LONGEST:
        raise _wrong(
            "until", "授权期限最长一年。", "The last day is from today to a year from now."
        )


def _wrong(field: str, words: str, english: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(field, "out_of_range", words, english)])


def _digest(code: str) -> bytes:
    return hashlib.sha256(b"invitation " + code.encode()).digest()
