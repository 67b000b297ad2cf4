"""What an event does to a case, without a database: where it brings it, and what it says.

Departments' clocks are not ours, so an event from outside is only ever compared with
others from outside. One that is older than the newest of them is late: it is put on
record and cannot be refused. It moves the case only where the newer ones left out what it
says, such as a review that came after the end of a suspension; so the end is the same
in whatever order a department's events arrive.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.cases.count_clock import DECISION_DAYS, EXTENSION_DAYS
from api.cases.refusals import InvalidMove, cannot_move
from api.cases.rows import CaseRow
from api.cases.schemas import CaseResult, Correction, FeeDue
from api.cases.states import (
    ORDER,
    RESUME,
    STAGES,
    STANDING,
    STAY,
    STOPS,
    resume_stage,
    stage_of,
    target_of,
)
from api.database import CHINA
from api.privacy import mask_text
from api.workdays import add_working_days

# These say nothing of where a case stands, so they are in nobody's way.
ASIDE = frozenset({"extended", "transferred"})
_BROUGHT_BY = {**{stop: event for event, stop in STOPS.items()}, **{s: s for s in ORDER}}


class Move(Struct, frozen=True, kw_only=True):
    """One event on its way to a case.

    `actor` as `Caller.actor` gives it, or `system:…`. Events from outside carry
    `platform_id`, `event_id`, `fingerprint` and their own `occurred_at`; ours happen now.
    `days` are working days. `expect_version`: what the caller has seen, if it matters.
    """

    event_type: str
    actor: str
    occurred_at: datetime | None = None
    platform_id: str | None = None
    event_id: str | None = None
    fingerprint: bytes | None = None
    note: str | None = None
    reason: str | None = None
    days: int | None = None
    correction: Correction | None = None
    result: CaseResult | None = None
    fee: FeeDue | None = None
    expect_version: int | None = None

    @property
    def words(self) -> str:
        """Why: the reason, else the note; empty where neither says anything."""
        return (self.reason or "").strip() or (self.note or "").strip()

    @property
    def is_outside(self) -> bool:
        """Told by a department's system."""
        return self.event_id is not None


def masked(move: Move) -> Move:
    """The move with every number of a person taken out of its words, which many will read."""
    replace = msgspec.structs.replace
    correction, result = move.correction, move.result
    if correction is not None:
        wanted = [replace(m, reason=_mask(m.reason)) for m in correction.wanted]
        correction = replace(correction, note=_mask(correction.note), materials=wanted)
    if result is not None:
        result = replace(result, reason=_mask(result.reason))
    return replace(
        move, note=_mask(move.note), reason=_mask(move.reason), correction=correction, result=result
    )


def _mask(words: str | None) -> str | None:
    return None if words is None else mask_text(words)


class Decision(Struct, frozen=True):
    """Where the case then stands. `late`: only put on record, whatever it says."""

    status: str
    resume_status: str | None
    applied: bool
    late: bool


def decide_move(case: CaseRow, move: Move, moment: datetime) -> Decision:
    """Where an event that happened at `moment` brings a case. Raises InvalidMove."""
    event, status = move.event_type, case.status
    stage = stage_of(status, case.resume_status)
    if move.is_outside and _is_late(case, event, moment) and status != "draft":
        return _decide_late(case, event, stage)
    if event == "paid" and not move.is_outside and status not in ("draft", "awaiting_payment"):
        # Our own news that money came in; a stop for other reasons goes on.
        return Decision(status, case.resume_status, applied=True, late=False)
    target = target_of(event, status, stage)
    if target is None:
        raise cannot_move(status, event)
    if event == "extended" and case.extended_days:
        raise InvalidMove(
            "办理期限只能延长一次。", "The time limit of a case is extended only once."
        )
    if target == STAY:
        return Decision(status, case.resume_status, applied=True, late=False)
    if target == RESUME:
        return Decision(stage, None, applied=True, late=False)
    if target in STANDING:
        return Decision(target, resume_stage(event, stage), applied=True, late=False)
    return Decision(target, None, applied=True, late=False)


def _is_late(case: CaseRow, event: str, moment: datetime) -> bool:
    if case.pushed_at is None or moment > case.pushed_at:
        return False
    if moment < case.pushed_at:
        return True
    return event not in ASIDE and ORDER[event] < ORDER[_BROUGHT_BY[case.status]]


def _decide_late(case: CaseRow, event: str, stage: str) -> Decision:
    known = Decision(case.status, case.resume_status, applied=False, late=True)
    rank = STAGES.get(event, 0)
    if case.status == "withdrawn" or rank < STAGES["accepted"] or rank <= STAGES[stage]:
        return known
    if case.status in STANDING and rank < STAGES["completed"]:
        # What stands still now goes on from further along.
        return Decision(case.status, event, applied=False, late=True)
    return Decision(event, None, applied=True, late=True)


def take_effect(case: CaseRow, move: Move, decision: Decision, moment: datetime) -> CaseRow:
    """The case with what the event says written into it; the clock is counted apart.

    What only one event says (the result, the payment) is taken from a late one too.
    """
    changed: dict[str, Any] = {
        "status": decision.status,
        "resume_status": decision.resume_status,
        "version": case.version + 1,
        "last_seq": case.last_seq + 1,
    }
    if move.is_outside and not decision.late and move.event_type not in ASIDE:
        changed["pushed_at"] = moment
    day = moment.astimezone(CHINA).date()
    changed.update(_facts(case, move, decision, moment, day))
    if decision.status != "awaiting_correction":
        changed["correction"] = None
    if decision.status != "suspended":
        changed["suspension"] = None
    after: CaseRow = msgspec.structs.replace(case, **changed)
    return _with_acceptance(after, day)


def _facts(
    case: CaseRow, move: Move, decision: Decision, moment: datetime, day: date
) -> dict[str, Any]:
    match move.event_type:
        case "submitted":
            return {"submitted_at": case.submitted_at or moment, "received_on": day}
        case "corrected":
            # Handed in before acceptance: only now are the materials complete.
            return {} if case.accepted_on else {"received_on": day}
        case "correction_requested" if decision.applied:
            return {
                "correction": _correction(move, moment, day),
                "corrections_count": case.corrections_count + 1,
            }
        case "suspended" if decision.applied:
            return {"suspension": _suspension(move, moment, day)}
        case "extended":
            return {"extended_days": case.extended_days or move.days or EXTENSION_DAYS}
        case "decided":
            return {"decided_on": case.decided_on or day}
        case "completed":
            return _result(case, move, moment)
        case "payment_requested" | "paid":
            return _payment(case, move, moment)
        case "evaluated":
            return {"evaluated_at": case.evaluated_at or moment}
    return {}


def _correction(move: Move, moment: datetime, day: date) -> str:
    asked = move.correction or Correction()
    due = add_working_days(day, asked.due_days)
    wanted = {
        **msgspec.structs.asdict(asked),
        "materials": asked.wanted,
        "requested_at": moment,
        "due_on": due.on,
    }
    return msgspec.json.encode(wanted).decode()


def _suspension(move: Move, moment: datetime, day: date) -> str:
    # How long it will take is not always known.
    until = None if move.days is None else add_working_days(day, move.days).on
    announced = {
        "reason": move.words,
        "days": move.days,
        "since": moment,
        "expected_until": until,
    }
    return msgspec.json.encode(announced).decode()


def _result(case: CaseRow, move: Move, moment: datetime) -> dict[str, Any]:
    if case.result_code is not None:
        return {}
    result = move.result or CaseResult()
    return {
        "result_code": result.code,
        "result_reason": result.reason or move.words or None,
        "result": msgspec.json.encode(result).decode(),
        "completed_at": case.completed_at or moment,
    }


def _payment(case: CaseRow, move: Move, moment: datetime) -> dict[str, Any]:
    changed: dict[str, Any] = {}
    if move.fee is not None:
        changed = {"fee_fen": move.fee.amount_fen, "fee_basis": move.fee.basis or case.fee_basis}
    if move.event_type == "paid":
        changed["paid_at"] = case.paid_at or moment
    return changed


def _with_acceptance(case: CaseRow, day: date) -> CaseRow:
    stage = stage_of(case.status, case.resume_status)
    if case.accepted_on is not None or STAGES.get(stage, 0) < STAGES["accepted"]:
        return case
    if case.result_code == "6":
        return case
    received = case.received_on or day
    limit = case.limit_days if case.limit_days is not None else DECISION_DAYS
    return msgspec.structs.replace(
        case, accepted_on=received, received_on=received, limit_days=limit
    )
