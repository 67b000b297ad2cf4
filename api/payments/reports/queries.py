"""The rows that reports of channels move, locked many at once, and how they are written."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from api.statements import Statements


class HeldBill(Struct, frozen=True):
    """A locked bill; `payment_no` is the payment that paid it."""

    bill_no: str
    case_no: str | None
    department_code: str
    basis: str | None
    amount_fen: int
    status: str
    payment_no: str | None
    paid_at: datetime | None


class HeldPayment(Struct, frozen=True):
    """A locked payment. `taken_fen`: what came, where that is not `amount_fen`; `doubted_fen`:
    another amount that a notice named and the channel is being asked about."""

    payment_no: str
    bill_no: str
    channel: str
    merchant_id: str
    amount_fen: int
    taken_fen: int | None
    doubted_fen: int | None
    refunded_fen: int
    status: str
    cancel_asked: bool
    is_over: bool
    flag: str | None
    channel_payment_id: str | None
    paid_at: datetime | None

    @property
    def held_fen(self) -> int:
        """What the channel took, once it has."""
        return self.amount_fen if self.taken_fen is None else self.taken_fen


class HeldRefund(Struct, frozen=True):
    """A locked refund; `round`: how many times it was promised."""

    refund_no: str
    payment_no: str
    platform_id: str | None
    amount_fen: int
    reason: str
    status: str
    round: int
    channel_refund_id: str | None
    succeeded_at: datetime | None


statements = Statements("payment_reports")

hold_bills = statements.many("hold_bills", HeldBill)
hold_payments = statements.many("hold_payments", HeldPayment)
hold_refunds = statements.many("hold_refunds", HeldRefund)
store_payments = statements.execute("store_payments")
store_bills = statements.execute("store_bills")
store_refunds = statements.execute("store_refunds")
hurry_payments = statements.execute("hurry_payments")
ask_soon = statements.execute("ask_soon")
keep_notices = statements.execute("keep_notices")
