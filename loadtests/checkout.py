"""Bills and payments on one phone: begun, cancelled, looked at until they end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from loadtests.account import Report
from loadtests.answers import Guide
from loadtests.case_answers import Progress, Refusal
from loadtests.fill_form import Value
from loadtests.money_answers import Bill, BillList, Payment
from loadtests.phone import Expected, Headers, Parcel, Phone, Sent, Wrong, demand, new_key
from loadtests.request_names import (
    BILL,
    BILLS,
    CANCEL,
    MAKE_BILL,
    PAID_SEEN,
    PAY,
    PAYMENT,
    PROGRESS,
)

T = TypeVar("T")

# Notice, worker and refund together take a second or two; who waits longer finds it broken.
PATIENCE_SECONDS = 30.0
_FIRST_LOOK_SECONDS, _LONGEST_LOOK_SECONDS = 0.1, 1.0
_OPEN = frozenset({"pending", "unknown"})


class Checkout:
    """What somebody does about bills, each step checked."""

    def __init__(self, phone: Phone, sleep: Callable[[float], object], report: Report) -> None:
        """`sleep` takes seconds of the clock; `report` hears how long a person waited."""
        self._phone = phone
        self._sleep = sleep
        self._report = report
        self._times_paid: Counter[str] = Counter()

    def find_bill(self, case_no: str) -> Bill | None:
        """The unpaid bill of a case, as soon as it is there. A while later it must be."""

        def look() -> Bill | None:
            page = self._phone.ask(
                "/v1/bills?status=unpaid",
                BILLS,
                BillList,
                _all_unpaid,
                may_change=True,
                of="own",
            )
            return next((b for b in page.items if b.case_no == case_no), None) if page else None

        began = time.monotonic()
        bill = self.until(look)
        if bill is None:
            self._report(BILLS, 1000 * (time.monotonic() - began), Wrong("no bill ever came"))
        return bill

    def make_bill(self, guide: Guide, form: dict[str, Value]) -> Bill | None:
        """A bill of one's own, for an item that is only paid."""

        def check(sent: Sent) -> None:
            demand(sent.found.status == "unpaid", f"just made, and {sent.found.status}")
            demand(sent.found.amount_fen > 0, "a bill of nothing")
            demand(sent.found.case_no is None, "a bill of a case that nobody has")

        body = msgspec.json.encode({"service_code": guide.service_code, "form": form})
        parcel = Parcel("POST", "/v1/bills", MAKE_BILL, body, key=new_key())
        sent = self._phone.send(parcel, {201: Bill}, check)
        return sent.found if sent else None

    def show_bill(self, bill_no: str, check: Callable[[Bill], None]) -> Bill | None:
        """One bill."""

        def checked(bill: Bill, _: Headers) -> None:
            demand(bill.bill_no == bill_no, "another bill")
            check(bill)

        path = f"/v1/bills/{bill_no}"
        return self._phone.ask(path, BILL, Bill, checked, may_change=True, of="own")

    def begin(
        self, bill: Bill, channel: str, key: str = "", *, twice: bool = False
    ) -> Payment | None:
        """Begin to pay it through a channel. `twice`: the same is asked at the same moment, so
        one of the two may hear that the other is not done."""

        def check(sent: Sent) -> None:
            payment: Payment = sent.found
            if twice and sent.status == 409:
                demand(sent.found.code == "request_in_progress", f"409 {sent.found.code}")
                return
            demand(payment.bill_no == bill.bill_no, "a payment of another bill")
            demand(payment.channel == channel, "a payment through another channel")
            demand(payment.amount_fen == bill.amount_fen, "a payment of another amount")
            demand(payment.status == "pending", f"begun, and {payment.status}")
            demand(bool(payment.client_parameters), "nothing to open the cashier with")

        body = msgspec.json.encode({"bill_no": bill.bill_no, "channel": channel})
        parcel = Parcel("POST", "/v1/payments", PAY, body, key=key or new_key())
        shapes: Expected = {201: Payment, **({409: Refusal} if twice else {})}
        sent = self._phone.send(parcel, shapes, check)
        return sent.found if sent and sent.status == 201 else None

    def cancel(self, payment: Payment) -> bool:
        """Do not pay after all, which nobody did; whether that is so now."""

        def check(sent: Sent) -> None:
            demand(sent.found.payment_no == payment.payment_no, "another payment")
            demand(sent.found.status == "cancelled", f"cancelled, and {sent.found.status}")

        path = f"/v1/payments/{payment.payment_no}/cancellation"
        return self._phone.send(Parcel("POST", path, CANCEL), {200: Payment}, check) is not None

    def look(self, payment: Payment, right: Iterable[str]) -> Payment | None:
        """How it stands; `right` are the statuses it may have."""
        allowed = frozenset(right)

        def check(found: Payment, _: Headers) -> None:
            demand(found.payment_no == payment.payment_no, "another payment")
            demand(found.amount_fen == payment.amount_fen, "of another amount")
            demand(found.status in allowed, f"{found.status}, which it cannot be")

        path = f"/v1/payments/{payment.payment_no}"
        return self._phone.ask(path, PAYMENT, Payment, check, may_change=True, of="own")

    def watch_paid(self, payment: Payment, confirmed_at: float) -> bool:
        """Look until it is seen to have succeeded; how long that took is noted."""
        seen = self.watch(payment, {"succeeded"})
        waited_ms = 1000 * (time.monotonic() - confirmed_at)
        self._report(PAID_SEEN, waited_ms, None if seen else Wrong("paid, and never seen so"))
        return seen is not None

    def watch(self, payment: Payment, ends: Iterable[str]) -> Payment | None:
        """Look until it is finished, with one of these ends; None: it never was."""
        ends = frozenset(ends)

        def look() -> Payment | None:
            found = self.look(payment, ends | _OPEN | {"refunding"})
            return found if found is not None and found.status in ends else None

        return self.until(look)

    def settle(self, bill: Bill, payment: Payment) -> None:
        """It has succeeded: the bill must say so at once, its case soon, and each but once."""

        def check(found: Bill) -> None:
            demand(found.status == "paid", f"paid, and the bill is {found.status}")
            demand(found.payment_no == payment.payment_no, "paid by another payment")

        self.show_bill(bill.bill_no, check)
        if bill.case_no is None:
            return
        self._times_paid[bill.case_no] += 1
        began = time.monotonic()
        if not self.until(lambda: self._goes_on(bill)):
            waited_ms = 1000 * (time.monotonic() - began)
            self._report(PROGRESS, waited_ms, Wrong("paid, and the case still waits for it"))

    def _goes_on(self, bill: Bill) -> bool | None:
        case_no = bill.case_no or ""

        def check(shown: Progress, _: Headers) -> None:
            told = sum(event.type == "paid" for event in shown.events)
            demand(told <= self._times_paid[case_no], "the case was told of one payment twice")

        path = f"/v1/cases/{case_no}/progress"
        shown = self._phone.ask(path, PROGRESS, Progress, check, may_change=True, of="own")
        if shown is None or shown.payment is None or shown.payment.bill_no != bill.bill_no:
            return None
        return (shown.payment.status == "paid" and shown.status != "awaiting_payment") or None

    def until(self, look: Callable[[], T | None]) -> T | None:
        """What is found, as soon as something is; None after `PATIENCE_SECONDS`."""
        ends_at = time.monotonic() + PATIENCE_SECONDS
        wait_seconds = _FIRST_LOOK_SECONDS
        while True:
            found = look()
            if found is not None or time.monotonic() > ends_at:
                return found
            self._sleep(wait_seconds)
            wait_seconds = min(_LONGEST_LOOK_SECONDS, 1.5 * wait_seconds)


def _all_unpaid(page: BillList, _: Headers) -> None:
    demand(all(bill.status == "unpaid" for bill in page.items), "a bill that is not unpaid")
