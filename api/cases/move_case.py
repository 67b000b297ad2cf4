"""The one way a case moves.

Whoever moves it, a citizen, a department's system, a clerk or a rule of ours: the row is
locked, the event weighed, and row, record, audit note and fact are written in the
caller's transaction. The fact and the row's trigger then reach whoever shows progress.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from api.audit import note
from api.cases import queries
from api.cases.check_move import check_move, read_process
from api.cases.count_clock import Clock, ClockEvent, Terms, count_clock
from api.cases.decide_move import Decision, Move, decide_move, masked, take_effect
from api.cases.refusals import EventIdReused, PreconditionFailed, no_such_case, wrong_value
from api.cases.rows import CaseRow
from api.database import CHINA
from api.events import publish
from api.facts import CaseMoved
from api.statements import Connection

FUTURE = timedelta(minutes=5)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

_AFTER = {"acceptance": "accepted", "review": "reviewed", "decision": "decided"}


class Moved(Struct, frozen=True):
    """What became of an event. `applied` false: on record, but the case stands where it stood.

    `repeated`: it was known already, and nothing was written.
    """

    case_no: str
    seq: int
    version: int
    status: str
    applied: bool
    repeated: bool = False


async def move_case(connection: Connection, case_no: str, move: Move) -> Moved:
    """Move a case inside the caller's transaction; then `forget_progress` after the commit.

    Raises NotFound, PreconditionFailed (`expect_version`), EventIdReused, ValidationFailed
    (what the event must say) and InvalidMove.
    """
    case = await queries.lock_case(connection, case_no=case_no)
    if case is None:
        raise no_such_case()
    move = masked(move)
    if move.expect_version is not None and move.expect_version != case.version:
        raise PreconditionFailed()
    repeat = await _find_repeat(connection, case, move)
    if repeat is not None:
        return repeat
    moment = datetime.now(CHINA) if move.occurred_at is None else check_moment(move.occurred_at)
    await check_move(connection, case, move)
    decision = decide_move(case, move, moment)
    await _write(connection, case, move, decision, moment)
    if await _fee_follows(connection, case, move, decision):
        asked = Move(event_type="payment_requested", actor="system:process")
        return msgspec.structs.replace(
            await move_case(connection, case_no, asked), seq=case.last_seq + 1
        )
    return Moved(
        case_no, case.last_seq + 1, case.version + 1, decision.status, applied=decision.applied
    )


async def _find_repeat(connection: Connection, case: CaseRow, move: Move) -> Moved | None:
    if not move.is_outside:
        return None
    known = await queries.find_known_event(
        connection, platform_id=move.platform_id, event_id=move.event_id
    )
    if known is None:
        return None
    if known.case_no != case.case_no or known.fingerprint != move.fingerprint:
        raise EventIdReused()
    return Moved(
        case.case_no, known.seq, case.version, case.status, applied=known.applied, repeated=True
    )


def check_moment(occurred_at: datetime) -> datetime:
    """The moment in China. Raises ValidationFailed where it is in the future, or long past."""
    if not EARLIEST <= occurred_at <= datetime.now(CHINA) + FUTURE:
        raise wrong_value(
            "occurred_at",
            "out_of_range",
            "“occurred_at”不能晚于现在5分钟以上，也不能早于2000年。",
            "`occurred_at` may not be more than 5 minutes ahead, nor before the year 2000.",
        )
    return occurred_at.astimezone(CHINA)


async def _write(
    connection: Connection, case: CaseRow, move: Move, decision: Decision, moment: datetime
) -> None:
    after = take_effect(case, move, decision, moment)
    seq = await queries.add_event(
        connection,
        case_no=case.case_no,
        seq=after.last_seq,
        type=move.event_type,
        applied=decision.applied,
        from_status=case.status,
        to_status=after.status if decision.applied else None,
        occurred_at=moment,
        actor=move.actor,
        platform_id=move.platform_id,
        event_id=move.event_id,
        fingerprint=move.fingerprint,
        note=move.note,
        details=_details(move),
    )
    if seq is None:
        raise EventIdReused()
    events = await queries.list_clock_events(connection, case_no=case.case_no)
    await store(connection, with_clock(after, events))
    await note(
        connection,
        actor=move.actor,
        action=f"case.{move.event_type}",
        subject=f"case:{case.case_no}",
        details={"from": case.status, "to": after.status, "seq": seq, "applied": decision.applied},
    )
    if decision.applied:
        await publish(connection, _fact(after, move))


async def store(connection: Connection, case: CaseRow) -> None:
    """Write the changing columns of a locked case."""
    fields = msgspec.structs.asdict(case)
    for kept in ("citizen_id", "platform_id", "service_code", "service_version", "region_code"):
        del fields[kept]
    await queries.store_case(connection, **fields)


def with_clock(case: CaseRow, events: list[ClockEvent]) -> CaseRow:
    """The case with its clock counted from the whole record; a changed clock warns anew."""
    clock = count_clock(_terms(case), events)
    same = clock.due_on == case.due_on and clock.state == case.clock
    return msgspec.structs.replace(
        case,
        clock=clock.state,
        clock_from=clock.started_on,
        clock_days_left=clock.days_left,
        due_on=clock.due_on,
        due_provisional=clock.provisional,
        warn_on=clock.warn_on,
        warned=case.warned if same else _warned(clock),
    )


def _warned(clock: Clock) -> str | None:
    today = datetime.now(CHINA).date()
    if clock.due_on is None or clock.warn_on is None or today < clock.warn_on:
        return None
    return "red" if clock.due_on < today else "yellow"


def _terms(case: CaseRow) -> Terms:
    completed = case.completed_at
    return Terms(
        case.status,
        case.resume_status,
        case.limit_days,
        case.accepted_on,
        case.decided_on,
        None if completed is None else completed.astimezone(CHINA).date(),
        case.result_code,
    )


async def _fee_follows(
    connection: Connection, case: CaseRow, move: Move, decision: Decision
) -> bool:
    """Whether the process says that the case now waits for its fee."""
    if not case.fee_fen or case.paid_at is not None or decision.status != move.event_type:
        return False
    if not decision.applied or decision.status not in _AFTER.values():
        return False
    process = await read_process(connection, case)
    return process.payment is not None and _AFTER[process.payment.after] == decision.status


def _details(move: Move) -> str | None:
    said = {
        name: value
        for name in ("reason", "days", "correction", "result", "fee")
        if (value := getattr(move, name)) is not None
    }
    return msgspec.json.encode(said).decode() if said else None


def _fact(case: CaseRow, move: Move) -> CaseMoved:
    return CaseMoved(
        case_no=case.case_no,
        seq=case.last_seq,
        event_type=move.event_type,
        status=case.status,
        version=case.version,
        service_code=case.service_code,
        region_code=case.region_code,
        citizen_id=case.citizen_id,
        platform_id=case.platform_id,
    )
