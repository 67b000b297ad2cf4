"""What the load expects of each push is what the service's own table of moves gives."""

from __future__ import annotations

import random
from collections import Counter
from datetime import datetime
from typing import Any, get_type_hints

import pytest
from msgspec import structs

from api.cases.decide_move import Move, decide_move, take_effect
from api.cases.refusals import InvalidMove
from api.cases.rows import CaseRow
from loadtests.casebook import Case
from loadtests.plan_events import (
    LONG_PLAN,
    PLANS,
    Heard,
    Push,
    is_right,
    plan_batch,
    plan_case,
    plan_impossible,
    plan_push,
    plan_repeat,
    repeat_row,
)

ROWS = 500


def make_case(plan: tuple[str, ...]) -> Case:
    return Case("1" * 48, "PASSWORD2345", plan)


def make_row() -> CaseRow:
    """A case that was just submitted."""
    empty: dict[type, Any] = {str: "", int: 0, bool: False}
    values: dict[str, Any] = {
        field: empty.get(hint) for field, hint in get_type_hints(CaseRow).items()
    }
    row = CaseRow(**values)
    return structs.replace(row, status="submitted", version=2, clock="stopped")


class Desk:
    """A service for one case: its real rules, with the record in memory."""

    def __init__(self) -> None:
        self.row = make_row()
        self.known: dict[str, dict[str, object]] = {}

    def hear(self, push: Push) -> Heard:
        said = self.known.get(push.row.event_id)
        if said is not None:
            return "known" if said == push.body else "event_id_reused"
        moment = datetime.fromisoformat(push.row.occurred_at)
        move = Move(
            event_type=push.row.type, actor="platform:1", event_id=push.row.event_id, days=5
        )
        try:
            decision = decide_move(self.row, move, moment)
        except InvalidMove:
            return "invalid_move"
        self.row = take_effect(self.row, move, decision, moment)
        self.known[push.row.event_id] = push.body
        return "applied" if decision.applied else "known"


@pytest.mark.parametrize("plan", [*PLANS, LONG_PLAN])
def test_each_event_of_a_plan_moves_the_case(plan: tuple[str, ...]) -> None:
    case, desk = make_case(plan), Desk()
    while case.plan:
        push = plan_push(case)
        assert is_right(push, desk.hear(push), uncertain=False), push.row.type
    assert desk.row.status in ("completed", "delivered")


@pytest.mark.parametrize("seed", range(200))
def test_every_row_of_a_batch_is_answered_as_planned(seed: int) -> None:
    chance = random.Random(seed)
    case, desk = make_case(chance.choice([*PLANS, LONG_PLAN])), Desk()
    while case.plan:
        batch = plan_batch([case], chance, ROWS)
        for push in batch:
            heard = desk.hear(push)
            assert is_right(push, heard, uncertain=False), (push.row.type, push.verdict, heard)
            if push.adds_version:
                case.pushed.append(push.row)
        for push in map(repeat_row, batch):
            assert is_right(push, desk.hear(push), uncertain=False)


def test_batches_hold_all_that_departments_do() -> None:
    chance = random.Random(5)
    verdicts: Counter[str] = Counter()
    for _ in range(300):
        case = make_case(chance.choice(PLANS))
        while case.plan:
            batch = plan_batch([case], chance, ROWS)
            case.pushed += [push.row for push in batch if push.adds_version]
            verdicts.update(push.verdict for push in batch)
    assert set(verdicts) == {"applied", "recorded", "repeated", "invalid_move", "event_id_reused"}
    assert verdicts["applied"] > sum(verdicts.values()) / 2


def test_a_batch_is_never_larger_than_asked_for() -> None:
    cases = [make_case(LONG_PLAN) for _ in range(100)]
    assert len(plan_batch(cases, random.Random(1), ROWS)) == ROWS


def test_a_wrong_answer_is_not_right() -> None:
    push = plan_push(make_case(("accepted",)))
    assert not is_right(push, "known", uncertain=False)
    assert not is_right(push, "invalid_move", uncertain=False)
    assert not is_right(plan_repeat(push), "applied", uncertain=False)


def test_after_a_refusal_an_event_may_be_known_already() -> None:
    push = plan_push(make_case(("accepted",)))
    assert is_right(push, "known", uncertain=True)
    assert is_right(push, "applied", uncertain=True)
    assert not is_right(push, "invalid_move", uncertain=True)


def test_a_withdrawal_under_way_may_be_heard_first() -> None:
    case = make_case(("accepted",))
    push = plan_push(case)
    case.withdrawing = True
    assert is_right(push, "invalid_move", uncertain=False)
    assert is_right(push, "applied", uncertain=False)


def test_a_withdrawal_that_was_answered_leaves_one_right_answer() -> None:
    case = make_case(("accepted",))
    case.withdrawing = case.withdrawn = True
    push = plan_push(case)
    assert is_right(push, "invalid_move", uncertain=False)
    assert not is_right(push, "applied", uncertain=False)


def test_nothing_impossible_is_asked_of_a_case_without_a_past() -> None:
    assert plan_impossible(make_case(PLANS[0]), random.Random(1)) is None


@pytest.mark.parametrize(
    ("status", "planned"), [("awaiting_payment", ("paid",)), ("completed", ()), ("decided", ())]
)
def test_what_a_rule_decides_no_department_decides(status: str, planned: tuple[str, ...]) -> None:
    assert plan_case(random.Random(1), status, for_long=True) == planned
