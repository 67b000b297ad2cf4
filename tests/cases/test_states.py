"""Every status with every event: what the table says is what a case does."""

from __future__ import annotations

from typing import Any

import pytest

from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.refusals import InvalidMove
from api.cases.schemas import CaseResult, Correction, FeeDue
from api.cases.states import (
    CITIZEN_EVENTS,
    EVENT_LABELS,
    EVENTS,
    LABELS,
    MOVES,
    ORDER,
    OUTSIDE_EVENTS,
    STATUS_NAMES,
    STATUSES,
    label_of,
)
from api.statements import Connection
from tests.cases.builders import GUIDED, add_case, add_guide, event, told

# Written out a second time, by hand: status → event → where the case then stands. A stopped
# case goes on where it stood: here it stood at "accepted".
BEFORE = {
    "returned": "returned",
    "accepted": "accepted",
    "correction_requested": "awaiting_correction",
    "suspended": "suspended",
    "resumed": "accepted",
    "paid": "accepted",
    "reviewed": "reviewed",
    "payment_requested": "awaiting_payment",
    "decided": "decided",
    "completed": "completed",
    "delivered": "delivered",
    "withdrawn": "withdrawn",
}
ONWARD = {"decided": "decided", "completed": "completed", "delivered": "delivered"}
STOPPING = {
    "correction_requested": "awaiting_correction",
    "suspended": "suspended",
    "payment_requested": "awaiting_payment",
}
EXPECTED: dict[str, dict[str, str]] = {
    "draft": {"submitted": "submitted"},
    "submitted": {
        **BEFORE,
        "pre_checked": "pre_checked",
        "extended": "submitted",
        "transferred": "submitted",
    },
    "pre_checked": {
        **BEFORE,
        "pre_checked": "pre_checked",
        "extended": "pre_checked",
        "transferred": "pre_checked",
    },
    "returned": {
        **ONWARD,
        "submitted": "submitted",
        "returned": "returned",
        "accepted": "accepted",
        "reviewed": "reviewed",
        "withdrawn": "withdrawn",
    },
    "accepted": {
        **ONWARD,
        **STOPPING,
        **dict.fromkeys(("accepted", "resumed", "extended", "paid", "transferred"), "accepted"),
        "reviewed": "reviewed",
        "withdrawn": "withdrawn",
    },
    "reviewed": {
        **ONWARD,
        **STOPPING,
        **dict.fromkeys(("reviewed", "resumed", "extended", "paid", "transferred"), "reviewed"),
        "withdrawn": "withdrawn",
    },
    "awaiting_correction": {
        **ONWARD,
        **dict.fromkeys(("extended", "paid", "transferred"), "awaiting_correction"),
        "corrected": "accepted",
        "accepted": "accepted",
        "reviewed": "reviewed",
        "withdrawn": "withdrawn",
    },
    "suspended": {
        **ONWARD,
        **STOPPING,
        **dict.fromkeys(("extended", "transferred"), "suspended"),
        "resumed": "accepted",
        "paid": "accepted",
        "reviewed": "reviewed",
        "withdrawn": "withdrawn",
    },
    "awaiting_payment": {
        **ONWARD,
        **STOPPING,
        **dict.fromkeys(("extended", "transferred"), "awaiting_payment"),
        "resumed": "accepted",
        "paid": "accepted",
        "reviewed": "reviewed",
        "withdrawn": "withdrawn",
    },
    "decided": {
        **ONWARD,
        **dict.fromkeys(("resumed", "paid", "transferred"), "decided"),
        "payment_requested": "awaiting_payment",
    },
    "completed": {"delivered": "delivered", "evaluated": "completed"},
    "delivered": {"evaluated": "delivered"},
    "withdrawn": {},
}


def move(case_no: str, kind: str) -> Move:
    """An event with all that it must say; departments' come from outside."""
    said: dict[str, Any] = {}
    if kind == "correction_requested":
        said["correction"] = Correction(fields=["reason"])
    if kind == "completed":
        said["result"] = CaseResult("0")
    if kind in OUTSIDE_EVENTS:
        return told(case_no, event(kind, **said))
    return Move(event_type=kind, actor="citizen:test")


@pytest.mark.parametrize("status", STATUSES)
async def test_every_event_does_what_the_table_says(connection: Connection, status: str) -> None:
    await add_guide(connection)
    found: dict[str, str] = {}
    refused: dict[str, InvalidMove] = {}
    for kind in EVENTS:
        stopped = status in ("awaiting_correction", "suspended", "awaiting_payment")
        case_no = await add_case(
            connection,
            status=status,
            service_code=GUIDED,
            resume_status="accepted" if stopped else None,
        )
        try:
            found[kind] = (await move_case(connection, case_no, move(case_no, kind))).status
        except InvalidMove as refusal:
            refused[kind] = refusal
    assert found == EXPECTED[status]
    assert set(refused) == set(EVENTS) - set(found)
    for kind, problem in refused.items():
        assert f"“{STATUS_NAMES[status][0]}”" in (problem.detail or "")
        assert f"“{EVENT_LABELS[kind][0]}”" in (problem.detail or "")
        assert f"`{status}`" in (problem.detail_english or "")
        assert f"`{kind}`" in (problem.detail_english or "")


@pytest.mark.parametrize("kind", ["reviewed", "correction_requested", "suspended", "withdrawn"])
async def test_after_a_decision_nothing_goes_back_because_money_is_waited_for(
    connection: Connection, kind: str
) -> None:
    await add_guide(connection)
    case_no = await add_case(
        connection, status="awaiting_payment", resume_status="decided", service_code=GUIDED
    )
    with pytest.raises(InvalidMove):
        await move_case(connection, case_no, move(case_no, kind))


async def test_our_own_news_of_a_payment_ends_no_suspension(connection: Connection) -> None:
    case_no = await add_case(connection, status="suspended", resume_status="accepted")
    paid = Move(event_type="paid", actor="system:payments", fee=FeeDue(2000))
    moved = await move_case(connection, case_no, paid)
    assert (moved.status, moved.applied) == ("suspended", True)
    assert await connection.fetchval(
        "select paid_at is not null from cases where case_no = $1", case_no
    )


def test_every_status_and_event_has_words_in_both_languages() -> None:
    assert set(LABELS) == set(STATUS_NAMES) == set(STATUSES) == set(MOVES) - {"(none)"}
    assert set(EVENT_LABELS) == set(ORDER) == set(EVENTS)
    assert set(EVENTS) == {*CITIZEN_EVENTS, *OUTSIDE_EVENTS}
    for chinese, english in (*LABELS.values(), *STATUS_NAMES.values(), *EVENT_LABELS.values()):
        assert not chinese.isascii()
        assert english.isascii()


def test_a_finished_case_waits_for_its_evaluation() -> None:
    assert label_of("completed", evaluated=False)[0] == "待评价"
    assert label_of("completed", evaluated=True)[0] == "已办结"
    assert label_of("delivered", evaluated=False)[0] == "待评价"
