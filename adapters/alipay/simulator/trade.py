"""alipay.trade.create, query and close.

A trade exists for the gateway once the person has stood before the cashier: until then
query and close know nothing of it, though creating it again gives the same number.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from adapters.alipay.simulator import notices
from adapters.alipay.simulator.amounts import read_fen, read_time, spell_time, yuan
from adapters.alipay.simulator.books import Asked, Books, is_opened, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.records import Payment

Amount = str | int | float
MerchantNo = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_]{1,64}\Z")]
MOST_FEN = 100_000_000_00
_LONGEST = timedelta(days=15)
_TIMEOUT = re.compile(r"\A([1-9][0-9]{0,4})([mhd])\Z|\A1c\Z")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class CreateRequest(Struct, frozen=True, omit_defaults=True):
    out_trade_no: MerchantNo
    total_amount: Amount
    subject: Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\A[^/=&\x00]+\Z")]
    product_code: str = ""
    op_app_id: str = ""
    buyer_open_id: str = ""
    op_buyer_open_id: str = ""
    buyer_id: str = ""
    seller_id: str = ""
    body: Annotated[str, Meta(max_length=128)] = ""
    timeout_express: str = ""
    time_expire: str = ""
    passback_params: Annotated[str, Meta(max_length=512)] = ""


class TradeNamed(Struct, frozen=True):
    """The caller's number or ours; ours wins."""

    out_trade_no: str = ""
    trade_no: str = ""


class Created(Struct, frozen=True):
    out_trade_no: str
    trade_no: str


class Funds(Struct, frozen=True):
    amount: str
    fund_channel: str = "ALIPAYACCOUNT"


class Queried(Struct, frozen=True, omit_defaults=True):
    """What a query tells; amounts of what came in are zero until it did."""

    out_trade_no: str
    trade_no: str
    trade_status: str
    total_amount: str
    buyer_open_id: str
    buyer_logon_id: str
    receipt_amount: str
    buyer_pay_amount: str
    invoice_amount: str
    point_amount: str
    send_pay_date: str | None = None
    fund_bill_list: list[Funds] | None = None


def create(books: Books, asked: Asked) -> Created:
    """The trade of that number, made where there is none."""
    wanted = read_content(asked, CreateRequest, "ACQ.INVALID_PARAMETER")
    amount_fen = read_fen(wanted.total_amount)
    if amount_fen is None or amount_fen < 1:
        raise Refused("ACQ.INVALID_PARAMETER")
    if amount_fen > MOST_FEN:
        raise Refused("ACQ.TOTAL_FEE_EXCEED")
    buyer = _buyer(books, wanted)
    plain: dict[str, Any] = msgspec.to_builtins(wanted)
    known = find(books, TradeNamed(out_trade_no=wanted.out_trade_no))
    if known is not None:
        return _created_before(known, plain)
    expires_at = _expiry(books.now(), wanted)
    payment = Payment(
        order_id=_new_trade_no(books.now()),
        merchant_no=wanted.out_trade_no,
        open_id=buyer,
        amount_fen=amount_fen,
        description=wanted.subject,
        created_at=books.clock.now(),
        expires_at=expires_at.timestamp(),
        notice_url=asked.notify_url,
        asked=plain,
    )
    books.keep(payment)
    return Created(payment.merchant_no, payment.order_id)


def query(books: Books, asked: Asked) -> Queried:
    payment = _demand_opened(books, asked)
    paid = payment.paid_at is not None
    received = yuan(payment.amount_fen if paid else 0)
    return Queried(
        out_trade_no=payment.merchant_no,
        trade_no=payment.order_id,
        trade_status=status(books, payment),
        total_amount=yuan(payment.amount_fen),
        buyer_open_id=payment.open_id,
        buyer_logon_id=notices.logon_id(books.citizens.get(payment.open_id)),
        receipt_amount=received,
        buyer_pay_amount=received,
        invoice_amount=received,
        point_amount="0.00",
        send_pay_date=_spelt(books, payment.paid_at),
        fund_bill_list=[Funds(received)] if paid else None,
    )


def close(books: Books, asked: Asked) -> Created:
    """End a trade that waits for its payer; the caller is told by notice too."""
    payment = _demand_opened(books, asked)
    if payment.state == "paid":
        raise Refused("ACQ.TRADE_STATUS_ERROR")
    if payment.state == "closed":
        raise Refused("ACQ.REASON_TRADE_STATUS_INVALID")
    close_waiting(books, payment)
    return Created(payment.merchant_no, payment.order_id)


def find(books: Books, named: TradeNamed) -> Payment | None:
    """The trade that is meant, its time checked. Refuses a request that names none."""
    if not (named.trade_no or named.out_trade_no):
        raise Refused("ACQ.INVALID_PARAMETER")
    order_id = named.trade_no or books.trades_by_merchant_no.get(named.out_trade_no, "")
    payment = books.payments.get(order_id)
    if payment is None or named.out_trade_no not in ("", payment.merchant_no):
        return None
    return books.expire(payment)


def status(books: Books, payment: Payment) -> str:
    """Alipay's word for how the trade stands."""
    return notices.trade_status(payment, books.finished.get(payment.order_id) is not None)


def close_waiting(books: Books, payment: Payment) -> None:
    """End it; who never opened it has nothing to be told."""
    closed = msgspec.structs.replace(payment, state="closed", closed_at=books.clock.now())
    books.payments.put(payment.order_id, closed)
    if is_opened(payment):
        notices.announce(books, closed, "closed")


def _demand_opened(books: Books, asked: Asked) -> Payment:
    payment = find(books, read_content(asked, TradeNamed, "ACQ.INVALID_PARAMETER"))
    if payment is None or not is_opened(payment):
        raise Refused("ACQ.TRADE_NOT_EXIST")
    return payment


def _created_before(known: Payment, plain: dict[str, Any]) -> Created:
    if known.state == "closed" or known.refunded_fen >= known.amount_fen:
        raise Refused("ACQ.TRADE_HAS_CLOSE")
    if known.state == "paid":
        raise Refused("ACQ.TRADE_HAS_SUCCESS")
    if known.asked != plain:
        raise Refused("ACQ.CONTEXT_INCONSISTENT")
    return Created(known.merchant_no, known.order_id)


def _buyer(books: Books, wanted: CreateRequest) -> str:
    if wanted.product_code != "JSAPI_PAY":
        raise Refused(
            "ACQ.PRODUCT_NOT_SUPPORT_IN_TINY_APP"
            if wanted.product_code
            else "ACQ.INVALID_PARAMETER"
        )
    if wanted.seller_id not in ("", books.seller_id):
        raise Refused("ACQ.ACCESS_FORBIDDEN")
    open_id = wanted.buyer_open_id or wanted.op_buyer_open_id
    if wanted.buyer_id:
        if wanted.buyer_id == books.seller_id:
            raise Refused("ACQ.BUYER_SELLER_EQUAL")
        open_id = next((c.open_id for c in books.citizens if c.user_id == wanted.buyer_id), "-")
    if not open_id:
        raise Refused("ACQ.INVALID_PARAMETER", "买家不能为空")
    if not wanted.op_app_id:
        raise Refused("ACQ.INVALID_PARAMETER")
    if wanted.op_app_id != books.app_id:
        raise Refused("ACQ.OPEN_ID_NOT_TINY_APP")
    citizen = books.citizens.get(open_id)
    if citizen is None:
        raise Refused("ACQ.BUYER_NOT_EXIST")
    if citizen.blocked:
        raise Refused("ACQ.BUYER_ENABLE_STATUS_FORBID")
    return open_id


def _expiry(now: datetime, wanted: CreateRequest) -> datetime:
    latest = now + _LONGEST
    if wanted.time_expire:
        moment = read_time(wanted.time_expire)
        if moment is None:
            raise Refused("ACQ.INVALID_PARAMETER")
        if moment <= now:
            raise Refused("ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR")
        return min(moment, latest)
    if not wanted.timeout_express:
        return latest
    match = _TIMEOUT.match(wanted.timeout_express)
    if match is None:
        raise Refused("ACQ.INVALID_PARAMETER")
    if match[2] is None:  # "1c": until midnight
        return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return min(now + timedelta(**{_UNITS[match[2]]: int(match[1])}), latest)


def _new_trade_no(now: datetime) -> str:
    return f"{now:%Y%m%d}22001{secrets.randbelow(10**15):015d}"


def _spelt(books: Books, seconds: float | None) -> str | None:
    return None if seconds is None else spell_time(books.time(seconds))
