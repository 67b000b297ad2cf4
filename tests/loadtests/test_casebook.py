"""What was acknowledged must be seen, and one system at a time moves a case."""

from __future__ import annotations

import time

import pytest

from loadtests.casebook import Case, Casebook
from loadtests.phone import PARTLY, STALE_SECONDS, WHOLLY
from loadtests.tally import Tally, percentile


def make_case(plan: tuple[str, ...] = ("accepted", "reviewed")) -> Case:
    return Case("1" * 48, "PASSWORD2345", plan)


def test_who_asked_before_the_acknowledgement_may_see_the_older_version() -> None:
    case = make_case()
    case.acknowledge(1)
    asked_at = time.monotonic()
    case.acknowledge(2)
    assert case.lag(1, asked_at) == 0.0


def test_who_asks_long_after_it_must_see_the_newer_one() -> None:
    case = make_case()
    case.acknowledge(1)
    case.acknowledge(2)
    later = time.monotonic() + 3
    assert case.lag(1, later) == pytest.approx(3, abs=0.1)
    assert case.lag(2, later) == 0.0
    assert case.lag(7, later) == 0.0


def test_the_lag_counts_from_the_first_thing_left_out() -> None:
    case = make_case()
    case.acknowledge(1)
    time.sleep(0.05)
    case.acknowledge(2)
    asked_at = time.monotonic()
    assert case.lag(0, asked_at) > case.lag(1, asked_at)


def test_an_acknowledgement_that_comes_late_takes_nothing_back() -> None:
    case = make_case()
    case.acknowledge(3)
    case.acknowledge(2)
    assert case.version == 3


def test_moments_of_one_case_never_repeat() -> None:
    case = make_case()
    moments = [case.next_moment() for _ in range(100)]
    assert moments == sorted(set(moments))


def test_a_case_in_hand_is_nobody_elses() -> None:
    book, case = Casebook(), make_case()
    book.add(case)
    assert book.take(5) == [case]
    assert case.in_hand
    assert book.take(5) == []
    book.put_back(case)
    assert not case.in_hand
    assert book.take(1) == [case]


@pytest.mark.parametrize("ended_by", ["its plan", "a withdrawal"])
def test_a_case_that_has_ended_does_not_come_again(ended_by: str) -> None:
    book, case = Casebook(), make_case()
    book.add(case)
    book.take(1)
    if ended_by == "its plan":
        case.plan.clear()
    else:
        case.withdrawn = True
    book.put_back(case)
    assert len(book) == 0


def test_a_second_is_the_line_between_new_and_stale() -> None:
    tally = Tally()
    tally.note_lag(1000 * STALE_SECONDS - 1)
    assert (tally.judged, tally.stale) == (1, 0)
    other = Tally()
    other.note_lag(1000 * STALE_SECONDS)
    tally.add(other)
    assert (tally.judged, tally.stale, tally.longest_lag_ms) == (2, 1, 1000)


def test_only_a_refusal_at_the_door_has_to_be_quick() -> None:
    tally = Tally()
    tally.note(2400, 202, 0, failed=False, refused=PARTLY)
    tally.note(10, 503, 0, failed=False, refused=WHOLLY)
    assert tally.refused == 2
    assert 9.8 < percentile(tally.refused_buckets, 99) < 10.3
