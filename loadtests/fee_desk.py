"""The department's side of a fee: the case is accepted, the fee is asked for, some goes back."""

from __future__ import annotations

import random
import uuid
from typing import Any

import msgspec

from loadtests.case_answers import EventAnswer
from loadtests.casebook import Case, Row
from loadtests.money_answers import Bill, HandledPayment, RefundTold
from loadtests.phone import Headers, Parcel, Phone, Sent, demand, new_key
from loadtests.request_names import HANDLED, PUSH, RAISE, REFUND

FEES_FEN = (1, 500, 1000, 1999, 2000, 4550, 12000)
_BILLED_BY_CALL = 0.5
_WHOLE = 0.5


class FeeDesk:
    """Acts for a department, over its own line."""

    def __init__(self, line: Phone, chance: random.Random) -> None:
        """`line` signs what it sends."""
        self._line = line
        self._chance = chance
        # Cases that are billed, and perhaps do not wait for it yet.
        self._billed: set[str] = set()

    def ask_fee(self, case: Case) -> bool:
        """Let a case wait for a fee, billed by a call of its own or by the event alone."""
        status = self._push(case, "accepted") if not case.pushed else ""
        if status is None:
            return False
        if status == "awaiting_payment":
            return True  # The item itself costs something.
        fee_fen = self._chance.choice(FEES_FEN)
        by_call = self._chance.random() < _BILLED_BY_CALL and case.case_no not in self._billed
        if by_call and not self._raise(case, fee_fen):
            return False
        fee = {"amount_fen": fee_fen, "basis": "压测收费依据"}
        asked = self._push(case, "payment_requested", fee=fee) is not None
        if asked:
            self._billed.discard(case.case_no)
        return asked

    def show(self, payment_no: str) -> HandledPayment | None:
        """A payment, as the department reads it."""

        def check(found: HandledPayment, _: Headers) -> None:
            demand(found.payment_no == payment_no, "another payment")
            back = sum(r.amount_fen for r in found.refunds if r.status == "succeeded")
            demand(found.refunded_fen == back, "its refunds do not add up")
            demand(found.refunded_fen <= found.amount_fen, "more went back than was paid")

        path = f"/v1/platform/payments/{payment_no}"
        return self._line.ask(path, HANDLED, HandledPayment, check, may_change=True, of="own")

    def give_back(self, payment: HandledPayment) -> RefundTold | None:
        """All that can go back, or a part of it."""
        available = payment.refund_amount_available_fen
        whole = available == 1 or self._chance.random() < _WHOLE
        amount_fen = available if whole else self._chance.randint(1, available - 1)

        def check(sent: Sent) -> None:
            demand(sent.found.payment_no == payment.payment_no, "a refund of another payment")
            demand(sent.found.amount_fen == amount_fen, "a refund of another amount")

        body = {
            "amount_fen": amount_fen,
            "refund_amount_available_fen": available,
            "reason": "压测退款",
        }
        path = f"/v1/platform/payments/{payment.payment_no}/refunds"
        parcel = Parcel("POST", path, REFUND, msgspec.json.encode(body), key=new_key())
        sent = self._line.send(parcel, {201: RefundTold}, check)
        return sent.found if sent else None

    def _push(self, case: Case, kind: str, **said: Any) -> str | None:
        """The status then; None where it was not taken."""

        def check(sent: Sent) -> None:
            demand(sent.found.applied, f"{kind} was not applied")

        moment = case.next_moment().isoformat()
        body = {"event_id": uuid.uuid4().hex, "type": kind, "occurred_at": moment, **said}
        path = f"/v1/platform/cases/{case.case_no}/events"
        parcel = Parcel("POST", path, PUSH, msgspec.json.encode(body))
        sent = self._line.send(parcel, {202: EventAnswer}, check)
        if sent is None:
            return None
        case.acknowledge(sent.found.version)
        case.pushed.append(Row(body["event_id"], kind, moment))
        return str(sent.found.status)

    def _raise(self, case: Case, fee_fen: int) -> bool:
        def check(sent: Sent) -> None:
            bill: Bill = sent.found
            demand(bill.case_no == case.case_no, "a bill of another case")
            demand((bill.amount_fen, bill.status) == (fee_fen, "unpaid"), "another bill")

        body = {
            "reference": uuid.uuid4().hex,
            "case_no": case.case_no,
            "amount_fen": fee_fen,
            "basis": "压测收费依据",
        }
        parcel = Parcel("POST", "/v1/platform/bills", RAISE, msgspec.json.encode(body))
        self._billed.add(case.case_no)
        return self._line.send(parcel, {201: Bill}, check) is not None
