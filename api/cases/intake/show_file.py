"""A clerk opens a file that was handed in: an act on record, which the citizen can read."""

from __future__ import annotations

from api.access import Caller
from api.access_log import note_access
from api.audit import note
from api.cases.accept_event import demand_rights
from api.cases.intake import queries
from api.cases.intake.keep_upload import Cabinet, read_content
from api.cases.intake.refusals import no_such_upload
from api.cases.intake.rows import UploadRow
from api.statements import Connection


async def show_file(
    cabinet: Cabinet, caller: Caller, case_no: str, upload_id: str, purpose: str
) -> tuple[UploadRow, bytes]:
    """Raises NotFound for a case outside the clerk's rights, and for a file of another case."""

    async def find(connection: Connection) -> UploadRow:
        await demand_rights(connection, caller, case_no)
        row = await queries.find_upload_of_case(connection, upload_id=upload_id, case_no=case_no)
        if row is None:
            raise no_such_upload()
        await _note_look(connection, caller, case_no, upload_id, purpose)
        return row

    row = await cabinet.database.decide(find)
    return row, await read_content(cabinet, row)


async def _note_look(
    connection: Connection, caller: Caller, case_no: str, upload_id: str, purpose: str
) -> None:
    await note(
        connection,
        actor=caller.actor,
        action="upload.revealed",
        subject=f"case:{case_no}",
        details={"upload_id": upload_id},
    )
    citizen_id = await queries.find_citizen_of_case(connection, case_no=case_no)
    if citizen_id is not None:
        what = f"file {upload_id} of case {case_no}"
        await note_access(connection, citizen_id, caller.actor, purpose, what)
