"""Where a case stands, as the citizen reads it: made once, kept as bytes, never over 2 KB.

What the cache keeps begins with a line of its own: whose case it is, of which item, in
which version. So a hit costs no statement, not even to prove the owner. Names, numbers and
forms are not in it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from api.cache import Cache
from api.cases import queries
from api.cases.refusals import no_such_case
from api.cases.rows import ProgressRow
from api.cases.schemas import (
    PaymentOfCase,
    Progress,
    ProgressEvent,
    ProgressStep,
    ServiceOfCase,
)
from api.cases.states import EVENT_LABELS, STAGES, label_of, stage_of
from api.database import Database
from api.processes import STANDARD_STEPS, ProcessStep
from api.settings import Settings

LIMIT_BYTES = 2048

_DONE_BY = {
    "pre_check": "pre_checked",
    "acceptance": "accepted",
    "review": "reviewed",
    "decision": "decided",
    "completion": "completed",
    "delivery": "delivered",
}


class Cut(Struct, frozen=True):
    """How much is shown where there is much to say: characters, and the number of events."""

    name: int
    step: int
    note: int
    events: int


# Tried in turn until it fits; the last one fits whatever a case holds.
CUTS = (
    Cut(name=100, step=40, note=100, events=10),
    Cut(name=60, step=20, note=60, events=8),
    Cut(name=40, step=12, note=40, events=5),
    Cut(name=30, step=8, note=20, events=3),
    Cut(name=20, step=6, note=0, events=1),
)


class Kept(Struct, frozen=True):
    """Progress as the cache keeps it; `body` is its JSON."""

    owner: str | None
    service_code: str
    version: int
    body: bytes


class _Event(Struct, frozen=True):
    seq: int
    type: str
    at: str
    note: str | None


async def load_progress(
    database: Database, cache: Cache, settings: Settings, case_no: str
) -> Kept | None:
    """Progress from the cache or, with one statement, from the database; None: no such case."""

    async def load() -> bytes | None:
        row = await database.read(lambda c: queries.find_progress(c, case_no=case_no))
        return None if row is None else _pack(row)

    found = await cache.fetch(
        progress_key(case_no), load, seconds=settings.cache_seconds, version_of=_version_of
    )
    return None if found is None else _unpack(found)


async def load_own_progress(
    database: Database, cache: Cache, settings: Settings, case_no: str, owner: str
) -> Kept:
    """The same for its owner only. Raises NotFound, for a foreign case as for a missing one."""
    kept = await load_progress(database, cache, settings, case_no)
    if kept is None or kept.owner != owner:
        raise no_such_case()
    return kept


async def forget_progress(cache: Cache, case_no: str, version: int) -> None:
    """After a commit: let nobody be shown an older version than this one."""
    await cache.forget([progress_key(case_no)], version)


def progress_key(case_no: str) -> str:
    """Where the cache keeps it."""
    return f"progress:{case_no}"


def shape_progress(row: ProgressRow) -> bytes:
    """The JSON, cut as little as its limit allows."""
    for cut in CUTS:
        body = msgspec.json.encode(_progress(row, cut))
        if len(body) <= LIMIT_BYTES:
            return body
    return body


def _progress(row: ProgressRow, cut: Cut) -> Progress:
    label, _english = label_of(row.status, evaluated=row.evaluated_at is not None)
    return Progress(
        case_no=row.case_no,
        service=ServiceOfCase(row.service_code, _cut(row.service_name, cut.name)),
        status=row.status,
        label=label,
        steps=_steps(row, cut),
        events=_events(row, cut),
        due_on=row.due_on,
        due_provisional=row.due_provisional,
        clock=row.clock,  # type: ignore[arg-type]
        payment=_payment(row),
        updated_at=say_time(row.updated_at),
        version=row.version,
    )


def _payment(row: ProgressRow) -> PaymentOfCase | None:
    if row.bill_no is not None and row.bill_status is not None:
        return PaymentOfCase(row.bill_no, row.bill_status, row.bill_fen)
    if row.status == "awaiting_payment":
        # The bill is raised this moment.
        return PaymentOfCase(None, "unpaid", row.fee_fen)
    return None


def _steps(row: ProgressRow, cut: Cut) -> list[ProgressStep]:
    steps = msgspec.json.decode(row.steps or "null", type=list[ProcessStep] | None)
    reached = msgspec.json.decode(row.reached or "null", type=dict[str, str] | None) or {}
    rank = _rank(row, reached)
    shown: list[ProgressStep] = []
    waiting = row.status in ("draft", "withdrawn")
    for step in steps or STANDARD_STEPS:
        event = _DONE_BY[step.stage]
        name, at = _cut(step.name, cut.step), reached.get(event)
        if STAGES[event] <= rank:
            shown.append(ProgressStep(name, "done" if at else "skipped", at))
        elif row.status == "withdrawn":
            shown.append(ProgressStep(name, "skipped", None))
        else:
            shown.append(ProgressStep(name, "todo" if waiting else "current", None))
            waiting = True
    return shown


def _rank(row: ProgressRow, reached: dict[str, str]) -> int:
    if row.status == "withdrawn":
        return max((STAGES[event] for event in reached if event in STAGES), default=0)
    stage = stage_of(row.status, row.resume_status)
    # Returned by the pre-check: that step is still to be passed.
    return STAGES["submitted"] if stage == "returned" else STAGES[stage]


def _events(row: ProgressRow, cut: Cut) -> list[ProgressEvent]:
    newest_first = msgspec.json.decode(row.events or "null", type=list[_Event] | None) or []
    return [
        ProgressEvent(
            event.seq,
            event.type,
            EVENT_LABELS[event.type][0],
            event.at,
            (_cut(event.note, cut.note) or None) if event.note else None,
        )
        for event in reversed(newest_first[: cut.events])
    ]


def say_time(moment: datetime) -> str:
    """A time to the second, as RFC 3339."""
    return moment.isoformat(timespec="seconds")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 1)] + "…" * (most > 0)


def _pack(row: ProgressRow) -> bytes:
    head = f"{row.citizen_id or ''} {row.service_code} {row.version}\n"
    return head.encode() + shape_progress(row)


def _unpack(kept: bytes) -> Kept:
    head, _, body = kept.partition(b"\n")
    owner, service_code, version = head.decode().split(" ")
    return Kept(owner or None, service_code, int(version), body)


def _version_of(kept: bytes) -> int:
    return _unpack(kept).version
