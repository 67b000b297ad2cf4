"""The working-day clock: statutory holidays and the weekends worked for them (调休).

Periods of the 行政许可法 are counted in working days (article 82), and the day on which
a period begins is not counted (民法典, article 201). The calendar is the State
Council's, published for one year at a time, late in the year before. Beyond it a day is
provisional: weekends and the statutory days themselves (全国年节及纪念日放假办法, as
of 2025), without the days moved around them. Such dates are computed again once the
calendar is there.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
from msgspec import Struct

DAYS_LIMIT = 3660

# The next year's notice may still move days of the last week: 2018-12-31 was free by that of 2019.
CERTAIN_UNTIL = date(max(chinese_calendar.holidays).year, 12, 24)

_ONE_DAY = timedelta(days=1)
_FIXED = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})

# Days that the moon or the sun sets: first day of the first month (春节), 清明, 端午, 中秋.
# After the last year here they count as working days.
_MOVING = {
    2027: (date(2027, 2, 6), date(2027, 4, 5), date(2027, 6, 9), date(2027, 9, 15)),
    2028: (date(2028, 1, 26), date(2028, 4, 4), date(2028, 5, 28), date(2028, 10, 3)),
    2029: (date(2029, 2, 13), date(2029, 4, 4), date(2029, 6, 16), date(2029, 9, 22)),
    2030: (date(2030, 2, 3), date(2030, 4, 5), date(2030, 6, 5), date(2030, 9, 12)),
    2031: (date(2031, 1, 23), date(2031, 4, 5), date(2031, 6, 24), date(2031, 10, 1)),
    2032: (date(2032, 2, 11), date(2032, 4, 4), date(2032, 6, 12), date(2032, 9, 19)),
    2033: (date(2033, 1, 31), date(2033, 4, 4), date(2033, 6, 1), date(2033, 9, 8)),
    2034: (date(2034, 2, 19), date(2034, 4, 5), date(2034, 6, 20), date(2034, 9, 27)),
    2035: (date(2035, 2, 8), date(2035, 4, 5), date(2035, 6, 10), date(2035, 9, 16)),
    2036: (date(2036, 1, 28), date(2036, 4, 4), date(2036, 5, 30), date(2036, 10, 4)),
}


class DueDate(Struct, frozen=True):
    """The last day of a period; `provisional` where the calendar is not published that far."""

    on: date
    provisional: bool


class DayKind(Struct, frozen=True):
    """Whether offices work on a day; `provisional` where the calendar is not published yet."""

    working: bool
    provisional: bool


class WorkingDays(Struct, frozen=True):
    """A number of working days; `provisional` where one of the days is."""

    count: int
    provisional: bool


def add_working_days(start: date, days: int) -> DueDate:
    """The working day on which a period of `days` that began on `start` ends.

    0 days give `start` itself. Raises ValueError for less than 0 or more than 3,660.
    """
    if not 0 <= days <= DAYS_LIMIT:
        raise ValueError(f"a period has 0 to {DAYS_LIMIT} working days")
    day, provisional = start, False
    while days:
        day += _ONE_DAY
        kind = is_working_day(day)
        provisional = provisional or kind.provisional
        days -= kind.working
    return DueDate(day, provisional)


def working_days_between(start: date, end: date) -> WorkingDays:
    """Working days after `start` up to and with `end`.

    Less than 0 where `end` is before `start`: by so many days it is too late.
    """
    if end < start:
        late = working_days_between(end, start)
        return WorkingDays(-late.count, late.provisional)
    offsets = range(1, (end - start).days + 1)
    kinds = [is_working_day(start + timedelta(days=offset)) for offset in offsets]
    return WorkingDays(sum(k.working for k in kinds), any(k.provisional for k in kinds))


@lru_cache(maxsize=4096)
def is_working_day(day: date) -> DayKind:
    """Whether offices work on that day, and whether that may still change."""
    try:
        working = bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return DayKind(day.weekday() < 5 and not _is_statutory(day), provisional=True)
    return DayKind(working, provisional=day > CERTAIN_UNTIL)


def _is_statutory(day: date) -> bool:
    if (day.month, day.day) in _FIXED:
        return True
    if day.year not in _MOVING:
        return False
    new_year, *others = _MOVING[day.year]
    # 除夕 to 初三.
    return day in others or -1 <= (day - new_year).days <= 2
