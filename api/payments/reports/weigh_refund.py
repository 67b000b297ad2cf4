"""What a channel says of a refund, weighed; see `weigh_report.py`."""

from __future__ import annotations

from msgspec import structs

from adapters.contract import RefundReport
from api.payments.reports import keep_books
from api.payments.reports.books import (
    CURRENCY,
    Books,
    Moment,
    Outcome,
    Told,
    add,
    count_back,
    flag_payment,
    give_back_outside,
    move,
)
from api.payments.reports.queries import HeldRefund
from api.payments.states import ENDED, LIVE


def weigh_refund(
    books: Books, told: Told, report: RefundReport, moment: Moment
) -> tuple[Outcome, Books]:
    refund = next((r for r in books.refunds if r.refund_no == report.refund_no), None)
    if refund is None:
        return _weigh_strange_refund(books, told, report, moment)
    if refund.status == "succeeded" or report.state == "unknown":
        return "repeated", books
    payment = books.payment
    is_wrong = report.amount_fen not in (None, refund.amount_fen) or told.currency != CURRENCY
    others_fen = books.open_fen if refund.status == "failed" else 0
    if is_wrong or payment.refunded_fen + others_fen + refund.amount_fen > payment.held_fen:
        return "flagged", flag_payment(books, "wrong_refund")
    known = structs.replace(
        refund, channel_refund_id=report.channel_refund_id or refund.channel_refund_id
    )
    if report.state == "succeeded":
        return "applied", _send(books, known, report, moment)
    if refund.status == "failed":
        return "repeated", books
    if report.state == "processing":
        outcome: Outcome = "repeated" if refund.status == "processing" else "applied"
        return outcome, add(books, refund=structs.replace(known, status="processing"))
    return "applied", _give_up(books, known, moment)


def _send(books: Books, refund: HeldRefund, report: RefundReport, moment: Moment) -> Books:
    at = report.succeeded_at or moment.now
    if refund.status == "failed":
        # It was sent after all: what was taken back is promised anew.
        refund = structs.replace(refund, round=refund.round + 1)
        again = keep_books.promised(books.bill, books.payment, refund, moment.now)
        books = add(books, entry=again)
    refund = structs.replace(refund, status="succeeded", succeeded_at=at)
    entry = keep_books.sent(books.bill, books.payment, refund, at)
    books = add(books, refund=refund, entry=entry)
    return count_back(books, refund, ("refunded", "partly_refunded"), None)


def _give_up(books: Books, refund: HeldRefund, moment: Moment) -> Books:
    """A refund failed for good: what is left stays where it was, and is looked at."""
    refund = structs.replace(refund, status="failed")
    entry = keep_books.unpromised(books.bill, books.payment, refund, moment.now)
    books = add(books, refund=refund, entry=entry)
    if books.open_fen:
        return flag_payment(books, "refund_failed")
    event = "partly_refunded" if books.payment.refunded_fen else "refund_failed"
    return move(books, event, None, flag="refund_failed")


def _weigh_strange_refund(
    books: Books, told: Told, report: RefundReport, moment: Moment
) -> tuple[Outcome, Books]:
    """A number that is not ours: the channel, or somebody in its console, gave money back."""
    payment = books.payment
    if report.state != "succeeded" or books.open_fen:
        # Perhaps one of ours is meant by it; it comes again when those are known.
        return "unknown_order", books
    if payment.status in LIVE | ENDED:
        # What came in is not known here yet: the channel is asked that first.
        payment = structs.replace(payment, doubted_fen=payment.doubted_fen or 0)
        soon = (*books.asked_soon, payment.payment_no)
        return "unknown_order", structs.replace(books, payment=payment, asked_soon=soon)
    amount_fen = report.amount_fen
    if report.total_refunded_fen is not None:
        amount_fen = report.total_refunded_fen - payment.refunded_fen
    if amount_fen == 0:
        return "repeated", books
    if amount_fen is None or told.currency != CURRENCY or amount_fen < 0:
        return "flagged", flag_payment(books, "refunded_outside")
    if payment.refunded_fen + amount_fen > payment.held_fen:
        return "flagged", flag_payment(books, "wrong_refund")
    return "applied", give_back_outside(books, amount_fen, report.refund_no, moment)
