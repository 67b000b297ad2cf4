"""Working days: from the day after the materials were complete, pauses not counted."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.cases.count_clock import Clock, ClockEvent, Terms, count_clock
from api.database import CHINA
from api.workdays import CERTAIN_UNTIL, add_working_days, is_working_day, working_days_between


def on(kind: str, day: date, days: int | None = None) -> ClockEvent:
    return ClockEvent(kind, datetime.combine(day, time(10), CHINA), days)


def terms(status: str, received: date, **changed: Any) -> Terms:
    given: dict[str, Any] = {
        "status": status,
        "resume_status": None,
        "limit_days": 20,
        "received_on": received,
        "decided_on": None,
        "completed_on": None,
        "result_code": None,
    }
    return Terms(**{**given, **changed})


MONDAY = date(2026, 3, 2)


def test_the_clock_begins_with_the_day_after_the_materials_were_complete() -> None:
    clock = count_clock(terms("accepted", MONDAY), [on("accepted", date(2026, 3, 5))])
    # Four weeks without a holiday.
    assert clock == Clock(
        "running", MONDAY, 20, date(2026, 3, 30), provisional=False, warn_on=date(2026, 3, 24)
    )


def test_before_acceptance_nothing_runs() -> None:
    for status in ("draft", "submitted", "pre_checked", "returned", "withdrawn"):
        assert count_clock(terms(status, MONDAY), []).state == "stopped"


def test_an_acceptance_before_the_spring_festival_skips_its_nine_days() -> None:
    # 2026-02-15 to 23 are free, 02-14 and 02-28 are worked for them.
    clock = count_clock(terms("accepted", date(2026, 2, 13), limit_days=3), [])
    assert clock.due_on == date(2026, 2, 25)


def test_a_pause_over_a_holiday_costs_no_working_day() -> None:
    events = [
        on("accepted", date(2026, 4, 27)),
        # 2026-05-01 to 05 are free.
        on("suspended", date(2026, 4, 29), 10),
        on("resumed", date(2026, 5, 7)),
    ]
    clock = count_clock(terms("accepted", date(2026, 4, 27), limit_days=10), events)
    # Two days were used before the pause, eight are left after it.
    assert clock.days_left == 8
    assert clock.started_on == date(2026, 5, 7)
    assert clock.due_on == add_working_days(date(2026, 5, 7), 8).on


def test_a_paused_clock_has_no_day_and_keeps_what_is_left() -> None:
    for status in ("awaiting_correction", "suspended", "awaiting_payment"):
        stop = {
            "awaiting_correction": "correction_requested",
            "suspended": "suspended",
            "awaiting_payment": "payment_requested",
        }[status]
        clock = count_clock(
            terms(status, MONDAY, resume_status="accepted"), [on(stop, date(2026, 3, 6))]
        )
        assert (clock.state, clock.days_left, clock.due_on) == ("paused", 16, None)


def test_an_extension_adds_its_days_once() -> None:
    events = [on("extended", date(2026, 3, 9), 10), on("extended", date(2026, 3, 10), 10)]
    clock = count_clock(terms("accepted", MONDAY), events)
    assert clock.due_on == add_working_days(MONDAY, 30).on


def test_news_of_a_pause_that_comes_late_counts_all_the_same() -> None:
    events = [on("resumed", date(2026, 3, 13)), on("suspended", date(2026, 3, 6), 5)]
    assert count_clock(terms("accepted", MONDAY), events) == count_clock(
        terms("accepted", MONDAY), events[::-1]
    )


def test_after_the_decision_ten_days_are_left_for_the_delivery() -> None:
    decided = date(2026, 3, 11)
    events = [on("decided", decided)]
    clock = count_clock(terms("decided", MONDAY, decided_on=decided), events)
    assert (clock.state, clock.due_on) == ("running", date(2026, 3, 25))
    completed = terms("completed", MONDAY, decided_on=decided, result_code="0")
    clock = count_clock(completed, events)
    assert (clock.state, clock.due_on) == ("stopped", date(2026, 3, 25))


def test_what_is_delivered_or_refused_has_nothing_due() -> None:
    decided = date(2026, 3, 11)
    for status, code in (("delivered", "0"), ("completed", "1"), ("completed", "6")):
        clock = count_clock(terms(status, MONDAY, decided_on=decided, result_code=code), [])
        assert clock == Clock("stopped")


def test_a_day_beyond_the_published_calendar_is_provisional() -> None:
    near = CERTAIN_UNTIL - timedelta(days=7)
    clock = count_clock(terms("accepted", near), [])
    assert clock.provisional
    assert clock.due_on is not None
    assert clock.due_on > CERTAIN_UNTIL
    assert not count_clock(terms("accepted", near, limit_days=2), []).provisional


def test_an_item_decided_on_the_spot_is_due_the_same_day() -> None:
    assert count_clock(terms("accepted", MONDAY, limit_days=0), []).due_on == MONDAY


def test_yellow_begins_with_two_days_left_or_a_fifth() -> None:
    short = count_clock(terms("accepted", MONDAY, limit_days=5), [])
    assert working_days_between(short.warn_on or MONDAY, short.due_on or MONDAY).count == 2
    long = count_clock(terms("accepted", MONDAY, limit_days=40), [])
    assert working_days_between(long.warn_on or MONDAY, long.due_on or MONDAY).count == 8


days = st.dates(date(2025, 1, 2), date(2028, 12, 1))


@given(days, st.integers(1, 60), st.integers(0, 40), st.integers(0, 60))
def test_used_and_left_days_add_up_to_the_limit(
    received: date, limit: int, until_pause: int, pause: int
) -> None:
    stopped = received + timedelta(days=until_pause)
    resumed = stopped + timedelta(days=pause)
    events = [on("suspended", stopped, 5), on("resumed", resumed)]
    clock = count_clock(terms("accepted", received, limit_days=limit), events)
    used = working_days_between(received, stopped).count
    assert clock.days_left == limit - used
    if used <= limit:
        assert clock.due_on is not None
        assert working_days_between(resumed, clock.due_on).count == limit - used
        assert limit == used or is_working_day(clock.due_on).working
