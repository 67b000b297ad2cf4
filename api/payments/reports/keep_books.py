"""What the ledger says of every move of money: pure functions that give its entries.

The subject of every line is the bill. Money of a bill's own payment stands in its
department's treasury; money that pays no bill, because another paid it, it had ended or the
amount was wrong, stands in suspense until it has gone back.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from api import ledger
from api.ledger import Account, Entry, Line
from api.payments.reports.queries import HeldBill, HeldPayment, HeldRefund
from api.statements import Connection


class Debt(Struct, frozen=True):
    """What a bill says that is owed."""

    bill_no: str
    department_code: str
    basis: str | None
    amount_fen: int


async def assess(connection: Connection, bill: Debt, at: datetime) -> None:
    """A bill was raised."""
    await ledger.post(connection, assessed(bill, at))


async def unassess(connection: Connection, bill_no: str, at: datetime) -> None:
    """An unpaid bill was cancelled: what its raising said is taken back."""
    entry = await ledger.find_entry(connection, kind="bill.assessed", reference=bill_no)
    if entry is None:
        raise LookupError("every bill was assessed")
    await ledger.reverse(
        connection, entry.entry_id, reference=f"bill.cancelled/{bill_no}", occurred_at=at
    )


def assessed(bill: Debt, at: datetime) -> Entry:
    """It is owed."""
    where = bill.department_code, bill.basis
    return _entry(
        "bill.assessed",
        bill.bill_no,
        at,
        bill,
        (ledger.receivable(*where), bill.amount_fen),
        (ledger.assessed(*where), -bill.amount_fen),
    )


def settled(bill: HeldBill, payment: HeldPayment, at: datetime) -> Entry:
    """It is paid: the channel holds the money, the department has it."""
    where = bill.department_code, bill.basis
    amount_fen = payment.amount_fen
    return _entry(
        "payment.succeeded",
        payment.payment_no,
        at,
        bill,
        (ledger.clearing(payment.channel, payment.merchant_id), amount_fen),
        (ledger.receivable(*where), -amount_fen),
        (ledger.assessed(*where), amount_fen),
        (ledger.treasury(*where), -amount_fen),
    )


def in_vain(bill: HeldBill, payment: HeldPayment, at: datetime) -> Entry:
    """The channel holds money that pays nothing."""
    purse = payment.channel, payment.merchant_id
    return _entry(
        "payment.in_vain",
        payment.payment_no,
        at,
        bill,
        (ledger.clearing(*purse), payment.held_fen),
        (ledger.suspense(*purse), -payment.held_fen),
    )


def promised(bill: HeldBill, payment: HeldPayment, refund: HeldRefund, at: datetime) -> Entry:
    """A refund is to be asked of the channel."""
    return _entry(
        "refund.promised",
        _round(refund),
        at,
        bill,
        (source(bill, payment), refund.amount_fen),
        (ledger.refunds_payable(payment.channel, payment.merchant_id), -refund.amount_fen),
    )


def unpromised(bill: HeldBill, payment: HeldPayment, refund: HeldRefund, at: datetime) -> Entry:
    """The channel will not send it: the money is where it was."""
    return _entry(
        "refund.failed",
        _round(refund),
        at,
        bill,
        (ledger.refunds_payable(payment.channel, payment.merchant_id), refund.amount_fen),
        (source(bill, payment), -refund.amount_fen),
    )


def sent(bill: HeldBill, payment: HeldPayment, refund: HeldRefund, at: datetime) -> Entry:
    """The channel has sent it."""
    purse = payment.channel, payment.merchant_id
    return _entry(
        "refund.sent",
        refund.refund_no,
        at,
        bill,
        (ledger.refunds_payable(*purse), refund.amount_fen),
        (ledger.clearing(*purse), -refund.amount_fen),
    )


def sent_unasked(bill: HeldBill, payment: HeldPayment, refund: HeldRefund, at: datetime) -> Entry:
    """The channel gave money back that nobody here had promised."""
    return _entry(
        "refund.outside",
        refund.refund_no,
        at,
        bill,
        (source(bill, payment), refund.amount_fen),
        (ledger.clearing(payment.channel, payment.merchant_id), -refund.amount_fen),
    )


def source(bill: HeldBill, payment: HeldPayment) -> Account:
    """Where the money of a payment stands until it goes back."""
    if bill.payment_no == payment.payment_no:
        return ledger.treasury(bill.department_code, bill.basis)
    return ledger.suspense(payment.channel, payment.merchant_id)


def _round(refund: HeldRefund) -> str:
    return refund.refund_no if refund.round == 1 else f"{refund.refund_no}/{refund.round}"


def _entry(
    kind: str, reference: str, at: datetime, bill: HeldBill | Debt, *lines: tuple[Account, int]
) -> Entry:
    return Entry(
        kind, reference, at, tuple(Line(account, bill.bill_no, fen) for account, fen in lines)
    )
