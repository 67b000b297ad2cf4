"""Departments tell late, twice and out of order; the end is the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.cases.count_clock import ClockEvent
from api.cases.decide_move import Move, decide_move, take_effect
from api.cases.move_case import with_clock
from api.cases.rows import CaseRow
from api.cases.schemas import CaseResult, FeeDue
from tests.cases.builders import BEGAN, REGION, SERVICE

SUBMITTED = BEGAN - timedelta(days=1)


def submitted_case(**changed: Any) -> CaseRow:
    """A case that was handed in the day before."""
    fields: dict[str, Any] = dict.fromkeys(CaseRow.__struct_fields__)
    fields |= {
        "case_no": "T-1",
        "service_code": SERVICE,
        "service_version": 1,
        "region_code": REGION,
        "status": "submitted",
        "version": 2,
        "last_seq": 1,
        "limit_days": 20,
        "clock": "stopped",
        "due_provisional": False,
        "corrections_count": 0,
        "extended_days": 0,
        "submitted_at": SUBMITTED,
        "received_on": SUBMITTED.date(),
    }
    return CaseRow(**{**fields, **changed})


@st.composite
def lawful_events(draw: st.DrawFn) -> list[str]:
    """What a department tells of one case, in the order in which it happened: stops end before
    the next begins, a stage comes once, and some are skipped."""

    def perhaps(*kinds: str) -> list[str]:
        return list(kinds) if draw(st.booleans()) else []

    def halts() -> list[str]:
        events = []
        for _ in range(draw(st.integers(0, 2))):
            events += ["suspended", "resumed"]
        return events

    told = perhaps("pre_checked")
    told += ["accepted"] if draw(st.booleans()) else []
    paying = draw(st.sampled_from([0, 0, 1, 2]))
    told += halts() + perhaps("extended") + perhaps("transferred")
    told += ["payment_requested", "paid"] if paying == 1 else []
    told += perhaps("reviewed") + halts()
    told += ["payment_requested", "paid"] if paying == 2 else []
    told += perhaps("decided")
    told += perhaps("completed")
    told += perhaps("delivered")
    return told[: draw(st.integers(0, len(told)))]


def tell(case: CaseRow, kinds: list[str], order: list[int]) -> CaseRow:
    """The case after hearing events number `order[0]`, `order[1]` …; a repeat is silence."""
    heard: list[ClockEvent] = [ClockEvent("submitted", SUBMITTED, None)]
    known: set[int] = set()
    for number in order:
        if number in known:
            continue
        known.add(number)
        kind, moment = kinds[number], BEGAN + timedelta(days=number)
        move = Move(
            event_type=kind,
            actor="platform:test",
            occurred_at=moment,
            platform_id="test",
            event_id=str(number),
            days=5 if kind in ("extended", "suspended") else None,
            reason="需要检测",
            result=CaseResult("0") if kind == "completed" else None,
            fee=FeeDue(2000) if kind in ("payment_requested", "paid") else None,
        )
        decision = decide_move(case, move, moment)
        heard.append(ClockEvent(kind, moment, move.days))
        case = with_clock(take_effect(case, move, decision, moment), heard)
    return case


def end_of(case: CaseRow) -> dict[str, Any]:
    """All that a case is in the end, but for how often it was written."""
    left_out = {"version", "pushed_at", "warned"}
    return {k: v for k, v in msgspec.structs.asdict(case).items() if k not in left_out}


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_the_end_is_the_same_in_whatever_order_events_arrive(data: st.DataObject) -> None:
    kinds = data.draw(lawful_events())
    in_order = list(range(len(kinds)))
    right = tell(submitted_case(), kinds, in_order)
    repeats = data.draw(st.lists(st.sampled_from(in_order), max_size=5)) if kinds else []
    arrival = data.draw(st.permutations([*in_order, *repeats]))
    assert end_of(tell(submitted_case(), kinds, arrival)) == end_of(right)


def test_an_older_event_moves_nothing_and_is_no_fault() -> None:
    case = tell(submitted_case(), ["accepted", "reviewed", "decided"], [2])
    assert case.status == "decided"
    late = Move(event_type="accepted", actor="platform:test", event_id="x", platform_id="test")
    decision = decide_move(case, late, BEGAN)
    assert (decision.applied, decision.late, decision.status) == (False, True, "decided")


def test_of_two_events_of_one_moment_the_earlier_step_is_late() -> None:
    case = tell(submitted_case(), ["reviewed"], [0])
    accepted = Move(event_type="accepted", actor="p", event_id="x", platform_id="test")
    decided = Move(event_type="decided", actor="p", event_id="y", platform_id="test")
    assert not decide_move(case, accepted, BEGAN).applied
    assert decide_move(case, decided, BEGAN).status == "decided"


def test_departments_clocks_are_not_compared_with_ours() -> None:
    # Moved by a clerk just now; the department's event is of yesterday.
    case = submitted_case(status="accepted", accepted_on=SUBMITTED.date(), pushed_at=None)
    reviewed = Move(event_type="reviewed", actor="p", event_id="x", platform_id="test")
    assert decide_move(case, reviewed, SUBMITTED).applied


def test_a_review_that_was_overtaken_by_a_resumption_still_counts() -> None:
    kinds = ["accepted", "reviewed", "suspended", "resumed"]
    assert tell(submitted_case(), kinds, [0, 2, 3, 1]).status == "reviewed"
    assert tell(submitted_case(), kinds, [2, 1, 0, 3]).status == "reviewed"


def test_a_correction_before_acceptance_leads_back_before_the_pre_check() -> None:
    case = tell(submitted_case(), ["pre_checked"], [0])
    asked = Move(event_type="correction_requested", actor="p", event_id="x", platform_id="test")
    stopped = decide_move(case, asked, BEGAN + timedelta(hours=1))
    assert (stopped.status, stopped.resume_status) == ("awaiting_correction", "submitted")
