"""alipay.trade.refund and alipay.trade.fastpay.refund.query.

Repeating a refund's number with its amount changes nothing (`fund_change` N) and answers
what has gone back in all; with another amount it is refused.
"""

from __future__ import annotations

import secrets
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from adapters.alipay.simulator import notices, trade
from adapters.alipay.simulator.amounts import read_fen, spell_time, yuan
from adapters.alipay.simulator.books import Asked, Books, is_opened, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.records import Payment, Refund

_WITH_PAY_TIME = "gmt_refund_pay"


class RefundRequest(Struct, frozen=True):
    refund_amount: str | int | float
    out_trade_no: str = ""
    trade_no: str = ""
    out_request_no: Annotated[str, Meta(pattern=r"\A[^\x00]{0,64}\Z")] = ""
    refund_reason: Annotated[str, Meta(max_length=256)] = ""


class RefundQuery(Struct, frozen=True):
    out_request_no: Annotated[str, Meta(min_length=1, max_length=64)]
    out_trade_no: str = ""
    trade_no: str = ""
    query_options: list[str] = []


class Refunded(Struct, frozen=True):
    """`refund_fee` is all that has gone back of the trade so far."""

    out_trade_no: str
    trade_no: str
    buyer_open_id: str
    buyer_logon_id: str
    fund_change: str
    gmt_refund_pay: str
    refund_fee: str
    send_back_fee: str
    refund_detail_item_list: list[trade.Funds]


class RefundQueried(Struct, frozen=True, omit_defaults=True):
    """Without `refund_status` there was no such refund, or it did not go through."""

    out_trade_no: str
    trade_no: str
    out_request_no: str
    refund_status: str | None = None
    refund_amount: str | None = None
    total_amount: str | None = None
    refund_reason: str | None = None
    gmt_refund_pay: str | None = None


def refund(books: Books, asked: Asked) -> Refunded:
    wanted = read_content(asked, RefundRequest, "ACQ.INVALID_PARAMETER")
    amount_fen = read_fen(wanted.refund_amount)
    if amount_fen is None or amount_fen < 1:
        raise Refused("ACQ.INVALID_PARAMETER")
    payment = trade.find(books, trade.TradeNamed(wanted.out_trade_no, wanted.trade_no))
    if payment is None or not is_opened(payment):
        raise Refused("ACQ.TRADE_NOT_EXIST")
    if not wanted.out_request_no and amount_fen != payment.amount_fen:
        raise Refused("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
    refund_no = wanted.out_request_no or payment.merchant_no
    known = books.refunds.get(refund_key(payment, refund_no))
    if known is not None:
        if known.amount_fen != amount_fen:
            raise Refused("ACQ.DISCORDANT_REPEAT_REQUEST")
        return _refunded(books, payment, known, "N")
    _demand_refundable(books, payment, amount_fen)
    made = give_back(books, payment, refund_no, amount_fen, wanted.refund_reason)
    after = books.payments.get(payment.order_id) or payment
    return _refunded(books, after, made, "Y")


def query_refund(books: Books, asked: Asked) -> RefundQueried:
    wanted = read_content(asked, RefundQuery, "ACQ.INVALID_PARAMETER")
    payment = trade.find(books, trade.TradeNamed(wanted.out_trade_no, wanted.trade_no))
    if payment is None or not is_opened(payment):
        raise Refused("ACQ.TRADE_NOT_EXIST")
    known = books.refunds.get(refund_key(payment, wanted.out_request_no))
    if known is None:
        return RefundQueried(payment.merchant_no, payment.order_id, wanted.out_request_no)
    at = spell_time(books.time(known.created_at))
    return RefundQueried(
        out_trade_no=payment.merchant_no,
        trade_no=payment.order_id,
        out_request_no=known.refund_no,
        refund_status="REFUND_SUCCESS",
        refund_amount=yuan(known.amount_fen),
        total_amount=yuan(payment.amount_fen),
        refund_reason=known.asked.get("reason") or None,
        gmt_refund_pay=at if _WITH_PAY_TIME in wanted.query_options else None,
    )


def give_back(
    books: Books, payment: Payment, refund_no: str, amount_fen: int, reason: str
) -> Refund:
    """Move the money, tell the caller at the payment's address."""
    now = books.clock.now()
    made = Refund(
        refund_id=secrets.token_hex(16),
        refund_no=refund_no,
        order_id=payment.order_id,
        merchant_no=payment.merchant_no,
        amount_fen=amount_fen,
        created_at=now,
        notice_url=payment.notice_url,
        asked={"reason": reason} if reason else {},
        state="succeeded",
        finished_at=now,
    )
    books.refunds.put(refund_key(payment, refund_no), made)
    after = msgspec.structs.replace(payment, refunded_fen=payment.refunded_fen + amount_fen)
    books.payments.put(payment.order_id, after)
    notices.announce(books, after, "refund", made)
    return made


def refund_key(payment: Payment, refund_no: str) -> str:
    """A refund's number is unique within its trade."""
    return f"{payment.order_id}/{refund_no}"


def _demand_refundable(books: Books, payment: Payment, amount_fen: int) -> None:
    status = trade.status(books, payment)
    if status == "TRADE_FINISHED":
        raise Refused("ACQ.TRADE_HAS_FINISHED")
    if status == "TRADE_CLOSED":
        raise Refused("ACQ.TRADE_HAS_CLOSE")
    if status == "WAIT_BUYER_PAY":
        raise Refused("ACQ.TRADE_STATUS_ERROR")
    if amount_fen > payment.amount_fen - payment.refunded_fen:
        raise Refused("ACQ.REASON_TRADE_REFUND_FEE_ERR")


def _refunded(books: Books, payment: Payment, made: Refund, fund_change: str) -> Refunded:
    return Refunded(
        out_trade_no=payment.merchant_no,
        trade_no=payment.order_id,
        buyer_open_id=payment.open_id,
        buyer_logon_id=notices.logon_id(books.citizens.get(payment.open_id)),
        fund_change=fund_change,
        gmt_refund_pay=spell_time(books.time(made.created_at)),
        refund_fee=yuan(payment.refunded_fen),
        send_back_fee=yuan(made.amount_fen if fund_change == "Y" else 0),
        refund_detail_item_list=[trade.Funds(yuan(made.amount_fen))],
    )
