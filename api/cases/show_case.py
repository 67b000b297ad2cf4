"""A case as the clerk who handles it sees it. To look at the person is an act on record."""

from __future__ import annotations

from typing import Any

import msgspec

from api.access import Caller, covers
from api.access_log import note_access
from api.audit import note
from api.cases import queries
from api.cases.refusals import no_such_case
from api.cases.rows import EventRow, WholeCase
from api.cases.schemas import ClerkCase, RecordedEvent
from api.cases.sealed import open_applicant, open_form
from api.cases.states import EVENT_LABELS, OUTSIDE_EVENTS, label_of, stage_of, target_of
from api.statements import Connection
from api.vault import Vault


async def show_case(
    connection: Connection, vault: Vault, caller: Caller, case_no: str, purpose: str | None
) -> ClerkCase:
    """With a purpose the form and the applicant are opened, and that they were is noted in the
    same transaction. Raises NotFound for a case outside the clerk's rights."""
    row = await queries.find_whole_case(connection, case_no=case_no)
    if row is None or not covers(caller, row.service_code, row.region_code):
        raise no_such_case()
    events = await queries.list_events(connection, case_no=case_no)
    form: Any = None
    applicant: Any = None
    if purpose is not None:
        await _note_look(connection, caller, row, purpose)
        form = open_form(vault, case_no, row.form_sealed)
        applicant = msgspec.structs.asdict(open_applicant(vault, case_no, row.applicant_sealed))
    return _shape(row, events, form, applicant)


async def _note_look(connection: Connection, caller: Caller, row: WholeCase, purpose: str) -> None:
    await note(
        connection, actor=caller.actor, action="case.revealed", subject=f"case:{row.case_no}"
    )
    if row.citizen_id is not None:
        what = f"form and applicant of case {row.case_no}"
        await note_access(connection, row.citizen_id, caller.actor, purpose, what)


def _shape(row: WholeCase, events: list[EventRow], form: Any, applicant: Any) -> ClerkCase:
    stage = stage_of(row.status, row.resume_status)
    return ClerkCase(
        case_no=row.case_no,
        service_code=row.service_code,
        service_name=row.service_name,
        region_code=row.region_code,
        origin=row.origin,
        status=row.status,
        label=label_of(row.status, evaluated=row.evaluated_at is not None)[0],
        version=row.version,
        clock=row.clock,
        limit_days=row.limit_days,
        due_on=row.due_on,
        due_provisional=row.due_provisional,
        accepted_on=row.accepted_on,
        correction=_read(row.correction),
        suspension=_read(row.suspension),
        result=_read(row.result),
        fee_fen=row.fee_fen,
        paid_at=row.paid_at,
        materials=_read(row.materials),
        form=form,
        applicant=applicant,
        moves=[event for event in OUTSIDE_EVENTS if target_of(event, row.status, stage)],
        events=[_event(event) for event in reversed(events)],
    )


def _read(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _event(row: EventRow) -> RecordedEvent:
    return RecordedEvent(
        seq=row.seq,
        type=row.type,
        label=EVENT_LABELS[row.type][0],
        applied=row.applied,
        from_status=row.from_status,
        to_status=row.to_status,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
        actor=row.actor,
        note=row.note,
    )
