"""Submission: complete, assured, eligible; then the department's, or decided at once."""

from __future__ import annotations

from msgspec import structs

from api.access_log import note_access
from api.cases.decide_move import Move
from api.cases.intake import queries
from api.cases.intake.check_answers import fault
from api.cases.intake.check_materials import check_materials, find_held
from api.cases.intake.hand_in import Application, Desk, kept_json, lock_case, open_application
from api.cases.intake.load_guide import CaseGuide
from api.cases.intake.refusals import AssuranceNeeded, NotEligible
from api.cases.intake.rows import CaseRow
from api.cases.intake.schemas import HandedIn
from api.cases.move_case import move_case
from api.cases.refusals import cannot_move
from api.cases.schemas import CaseResult
from api.cases.sealed import seal_applicant, seal_form
from api.errors import ServiceWithdrawn, ValidationFailed
from api.rules import Facts, FeeDue, find_eligibility, find_fee, find_instant
from api.statements import Connection

SYSTEM = "system:process"
HANDED_OVER = "提交给办理部门"
ASSURANCE = ("basic", "verified", "face")
TO_SUBMIT = frozenset({"draft", "returned"})

_EVENTS = {
    "pre_check": "pre_checked",
    "acceptance": "accepted",
    "review": "reviewed",
    "decision": "decided",
    "completion": "completed",
}


async def submit_case(connection: Connection, desk: Desk, case_no: str) -> CaseRow:
    """Submit a draft or a returned case; one that was submitted stays as it is.

    Raises NotFound, InvalidMove (withdrawn), ServiceWithdrawn, ValidationFailed naming all
    that is missing, AssuranceNeeded, NotEligible and TableFailed.
    """
    row = await lock_case(connection, desk, case_no)
    if row.status == "withdrawn":
        raise cannot_move(row.status, "submitted")
    if row.status not in TO_SUBMIT:
        return row
    service = await queries.find_service(
        connection, service_code=row.service_code, today=desk.today
    )
    if service is None or service.withdrawn:
        raise ServiceWithdrawn()
    application = await open_application(connection, desk, row)
    await _check_again(connection, desk, row, application)
    await hand_over(connection, desk, row, application, "submitted")
    return await lock_case(connection, desk, case_no)


async def hand_over(
    connection: Connection, desk: Desk, row: CaseRow, application: Application, event: str
) -> None:
    """Store what was handed in, move the case, and decide it at once where a table says so."""
    facts = application.facts(desk.today)
    weight = application.weigh(desk.today)
    demand_permitted(application, facts)
    due = fee_of(application.guide, facts, row)
    await note_access(
        connection, row.citizen_id, desk.caller.actor, HANDED_OVER, "form name id_number phone"
    )
    await queries.store_handed_in(
        connection,
        case_no=row.case_no,
        citizen_id=row.citizen_id,
        form_sealed=seal_form(desk.vault, row.case_no, application.form),
        applicant_sealed=seal_applicant(desk.vault, row.case_no, application.known.applicant),
        materials=kept_json(application.materials),
        completeness_percent=weight.percent,
        fee_fen=due and due.amount_fen,
        fee_basis=due and due.basis,
    )
    await move_case(connection, row.case_no, Move(event_type=event, actor=desk.caller.actor))
    if event == "submitted" and find_instant(application.guide.handling.rules, facts).approve:
        await decide_at_once(connection, row.case_no, application.guide, after="submitted")


async def decide_at_once(
    connection: Connection, case_no: str, guide: CaseGuide, *, after: str
) -> None:
    """Go through the steps as the system, to the end, or to where a payment is due."""
    events = [_EVENTS[step.stage] for step in guide.steps if step.stage in _EVENTS]
    # Whatever steps a department names, these are what the law knows of every case.
    through = [e for e in _EVENTS.values() if e in {*events, "accepted", "decided", "completed"}]
    through = through[through.index(after) + 1 :] if after in through else through
    for event in through:
        move = Move(event_type=event, actor=SYSTEM)
        if event == "completed":
            move = structs.replace(move, result=CaseResult(name=guide.handling.result_certificate))
        moved = await move_case(connection, case_no, move)
        if moved.status == "awaiting_payment":
            return


def demand_permitted(application: Application, facts: Facts) -> None:
    """Raises AssuranceNeeded and NotEligible."""
    process = application.guide.handling
    level = application.known.assurance_level
    if ASSURANCE.index(level) < ASSURANCE.index(process.assurance_level):
        raise AssuranceNeeded()
    eligibility = find_eligibility(process.rules, facts)
    if not eligibility.eligible:
        reason = eligibility.reason
        raise NotEligible(reason and f"您目前不符合办理条件：{reason}。", reason)


def fee_of(guide: CaseGuide, facts: Facts, row: CaseRow) -> FeeDue | None:
    """What is to be paid for it; what was paid, or what a person said is due, stays."""
    if guide.handling.payment is None or row.paid_at is not None:
        return None if row.fee_fen is None else FeeDue(row.fee_fen, row.fee_basis)
    return find_fee(guide.handling.rules, facts, guide.facts)


async def _check_again(
    connection: Connection, desk: Desk, row: CaseRow, application: Application
) -> None:
    """All that is missing, and certificates that have lapsed since the draft."""
    weight = application.weigh(desk.today)
    missing = [fault(missing.field, "missing") for missing in weight.missing]
    given = [HandedIn(m.material_id, m.upload_id, m.certificate_id) for m in application.materials]
    held = await find_held(connection, row.citizen_id, given)
    lapsed = list(check_materials(application.guide, given, held, row.case_no, desk.today))
    if missing or lapsed:
        raise ValidationFailed(
            "申请还不完整，请补齐后再提交。",
            "The application is not complete yet. See `errors`.",
            errors=[*missing, *lapsed],
        )
