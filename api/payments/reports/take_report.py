"""The one way a payment moves: what channels say, weighed under lock, many at once.

Notices, queries, closings and answers all come here, in any order and any number; each is
compared with what stands and applied once. Rows are locked in one order for everybody (bills,
payments, refunds, each by number), every report is weighed in Python on the rows as those
before it leave them, and all that follows is written by a handful of statements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from adapters.contract import PaymentReport, RefundReport
from api import ledger
from api.audit import note_many
from api.database import CHINA
from api.events import publish_many
from api.kinds import new_id
from api.payments.reports import queries
from api.payments.reports.books import CURRENCY, Books, Moment, Outcome, Told, promise
from api.payments.reports.queries import HeldBill, HeldPayment, HeldRefund
from api.payments.reports.weigh_report import weigh
from api.statements import Connection


async def take_report(
    connection: Connection,
    channel: str,
    report: PaymentReport,
    *,
    currency: str = CURRENCY,
    is_answer: bool = False,
) -> Outcome:
    """Apply what the channel says of a payment, in the caller's transaction; `is_answer`: we
    have asked it."""
    told = Told(channel, report, None, currency, is_answer)
    return (await take_reports(connection, [told]))[0]


async def take_refund_report(
    connection: Connection, channel: str, report: RefundReport, *, currency: str = CURRENCY
) -> Outcome:
    """Apply what the channel says of a refund, in the caller's transaction."""
    return (await take_reports(connection, [Told(channel, None, report, currency)]))[0]


async def ask_back(
    connection: Connection,
    payment_no: str,
    amount_fen: int,
    reason: str,
    platform_id: str | None = None,
) -> str:
    """Note a refund that the worker asks of the channel, and promise it in the ledger; gives
    its number. The caller has locked the bill."""
    shelf = await _hold(connection, [payment_no], [payment_no])
    refund, books = promise(shelf.books(payment_no), amount_fen, reason, platform_id, _moment())
    shelf.put(books)
    await _write(connection, shelf)
    return refund.refund_no


async def take_reports(connection: Connection, told: Sequence[Told]) -> list[Outcome]:
    """Apply what channels say, in that order, in the caller's transaction.

    Raises LedgerRefused where the ledger will not have it: then nothing may be committed.
    """
    numbers = sorted({each.payment_no for each in told})
    with_refunds = sorted({each.payment_no for each in told if _may_have_refunds(each)})
    shelf = await _hold(connection, numbers, with_refunds)
    moment = _moment()
    outcomes: list[Outcome] = []
    for each in told:
        if not shelf.knows(each):
            outcomes.append("unknown_order")
            continue
        outcome, books = weigh(shelf.books(each.payment_no), each, moment)
        shelf.put(books)
        outcomes.append(outcome)
    await _write(connection, shelf)
    return outcomes


def _may_have_refunds(told: Told) -> bool:
    """Most reports say that something was paid, which asks for no refund's row."""
    return told.refund is not None or (
        told.payment is not None and told.payment.state in ("refunded", "partially_refunded")
    )


def _moment() -> Moment:
    return Moment(datetime.now(CHINA), new_id)


class _Shelf:
    """The rows held, as they were and as they become."""

    def __init__(
        self,
        bills: Iterable[HeldBill],
        payments: Iterable[HeldPayment],
        refunds: Iterable[HeldRefund],
    ) -> None:
        self.bills = {bill.bill_no: bill for bill in bills}
        self.payments = {payment.payment_no: payment for payment in payments}
        self.refunds: dict[str, dict[str, HeldRefund]] = {no: {} for no in self.payments}
        for refund in refunds:
            self.refunds[refund.payment_no][refund.refund_no] = refund
        self._were = {**self.bills, **self.payments}
        self._refunds_were = {no: dict(rows) for no, rows in self.refunds.items()}
        self.done: list[Books] = []

    def knows(self, told: Told) -> bool:
        """Whether there is such a payment in that channel."""
        payment = self.payments.get(told.payment_no)
        return payment is not None and payment.channel == told.channel

    def books(self, payment_no: str) -> Books:
        """The rows of a payment as they stand now."""
        payment = self.payments[payment_no]
        refunds = tuple(self.refunds[payment_no].values())
        return Books(self.bills[payment.bill_no], payment, refunds)

    def put(self, books: Books) -> None:
        """The rows as they have become."""
        self.bills[books.bill.bill_no] = books.bill
        self.payments[books.payment.payment_no] = books.payment
        for refund in books.refunds:
            self.refunds[refund.payment_no][refund.refund_no] = refund
        self.done.append(books)

    def changed_bills(self) -> list[HeldBill]:
        return [row for no, row in self.bills.items() if row != self._were[no]]

    def changed_payments(self) -> list[HeldPayment]:
        return [row for no, row in self.payments.items() if row != self._were[no]]

    def changed_refunds(self) -> list[HeldRefund]:
        return [
            row
            for no, rows in self.refunds.items()
            for refund_no, row in rows.items()
            if row != self._refunds_were[no].get(refund_no)
        ]


async def _hold(
    connection: Connection, payment_nos: Sequence[str], with_refunds: Sequence[str]
) -> _Shelf:
    bills = await queries.hold_bills(connection, payment_nos=payment_nos)
    payments = await queries.hold_payments(connection, payment_nos=payment_nos)
    refunds: list[HeldRefund] = []
    if with_refunds:
        refunds = await queries.hold_refunds(connection, payment_nos=with_refunds)
    return _Shelf(bills, payments, refunds)


async def _write(connection: Connection, shelf: _Shelf) -> None:
    if bills := shelf.changed_bills():
        await _store_bills(connection, bills)
    if payments := shelf.changed_payments():
        await _store_payments(connection, payments)
    if refunds := shelf.changed_refunds():
        await _store_refunds(connection, refunds)
    hurried = sorted({no for books in shelf.done for no in books.hurried})
    if hurried:
        await queries.hurry_payments(connection, bill_nos=hurried)
    asked = sorted({no for books in shelf.done for no in books.asked_soon})
    if asked:
        await queries.ask_soon(connection, payment_nos=asked)
    if entries := [entry for books in shelf.done for entry in books.entries]:
        await ledger.post_many(connection, entries)
    if notes := [note for books in shelf.done for note in books.notes]:
        await note_many(connection, notes)
    if facts := [fact for books in shelf.done for fact in books.facts]:
        await publish_many(connection, facts)


async def _store_bills(connection: Connection, bills: Sequence[HeldBill]) -> None:
    await queries.store_bills(
        connection,
        bill_nos=[row.bill_no for row in bills],
        statuses=[row.status for row in bills],
        payment_nos=[row.payment_no for row in bills],
        paid_ats=[row.paid_at for row in bills],
    )


async def _store_payments(connection: Connection, payments: Sequence[HeldPayment]) -> None:
    await queries.store_payments(
        connection,
        payment_nos=[row.payment_no for row in payments],
        statuses=[row.status for row in payments],
        flags=[row.flag for row in payments],
        taken=[row.taken_fen for row in payments],
        doubted=[row.doubted_fen for row in payments],
        refunded=[row.refunded_fen for row in payments],
        channel_payment_ids=[row.channel_payment_id for row in payments],
        paid_ats=[row.paid_at for row in payments],
    )


async def _store_refunds(connection: Connection, refunds: Sequence[HeldRefund]) -> None:
    await queries.store_refunds(
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
