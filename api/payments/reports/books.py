"""The rows of one payment as they stand and become, with what follows from it; all pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from msgspec import Struct, structs

from adapters.contract import PaymentReport, RefundReport
from api.audit import Note
from api.events import Fact
from api.facts import PaymentRefunded, RefundAsked
from api.ledger import Entry
from api.payments.reports import keep_books
from api.payments.reports.queries import HeldBill, HeldPayment, HeldRefund
from api.payments.states import after, bill_after

Outcome = Literal["applied", "repeated", "flagged", "unknown_order"]

CURRENCY = "CNY"
OUTSIDE = "渠道自行退回"
_OPEN = ("asked", "processing")


class Told(Struct, frozen=True):
    """What a channel says of a payment or of a refund; `is_answer`: to a question of ours."""

    channel: str
    payment: PaymentReport | None
    refund: RefundReport | None
    currency: str = CURRENCY
    is_answer: bool = False

    @property
    def payment_no(self) -> str:
        """Whose money it is about."""
        if self.refund is not None:
            return self.refund.payment_no
        return "" if self.payment is None else self.payment.payment_no


class Books(Struct, frozen=True):
    """The rows of one payment, with what follows from how they changed.

    `hurried`: bills whose other payments are to be closed; `asked_soon`: payments that the
    channel is to be asked about.
    """

    bill: HeldBill
    payment: HeldPayment
    refunds: tuple[HeldRefund, ...] = ()
    entries: tuple[Entry, ...] = ()
    facts: tuple[Fact, ...] = ()
    notes: tuple[Note, ...] = ()
    hurried: tuple[str, ...] = ()
    asked_soon: tuple[str, ...] = ()

    @property
    def open_fen(self) -> int:
        """What is on its way back."""
        return sum(r.amount_fen for r in self.refunds if r.status in _OPEN)


class Moment(Struct, frozen=True):
    """The time it is, and where new numbers come from."""

    now: datetime
    new_no: Callable[[], str]


def promise(
    books: Books, amount_fen: int, reason: str, platform_id: str | None, moment: Moment
) -> tuple[HeldRefund, Books]:
    """Note a refund that the worker asks of the channel."""
    refund = HeldRefund(
        refund_no=moment.new_no(),
        payment_no=books.payment.payment_no,
        platform_id=platform_id,
        amount_fen=amount_fen,
        reason=reason,
        status="asked",
        round=1,
        channel_refund_id=None,
        succeeded_at=None,
    )
    entry = keep_books.promised(books.bill, books.payment, refund, moment.now)
    books = add(books, refund=refund, entry=entry, fact=RefundAsked(refund_no=refund.refund_no))
    return refund, books


def give_back_outside(
    books: Books,
    amount_fen: int,
    refund_no: str,
    moment: Moment,
    report: PaymentReport | None = None,
) -> Books:
    """Money left the channel without our asking; it is kept as a refund like every other."""
    refund = HeldRefund(
        refund_no=refund_no,
        payment_no=books.payment.payment_no,
        platform_id=None,
        amount_fen=amount_fen,
        reason=OUTSIDE,
        status="succeeded",
        round=1,
        channel_refund_id=None,
        succeeded_at=moment.now,
    )
    entry = keep_books.sent_unasked(books.bill, books.payment, refund, moment.now)
    books = add(books, refund=refund, entry=entry)
    events = ("given_back", "partly_given_back")
    return count_back(books, refund, events, report, flag="refunded_outside")


def count_back(
    books: Books,
    refund: HeldRefund,
    events: tuple[str, str],
    report: PaymentReport | None,
    *,
    flag: str | None = None,
) -> Books:
    """A refund has succeeded; `events`: of the whole, of a part."""
    payment = books.payment
    payment = structs.replace(payment, refunded_fen=payment.refunded_fen + refund.amount_fen)
    is_whole = payment.refunded_fen == payment.held_fen
    event = events[0] if is_whole else events[1]
    if books.open_fen and not is_whole:
        event = "refund_asked"
    books = structs.replace(books, payment=payment)
    books = move(books, event, report, flag=flag, now=refund.succeeded_at)
    bill = books.bill
    if bill.payment_no == payment.payment_no:
        status = bill_after("refunded" if is_whole else "partly_refunded", bill.status)
        books = structs.replace(books, bill=structs.replace(bill, status=status))
    fact = PaymentRefunded(refund_no=refund.refund_no, payment_no=payment.payment_no)
    return add(books, fact=fact)


def move(
    books: Books,
    event: str,
    report: PaymentReport | None,
    *,
    flag: str | None = None,
    now: datetime | None = None,
) -> Books:
    """The payment after an event, with its entry in the audit trail."""
    before = books.payment
    status = after(event, before.status)
    payment = structs.replace(
        before,
        status=status,
        flag=flag or before.flag,
        channel_payment_id=(report and report.channel_payment_id) or before.channel_payment_id,
        paid_at=before.paid_at or (report and report.paid_at) or now,
    )
    note = Note(
        f"channel:{payment.channel}",
        f"payment.{event}",
        f"payment:{payment.payment_no}",
        {"from": before.status, "to": status, "flag": flag},
    )
    return structs.replace(books, payment=payment, notes=(*books.notes, note))


def flag_payment(books: Books, flag: str) -> Books:
    return structs.replace(books, payment=structs.replace(books.payment, flag=flag))


def add(
    books: Books,
    *,
    refund: HeldRefund | None = None,
    entry: Entry | None = None,
    fact: Fact | None = None,
) -> Books:
    """The same with one more of each."""
    refunds = books.refunds
    if refund is not None:
        others = (r for r in refunds if r.refund_no != refund.refund_no)
        refunds = (*others, refund)
    return structs.replace(
        books,
        refunds=refunds,
        entries=books.entries if entry is None else (*books.entries, entry),
        facts=books.facts if fact is None else (*books.facts, fact),
    )
