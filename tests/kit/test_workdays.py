"""The clock agrees with the published calendar, and says where it guesses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.workdays import (
    CERTAIN_UNTIL,
    DayKind,
    DueDate,
    WorkingDays,
    add_working_days,
    is_working_day,
    working_days_between,
)

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2026, 1, 4), True),  # a Sunday worked for New Year
        (date(2026, 2, 14), True),  # a Saturday worked for the Spring Festival
        (date(2026, 2, 16), False),
        (date(2026, 2, 23), False),
        (date(2026, 2, 24), True),
        (date(2026, 2, 28), True),
        (date(2026, 10, 1), False),
        (date(2026, 10, 7), False),
        (date(2026, 10, 8), True),
        (date(2026, 10, 10), True),
        (date(2026, 11, 21), False),
    ],
)
def test_published_days_are_known(day: date, working: bool) -> None:
    assert is_working_day(day) == DayKind(working, provisional=False)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 13), 5, date(2026, 2, 27)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 10, 3), 1, date(2026, 10, 8)),
        (date(2026, 11, 2), 20, date(2026, 11, 30)),
        (date(2026, 11, 2), 0, date(2026, 11, 2)),
    ],
)
def test_a_period_ends_where_the_calendar_says(start: date, count: int, end: date) -> None:
    assert add_working_days(start, count) == DueDate(end, provisional=False)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        (date(2035, 1, 1), False),
        (date(2035, 2, 7), False),  # 除夕
        (date(2035, 2, 8), False),  # 初一
        (date(2035, 2, 9), False),
        (date(2035, 4, 5), False),
        (date(2035, 5, 2), False),
        (date(2035, 5, 3), True),
        (date(2034, 6, 20), False),
        (date(2034, 9, 27), False),
        (date(2035, 10, 3), False),
        (date(2035, 10, 4), True),
        (date(2035, 10, 6), False),
        (date(2060, 2, 2), True),
    ],
)
def test_beyond_the_calendar_weekends_and_statutory_days_are_free(day: date, working: bool) -> None:
    assert is_working_day(day) == DayKind(working, provisional=True)


def test_a_period_that_reaches_beyond_the_calendar_is_provisional() -> None:
    assert add_working_days(date(2035, 9, 28), 1) == DueDate(date(2035, 10, 4), provisional=True)


def test_the_last_published_week_is_provisional() -> None:
    assert not is_working_day(CERTAIN_UNTIL).provisional
    assert is_working_day(CERTAIN_UNTIL + timedelta(days=1)).provisional
    assert is_working_day(date(2018, 12, 31)) == DayKind(working=False, provisional=False)


@given(start=DAYS, day=st.integers(0, 400))
def test_a_later_end_never_has_fewer_working_days(start: date, day: int) -> None:
    end = start + timedelta(days=day)
    before, after = (working_days_between(start, e) for e in (end, end + timedelta(days=1)))
    assert after.count - before.count == is_working_day(end + timedelta(days=1)).working


@given(start=DAYS, count=st.integers(0, 120))
def test_counting_back_gives_the_period(start: date, count: int) -> None:
    due = add_working_days(start, count)
    assert working_days_between(start, due.on) == WorkingDays(count, due.provisional)
    assert working_days_between(due.on, start) == WorkingDays(-count, due.provisional)
    assert count == 0 or is_working_day(due.on).working


@given(start=DAYS, first=st.integers(0, 60), second=st.integers(0, 60))
def test_two_periods_in_a_row_are_one(start: date, first: int, second: int) -> None:
    middle = add_working_days(start, first).on
    assert add_working_days(middle, second).on == add_working_days(start, first + second).on


@given(start=DAYS, days=st.integers(0, 200))
def test_there_are_never_more_working_days_than_days(start: date, days: int) -> None:
    assert 0 <= working_days_between(start, start + timedelta(days=days)).count <= days


@pytest.mark.parametrize("count", [-1, 3661, 10**9])
def test_an_absurd_period_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="working days"):
        add_working_days(date(2026, 1, 1), count)
