"""The clock of a case: how many working days a department has, and until when.

行政许可法: a decision within the promised or statutory days (20 where nothing is said,
article 42), at most 10 more with a reason; delivery within 10 days of the decision
(article 44); what is waited for is not counted (article 45). The clock is counted from
the whole record each time, so late news of a pause counts as if it had come in time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Literal

from msgspec import Struct

from api.cases.states import GOES, ORDER, STAGES, STANDING, STOPS, stage_of
from api.database import CHINA
from api.workdays import add_working_days, working_days_between

DECISION_DAYS = 20
DELIVERY_DAYS = 10
EXTENSION_DAYS = 10
RECEIPT_DAYS = 5
YELLOW_DAYS = 2


class ClockEvent(Struct, frozen=True):
    """An event of the record as far as the clock goes; `days` where it announces some."""

    type: str
    occurred_at: datetime
    days: int | None

    @property
    def day(self) -> date:
        """The day in China."""
        return self.occurred_at.astimezone(CHINA).date()


class Terms(Struct, frozen=True):
    """What is counted from: status, days allowed, and the days things became complete."""

    status: str
    resume_status: str | None
    limit_days: int | None
    received_on: date | None
    decided_on: date | None
    completed_on: date | None
    result_code: str | None


class Clock(Struct, frozen=True):
    """Where the clock stands. `days_left` count from `started_on`; `warn_on` is the yellow day."""

    state: Literal["running", "paused", "stopped"]
    started_on: date | None = None
    days_left: int | None = None
    due_on: date | None = None
    provisional: bool = False
    warn_on: date | None = None


STOPPED = Clock("stopped")


def count_clock(terms: Terms, events: Sequence[ClockEvent]) -> Clock:
    """The clock as the record makes it; `events` in any order."""
    if terms.status not in STAGES and terms.status not in STANDING:
        return STOPPED
    stage = stage_of(terms.status, terms.resume_status)
    if stage == "completed":
        return _until_delivery(terms)
    if not STAGES["accepted"] <= STAGES[stage] < STAGES["completed"]:
        return STOPPED
    began = terms.received_on or terms.decided_on
    if began is None:
        return STOPPED
    total = terms.limit_days if terms.limit_days is not None else DECISION_DAYS
    return _walk(terms, events, began, total)


def _until_delivery(terms: Terms) -> Clock:
    """A completed case is no longer handled; what was issued is still to be delivered."""
    since = terms.decided_on or terms.completed_on
    if since is None or terms.result_code not in (None, "0"):
        return STOPPED
    due = add_working_days(since, DELIVERY_DAYS)
    warn_on = _warn_on(since, DELIVERY_DAYS, DELIVERY_DAYS)
    return Clock("stopped", None, None, due.on, due.provisional, warn_on)


def _walk(terms: Terms, events: Sequence[ClockEvent], began: date, total: int) -> Clock:
    started, left = began, total
    running, extended, decided = True, False, False
    for event in sorted(events, key=lambda e: (e.occurred_at, ORDER[e.type])):
        day = max(event.day, started)
        if event.type == "extended" and not extended:
            extended = True
            total += event.days or EXTENSION_DAYS
            left += event.days or EXTENSION_DAYS
        elif event.type == "decided" and not decided:
            # From here on the days for the delivery count.
            decided, running = True, True
            started, left, total = day, DELIVERY_DAYS, DELIVERY_DAYS
        elif event.type in STOPS and running:
            left -= working_days_between(started, day).count
            started, running = day, False
        elif not running and (event.type in GOES or event.type in STAGES):
            started, running = day, True
    if terms.status in STANDING:
        return Clock("paused", started, left)
    due = add_working_days(started, max(0, left))
    return Clock("running", started, left, due.on, due.provisional, _warn_on(started, left, total))


def _warn_on(started: date, left: int, total: int) -> date:
    # Yellow from the day on which four fifths are used up, or two days are left.
    spare = max(YELLOW_DAYS, total // 5)
    return add_working_days(started, max(0, left - spare)).on
