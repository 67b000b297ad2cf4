"""A department gives money back: what it believes can go back must be what can.

The refund is noted and answered at once; the worker asks the channel, which answers later.
"""

from __future__ import annotations

from api.access import Caller, covers
from api.audit import note
from api.errors import FieldError, ValidationFailed
from api.payments import queries
from api.payments.refusals import NotRefundable, RefundPreconditionFailed, no_such_payment
from api.payments.reports.take_report import ask_back
from api.payments.rows import BillRow, PaymentRow
from api.payments.schemas import PlatformPayment, RefundAnswer, RefundBody
from api.payments.show_money import (
    REFUNDABLE,
    answer_platform,
    answer_refund,
    available_fen,
)
from api.payments.states import after
from api.statements import Connection


async def ask_refund(
    connection: Connection, caller: Caller, payment_no: str, body: RefundBody
) -> RefundAnswer:
    """Raises NotFound, NotRefundable, RefundPreconditionFailed, ValidationFailed."""
    bill = await queries.lock_bill_of(connection, payment_no=payment_no, channel=None)
    if bill is None or not covers(caller, bill.service_code, bill.region_code):
        raise no_such_payment()
    payment = await queries.lock_payment(connection, payment_no=payment_no)
    if payment is None or payment.status not in REFUNDABLE:
        raise NotRefundable()
    available = await available_fen(connection, payment)
    if available != body.refund_amount_available_fen:
        raise RefundPreconditionFailed()
    if body.amount_fen > available:
        words = ("不能超过可退金额。", "may not be more than what can go back.")
        raise ValidationFailed(errors=[FieldError("amount_fen", "out_of_range", *words)])
    refund_no = await ask_back(
        connection, payment_no, body.amount_fen, body.reason, platform_id=caller.owner
    )
    await _mark(connection, caller, payment, refund_no, body.amount_fen)
    refund = await queries.lock_refund(connection, refund_no=refund_no, payment_no=payment_no)
    if refund is None:
        raise LookupError("it was just written")
    return answer_refund(refund)


async def _mark(
    connection: Connection, caller: Caller, payment: PaymentRow, refund_no: str, amount_fen: int
) -> None:
    await queries.store_payment(
        connection,
        payment_no=payment.payment_no,
        status=after("refund_asked", payment.status),
        flag=None,
        refunded_fen=payment.refunded_fen,
        channel_payment_id=None,
        paid_at=None,
    )
    await note(
        connection,
        actor=caller.actor,
        action="payment.refund_asked",
        subject=f"payment:{payment.payment_no}",
        details={"refund_no": refund_no, "amount_fen": amount_fen},
    )


async def show_handled_payment(
    connection: Connection, caller: Caller, payment_no: str
) -> PlatformPayment:
    """A payment for an item the platform may handle. Raises NotFound."""
    bill: BillRow | None = await queries.find_bill_of(connection, payment_no=payment_no)
    payment = await queries.find_handled_payment(connection, payment_no=payment_no)
    if bill is None or payment is None or not covers(caller, bill.service_code, bill.region_code):
        raise no_such_payment()
    return await answer_platform(connection, bill, payment)
