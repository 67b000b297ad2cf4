"""What a payer is told is held against what they did; waiting has an end."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from loadtests import checkout as checkouts
from loadtests.checkout import Checkout
from loadtests.money_answers import Bill, Payment
from loadtests.phone import Phone
from loadtests.request_names import PAID_SEEN
from tests.loadtests.test_phone import FakeAnswer, FakeClient

BILL = Bill("1" * 20, 2000, "unpaid", "case-1")
PAYMENT = Payment("p1", BILL.bill_no, "wechat", "pending", False, 2000, {"package": "prepay_id=wx"})


class Never(random.Random):
    """Nothing that happens now and then happens."""

    def random(self) -> float:
        return 0.99


class Reports(list[tuple[str, str]]):
    """What the run hears beside requests: the name, and why it failed."""

    def __call__(self, name: str, milliseconds: float, error: Exception | None) -> None:
        assert milliseconds >= 0
        self.append((name, str(error or "")))


def make_checkout(*answers: FakeAnswer) -> tuple[Checkout, Reports]:
    phone = Phone(FakeClient(*answers), Never(), lambda _: None)
    reports = Reports()
    return Checkout(phone, lambda _: None, reports), reports


def told(status: int, found: Any, etag: str = '"a"') -> FakeAnswer:
    body = msgspec.json.encode(found)
    return FakeAnswer(status, body, etag=etag, cache_control="private, no-cache")


def changed(**more: Any) -> Payment:
    return msgspec.structs.replace(PAYMENT, **more)


def test_a_payment_that_was_begun_is_known() -> None:
    checkout, _ = make_checkout(told(201, PAYMENT))
    assert checkout.begin(BILL, "wechat") == PAYMENT


@pytest.mark.parametrize(
    "wrong",
    [
        changed(bill_no="2" * 20),
        changed(channel="alipay"),
        changed(amount_fen=2001),
        changed(status="succeeded"),
        changed(client_parameters=None),
    ],
)
def test_a_payment_of_something_else_is_a_failure(wrong: Payment) -> None:
    answer = told(201, wrong)
    checkout, _ = make_checkout(answer)
    assert checkout.begin(BILL, "wechat") is None
    assert answer.verdict is not None
    assert answer.verdict.startswith("Wrong: ")


def test_only_who_asks_twice_at_once_may_hear_that_it_is_under_way() -> None:
    busy = {"title": "", "status": 409, "code": "request_in_progress", "request_id": ""}
    for twice, verdict in ((True, "right"), (False, "Wrong: status 409 request_in_progress")):
        answer = told(409, busy)
        checkout, _ = make_checkout(answer)
        assert checkout.begin(BILL, "wechat", twice=twice) is None
        assert answer.verdict == verdict


def test_who_pays_looks_until_it_has_succeeded() -> None:
    done = changed(status="succeeded", finished=True)
    checkout, reports = make_checkout(told(200, PAYMENT), told(200, done, '"b"'))
    assert checkout.watch_paid(PAYMENT, 0.0)
    assert reports == [(PAID_SEEN, "")]


def test_what_is_never_seen_to_succeed_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE_SECONDS", -1.0)
    checkout, reports = make_checkout(told(200, PAYMENT))
    assert not checkout.watch_paid(PAYMENT, 0.0)
    assert reports == [(PAID_SEEN, "paid, and never seen so")]


def test_a_paid_payment_that_is_said_to_have_ended_otherwise_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE_SECONDS", -1.0)
    answer = told(200, changed(status="cancelled", finished=True))
    checkout, _ = make_checkout(answer)
    assert not checkout.watch_paid(PAYMENT, 0.0)
    assert answer.verdict == "Wrong: cancelled, which it cannot be"


def progress(status: str, paid: int) -> dict[str, Any]:
    event = {"type": "paid", "label": "已缴费", "at": ""}
    return {
        "case_no": "case-1",
        "service": {"service_code": "1", "name": "x"},
        "status": status,
        "label": "",
        "steps": [],
        "events": [{"seq": number, **event} for number in range(paid)],
        "clock": "running",
        "updated_at": "",
        "version": 2,
        "payment": {"bill_no": BILL.bill_no, "status": "paid"},
    }


def settle(case: Callable[[], dict[str, Any]]) -> tuple[FakeAnswer, FakeAnswer, Reports]:
    bill = told(200, msgspec.structs.replace(BILL, status="paid", payment_no="p1"))
    shown = told(200, case())
    checkout, reports = make_checkout(bill, shown)
    checkout.settle(BILL, PAYMENT)
    return bill, shown, reports


def test_a_paid_case_goes_on() -> None:
    bill, shown, reports = settle(lambda: progress("accepted", 1))
    assert (bill.verdict, shown.verdict, reports) == ("right", "right", [])


@pytest.mark.parametrize(("status", "paid"), [("awaiting_payment", 0), ("accepted", 2)])
def test_a_case_that_waits_on_or_was_told_twice_is_reported(
    monkeypatch: pytest.MonkeyPatch, status: str, paid: int
) -> None:
    monkeypatch.setattr(checkouts, "PATIENCE_SECONDS", -1.0)
    _, shown, reports = settle(lambda: progress(status, paid))
    assert [said for _, said in reports] == ["paid, and the case still waits for it"]
    assert (shown.verdict == "right") == (paid < 2)
