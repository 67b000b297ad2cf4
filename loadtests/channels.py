"""The channels' side of a payment, at its worst: every notice many times over, out of order,
among forged ones and probes."""

from __future__ import annotations

import time
from typing import ClassVar

import gevent
from locust import task

from loadtests.applicants import Applicant
from loadtests.checkout import Checkout
from loadtests.citizens import TYPING
from loadtests.fee_desk import FeeDesk
from loadtests.fill_form import answer_form
from loadtests.gateways import Order
from loadtests.money_answers import Bill, Payment
from loadtests.phone import REFUSALS, REFUSED, WHOLLY, Phone, header_of
from loadtests.platforms import Department
from loadtests.request_names import FORGED, NOTICE, PROBE
from loadtests.sign_calls import Signer
from loadtests.sign_notices import Delivery, Make, Pen, new_notice_id

COPIES = 10
FORGERIES = 5
_AT_ONCE = 4
_MOST_TRIES = 5
_UNPROVEN = 401


class NoticeStorm(Applicant):
    """Somebody's payments, and a channel that has lost its mind about each of them.

    The gateways themselves are told to say nothing, so what is applied came from here. Before
    the person has paid only forged notices come; nothing may move. Then the true one comes
    `COPIES` times, half of them byte for byte the same, half signed anew.
    """

    pens: ClassVar[dict[str, Pen]]
    # Several notices of one channel are under way at once.
    concurrency = 2 * _AT_ONCE

    def on_start(self) -> None:
        """A person with a department that wants money again and again."""
        super().on_start()
        prove = Signer(Department.key, str(self.host))
        line = Phone(self.client, self.chance, gevent.sleep, prove=prove)
        self.desk = FeeDesk(line, self.chance)
        self.checkout = Checkout(self.phone, gevent.sleep, self.report)
        self.pen = self.pens[self.account.gateway.channel]

    @task
    def visit(self) -> None:
        """One payment."""
        if not self.account.sign_in():
            self.pause(TYPING)
            return
        bill = self._owe()
        if bill is not None:
            self._pay(bill)

    def _owe(self) -> Bill | None:
        """Of a case only where no item is paid without one: that is quicker."""
        if self.offers.only_paid:
            guide = self.chance.choice(self.offers.only_paid)
            asked = guide.process.form if guide.process else []
            form = answer_form(asked, self.county.code, self.chance)
            return self.checkout.make_bill(guide, form)
        if not self.cases:
            self.apply(TYPING, for_long=True)
        if not self.cases or not self.desk.ask_fee(self.cases[-1]):
            return None
        return self.checkout.find_bill(self.cases[-1].case_no)

    def _pay(self, bill: Bill) -> None:
        payment = self.checkout.begin(bill, self.account.gateway.channel)
        if payment is None:
            return
        # What a forger may know of an order that nobody has paid yet.
        unpaid = Order(
            order_id=payment.payment_no,
            merchant_no=payment.payment_no,
            open_id="forged",
            amount_fen=payment.amount_fen,
            created_at=time.time(),
            state="waiting",
            notice_url=self._notice_url(),
            description="forged",
            transaction_id="4200000000000000000000000000",
        )
        self._send_all([self._forged(unpaid) for _ in range(FORGERIES)])
        if self.checkout.look(payment, {"pending"}) is None:
            return
        self._storm(bill, payment)

    def _storm(self, bill: Bill, payment: Payment) -> None:
        try:
            order = self.account.gateway.confirm(payment.client_parameters or {})
        except OSError as error:
            self.report("the app", 0.0, error)
            return
        sent = [*self._true(order), *(self._forged(order) for _ in range(FORGERIES))]
        if probe := self.pen.probe():
            sent.append((PROBE, probe(order, new_notice_id())))
        self.chance.shuffle(sent)
        self._send_all(sent)
        # At once, since every notice was acknowledged; the case follows.
        if self.checkout.look(payment, {"succeeded"}) is not None:
            self.checkout.settle(bill, payment)

    def _true(self, order: Order) -> list[tuple[str, Delivery]]:
        notice_id = new_notice_id()
        first = self.pen.write(order, notice_id)
        again = [self.pen.write(order, notice_id) for _ in range(COPIES // 2)]
        return [(NOTICE, one) for one in [first] * (COPIES - len(again)) + again]

    def _forged(self, order: Order) -> tuple[str, Delivery]:
        make: Make = self.chance.choice(self.pen.forge())
        return FORGED, make(order, new_notice_id())

    def _notice_url(self) -> str:
        channel = self.account.gateway.channel
        path = "/v1/notices/alipay" if channel == "alipay" else f"/v1/notices/{channel}/payments"
        return f"{self.host}{path}"

    def _send_all(self, sent: list[tuple[str, Delivery]]) -> None:
        """Some at a time, as a channel has several machines."""

        def machine() -> None:
            while sent:
                name, delivery = sent.pop()
                self._send(name, delivery)

        gevent.joinall([gevent.spawn(machine) for _ in range(_AT_ONCE)])

    def _send(self, name: str, delivery: Delivery) -> None:
        """Until it is answered; a refusal for want of room is waited out, as channels do."""
        for _ in range(_MOST_TRIES):
            with self.client.request(
                "POST",
                delivery.path,
                name=name,
                data=delivery.body,  # type: ignore[arg-type]
                headers=dict(delivery.headers),
                catch_response=True,
            ) as answer:
                status, content = answer.status_code, answer.content or b""
                if status in REFUSALS and header_of(answer, "retry-after").isdigit():
                    answer.request_meta["context"] = {REFUSED: WHOLLY}
                    answer.success()
                elif self._is_right(name, status, content):
                    answer.success()
                    return
                else:
                    answer.failure(f"Wrong: {status} {content[:60]!r}")
                    return
            gevent.sleep(self.chance.uniform(1.0, 1.5))

    def _is_right(self, name: str, status: int, content: bytes) -> bool:
        if name == NOTICE:
            return (status, content) == self.pen.accepted
        return status == _UNPROVEN and b"success" not in content
