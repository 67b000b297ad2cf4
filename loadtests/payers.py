"""Citizens who pay what they owe, in every way that people do, and departments that give back."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import ClassVar
from urllib.error import HTTPError

import gevent
from locust import task

from loadtests.applicants import Applicant, report_to
from loadtests.checkout import Checkout
from loadtests.citizens import GLANCING, READING, TYPING
from loadtests.fee_desk import FeeDesk
from loadtests.fill_form import answer_form
from loadtests.gateways import Gateway
from loadtests.money_answers import Bill, Payment
from loadtests.phone import Phone, Wrong, new_key
from loadtests.platforms import Department
from loadtests.sign_calls import Signer

_FINED = 0.5
_WITH_BOTH_APPS = 0.15
_REFUNDED = 0.1
_BILLS_A_VISIT = 3


class PayingCitizen(Applicant):
    """Owes fees for a case and pays them, one after the other."""

    refundable: ClassVar[deque[str]] = deque(maxlen=1000)
    """Payments of which the department is going to give something back."""

    def on_start(self) -> None:
        """A phone, an app, and a department that will want money."""
        super().on_start()
        line = Phone(
            self.client,
            self.chance,
            gevent.sleep,
            prove=Signer(Department.key, str(self.host)),
        )
        self.desk = FeeDesk(line, self.chance)
        self.checkout = Checkout(self.phone, gevent.sleep, self.report)
        self.gateway: Gateway = self.account.gateway
        others = [gateway for gateway in self.gateways if gateway is not self.gateway]
        self.other = self.chance.choice(others) if others else None
        self.has_both = False
        self.open_bill: Bill | None = None
        self.begun: dict[tuple[str, str], str] = {}

    @task
    def visit(self) -> None:
        """Owe something, pay it, see that the case goes on."""
        if not self.account.sign_in():
            self.pause(READING)
            return
        if self.other and not self.has_both and self.chance.random() < _WITH_BOTH_APPS:
            self.has_both = self.account.link(self.other)
        for _ in range(_BILLS_A_VISIT):
            bill = self.open_bill or self._owe()
            if bill is None:
                break
            self.open_bill = bill
            self.pause(GLANCING)
            self._choose_way()(bill)
            self.pause(GLANCING)
        self.pause(READING)

    def _owe(self) -> Bill | None:
        """A fine, or the fee of a case."""
        if self.offers.only_paid and self.chance.random() < _FINED:
            guide = self.chance.choice(self.offers.only_paid)
            asked = guide.process.form if guide.process else []
            form = answer_form(asked, self.county.code, self.chance)
            return self.checkout.make_bill(guide, form)
        if not self.cases:
            self.apply(TYPING, for_long=True)
        if not self.cases or not self.desk.ask_fee(self.cases[-1]):
            return None
        return self.checkout.find_bill(self.cases[-1].case_no)

    def _choose_way(self) -> Callable[[Bill], None]:
        ways: dict[Callable[[Bill], None], int] = {
            self._pay: 60,
            self._turn_away_and_pay: 10,
            self._cancel: 10,
            self._ask_twice_and_pay: 12,
            self._leave: 8,
        }
        if self.has_both:
            ways[self._pay_in_both_apps] = 60
        return self.chance.choices(list(ways), weights=list(ways.values()))[0]

    def _pay(self, bill: Bill) -> None:
        payment = self._begin(bill)
        if payment is not None:
            self.pause(GLANCING)
            self._confirm(bill, payment)

    def _turn_away_and_pay(self, bill: Bill) -> None:
        """The cashier is closed, and opened once more: it is the same payment."""
        payment = self._begin(bill)
        if payment is None or not self._in_app(lambda: self.gateway.decline(_opened(payment))):
            return
        self.checkout.look(payment, {"pending"})
        self.pause(GLANCING)
        again = self._begin(bill)
        if again is not None:
            self._confirm(bill, again)

    def _cancel(self, bill: Bill) -> None:
        """A bill that is still owed afterwards."""
        payment = self._begin(bill)
        if payment is None or not self._in_app(lambda: self.gateway.decline(_opened(payment))):
            return
        self.begun.pop((bill.bill_no, payment.channel), None)
        if self.checkout.cancel(payment):
            self.checkout.look(payment, {"cancelled"})

    def _ask_twice_and_pay(self, bill: Bill) -> None:
        """Two taps on one button."""
        asked = (bill, self.gateway.channel, new_key())
        taps = [gevent.spawn(self.checkout.begin, *asked, twice=True) for _ in range(2)]
        gevent.joinall(taps)
        answers = [tap.value for tap in taps if tap.value is not None]
        if answers and answers[0] != answers[-1]:
            self.report("two taps", 0.0, Wrong("another answer to the same Idempotency-Key"))
        if answers:
            self._confirm(bill, answers[0])

    def _leave(self, bill: Bill) -> None:
        """To come back another time."""
        if payment := self._begin(bill):
            self.checkout.look(payment, {"pending"})

    def _pay_in_both_apps(self, bill: Bill) -> None:
        """At once: one payment counts, what the other one took goes back by itself."""
        assert self.other is not None
        both = (self.gateway, self.other)
        begun = [gevent.spawn(self.checkout.begin, bill, g.channel) for g in both]
        gevent.joinall(begun)
        payments = [greenlet.value for greenlet in begun]
        if None in payments:
            return
        since = time.monotonic()
        paying = [
            gevent.spawn(self._in_app, lambda g=g, p=p: g.confirm(_opened(p)), late=True)
            for g, p in zip(both, payments, strict=True)
        ]
        gevent.joinall(paying)
        paid = [p for p, greenlet in zip(payments, paying, strict=True) if greenlet.value]
        ends = {"succeeded", "refunded", "cancelled", "expired"}
        seen = [self.checkout.watch(payment, ends) for payment in payments]
        wrong = _judge_both(paid, seen)
        waited_ms = 1000 * (time.monotonic() - since)
        if wrong:
            self.report("both apps at once", waited_ms, Wrong(wrong))
            return
        counted = next(p for p in seen if p and p.status == "succeeded")
        self._settled(bill, counted)

    def _begin(self, bill: Bill) -> Payment | None:
        payment = self.checkout.begin(bill, self.gateway.channel)
        if payment is None:
            return None
        place = (bill.bill_no, payment.channel)
        if self.begun.setdefault(place, payment.payment_no) != payment.payment_no:
            self.report("one open payment", 0.0, Wrong("two open payments of one bill"))
        return payment

    def _confirm(self, bill: Bill, payment: Payment) -> None:
        confirmed_at = time.monotonic()
        if not self._in_app(lambda: self.gateway.confirm(_opened(payment))):
            return
        if self.checkout.watch_paid(payment, confirmed_at):
            self._settled(bill, payment)

    def _settled(self, bill: Bill, payment: Payment) -> None:
        """Bill and case must know of it."""
        self.open_bill = None
        self.begun.clear()
        self.checkout.settle(bill, payment)
        if self.chance.random() < _REFUNDED:
            self.refundable.append(payment.payment_no)

    def _in_app(self, act: Callable[[], object], *, late: bool = False) -> bool:
        """Whether the app could do it; `late`: it may find nothing to pay any more."""
        began = time.monotonic()
        try:
            act()
        except HTTPError as error:
            with error:
                if late and error.code == 409:
                    return False
            self.report("the app", 1000 * (time.monotonic() - began), error)
            return False
        except OSError as error:
            self.report("the app", 1000 * (time.monotonic() - began), error)
            return False
        return True


class RefundDesk(Department):
    """Gives money back, and looks until the channel has done so."""

    @task
    def work(self) -> None:
        """One payment after the other."""
        desk = FeeDesk(self.phone, self.chance)
        if not PayingCitizen.refundable:
            self.pause((0.5, 1.5))
            return
        payment = desk.show(PayingCitizen.refundable.popleft())
        refund = desk.give_back(payment) if payment else None
        if payment is None or refund is None:
            return
        payment_no, began = payment.payment_no, time.monotonic()

        def look() -> bool | None:
            found = desk.show(payment_no)
            mine = [r for r in found.refunds if r.refund_no == refund.refund_no] if found else []
            return (bool(mine) and mine[0].status == "succeeded") or None

        checkout = Checkout(self.phone, gevent.sleep, report_to(self.environment))
        if not checkout.until(look):
            waited_ms = 1000 * (time.monotonic() - began)
            report_to(self.environment)("a refund", waited_ms, Wrong("asked, and never came back"))
        self.pause((0.2, 1.0))


def _opened(payment: Payment) -> dict[str, str]:
    return payment.client_parameters or {}


def _judge_both(paid: list[Payment], seen: list[Payment | None]) -> str:
    """What is wrong with two payments of one bill; empty: nothing."""
    ends = {payment.payment_no: payment.status for payment in seen if payment}
    if len(ends) < len(seen):
        return "paid in both apps, and not both have ended"
    if sorted(ends.values()).count("succeeded") != 1:
        return f"paid in both apps, and now {sorted(ends.values())}"
    if any(ends[payment.payment_no] not in ("succeeded", "refunded") for payment in paid):
        return "taken by the channel, and neither counted nor given back"
    return ""
