"""What a department is going to say of a case, and what it must be answered.

Pushes are made as departments make them: one after the other, several in one go, late,
twice, and now and then impossible.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from typing import Any, Literal

from msgspec import Struct

from loadtests.casebook import Case, Row

Verdict = Literal["applied", "recorded", "repeated", "invalid_move", "event_id_reused"]
"""`recorded`: it came late. `repeated`: it was known. The others are the codes of a 409."""

Heard = Literal["applied", "known", "invalid_move", "event_id_reused"]
"""What a system hears: `applied: true`, `applied: false`, or the code of a 409."""

PLANS = (
    ("accepted", "reviewed", "decided", "completed"),
    ("pre_checked", "accepted", "reviewed", "decided", "completed", "delivered"),
    ("accepted", "suspended", "resumed", "reviewed", "decided", "completed"),
    ("pre_checked", "accepted", "suspended", "resumed", "transferred", "decided", "completed"),
)
LONG_PLAN = ("accepted", *("suspended", "resumed") * 4, "reviewed", "decided", "completed")
"""A case that is on its way for long, and moves again and again."""

_HEARD = {"recorded": "known", "repeated": "known"}
# In any order the latest of these is where the case stands.
_STAGES = ("pre_checked", "accepted", "reviewed", "decided", "completed", "delivered")
_OUT_OF_ORDER = 0.3
_TWICE = 0.15
_IMPOSSIBLE = 0.03
_PAUSES = 0.1


class Push(Struct, frozen=True):
    """One row on its way, with what it must be answered."""

    case: Case
    row: Row
    verdict: Verdict

    @property
    def body(self) -> dict[str, Any]:
        """The event as the contract wants it."""
        said: dict[str, Any] = {
            "event_id": self.row.event_id,
            "type": self.row.type,
            "occurred_at": self.row.occurred_at,
        }
        if self.row.type == "suspended":
            said |= {"reason": "现场勘验", "days": 5}
        if self.row.type == "completed":
            said |= {"result": {"code": "0"}}
        if self.verdict == "event_id_reused":
            said |= {"note": "同一编号的另一个事件"}
        return said

    @property
    def adds_version(self) -> bool:
        """Whether it is put on the case's record."""
        return self.verdict in ("applied", "recorded")


def plan_case(chance: random.Random, status: str, *, for_long: bool) -> tuple[str, ...]:
    """What a department will do with a case that stands there; nothing with a finished one.

    One that waits for its fee already was accepted by rule, and goes on by rule once paid.
    """
    if status == "awaiting_payment":
        return ("paid",)
    if status != "submitted":
        return ()
    return LONG_PLAN if for_long else chance.choice(PLANS)


def plan_push(case: Case) -> Push:
    """The next event of the plan; the department has not heard yet of a withdrawal."""
    verdict: Verdict = "invalid_move" if case.withdrawn else "applied"
    return Push(case, _row(case, case.plan.popleft()), verdict)


def plan_batch(cases: Sequence[Case], chance: random.Random, most: int) -> list[Push]:
    """Up to so many rows; those of one case follow each other in the order they are sent."""
    pushes: list[Push] = []
    for case in cases:
        while case.plan and len(pushes) < most:
            pushes += plan_rows(case, chance, most - len(pushes))
            if chance.random() < _PAUSES:
                break
        if len(pushes) < most and chance.random() < _IMPOSSIBLE:
            wrong = plan_impossible(case, chance)
            pushes += [wrong] if wrong else []
    return pushes


def plan_rows(case: Case, chance: random.Random, most: int) -> list[Push]:
    """Up to so many rows of one case for a batch, some late and some twice."""
    if case.withdrawn:
        return [plan_push(case)]
    stages = _leading_stages(case)
    count = min(most, chance.randint(1, 3), len(case.plan))
    if 2 <= count <= len(stages) and chance.random() < _OUT_OF_ORDER:
        pushes = _plan_out_of_order(case, count)
    else:
        pushes = [plan_push(case) for _ in range(count)]
    if len(pushes) < most and chance.random() < _TWICE:
        pushes.append(plan_repeat(chance.choice(pushes)))
    return pushes


def plan_repeat(push: Push) -> Push:
    """The same once more, as after a lost answer."""
    return Push(push.case, push.row, "repeated")


def repeat_row(push: Push) -> Push:
    """A row of a batch that is sent again as a whole: what was refused is refused again."""
    return plan_repeat(push) if push.adds_version else push


def plan_impossible(case: Case, chance: random.Random) -> Push | None:
    """Something that must be refused: another event under a known id, or a step from the end."""
    if case.pushed and chance.random() < 0.5:
        return Push(case, chance.choice(case.pushed), "event_id_reused")
    if case.is_finished:
        return Push(case, _row(case, "accepted"), "invalid_move")
    return None


def is_right(push: Push, heard: Heard, *, uncertain: bool) -> bool:
    """Whether that is a right answer; `uncertain`: an earlier try may have been heard, in part.

    To be asked after the answer: whoever withdraws a case says so before they ask.
    """
    right: set[Heard] = {_HEARD.get(push.verdict, push.verdict)}  # type: ignore[arg-type]
    if uncertain and push.verdict != "event_id_reused":
        right.add("known")
    if push.case.withdrawing and push.verdict in ("applied", "recorded", "repeated"):
        right |= {"invalid_move", "known"}
    return heard in right


def _leading_stages(case: Case) -> Sequence[str]:
    plan = list(case.plan)
    other = next((n for n, event in enumerate(plan) if event not in _STAGES), len(plan))
    return plan[:other]


def _plan_out_of_order(case: Case, count: int) -> list[Push]:
    """The newest comes first: the others are only put on record."""
    rows = [_row(case, case.plan.popleft()) for _ in range(count)]
    return [Push(case, rows[-1], "applied"), *(Push(case, row, "recorded") for row in rows[:-1])]


def _row(case: Case, event_type: str) -> Row:
    return Row(uuid.uuid4().hex, event_type, case.next_moment().isoformat())
