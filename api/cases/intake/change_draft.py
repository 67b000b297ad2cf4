"""A draft grows, or is thrown away; once submitted it is neither."""

from __future__ import annotations

from msgspec import UNSET, structs

from api.cases.intake import queries
from api.cases.intake.begin_case import bind_uploads, note_draft
from api.cases.intake.hand_in import (
    Desk,
    answer_of,
    kept_json,
    lock_case,
    open_application,
    take_in,
)
from api.cases.intake.know_applicant import demand_organisation
from api.cases.intake.schemas import CaseAnswer, CasePatch
from api.cases.intake.submit_case import TO_SUBMIT
from api.cases.refusals import InvalidMove, PreconditionFailed
from api.cases.sealed import seal_form
from api.cases.states import STATUS_NAMES
from api.statements import Connection


async def change_draft(
    connection: Connection, desk: Desk, case_no: str, body: CasePatch, seen: int | None
) -> CaseAnswer:
    """Put answers and materials over those of a draft, or of a case that was returned.

    `seen`: the version the caller has seen. Raises NotFound, InvalidMove, PreconditionFailed
    and ValidationFailed.
    """
    row = await lock_case(connection, desk, case_no)
    if seen is not None and seen != row.version:
        raise PreconditionFailed()
    _demand_open(row.status)
    application = await open_application(connection, desk, row)
    if body.organisation_id is not UNSET:
        await demand_organisation(
            connection, application.guide, row.citizen_id, body.organisation_id
        )
        application = structs.replace(application, organisation_id=body.organisation_id)
    application = await take_in(
        connection, desk, application, body.form, body.materials, row.case_no
    )
    weight = application.weigh(desk.today)
    await queries.store_draft(
        connection,
        case_no=case_no,
        citizen_id=row.citizen_id,
        organisation_id=application.organisation_id,
        form_sealed=seal_form(desk.vault, case_no, application.form),
        materials=kept_json(application.materials),
        completeness_percent=weight.percent,
    )
    await bind_uploads(connection, case_no, application)
    await note_draft(connection, desk, case_no, "changed")
    return answer_of(await lock_case(connection, desk, case_no), weight)


async def delete_draft(connection: Connection, desk: Desk, case_no: str) -> None:
    """Throw a draft away; its files are unused again. Raises NotFound and InvalidMove."""
    row = await lock_case(connection, desk, case_no)
    if row.status != "draft":
        _refuse(row.status)
    application = await open_application(connection, desk, row)
    await bind_uploads(connection, case_no, structs.replace(application, materials=[]))
    await queries.delete_draft(connection, case_no=case_no, citizen_id=row.citizen_id)
    await note_draft(connection, desk, case_no, "deleted")


def _demand_open(status: str) -> None:
    if status not in TO_SUBMIT:
        _refuse(status)


def _refuse(status: str) -> None:
    here, here_english = STATUS_NAMES[status]
    raise InvalidMove(
        f"办件现在是“{here}”，不能再修改。",
        f"The case is {here_english} (`{status}`) and cannot be changed any more.",
    )
