"""What the gateways took and gave back must be what the service says, to the fen."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loadtests.gateways import Order, Return
from loadtests.money_answers import HandledPayment, RefundTold
from loadtests.reckon import Pair, compare, sum_up


def make_order(**changed: Any) -> Order:
    order = Order("wx1", "p1", "o", 2000, created_at=100.0, state="paid")
    return msgspec.structs.replace(order, **changed)


def make_told(**changed: Any) -> HandledPayment:
    told = HandledPayment("p1", "b1", "succeeded", True, 2000, 0, 2000, [], paid_at="2026-11-22")
    return msgspec.structs.replace(told, **changed)


def pairs(
    order: Order, told: HandledPayment | None, *returned: Return, since: float = 0.0
) -> dict[str, Pair]:
    return compare([order], returned, since, lambda _: told, {})


def test_the_same_on_both_sides_is_not_astray() -> None:
    found = sum_up(pairs(make_order(), make_told()).values())
    assert (found.payments, found.paid, found.astray) == (1, 1, 0)
    assert found.paid_by_gateways_fen == found.paid_by_service_fen == 2000


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (make_order(), None),
        (make_order(), make_told(status="pending", paid_at=None)),
        (make_order(state="waiting"), make_told()),
        (make_order(amount_fen=2001), make_told()),
        (make_order(), make_told(refunded_fen=500)),
    ],
)
def test_one_that_differs_is_astray_and_named(order: Order, told: HandledPayment | None) -> None:
    found = sum_up(pairs(order, told).values())
    assert found.astray == 1
    assert found.examples[0].startswith("p1: ")


def test_what_nobody_paid_is_the_same_on_both_sides() -> None:
    told = make_told(status="cancelled", paid_at=None)
    found = sum_up(pairs(make_order(state="closed"), told).values())
    assert (found.astray, found.paid) == (0, 0)


def test_a_refund_counts_once_it_has_come_back_on_both_sides() -> None:
    asked = RefundTold("r1", "p1", 500, "processing")
    under_way = make_told(status="refunding", refunds=[asked])
    assert sum_up(pairs(make_order(), under_way).values()).astray == 1
    back = make_told(
        status="partially_refunded",
        refunded_fen=500,
        refunds=[msgspec.structs.replace(asked, status="succeeded")],
    )
    returned = Return("wx1", "p1", 500, "succeeded")
    found = sum_up(pairs(make_order(), back, returned).values())
    assert (found.astray, found.refunded) == (0, 1)
    assert found.refunded_by_gateways_fen == found.refunded_by_service_fen == 500
    still = msgspec.structs.replace(returned, state="processing")
    assert sum_up(pairs(make_order(), back, still).values()).astray == 1


def test_what_was_begun_before_the_run_is_not_asked_for() -> None:
    assert pairs(make_order(created_at=99.0), None, since=100.0) == {}


def test_who_agreed_is_asked_again_only_where_the_gateway_says_something_new() -> None:
    asked = []

    def ask(payment_no: str) -> HandledPayment:
        asked.append(payment_no)
        return make_told()

    known = compare([make_order()], [], 0.0, ask, {})
    assert compare([make_order()], [], 0.0, ask, known) == {}
    assert asked == ["p1"]
    returned = Return("wx1", "p1", 500, "succeeded")
    again = compare([make_order()], [returned], 0.0, ask, known)
    assert not again["p1"].agrees
