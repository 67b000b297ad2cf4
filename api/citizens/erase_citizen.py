"""A citizen asks to be forgotten (个人信息保护法 §47): what the law does not bid us keep goes."""

from __future__ import annotations

from api.access_log import note_access
from api.audit import note
from api.citizens import queries
from api.database import Database
from api.errors import Conflict, Unauthorized
from api.events import publish
from api.facts import CitizenErased
from api.sessions import revoke_sessions_of
from api.statements import Connection


class OpenCases(Conflict):
    """您还有办理中的事项，请先办结或撤回，再注销账号。"""

    code = "open_cases"
    english = "You have cases under way. Finish or withdraw them before deleting the account."


async def erase_citizen(database: Database, citizen_id: str) -> None:
    """Empty the record, cut every channel, end every session, and let the others know.

    Raises OpenCases while a case is under way.
    """

    async def decide(connection: Connection) -> None:
        if not await queries.lock_citizens(connection, citizen_ids=[citizen_id]):
            raise Unauthorized()
        if await queries.count_open_cases(connection, citizen_id=citizen_id):
            raise OpenCases()
        await queries.erase_citizen(connection, citizen_id=citizen_id)
        await queries.erase_links(connection, citizen_id=citizen_id)
        await queries.erase_checks(connection, citizen_id=citizen_id)
        await queries.forget_invitations(connection, citizen_id=citizen_id)
        await queries.end_authorities_of(connection, citizen_id=citizen_id)
        await queries.end_memberships_of(connection, citizen_id=citizen_id)
        await revoke_sessions_of(connection, "citizen", citizen_id)
        await note_access(connection, citizen_id, f"citizen:{citizen_id}", "erasure", "everything")
        actor = f"citizen:{citizen_id}"
        await note(connection, actor=actor, action="citizen.erased", subject=actor)
        await publish(connection, CitizenErased(citizen_id))

    await database.decide(decide)
