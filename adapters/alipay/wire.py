"""Alipay's messages as Alipay spells them, and its two spellings of our values.

Amounts are decimal yuan with two places, as text and sometimes as a JSON number; times are
Asia/Shanghai's wall clock without a zone. Requests leave out what is not set; answers take
any further field. Source: the method pages of Alipay's open platform, v2 gateway.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import quote

from msgspec import Struct

# China has had one zone and no summer time since 1991.
SHANGHAI = timezone(timedelta(hours=8))
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"

AMOUNT_MOST_FEN = 10**13
TEXT_MOST = 256

_TIME = re.compile(r"\A\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?\Z")
# Identities given out before open_id came: sixteen digits, the same in every application.
_USER_ID = re.compile(r"\A2088\d{12}\Z")


# Whatever names something: no database takes every text there is.
_NAME = re.compile(r"\A[\x21-\x7e]{1,128}\Z")


class Unreadable(Exception):
    """A value that is not what its field may hold; the text holds no data."""


def spell_yuan(amount_fen: int) -> str:
    """1234 → "12.34"."""
    if not 0 <= amount_fen <= AMOUNT_MOST_FEN:
        raise Unreadable("an amount out of range")
    return f"{amount_fen // 100}.{amount_fen % 100:02d}"


def read_fen(amount: Decimal) -> int:
    """Yuan, perhaps negative, as fen. Raises Unreadable where it is no whole number of fen."""
    # The exponent is looked at first: a short text can name a number too long to work with.
    if not amount.is_finite() or amount.adjusted() > 11:
        raise Unreadable("an amount out of range")
    if amount and amount.adjusted() < -2:
        raise Unreadable("an amount with parts of a fen")
    numerator, denominator = (amount * 100).as_integer_ratio()
    if denominator != 1:
        raise Unreadable("an amount with parts of a fen")
    return numerator


def read_yuan_text(text: str) -> int:
    """A bill's or a notice's amount, as fen."""
    if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{1,4})?", text, re.ASCII):
        raise Unreadable("an amount that is not a decimal")
    return read_fen(Decimal(text))


def spell_time(moment: datetime) -> str:
    """A time with a zone, on Shanghai's wall clock."""
    return moment.astimezone(SHANGHAI).strftime(TIME_FORMAT)


def now() -> str:
    """What a request's timestamp says."""
    return spell_time(datetime.now(UTC))


def read_time(text: str) -> datetime:
    """Shanghai's wall clock, with its zone. Raises Unreadable."""
    if not _TIME.match(text):
        raise Unreadable("a time that is not one")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError as wrong:
        raise Unreadable("a time that is not one") from wrong


def read_optional_time(text: str | None) -> datetime | None:
    """None for a missing or a blank one."""
    return read_time(text) if text else None


def spell_day(day: date) -> str:
    return day.isoformat()


def read_name(text: str) -> str:
    """A number or an id, theirs or ours. Raises Unreadable."""
    if not _NAME.match(text):
        raise Unreadable("a name of characters that no name has")
    return text


def is_user_id(person: str) -> bool:
    """Whether an identity is the old kind, which has fields of its own."""
    return bool(_USER_ID.match(person))


def plain_text(text: str, most: int = TEXT_MOST) -> str:
    """Text as an order's title takes it: without `/ = &` and control characters, cut."""
    wide = text.translate({ord("/"): "／", ord("="): "＝", ord("&"): "＆"})
    return "".join(char for char in wide if char.isprintable())[:most]


def spell_passback(text: str | None) -> str | None:
    """Free text goes with an order url-encoded once more."""
    return quote(text, safe="") if text else None


# ── Requests ────────────────────────────────────────────────────────────────────────────


class Ask(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a method takes as its `biz_content`."""


class CreateTrade(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.trade.create"""

    out_trade_no: str
    total_amount: str
    subject: str
    product_code: str
    op_app_id: str
    time_expire: str
    buyer_open_id: str | None = None
    buyer_id: str | None = None
    passback_params: str | None = None


class NameTrade(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.trade.query, alipay.trade.close, alipay.trade.cancel"""

    out_trade_no: str


class RefundTrade(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.trade.refund"""

    out_trade_no: str
    refund_amount: str
    out_request_no: str
    refund_reason: str


class NameRefund(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.trade.fastpay.refund.query"""

    out_trade_no: str
    out_request_no: str
    query_options: list[str]


class NameBill(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.data.dataservice.bill.downloadurl.query"""

    bill_type: str
    bill_date: str


class SendMessage(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.open.app.mini.templatemessage.send; `data` is JSON in a text."""

    user_template_id: str
    page: str
    data: str
    to_open_id: str | None = None
    to_user_id: str | None = None


class NameSubscriptions(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.open.app.messagetemplate.subscribe.query"""

    template_id_list: list[str]
    open_id: str | None = None
    user_id: str | None = None


class CreateCode(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.open.app.qrcode.create"""

    url_param: str
    query_param: str
    describe: str


class IdentityParameter(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """Whose identity is checked."""

    identity_type: str
    cert_type: str
    cert_name: str
    cert_no: str


class MerchantConfig(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """Where the person comes back to."""

    return_url: str


class BeginCertify(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.user.certify.open.initialize"""

    outer_order_no: str
    biz_code: str
    identity_param: IdentityParameter
    merchant_config: MerchantConfig


class NameCertify(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.user.certify.open.certify and .query"""

    certify_id: str


class NameCertificate(Ask, frozen=True, omit_defaults=True, kw_only=True):
    """alipay.open.app.alipaycert.download"""

    alipay_cert_sn: str


# ── Answers ─────────────────────────────────────────────────────────────────────────────


class Head(Struct, frozen=True):
    """How a call went. A granted login has no code at all."""

    code: str | int | None = None
    sub_code: str | None = None


class Granted(Struct, frozen=True):
    """alipay.system.oauth.token"""

    open_id: str | None = None
    user_id: str | None = None
    alipay_user_id: str | None = None
    union_id: str | None = None


class TradeCreated(Struct, frozen=True):
    """alipay.trade.create"""

    out_trade_no: str
    trade_no: str


class Trade(Struct, frozen=True):
    """alipay.trade.query"""

    out_trade_no: str
    trade_status: str
    trade_no: str | None = None
    total_amount: Decimal | None = None
    send_pay_date: str | None = None
    gmt_refund: str | None = None
    refund_fee: Decimal | None = None
    buyer_open_id: str | None = None
    buyer_user_id: str | None = None


class TradeClosed(Struct, frozen=True):
    """alipay.trade.close"""

    out_trade_no: str | None = None
    trade_no: str | None = None


class TradeCancelled(Struct, frozen=True):
    """alipay.trade.cancel"""

    trade_no: str | None = None
    retry_flag: str = "N"
    action: str | None = None


class Refunded(Struct, frozen=True):
    """alipay.trade.refund; `fund_change` says whether this very call moved money."""

    fund_change: str
    out_trade_no: str | None = None
    trade_no: str | None = None
    gmt_refund_pay: str | None = None


class Refund(Struct, frozen=True):
    """alipay.trade.fastpay.refund.query; an absent status is not a success."""

    out_trade_no: str | None = None
    out_request_no: str | None = None
    trade_no: str | None = None
    refund_status: str | None = None
    refund_amount: Decimal | None = None
    gmt_refund_pay: str | None = None


class BillAddress(Struct, frozen=True):
    """alipay.data.dataservice.bill.downloadurl.query"""

    bill_download_url: str


class Nothing(Struct, frozen=True):
    """An answer whose code says all."""


class Subscription(Struct, frozen=True):
    """One template and whether the person lets us send it."""

    template_id: str
    subscribe_state: str | None = None


class Subscriptions(Struct, frozen=True):
    """alipay.open.app.messagetemplate.subscribe.query"""

    subscribe_relations: list[Subscription] = []


class Code(Struct, frozen=True):
    """alipay.open.app.qrcode.create"""

    qr_code_url: str


class CertifyBegun(Struct, frozen=True):
    """alipay.user.certify.open.initialize"""

    certify_id: str


class Certified(Struct, frozen=True):
    """alipay.user.certify.open.query"""

    passed: str
    fail_reason: str | None = None


class CertificateContent(Struct, frozen=True):
    """alipay.open.app.alipaycert.download; base64 of PEM."""

    alipay_cert_content: str


class PhoneAnswer(Struct, frozen=True):
    """What the phone button's envelope holds; its failures spell the code either way."""

    code: str | int | None = None
    mobile: str | None = None
    sub_code: str | None = None
    subCode: str | None = None  # noqa: N815 - theirs

    def reason(self) -> str | None:
        return self.sub_code or self.subCode
