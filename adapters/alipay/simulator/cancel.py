"""alipay.trade.cancel: undo whatever a number stands for."""

from __future__ import annotations

from msgspec import Struct

from adapters.alipay.simulator.amounts import spell_time
from adapters.alipay.simulator.books import Asked, Books, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.alipay.simulator.refund import give_back
from adapters.alipay.simulator.trade import TradeNamed, close_waiting, find, status

CANCEL_SECONDS = 24 * 3600


class Cancelled(Struct, frozen=True, omit_defaults=True):
    """`action` says what was done: `close`, or `refund` where it was paid."""

    out_trade_no: str
    retry_flag: str
    trade_no: str | None = None
    action: str | None = None
    gmt_refund_pay: str | None = None


def cancel(books: Books, asked: Asked) -> Cancelled:
    """Close what waits, give back what is paid; a number nobody knows is cancelled too."""
    named = read_content(asked, TradeNamed, "ACQ.INVALID_PARAMETER")
    payment = find(books, named)
    if payment is None:
        return Cancelled(named.out_trade_no, "N")
    if status(books, payment) == "TRADE_FINISHED":
        raise Refused("ACQ.TRADE_HAS_FINISHED")
    if payment.paid_at is None:
        if payment.state == "waiting":
            close_waiting(books, payment)
        return Cancelled(payment.merchant_no, "N", payment.order_id, "close")
    if books.clock.now() - payment.paid_at > CANCEL_SECONDS:
        raise Refused("ACQ.TRADE_CANCEL_TIME_OUT")
    rest_fen = payment.amount_fen - payment.refunded_fen
    refunded_at = None
    if rest_fen:
        made = give_back(books, payment, f"cancel{payment.order_id}", rest_fen, "撤销")
        refunded_at = spell_time(books.time(made.created_at))
    return Cancelled(payment.merchant_no, "N", payment.order_id, "refund", refunded_at)
