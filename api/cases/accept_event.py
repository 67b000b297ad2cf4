"""A department's system tells what became of a case: once, or up to 500 times in a batch."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any

import msgspec

from api.access import Caller, covers
from api.cache import Cache
from api.cases import queries
from api.cases.decide_move import Move
from api.cases.move_case import Moved, check_moment, move_case
from api.cases.refusals import no_such_case, wrong_value
from api.cases.schemas import CaseNo, EventBody, EventOutcome, RowProblem, spelled_out
from api.cases.show_progress import forget_progress
from api.database import Database
from api.errors import Problem, ProblemAnswer, render
from api.statements import Connection

# So many cases of a batch are on their way at once; the rows of one case stay in their order.
ABREAST = 4
_PLACE = re.compile(r"at `\$\.([a-z_.\[\]0-9]{1,80})`\Z")
_FIELD = re.compile(r"field `([a-z_]{1,40})`")


class BatchRow(EventBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of a batch: an event, and whose it is."""

    case_no: CaseNo


async def accept_event(
    database: Database, cache: Cache, caller: Caller, case_no: str, event: EventBody
) -> Moved:
    """Put an event on record and move the case. Raises what `move_case` raises, and NotFound
    for a case outside the platform's rights."""
    check_moment(event.occurred_at)

    async def decide(connection: Connection) -> Moved:
        await demand_rights(connection, caller, case_no)
        return await move_case(connection, case_no, _move(caller, case_no, event))

    moved = await database.decide(decide)
    if not moved.repeated:
        await forget_progress(cache, case_no, moved.version)
    return moved


async def demand_rights(connection: Connection, caller: Caller, case_no: str) -> None:
    """Raises NotFound for a case that is not there, a draft, or outside the caller's rights."""
    found = await queries.find_rights(connection, case_no=case_no)
    if found is None or found.status == "draft":
        raise no_such_case()
    if not covers(caller, found.service_code, found.region_code):
        raise no_such_case()


async def accept_events(
    database: Database, cache: Cache, caller: Caller, rows: Sequence[Any], *, english: bool
) -> list[EventOutcome]:
    """Each row on its own: what is wrong with one is said in its outcome and harms no other."""
    outcomes: list[EventOutcome | None] = [None] * len(rows)
    cases: dict[str, list[tuple[int, Any]]] = {}
    for number, row in enumerate(rows):
        case_no = row.get("case_no") if isinstance(row, dict) else None
        cases.setdefault(str(case_no), []).append((number, row))
    places = asyncio.Semaphore(ABREAST)

    async def take(of_one_case: list[tuple[int, Any]]) -> None:
        async with places:
            for number, row in of_one_case:
                outcomes[number] = await _take_row(database, cache, caller, row, english=english)

    async with asyncio.TaskGroup() as group:
        for of_one_case in cases.values():
            group.create_task(take(of_one_case))
    return [outcome for outcome in outcomes if outcome is not None]


async def _take_row(
    database: Database, cache: Cache, caller: Caller, row: Any, *, english: bool
) -> EventOutcome:
    event_id, case_no = _spelled(row, "event_id"), _spelled(row, "case_no")
    try:
        event = msgspec.convert(row, BatchRow)
        moved = await accept_event(database, cache, caller, event.case_no, event)
    except (Problem, msgspec.ValidationError) as error:
        return EventOutcome(event_id, case_no, None, _row_problem(error, english=english))
    return EventOutcome(event_id, case_no, moved.applied and not moved.repeated, None)


def _row_problem(error: Problem | msgspec.ValidationError, *, english: bool) -> RowProblem:
    problem = error if isinstance(error, Problem) else _name_field(error)
    body = render(problem, request_id=None, english=english)
    said = msgspec.json.decode(body, type=ProblemAnswer)
    words = [said.detail, *(wrong.detail for wrong in said.errors or ())]
    return RowProblem(said.code, " ".join(words))


def _name_field(error: msgspec.ValidationError) -> Problem:
    # Of the library's words only the field's name: the others may quote what was sent.
    found = _PLACE.search(str(error)) or _FIELD.search(str(error))
    field = found[1] if found else "row"
    return wrong_value(field, "invalid", f"“{field}”不正确。", f"`{field}` is not right.")


def _spelled(row: Any, field: str) -> str | None:
    value = row.get(field) if isinstance(row, dict) else None
    return value[:128] if isinstance(value, str) else None


def _move(caller: Caller, case_no: str, event: EventBody) -> Move:
    return Move(
        event_type=event.type,
        actor=caller.actor,
        occurred_at=event.occurred_at,
        platform_id=caller.owner,
        event_id=event.event_id,
        fingerprint=fingerprint(case_no, event),
        note=event.note,
        reason=event.reason,
        days=event.days,
        correction=event.correction,
        result=spelled_out(event.result),
        fee=event.fee,
    )


def fingerprint(case_no: str, event: EventBody) -> bytes:
    """SHA-256 of all that an event says, the same however its time's zone is spelled."""
    said = {field: getattr(event, field) for field in EventBody.__struct_fields__} | {
        "occurred_at": event.occurred_at.astimezone(UTC),
        "case_no": case_no,
    }
    return hashlib.sha256(msgspec.json.encode(said, order="sorted")).digest()
