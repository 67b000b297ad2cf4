"""Goals that are missed are named, and say by how much."""

from __future__ import annotations

import msgspec
import pytest

from loadtests.figures import Reckoning
from loadtests.goals import GOALS, Missed, check_goals
from loadtests.request_names import BATCH, GUIDE
from loadtests.shapes import SCENARIOS
from tests.loadtests.builders import make_figures, make_row


def missed(**changed: object) -> dict[str, Missed]:
    figures = make_figures(**changed)  # type: ignore[arg-type]
    return {miss.goal: miss for miss in check_goals(figures, "catalogue")}


def test_good_figures_miss_nothing() -> None:
    assert missed() == {}


def test_one_error_is_missed() -> None:
    assert set(missed(total=make_row("all", errors=1))) == {"errors"}


def test_a_slow_answer_is_missed_by_its_excess() -> None:
    wanted = GOALS["catalogue"].latency.p95_ms
    found = missed(total=make_row("all", p95_ms=wanted + 7.5))
    assert set(found) == {"all p95"}
    assert found["all p95"].by == "7.50 ms"


def test_one_slow_kind_of_request_is_missed_though_all_together_are_quick() -> None:
    rows = tuple(
        make_row(name, p99_ms=9_000.0 if name == GUIDE else 20.0)
        for name in GOALS["catalogue"].latencies
    )
    assert set(missed(rows=rows)) == {f"{GUIDE} p99"}


def test_a_kind_of_request_that_nobody_sent_is_missed() -> None:
    rows = tuple(make_row(name) for name in GOALS["catalogue"].latencies if name != GUIDE)
    assert set(missed(rows=rows)) == {f"{GUIDE} sent"}


def test_too_few_requests_are_missed() -> None:
    assert set(missed(total=make_row("all", per_second=1.0))) == {"requests"}


def test_refusals_are_missed_in_the_calm_and_must_be_quick() -> None:
    found = missed(total=make_row("all", refused=10), refusal_p99_ms=300.0)
    assert set(found) == {"refused", "refusals p99"}


def test_too_many_full_answers_to_phones_that_have_them_are_missed() -> None:
    assert set(missed(not_modified_percent=10.0)) == {"304 of asked again"}


def missed_progress(**changed: object) -> set[str]:
    rows = tuple(make_row(name) for name in GOALS["progress"].latencies)
    figures = make_figures(rows=rows, not_modified_percent=90.0)
    changed_figures = msgspec.structs.replace(figures, **{"judged": 5000, **changed})
    return {miss.goal for miss in check_goals(changed_figures, "progress")}


def test_one_stale_read_is_missed() -> None:
    assert missed_progress() == set()
    assert missed_progress(stale=1) == {"stale reads"}


def test_no_stale_read_is_no_merit_where_hardly_any_was_judged() -> None:
    assert missed_progress(judged=3) == {"reads judged"}


def test_percentiles_of_a_few_answers_are_not_judged_but_missed() -> None:
    rows = tuple(
        make_row(name, requests=99 if name == GUIDE else 1000, p99_ms=1.0)
        for name in GOALS["catalogue"].latencies
    )
    assert set(missed(rows=rows)) == {f"{GUIDE} answers to judge by"}


def test_what_is_too_rare_for_a_p99_has_a_p95() -> None:
    rows = tuple(
        make_row(name, requests=20 if name == BATCH else 1000, p95_ms=9.0, p99_ms=90_000.0)
        for name in GOALS["platform-pushes"].latencies
    )
    figures = make_figures(rows=rows)
    found = {miss.goal for miss in check_goals(figures, "platform-pushes")}
    assert not any(goal.startswith(BATCH) for goal in found)


def make_reckoning(**changed: int) -> Reckoning:
    given = {
        "payments": 250,
        "paid": 200,
        "refunded": 9,
        "paid_by_gateways_fen": 400_000,
        "paid_by_service_fen": 400_000,
        "refunded_by_gateways_fen": 9_000,
        "refunded_by_service_fen": 9_000,
        "astray": 0,
    }
    return Reckoning(**{**given, **changed})  # type: ignore[arg-type]


def missed_money(reckoning: Reckoning | None) -> set[str]:
    rows = tuple(make_row(name) for name in GOALS["payments"].latencies)
    figures = msgspec.structs.replace(make_figures(rows=rows), reckoning=reckoning)
    return {miss.goal for miss in check_goals(figures, "payments")}


def test_money_that_was_not_reckoned_is_missed() -> None:
    assert missed_money(make_reckoning()) == set()
    assert missed_money(None) == {"money reckoned"}


@pytest.mark.parametrize(
    ("changed", "goal"),
    [
        ({"astray": 1}, "payments not as in the gateways' books"),
        ({"paid_by_service_fen": 400_001}, "paid here or there alone"),
        ({"refunded_by_service_fen": 8_999}, "given back here or there alone"),
        ({"paid": 3}, "payments taken by gateways"),
    ],
)
def test_one_fen_astray_is_missed(changed: dict[str, int], goal: str) -> None:
    assert missed_money(make_reckoning(**changed)) == {goal}


def test_every_scenario_has_goals_and_every_goal_a_scenario() -> None:
    assert set(GOALS) == set(SCENARIOS)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_run_without_requests_reaches_no_goal_of_load(name: str) -> None:
    empty = make_figures(total=make_row("all", requests=0, per_second=0.0), rows=())
    assert "requests" in {miss.goal for miss in check_goals(empty, name)}
