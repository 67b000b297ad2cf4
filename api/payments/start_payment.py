"""Begins to pay a bill: the intent is written, the channel asked without a connection, its
answer written.

There is one live payment for a bill and a channel. Asking again, under whatever key, finds
it, and where the channel's answer was lost the same order is sent again under the same
number; another number would be a second order.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from adapters.contract import PaymentLaunch, PaymentOrder, PaymentReport, Refusal, Unreachable
from api.access import Caller, demand_scope
from api.channels import as_problem
from api.idempotency import Answer, Keyed, remember_around
from api.kinds import new_id
from api.payments import queries
from api.payments.refusals import (
    BillNotPayable,
    PayerNotLinked,
    PaymentFinished,
    PaymentOpen,
    no_such_bill,
)
from api.payments.reports.take_report import take_report
from api.payments.rows import PaymentRow
from api.payments.schemas import PaymentBody
from api.payments.show_money import answer_payment
from api.payments.states import LIVE, after
from api.payments.till import WAITS, Till, ask
from api.statements import Connection

# A payment about to end is not worth beginning.
LEAST_SECONDS = 60
# Alipay's gateway tells payments and refunds at one address; the others have one for each.
NOTICE_PATHS = {"alipay": "/v1/notices/alipay"}
# What a channel says of a number it has an order for already: only a query tells what it is.
_USED = frozenset({"already_paid", "already_closed", "state_wrong"})


class Intent(Struct, frozen=True):
    """A payment that stands in the database; `order` None: the channel has answered already."""

    payment: PaymentRow
    order: PaymentOrder | None


class Launched(Struct, frozen=True):
    """What the channel answered; None: nothing new."""

    payment: PaymentRow
    launch: PaymentLaunch | None


async def start_payment(till: Till, caller: Caller, keyed: Keyed, body: PaymentBody) -> Answer:
    """Raises NotFound, Forbidden, BillNotPayable, PayerNotLinked, PaymentOpen, and what
    channels do."""
    till.payments(body.channel)

    async def begin(connection: Connection, again: bool) -> Intent:  # noqa: ARG001 (found either way)
        return await _begin(till, connection, caller, body)

    async def call(intent: Intent) -> Launched:
        till.reach("payment.intended")
        if intent.order is None:
            return Launched(intent.payment, None)
        launch = await _order(till, intent.payment, intent.order)
        till.reach("payment.ordered")
        return Launched(intent.payment, launch)

    async def finish(connection: Connection, launched: Launched) -> Answer:
        return await _finish(connection, launched)

    return await remember_around(till.database, till.settings, keyed, begin, call, finish)


async def _begin(till: Till, connection: Connection, caller: Caller, body: PaymentBody) -> Intent:
    bill = await queries.lock_own_bill(connection, bill_no=body.bill_no, citizen_id=caller.owner)
    if bill is None:
        raise no_such_bill()
    demand_scope(caller, "pay", bill.service_code)
    if bill.status != "unpaid":
        raise BillNotPayable()
    # An agent pays with an account of their own.
    payer_id = caller.owner if caller.authority is None else caller.authority.agent_id
    payer = await queries.find_payer(connection, citizen_id=payer_id, channel=body.channel)
    if payer is None:
        raise PayerNotLinked()
    payment = await queries.find_live_payment(
        connection, bill_no=bill.bill_no, channel=body.channel
    )
    is_new = payment is None
    if payment is None:
        payment = await queries.add_payment(
            connection,
            payment_no=new_id(),
            bill_no=bill.bill_no,
            citizen_id=caller.owner,
            channel=body.channel,
            merchant_id=till.payments(body.channel).merchant_id[:64],
            notice_base=till.settings.public_address,
            link_id=payer.link_id,
            description=bill.service_name[:100],
            amount_fen=bill.amount_fen,
            seconds=float(till.settings.payment_minutes * 60),
            # Later than the answer is expected: who waits for it writes it.
            query_seconds=2 * till.settings.app_deadline_seconds,
        )
        if payment is None:
            raise LookupError("an insert gives a row")
    elif payment.is_over or payment.cancel_asked or payment.link_id != payer.link_id:
        raise PaymentOpen(headers={"Retry-After": "5"})
    if payment.client_parameters is not None:
        return Intent(payment, None)
    open_id = till.vault.open_text(
        payer.open_id_sealed, table="channel_links", column="open_id_sealed", row=payer.link_id
    )
    base = (
        None
        if is_new
        else await queries.find_notice_base(connection, payment_no=payment.payment_no)
    )
    return Intent(payment, _order_of(base or till.settings.public_address, payment, open_id))


def _order_of(notice_base: str, payment: PaymentRow, open_id: str) -> PaymentOrder:
    """The same for every try: channels compare it with what they hold under the number. So the
    address for notices is the one that held when it was first ordered."""
    return PaymentOrder(
        payment_no=payment.payment_no,
        amount_fen=payment.amount_fen,
        description=payment.description,
        open_id=open_id,
        expires_at=payment.expires_at,
        notice_url=notice_base + notice_path(payment.channel),
    )


def notice_path(channel: str) -> str:
    """Where a channel sends what becomes of payments."""
    return NOTICE_PATHS.get(channel, f"/v1/notices/{channel}/payments")


async def _order(till: Till, payment: PaymentRow, order: PaymentOrder) -> PaymentLaunch:
    try:
        return await ask(till.payments(payment.channel).order(order))
    except Unreachable as error:
        await _note_unsure(till, payment)
        raise as_problem(error) from None
    except Refusal as refusal:
        if refusal.code in _USED:
            await _note_unsure(till, payment)
        else:
            await _note_refused(till, payment)
        raise as_problem(refusal) from None


async def _note_unsure(till: Till, payment: PaymentRow) -> None:
    """Whether there is an order now is unknown: it is asked soon, and never ordered anew."""
    report = PaymentReport(payment.payment_no, "unknown")
    async with till.database.transaction() as connection:
        await take_report(connection, payment.channel, report)
        await queries.query_soon(
            connection, payment_no=payment.payment_no, seconds=WAITS[0].total_seconds()
        )


async def _note_refused(till: Till, payment: PaymentRow) -> None:
    async with till.database.transaction() as connection:
        await queries.lock_bill_of(connection, payment_no=payment.payment_no, channel=None)
        found = await queries.lock_payment(connection, payment_no=payment.payment_no)
        if found is not None and found.status in LIVE and found.client_parameters is None:
            await queries.store_payment(
                connection,
                payment_no=payment.payment_no,
                status=after("refused", found.status),
                flag=None,
                refunded_fen=0,
                channel_payment_id=None,
                paid_at=None,
            )


async def _finish(connection: Connection, launched: Launched) -> Answer:
    kept = None
    if launched.launch is not None:
        kept = await _keep_launch(connection, launched.payment, launched.launch)
    payment_no = launched.payment.payment_no
    payment = kept or await queries.lock_payment(connection, payment_no=payment_no)
    if payment is None or (payment.status not in LIVE and payment.paid_at is None):
        raise PaymentFinished()
    where = {"Location": f"/v1/payments/{payment_no}"}
    return Answer(201, msgspec.json.encode(answer_payment(payment)), where)


async def _keep_launch(
    connection: Connection, payment: PaymentRow, launch: PaymentLaunch
) -> PaymentRow | None:
    if payment.status == "unknown":
        # The channel has an order, whatever was unsure before.
        await take_report(connection, payment.channel, PaymentReport(payment.payment_no, "pending"))
    return await queries.keep_launch(
        connection,
        payment_no=payment.payment_no,
        client_parameters=msgspec.json.encode(launch.client_parameters).decode(),
        channel_order_id=launch.channel_order_id,
        seconds=WAITS[0].total_seconds(),
    )
