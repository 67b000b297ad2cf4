"""A cashier settles what waits for a person; each matter once, by one of them.

Before anything is done about a refund that failed, the channel is asked what it says of it
now, without a connection: it may have gone through after all. A refund is asked for again
under its own number wherever the channel would take it, because that can never pay twice;
only where the channel has closed it for good there is a new number.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct, structs

from adapters.contract import ChannelError, RefundReport, Refusal
from api import ledger
from api.access import Caller, covers
from api.audit import note
from api.channels import as_problem
from api.database import CHINA
from api.errors import FieldError, ValidationFailed
from api.events import publish_many
from api.facts import RefundAsked
from api.kinds import new_id
from api.ledger import Account, Entry, Line
from api.payments import queries
from api.payments.desk import queries as desk_queries
from api.payments.desk.queries import MatterRow
from api.payments.desk.schemas import ResolutionBody
from api.payments.desk.words import KINDS
from api.payments.refusals import (
    ActionUnfit,
    NothingWaiting,
    NotRefundable,
    RefundAbnormal,
    RefundArrived,
    RefundUnsure,
    no_such_payment,
)
from api.payments.reports import keep_books
from api.payments.reports import queries as report_queries
from api.payments.reports.books import Books, Moment, add, count_back, move, promise
from api.payments.reports.queries import HeldBill, HeldPayment, HeldRefund
from api.payments.reports.take_report import take_refund_report
from api.payments.till import Till, ask
from api.statements import Connection


class Done(Struct, frozen=True):
    """What was done, for the record."""

    amount_fen: int | None = None
    new_refund_no: str | None = None


async def settle(till: Till, caller: Caller, payment_no: str, body: ResolutionBody) -> None:
    """Settle one matter of a payment.

    Raises NotFound, NothingWaiting (settled meanwhile), ActionUnfit, ValidationFailed,
    RefundArrived (the channel's refund has gone through: counted, nothing else is done),
    RefundAbnormal, RefundUnsure, NotRefundable and what channels do.
    """
    async with till.database.connection() as connection:
        await demand_payment(connection, caller, payment_no)
        matter = await _find(connection, payment_no, body.matter)
    if body.action not in KINDS[matter.kind].actions:
        raise ActionUnfit()
    if (body.reference is None) == (body.action == "settled_outside"):
        words = ("线下退还要填凭证号，其他不填。", "goes with `settled_outside`, and only with it.")
        raise ValidationFailed(errors=[FieldError("reference", "wrong_place", *words)])
    said = None
    if matter.refund_no is not None and body.action != "seen":
        said = await _ask_channel(till, matter.channel, payment_no, matter.refund_no)
        if said.state == "succeeded":
            async with till.database.transaction() as connection:
                await take_refund_report(connection, matter.channel, said)
            raise RefundArrived()
    till.reach("desk.asked")

    async def act(connection: Connection) -> None:
        await _settle(connection, caller, payment_no, body, said)

    await till.database.decide(act)


async def demand_payment(connection: Connection, caller: Caller, payment_no: str) -> None:
    """Raises NotFound unless the payment is for an item and a place of the clerk's."""
    bill = await queries.find_bill_of(connection, payment_no=payment_no)
    if bill is None or not covers(caller, bill.service_code, bill.region_code):
        raise no_such_payment()


async def _find(connection: Connection, payment_no: str, matter: str) -> MatterRow:
    waiting = await desk_queries.list_matters_of(connection, payment_no=payment_no)
    found = next((row for row in waiting if row.matter == matter), None)
    if found is None:
        raise NothingWaiting()
    return found


async def _ask_channel(till: Till, channel: str, payment_no: str, refund_no: str) -> RefundReport:
    """What the channel says of a refund now; one that it does not know is asked for again."""
    try:
        return await ask(till.payments(channel).query_refund(payment_no, refund_no))
    except Refusal as refusal:
        if refusal.code == "not_found":
            return RefundReport(refund_no, payment_no, "processing")
        raise as_problem(refusal) from None
    except ChannelError as error:
        raise as_problem(error) from None


async def _settle(
    connection: Connection,
    caller: Caller,
    payment_no: str,
    body: ResolutionBody,
    said: RefundReport | None,
) -> None:
    # Whoever comes second waits here, and then finds nothing that waits.
    books = await _hold(connection, payment_no)
    matter = await _find(connection, payment_no, body.matter)
    done = Done()
    if said is not None:
        refund = next(r for r in books.refunds if r.refund_no == matter.refund_no)
        if books.payment.refunded_fen + books.open_fen + refund.amount_fen > books.payment.held_fen:
            raise NotRefundable()
        if body.action == "refund_again":
            done = await _refund_again(connection, books, refund, said)
        else:
            done = await _settle_outside(connection, books, refund, body.reference or "")
    await desk_queries.add_resolution(
        connection,
        payment_no=payment_no,
        matter=matter.matter,
        action=body.action,
        note=body.note,
        reference=body.reference,
        amount_fen=done.amount_fen,
        refund_no=matter.refund_no,
        new_refund_no=done.new_refund_no,
        clerk=caller.owner,
    )
    await note(
        connection,
        actor=caller.actor,
        action=f"payment.{body.action}",
        subject=f"payment:{payment_no}",
        details={
            "matter": matter.matter,
            "amount_fen": done.amount_fen,
            "new_refund_no": done.new_refund_no,
        },
    )


async def _refund_again(
    connection: Connection, books: Books, refund: HeldRefund, said: RefundReport
) -> Done:
    if said.state == "abnormal":
        raise RefundAbnormal()
    if said.state == "unknown":
        raise RefundUnsure()
    moment = _moment()
    if said.state == "closed":
        instead, books = promise(
            books, refund.amount_fen, refund.reason, refund.platform_id, moment
        )
        await _write(connection, move(books, "refund_asked", None))
        return Done(refund.amount_fen, instead.refund_no)
    again = structs.replace(refund, status="asked", round=refund.round + 1)
    books = add(
        books,
        refund=again,
        entry=keep_books.promised(books.bill, books.payment, again, moment.now),
        fact=RefundAsked(refund_no=again.refund_no),
    )
    await _write(connection, move(books, "refund_asked", None))
    await desk_queries.refund_soon(connection, refund_no=refund.refund_no)
    return Done(refund.amount_fen)


async def _settle_outside(
    connection: Connection, books: Books, failed: HeldRefund, reference: str
) -> Done:
    """The payer has the money, and not from the channel: the department's own bank paid. It is
    kept as a refund like every other, so that receipts, platforms and payers hear of it."""
    moment = _moment()
    refund = HeldRefund(
        refund_no=moment.new_no(),
        payment_no=failed.payment_no,
        platform_id=failed.platform_id,
        amount_fen=failed.amount_fen,
        reason=f"线下退还（{reference}）",
        status="succeeded",
        round=1,
        channel_refund_id=None,
        succeeded_at=moment.now,
    )
    bill_no, purse = books.bill.bill_no, f"{books.payment.channel}/{books.payment.merchant_id}"
    lines = (
        Line(keep_books.source(books.bill, books.payment), bill_no, refund.amount_fen),
        Line(Account("bank", purse), bill_no, -refund.amount_fen),
    )
    entry = Entry("refund.settled_outside", refund.refund_no, moment.now, lines)
    books = add(books, refund=refund, entry=entry)
    await _write(connection, count_back(books, refund, ("refunded", "partly_refunded"), None))
    await desk_queries.mark_by_hand(connection, refund_no=refund.refund_no)
    return Done(refund.amount_fen, refund.refund_no)


async def _hold(connection: Connection, payment_no: str) -> Books:
    numbers = [payment_no]
    [bill] = await report_queries.hold_bills(connection, payment_nos=numbers)
    [payment] = await report_queries.hold_payments(connection, payment_nos=numbers)
    refunds = await report_queries.hold_refunds(connection, payment_nos=numbers)
    return Books(bill, payment, tuple(refunds))


async def _write(connection: Connection, books: Books) -> None:
    """The rows as they have become. The trail names the clerk, so what the books would note of
    the channel is left out."""
    await _store_bill(connection, books.bill)
    await _store_payment(connection, books.payment)
    await _store_refunds(connection, books.refunds)
    await ledger.post_many(connection, books.entries)
    await publish_many(connection, books.facts)


async def _store_bill(connection: Connection, bill: HeldBill) -> None:
    await report_queries.store_bills(
        connection,
        bill_nos=[bill.bill_no],
        statuses=[bill.status],
        payment_nos=[bill.payment_no],
        paid_ats=[bill.paid_at],
    )


async def _store_payment(connection: Connection, payment: HeldPayment) -> None:
    await report_queries.store_payments(
        connection,
        payment_nos=[payment.payment_no],
        statuses=[payment.status],
        flags=[payment.flag],
        taken=[payment.taken_fen],
        doubted=[payment.doubted_fen],
        refunded=[payment.refunded_fen],
        channel_payment_ids=[payment.channel_payment_id],
        paid_ats=[payment.paid_at],
    )


async def _store_refunds(connection: Connection, refunds: tuple[HeldRefund, ...]) -> None:
    await report_queries.store_refunds(
        connection,
        refund_nos=[row.refund_no for row in refunds],
        payment_nos=[row.payment_no for row in refunds],
        platform_ids=[row.platform_id for row in refunds],
        amounts=[row.amount_fen for row in refunds],
        reasons=[row.reason for row in refunds],
        statuses=[row.status for row in refunds],
        rounds=[row.round for row in refunds],
        channel_refund_ids=[row.channel_refund_id for row in refunds],
        succeeded_ats=[row.succeeded_at for row in refunds],
    )


def _moment() -> Moment:
    return Moment(datetime.now(CHINA), new_id)
