"""What a channel says of money, weighed: pure functions of rows and a report to the new rows
and what follows from them.

Money counts as ours only where amount and currency are right, the bill is unpaid and the
payment has not ended here; else it goes back by itself and is flagged. Another amount than
was asked is believed of nobody but the channel when we ask it: a notice that names one only
makes us ask.
"""

from __future__ import annotations

from msgspec import structs

from adapters.contract import PaymentReport
from api.facts import PaymentSettled
from api.payments.reports import keep_books
from api.payments.reports.books import (
    CURRENCY,
    Books,
    Moment,
    Outcome,
    Told,
    add,
    flag_payment,
    give_back_outside,
    move,
    promise,
)
from api.payments.reports.queries import HeldPayment
from api.payments.reports.weigh_refund import weigh_refund
from api.payments.states import ENDED, LIVE, after, bill_after

REASONS = {
    "second_payment": "重复缴费，原路退回",
    "paid_after_end": "订单已关闭，原路退回",
    "wrong_amount": "金额不符，原路退回",
}


def weigh(books: Books, told: Told, moment: Moment) -> tuple[Outcome, Books]:
    """The rows as they are then, and everything that follows."""
    if told.refund is not None:
        return weigh_refund(books, told, told.refund, moment)
    if told.payment is None:
        return "repeated", books
    report = told.payment
    if report.state in ("paid", "partially_refunded"):
        return _weigh_money(books, told, report, moment)
    if report.state == "refunded":
        return _weigh_returned(books, report, moment)
    return _weigh_rest(books, told, report)


def _weigh_rest(books: Books, told: Told, report: PaymentReport) -> tuple[Outcome, Books]:
    """Nothing was paid, or nobody can say."""
    payment = books.payment
    if told.is_answer and report.state == "closed" and payment.doubted_fen is not None:
        payment = structs.replace(payment, doubted_fen=None)
        books = structs.replace(books, payment=payment)
    if payment.status not in LIVE:
        return "repeated", books
    event = _event_of(payment, report)
    if after(event, payment.status) == payment.status:
        return "repeated", books
    return "applied", move(books, event, report)


def _event_of(payment: HeldPayment, report: PaymentReport) -> str:
    if report.state == "closed":
        return "expired" if payment.is_over and not payment.cancel_asked else "cancelled"
    return "known" if report.state == "pending" else "unsure"


def _weigh_money(
    books: Books, told: Told, report: PaymentReport, moment: Moment
) -> tuple[Outcome, Books]:
    payment = books.payment
    is_right = report.amount_fen == payment.held_fen and told.currency == CURRENCY
    if payment.status not in LIVE | ENDED:
        if not is_right and report.amount_fen is not None:
            return "flagged", flag_payment(books, "wrong_amount")
        return _weigh_part_returned(books, report, moment)
    flag = None
    if not is_right:
        is_sure = told.is_answer and told.currency == CURRENCY
        if not is_sure or not report.amount_fen or report.amount_fen < 0:
            return "flagged", _doubt(books, report)
        payment = structs.replace(payment, taken_fen=report.amount_fen)
        flag = "wrong_amount"
    elif payment.status in ENDED:
        flag = "paid_after_end"
    elif books.bill.status != "unpaid":
        flag = "second_payment"
    books = structs.replace(books, payment=structs.replace(payment, doubted_fen=None))
    if flag is None:
        books = _settle(books, report, moment)
        _, books = _weigh_part_returned(books, report, moment)
    else:
        books = _take_in_vain(books, report, flag, moment)
    return "applied", books


def _doubt(books: Books, report: PaymentReport) -> Books:
    """Nobody counts what is not the sum; the channel is asked what it really has."""
    payment = structs.replace(books.payment, doubted_fen=report.amount_fen or 0)
    # When it was paid is for the answer to our question to say.
    told = structs.replace(report, paid_at=None)
    books = move(structs.replace(books, payment=payment), "unsure", told, flag="wrong_amount")
    return structs.replace(books, asked_soon=(*books.asked_soon, payment.payment_no))


def _settle(books: Books, report: PaymentReport, moment: Moment) -> Books:
    paid_at = report.paid_at or moment.now
    entry = keep_books.settled(books.bill, books.payment, paid_at)
    books = move(books, "paid", report, now=moment.now)
    bill = structs.replace(
        books.bill,
        status=bill_after("paid", books.bill.status),
        payment_no=books.payment.payment_no,
        paid_at=paid_at,
    )
    fact = PaymentSettled(
        payment_no=books.payment.payment_no, bill_no=bill.bill_no, case_no=bill.case_no
    )
    books = structs.replace(books, bill=bill, hurried=(*books.hurried, bill.bill_no))
    return add(books, entry=entry, fact=fact)


def _take_in_vain(books: Books, report: PaymentReport, flag: str, moment: Moment) -> Books:
    """It goes back at once, less what the channel gave back by itself."""
    entry = keep_books.in_vain(books.bill, books.payment, report.paid_at or moment.now)
    books = add(move(books, "paid_in_vain", report, flag=flag, now=moment.now), entry=entry)
    _, books = _weigh_part_returned(books, report, moment)
    rest = books.payment.held_fen - books.payment.refunded_fen
    if rest:
        _, books = promise(books, rest, REASONS[flag], None, moment)
        books = move(books, "refund_asked", None)
    return books


def _weigh_part_returned(
    books: Books, report: PaymentReport, moment: Moment
) -> tuple[Outcome, Books]:
    """Paid, and a part of it, of a sum that may be told, was given back since."""
    if report.state != "partially_refunded" or books.open_fen:
        # Refunds of ours are told apart, with their numbers.
        return "repeated", books
    payment = books.payment
    if report.refunded_fen is None:
        is_known = payment.refunded_fen > 0
        return (
            ("repeated", books)
            if is_known
            else ("flagged", flag_payment(books, "refunded_outside"))
        )
    more = report.refunded_fen - payment.refunded_fen
    if more <= 0:
        return "repeated", books
    if report.refunded_fen > payment.held_fen:
        return "flagged", flag_payment(books, "wrong_refund")
    return "applied", give_back_outside(books, more, moment.new_no(), moment)


def _weigh_returned(books: Books, report: PaymentReport, moment: Moment) -> tuple[Outcome, Books]:
    """The channel has given everything back, by refunds of ours or of its own accord."""
    payment = books.payment
    if payment.status == "refunded" or books.open_fen:
        # Our own refund is told apart, with its number.
        return "repeated", books
    if payment.status in LIVE | ENDED:
        if report.amount_fen and report.amount_fen != payment.amount_fen:
            payment = structs.replace(payment, taken_fen=report.amount_fen)
        payment = structs.replace(payment, doubted_fen=None)
        books = structs.replace(books, payment=payment)
        books = add(books, entry=keep_books.in_vain(books.bill, payment, moment.now))
    rest = payment.held_fen - payment.refunded_fen
    return "applied", give_back_outside(books, rest, moment.new_no(), moment, report)
