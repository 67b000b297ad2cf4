"""Bills, payments and refunds as those who may see them read them."""

from __future__ import annotations

from datetime import datetime

import msgspec

from api.access import Caller, demand_scope
from api.database import CHINA
from api.errors import Forbidden
from api.pages import ListCursors, Page
from api.payments import queries
from api.payments.refusals import no_such_bill, no_such_payment
from api.payments.rows import BillRow, PaymentRow, RefundRow
from api.payments.schemas import (
    BillAnswer,
    PaymentAnswer,
    PlatformPayment,
    RefundAnswer,
)
from api.payments.states import FINISHED, LIVE
from api.statements import Connection

_NEWEST = 2**62
REFUNDABLE = frozenset({"succeeded", "partially_refunded", "refunding"})


def answer_bill(bill: BillRow) -> BillAnswer:
    """A bill."""
    return BillAnswer(
        bill.bill_no,
        bill.case_no,
        bill.service_code,
        bill.service_name,
        bill.amount_fen,
        bill.basis,
        bill.standard,
        bill.status,  # type: ignore[arg-type]
        bill.due_on,
        bill.status == "unpaid" and bill.due_on < datetime.now(CHINA).date(),
        bill.payment_no,
        bill.created_at,
        bill.paid_at,
    )


def answer_payment(payment: PaymentRow) -> PaymentAnswer:
    """A payment; what the app needs to pay is shown while there is something to pay."""
    parameters = payment.client_parameters
    is_open = payment.status in LIVE and not payment.cancel_asked
    return PaymentAnswer(
        payment.payment_no,
        payment.bill_no,
        payment.channel,
        payment.status,  # type: ignore[arg-type]
        payment.status in FINISHED,
        payment.amount_fen,
        payment.refunded_fen,
        payment.expires_at,
        msgspec.json.decode(parameters, type=dict[str, str]) if parameters and is_open else None,
        payment.created_at,
        payment.paid_at,
    )


def answer_refund(refund: RefundRow) -> RefundAnswer:
    """A refund."""
    return RefundAnswer(
        refund.refund_no,
        refund.payment_no,
        refund.amount_fen,
        refund.reason,
        refund.status,  # type: ignore[arg-type]
        refund.created_at,
        refund.succeeded_at,
    )


async def list_bills(
    connection: Connection,
    caller: Caller,
    status: str | None,
    of: ListCursors,
    cursor: str | None,
    limit: int,
) -> Page[BillAnswer]:
    """The newest first; an agent sees those of the services they may pay for."""
    codes: list[str] | None = None
    if caller.authority is not None:
        if "pay" not in caller.authority.scopes:
            raise Forbidden(
                "您的代办授权不包括这件事。", "Your written authority does not cover this."
            )
        codes = sorted(caller.authority.service_codes) or None
    rows = await queries.list_bills(
        connection,
        citizen_id=caller.owner,
        before=of.read(cursor, int, _NEWEST),
        status=status,
        service_codes=codes,
        limit=limit + 1,
    )
    return of.cut(rows, limit, answer_bill, lambda row: row.bill_id)


async def show_bill(connection: Connection, caller: Caller, bill_no: str) -> BillAnswer:
    """The caller's own. Raises NotFound, Forbidden."""
    bill = await queries.find_bill(connection, bill_no=bill_no, citizen_id=caller.owner)
    if bill is None:
        raise no_such_bill()
    demand_scope(caller, "pay", bill.service_code)
    return answer_bill(bill)


async def find_own_payment(connection: Connection, caller: Caller, payment_no: str) -> PaymentRow:
    """The caller's own. Raises NotFound, Forbidden."""
    payment = await queries.find_payment(connection, payment_no=payment_no, citizen_id=caller.owner)
    if payment is None:
        raise no_such_payment()
    service_code = await queries.find_service_of_payment(
        connection, payment_no=payment_no, citizen_id=caller.owner
    )
    demand_scope(caller, "pay", service_code)
    return payment


async def available_fen(connection: Connection, payment: PaymentRow) -> int:
    """What can still be asked back."""
    if payment.status not in REFUNDABLE:
        return 0
    asked = await queries.sum_open_refunds(connection, payment_no=payment.payment_no)
    held = await queries.find_held_fen(connection, payment_no=payment.payment_no)
    return (held or 0) - payment.refunded_fen - (asked or 0)


async def answer_platform(
    connection: Connection, bill: BillRow, payment: PaymentRow
) -> PlatformPayment:
    """A payment with its refunds."""
    refunds = await queries.list_refunds(connection, payment_no=payment.payment_no)
    return PlatformPayment(
        payment.payment_no,
        bill.bill_no,
        bill.case_no,
        payment.channel,
        payment.status,  # type: ignore[arg-type]
        payment.status in FINISHED,
        payment.amount_fen,
        payment.refunded_fen,
        await available_fen(connection, payment),
        payment.paid_at,
        [answer_refund(refund) for refund in refunds],
    )
