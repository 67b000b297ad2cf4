"""The one way a payment moves: what a channel says of it, weighed under lock.

Notices, queries, closings and answers all come here, in any order and any number; each is
compared with what stands and applied once. The bill is locked first, then the payment, then
the refund. Money is counted as ours only where amount and currency are right, the bill is
unpaid and the payment has not ended here; else it goes back by itself and is flagged.
"""

from __future__ import annotations

from typing import Literal

from msgspec import structs

from adapters.contract import PaymentReport, RefundReport
from api.audit import note
from api.events import publish
from api.facts import PaymentRefunded, PaymentSettled, RefundAsked
from api.kinds import new_id
from api.payments import queries
from api.payments.rows import BillRow, PaymentRow, RefundRow
from api.payments.states import ENDED, LIVE, after, bill_after
from api.statements import Connection

Outcome = Literal["applied", "repeated", "flagged", "unknown_order"]

CURRENCY = "CNY"
REASONS = {"second_payment": "重复缴费，原路退回", "paid_after_end": "订单已关闭，原路退回"}


async def take_report(
    connection: Connection, channel: str, report: PaymentReport, *, currency: str = CURRENCY
) -> Outcome:
    """Apply what the channel says of a payment, in the caller's transaction."""
    bill = await queries.lock_bill_of(connection, payment_no=report.payment_no, channel=channel)
    if bill is None:
        return "unknown_order"
    payment = await _locked(connection, report.payment_no)
    if report.state in ("paid", "partially_refunded"):
        return await _take_money(connection, bill, payment, report, currency)
    if report.state == "refunded":
        return await _take_returned(connection, payment, report)
    if payment.status not in LIVE:
        return "repeated"
    event = _event_of(payment, report)
    if after(event, payment.status) == payment.status:
        return "repeated"
    await _store(connection, payment, event, report)
    return "applied"


def _event_of(payment: PaymentRow, report: PaymentReport) -> str:
    if report.state == "closed":
        return "expired" if payment.is_over and not payment.cancel_asked else "cancelled"
    return "known" if report.state == "pending" else "unsure"


async def _take_money(
    connection: Connection,
    bill: BillRow,
    payment: PaymentRow,
    report: PaymentReport,
    currency: str,
) -> Outcome:
    if payment.status not in LIVE | ENDED:
        return "repeated"
    if report.amount_fen != payment.amount_fen or currency != CURRENCY:
        # Nobody counts what is not the sum; the channel is asked what it really has.
        await _store(connection, payment, "unsure", report, flag="wrong_amount")
        await queries.query_soon(connection, payment_no=payment.payment_no, seconds=0)
        return "flagged"
    if payment.status in ENDED or bill.status != "unpaid":
        flag = "paid_after_end" if payment.status in ENDED else "second_payment"
        await _store(connection, payment, "paid_in_vain", report, flag=flag)
        await ask_back(connection, payment.payment_no, payment.amount_fen, REASONS[flag])
        return "applied"
    await _store(connection, payment, "paid", report)
    await queries.store_bill(
        connection,
        bill_no=bill.bill_no,
        status=bill_after("paid", bill.status),
        payment_no=payment.payment_no,
        paid_at=report.paid_at,
    )
    await queries.hurry_others(connection, bill_no=bill.bill_no)
    await publish(
        connection,
        PaymentSettled(payment_no=payment.payment_no, bill_no=bill.bill_no, case_no=bill.case_no),
    )
    return "applied"


async def _take_returned(
    connection: Connection, payment: PaymentRow, report: PaymentReport
) -> Outcome:
    """The channel has given everything back, by a refund of ours or of its own accord."""
    if payment.status == "refunded" or payment.status == "refunding":
        # Our own refund is told apart, with its number.
        return "repeated"
    if after("given_back", payment.status) == payment.status:
        await _flag(connection, payment, "refunded_outside")
        return "flagged"
    whole = structs.replace(payment, refunded_fen=payment.amount_fen)
    await _store(connection, whole, "given_back", report, flag="refunded_outside")
    return "applied"


async def ask_back(
    connection: Connection,
    payment_no: str,
    amount_fen: int,
    reason: str,
    platform_id: str | None = None,
) -> str:
    """Note a refund that the worker asks of the channel; gives its number."""
    refund_no = new_id()
    await queries.add_refund(
        connection,
        refund_no=refund_no,
        payment_no=payment_no,
        platform_id=platform_id,
        amount_fen=amount_fen,
        reason=reason,
    )
    await publish(connection, RefundAsked(refund_no=refund_no))
    return refund_no


async def take_refund_report(
    connection: Connection, channel: str, report: RefundReport, *, currency: str = CURRENCY
) -> Outcome:
    """Apply what the channel says of a refund, in the caller's transaction."""
    bill = await queries.lock_bill_of(connection, payment_no=report.payment_no, channel=channel)
    if bill is None:
        return "unknown_order"
    payment = await _locked(connection, report.payment_no)
    refund = await queries.lock_refund(
        connection, refund_no=report.refund_no, payment_no=report.payment_no
    )
    if refund is None:
        return "unknown_order"
    if refund.status == "succeeded" or report.state == "unknown":
        return "repeated"
    wrong = report.amount_fen not in (None, refund.amount_fen) or currency != CURRENCY
    if wrong or payment.refunded_fen + refund.amount_fen > payment.amount_fen:
        await _flag(connection, payment, "wrong_refund")
        return "flagged"
    if report.state == "succeeded":
        await _store_refund(connection, refund, report, "succeeded")
        await _count_refund(connection, bill, payment, refund)
        return "applied"
    if refund.status == "failed":
        return "repeated"
    if report.state == "processing":
        await _store_refund(connection, refund, report, "processing")
        return "repeated" if refund.status == "processing" else "applied"
    await _store_refund(connection, refund, report, "failed")
    await give_up_refund(connection, payment)
    return "applied"


async def give_up_refund(connection: Connection, payment: PaymentRow) -> None:
    """A refund of a locked payment failed for good: what is left stays paid, and is looked at."""
    if await queries.sum_open_refunds(connection, payment_no=payment.payment_no):
        await _flag(connection, payment, "refund_failed")
        return
    event = "partly_refunded" if payment.refunded_fen else "refund_failed"
    await _store(connection, payment, event, None, flag="refund_failed")


async def _count_refund(
    connection: Connection, bill: BillRow, payment: PaymentRow, refund: RefundRow
) -> None:
    back = structs.replace(payment, refunded_fen=payment.refunded_fen + refund.amount_fen)
    is_whole = back.refunded_fen == back.amount_fen
    still_open = await queries.sum_open_refunds(connection, payment_no=payment.payment_no)
    event = "refund_asked" if still_open else "partly_refunded"
    if is_whole:
        event = "refunded"
    await _store(connection, back, event, None)
    if bill.payment_no == payment.payment_no:
        await queries.store_bill(
            connection,
            bill_no=bill.bill_no,
            status=bill_after("refunded" if is_whole else "partly_refunded", bill.status),
            payment_no=bill.payment_no,
            paid_at=bill.paid_at,
        )
    await publish(
        connection, PaymentRefunded(refund_no=refund.refund_no, payment_no=payment.payment_no)
    )


async def _locked(connection: Connection, payment_no: str) -> PaymentRow:
    payment = await queries.lock_payment(connection, payment_no=payment_no)
    if payment is None:
        raise LookupError("its bill was just found by it")
    return payment


async def _store(
    connection: Connection,
    payment: PaymentRow,
    event: str,
    report: PaymentReport | None,
    *,
    flag: str | None = None,
) -> None:
    status = after(event, payment.status)
    await queries.store_payment(
        connection,
        payment_no=payment.payment_no,
        status=status,
        flag=flag,
        refunded_fen=payment.refunded_fen,
        channel_payment_id=report and report.channel_payment_id,
        paid_at=report and report.paid_at,
    )
    await note(
        connection,
        actor=f"channel:{payment.channel}",
        action=f"payment.{event}",
        subject=f"payment:{payment.payment_no}",
        details={"from": payment.status, "to": status, "flag": flag},
    )


async def _flag(connection: Connection, payment: PaymentRow, flag: str) -> None:
    await queries.store_payment(
        connection,
        payment_no=payment.payment_no,
        status=payment.status,
        flag=flag,
        refunded_fen=payment.refunded_fen,
        channel_payment_id=None,
        paid_at=None,
    )


async def _store_refund(
    connection: Connection, refund: RefundRow, report: RefundReport, status: str
) -> None:
    await queries.store_refund(
        connection,
        refund_no=refund.refund_no,
        status=status,
        channel_refund_id=report.channel_refund_id,
        succeeded_at=report.succeeded_at,
    )
