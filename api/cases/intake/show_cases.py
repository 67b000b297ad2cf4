"""A citizen's own cases: the list, and one whole."""

from __future__ import annotations

from datetime import datetime

import msgspec

from api.access import demand_scope
from api.access_log import note_access
from api.cases.intake import queries
from api.cases.intake.hand_in import Desk, answer_fields, lock_case, open_application
from api.cases.intake.rows import SummaryRow
from api.cases.intake.schemas import (
    AskedCorrection,
    CaseAnswer,
    CaseDetail,
    CaseSummary,
    Status,
)
from api.cases.refusals import no_such_case
from api.cases.schemas import CaseResult, ServiceOfCase
from api.cases.states import label_of
from api.pages import ListCursors, Page
from api.statements import Connection


async def list_cases(
    connection: Connection,
    desk: Desk,
    status: Status | None,
    of: ListCursors,
    cursor: str | None,
    limit: int,
) -> Page[CaseSummary]:
    """The newest first; an agent sees the principal's cases of the services in the authority."""
    authority = desk.caller.authority
    demand_scope(
        desk.caller, "apply", min(authority.service_codes, default="") if authority else ""
    )
    before = of.read(cursor, tuple[datetime, str], (desk.now.replace(year=9000), ""))
    rows = await queries.list_own_cases(
        connection,
        citizen_id=desk.caller.owner,
        before_created_at=before[0],
        before_case_no=before[1],
        status=status,
        service_codes=sorted(authority.service_codes) or None if authority else None,
        limit=limit + 1,
    )
    return of.cut(rows, limit, _summary, lambda row: (row.created_at, row.case_no))


async def show_case(connection: Connection, desk: Desk, case_no: str) -> CaseDetail:
    """The case with its form opened; noted in the citizen's access log. Raises NotFound."""
    row = await queries.find_own_case(connection, case_no=case_no, citizen_id=desk.caller.owner)
    if row is None:
        raise no_such_case()
    demand_scope(desk.caller, "apply", row.service_code)
    await note_access(connection, row.citizen_id, desk.caller.actor, "查看办件", "form")
    application = await open_application(connection, desk, row)
    weight = application.weigh(desk.today)
    return CaseDetail(
        **answer_fields(row, weight),
        region_code=row.region_code,
        guide_version=row.service_version,
        organisation_id=row.organisation_id,
        agent_id=row.agent_id,
        form=application.form,
        materials=application.materials,
        correction=msgspec.json.decode(row.correction, type=AskedCorrection)
        if row.correction
        else None,
        result=msgspec.json.decode(row.result, type=CaseResult) if row.result else None,
        due_on=row.due_on,
        due_provisional=row.due_provisional,
    )


async def answer_case(connection: Connection, desk: Desk, case_no: str) -> CaseAnswer:
    """Where a case stands after an act. Raises NotFound."""
    row = await lock_case(connection, desk, case_no)
    application = await open_application(connection, desk, row)
    return CaseAnswer(**answer_fields(row, application.weigh(desk.today)))


def _summary(row: SummaryRow) -> CaseSummary:
    return CaseSummary(
        case_no=row.case_no,
        service=ServiceOfCase(row.service_code, row.service_name),
        status=row.status,  # type: ignore[arg-type]
        label=label_of(row.status, evaluated=row.evaluated)[0],
        version=row.version,
        completeness_percent=row.completeness_percent,
        fee_fen=row.fee_fen,
        due_on=row.due_on,
        created_at=row.created_at,
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
    )
