"""WeChat Pay from a mini-program: order, query, close, refund, notices, the day's bill.

Direct and partner mode differ in who is named where, and in nothing else. Numbers of
payments and refunds are ours; everything is repeatable by them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta, timezone
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from adapters.contract import (
    BillLine,
    Inbound,
    NoticeRefused,
    PaymentLaunch,
    PaymentNotice,
    PaymentOrder,
    PaymentReport,
    RefundOrder,
    RefundReport,
    Refusal,
    Reply,
    Unreachable,
)
from adapters.wechat import wire
from adapters.wechat.bills import read_bill
from adapters.wechat.codes import PAYMENT_STATES, REFUND_STATES
from adapters.wechat.merchant import Merchant, read
from adapters.wechat.signing import Unproven, sign_launch

CHINA = timezone(timedelta(hours=8))
_PAYMENT_NO = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_REFUND_NO = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")
# Whatever names something: no database takes every text there is.
_NAME = re.compile(r"[\x21-\x7e]{1,128}")
_DESCRIPTION, _REASON, _NOTICE_URL, _ATTACH = 127, 80, 255, 128


class WeChatPayments:
    """contract.Payments."""

    def __init__(self, app_id: str, merchant: Merchant) -> None:
        self._app_id = app_id
        self._merchant = merchant
        self._is_partner = merchant.settings.is_partner
        self._transactions = f"/v3/pay/{'partner/' if self._is_partner else ''}transactions"

    @property
    def merchant_id(self) -> str:
        """Of a partner: the merchant it takes the money for."""
        settings = self._merchant.settings
        return settings.sub_merchant_id or settings.key.merchant_id

    async def order(self, order: PaymentOrder) -> PaymentLaunch:
        """The same order again gives the same prepay id; another under its number is refused."""
        _demand(_PAYMENT_NO, order.payment_no)
        if order.amount_fen < 1 or "?" in order.notice_url or len(order.notice_url) > _NOTICE_URL:
            raise Refusal("parameter_wrong")
        asked = self._order(order)
        answer = await self._merchant.call("order", "POST", f"{self._transactions}/jsapi", asked)
        prepaid = read(answer.body, wire.Prepaid)
        parameters = sign_launch(
            self._app_id,
            prepaid.prepay_id,
            self._merchant.settings.key.key,
            timestamp=int(self._merchant.now()),
            nonce=secrets.token_hex(16),
        )
        return PaymentLaunch(parameters, prepaid.prepay_id)

    async def query(self, payment_no: str) -> PaymentReport:
        """A number that WeChat does not know has not been paid: pending."""
        _demand(_PAYMENT_NO, payment_no)
        target = f"{self._transactions}/out-trade-no/{quote(payment_no, safe='')}?{self._whose()}"
        try:
            answer = await self._merchant.call("query", "GET", target, safe=True)
        except Refusal as refusal:
            if refusal.code == "not_found":
                return PaymentReport(payment_no, "pending", channel_state=refusal.channel_code)
            raise
        found = read(answer.body, wire.Transaction)
        if found.out_trade_no != payment_no or not self._is_mine(found):
            raise Unreachable("answer_unproven", channel_code="not_ours")
        if found.amount is not None and found.amount.currency != "CNY":
            # Of money that is no fen nothing can be said here.
            return PaymentReport(payment_no, "unknown", channel_state=found.trade_state)
        return _report(found)

    async def close(self, payment_no: str) -> PaymentReport:
        """204 is closed. Whatever else is said, the order itself is asked what it is."""
        _demand(_PAYMENT_NO, payment_no)
        target = f"{self._transactions}/out-trade-no/{quote(payment_no, safe='')}/close"
        try:
            answer = await self._merchant.call("close", "POST", target, self._owner())
            if answer.status == 204:
                return PaymentReport(payment_no, "closed", channel_state="CLOSED")
        except Refusal as refusal:
            if refusal.code == "not_permitted":
                raise
        except Unreachable as error:
            # While the payer types the password WeChat says "too often".
            if error.channel_code not in ("FREQUENCY_LIMITED", "429"):
                raise
        return await self.query(payment_no)

    async def refund(self, order: RefundOrder) -> RefundReport:
        """Asynchronous: `processing` is the rule. Repeat with the same number and amount only."""
        _demand(_PAYMENT_NO, order.payment_no)
        _demand(_REFUND_NO, order.refund_no)
        if not 1 <= order.amount_fen <= order.payment_amount_fen:
            raise Refusal("parameter_wrong")
        asked = wire.RefundAsked(
            out_trade_no=order.payment_no,
            out_refund_no=order.refund_no,
            reason=_cut(order.reason, _REASON),
            amount={
                "refund": order.amount_fen,
                "total": order.payment_amount_fen,
                "currency": "CNY",
            },
            sub_mchid=self._merchant.settings.sub_merchant_id,
            notify_url=order.notice_url,
        )
        answer = await self._merchant.call("refund", "POST", "/v3/refund/domestic/refunds", asked)
        return self._refund_report(answer.body, order.payment_no, order.refund_no)

    async def query_refund(self, payment_no: str, refund_no: str) -> RefundReport:
        """Raises Refusal `not_found` for a number that WeChat does not know."""
        _demand(_REFUND_NO, refund_no)
        sub_merchant = self._merchant.settings.sub_merchant_id
        suffix = f"?{urlencode({'sub_mchid': sub_merchant})}" if sub_merchant else ""
        target = f"/v3/refund/domestic/refunds/{quote(refund_no, safe='')}{suffix}"
        answer = await self._merchant.call("query_refund", "GET", target, safe=True)
        return self._refund_report(answer.body, payment_no, refund_no)

    def read_notice(self, inbound: Inbound) -> PaymentNotice:
        """Prove → decrypt → decode → translate."""
        try:
            self._merchant.prove_notice(dict(inbound.headers), inbound.body)
            notice = _decode(inbound.body, wire.Notice)
            content = self._merchant.open_sealed(notice.resource)
        except Unproven as error:
            raise NoticeRefused(error.code) from None
        if notice.event_type.startswith("TRANSACTION."):
            found = self._payment_notice(notice, _decode(content, wire.Transaction))
            return msgspec.structs.replace(found, content=content)
        if notice.event_type.startswith("REFUND."):
            back = self._refund_notice(notice, _decode(content, wire.Refund))
            return msgspec.structs.replace(back, content=content)
        raise NoticeRefused("malformed", channel_code=notice.event_type[:64])

    def acknowledge(self, accepted: bool) -> Reply:
        """WeChat takes any 200 for a yes, whatever its body says: a no is a 5xx."""
        if accepted:
            return Reply(204)
        body = msgspec.json.encode(wire.Acknowledgement("FAIL", "not accepted"))
        return Reply(500, body, "application/json")

    def bill_lines(self, day: date) -> AsyncIterator[BillLine]:
        """The trade bill of that day; there from 10:00 of the next."""
        return read_bill(self._merchant, day)

    def _order(self, order: PaymentOrder) -> wire.Order:
        settings = self._merchant.settings
        number = settings.key.merchant_id
        common = wire.Order(
            description=_cut(order.description, _DESCRIPTION),
            out_trade_no=order.payment_no,
            notify_url=order.notice_url,
            time_expire=order.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
            amount={"total": order.amount_fen, "currency": "CNY"},
            payer={"openid": order.open_id},
            attach=None if order.attach is None else _cut(order.attach, _ATTACH),
        )
        if not self._is_partner:
            return msgspec.structs.replace(common, appid=self._app_id, mchid=number)
        provider = settings.provider_app_id
        # An open id is one of the mini-program, whoever's that is.
        payer = "sub_openid" if provider else "sp_openid"
        return msgspec.structs.replace(
            common,
            sp_appid=provider or self._app_id,
            sp_mchid=number,
            sub_appid=self._app_id if provider else None,
            sub_mchid=settings.sub_merchant_id,
            payer={payer: order.open_id},
        )

    def _owner(self) -> Struct:
        number = self._merchant.settings.key.merchant_id
        if self._is_partner:
            return wire.PartnerOwner(number, self._merchant.settings.sub_merchant_id or "")
        return wire.Owner(number)

    def _whose(self) -> str:
        return urlencode(msgspec.to_builtins(self._owner()))

    def _is_mine(self, found: wire.Transaction | wire.Refund) -> bool:
        """Whether it is our merchant's, and of our application where that is told."""
        settings = self._merchant.settings
        if self._is_partner:
            numbers = (found.sp_mchid, found.sub_mchid)
            right = numbers == (settings.key.merchant_id, settings.sub_merchant_id)
        else:
            right = found.mchid == settings.key.merchant_id
        return right and self._is_of_our_application(found)

    def _is_of_our_application(self, found: wire.Transaction | wire.Refund) -> bool:
        if isinstance(found, wire.Refund):
            return True
        if not self._is_partner:
            return found.appid in (None, self._app_id)
        provider = self._merchant.settings.provider_app_id
        ours = (provider, self._app_id) if provider else (self._app_id, None)
        told = (found.sp_appid, found.sub_appid)
        return all(said in (None, own) for said, own in zip(told, ours, strict=True))

    def _payment_notice(self, notice: wire.Notice, found: wire.Transaction) -> PaymentNotice:
        if not self._is_mine(found):
            raise NoticeRefused("not_ours")
        try:
            _demand_names(notice.id)
            report = _report(found)
        except Unreachable:
            raise NoticeRefused("malformed") from None
        return PaymentNotice(
            notice_id=notice.id,
            payment=report,
            refund=None,
            merchant_id=self._merchant.settings.key.merchant_id,
            app_id=self._app_id,
            currency=found.amount.currency if found.amount else "CNY",
        )

    def _refund_notice(self, notice: wire.Notice, found: wire.Refund) -> PaymentNotice:
        if not self._is_mine(found):
            raise NoticeRefused("not_ours")
        try:
            _demand_names(notice.id)
            report = _refund(found)
        except Unreachable:
            raise NoticeRefused("malformed") from None
        return PaymentNotice(
            notice_id=notice.id,
            payment=None,
            refund=report,
            merchant_id=self._merchant.settings.key.merchant_id,
            app_id=None,
            currency=found.amount.currency,
        )

    def _refund_report(self, body: bytes, payment_no: str, refund_no: str) -> RefundReport:
        found = read(body, wire.Refund)
        if (found.out_trade_no, found.out_refund_no) != (payment_no, refund_no):
            raise Unreachable("answer_unproven", channel_code="not_ours")
        return _refund(found)


def _report(found: wire.Transaction) -> PaymentReport:
    payer = found.payer
    _demand_names(found.out_trade_no, found.transaction_id)
    return PaymentReport(
        payment_no=found.out_trade_no,
        state=PAYMENT_STATES.get(found.trade_state, "unknown"),
        channel_payment_id=found.transaction_id or None,
        amount_fen=found.amount.total if found.amount else None,
        paid_at=_time(found.success_time),
        payer_open_id=(payer.openid or payer.sub_openid or payer.sp_openid) if payer else None,
        channel_state=found.trade_state,
    )


def _refund(found: wire.Refund) -> RefundReport:
    word = found.refund_status or found.status or ""
    _demand_names(found.out_trade_no, found.out_refund_no, found.refund_id)
    return RefundReport(
        refund_no=found.out_refund_no,
        payment_no=found.out_trade_no,
        state=REFUND_STATES.get(word, "unknown"),
        channel_refund_id=found.refund_id,
        amount_fen=found.amount.refund,
        succeeded_at=_time(found.success_time),
        channel_state=word,
    )


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unreachable("answer_unreadable") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def _demand_names(*names: str | None) -> None:
    if not all(_NAME.fullmatch(name) for name in names if name):
        raise Unreachable("answer_unreadable")


def _demand(pattern: re.Pattern[str], number: str) -> None:
    if not pattern.fullmatch(number):
        raise Refusal("parameter_wrong")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _decode(body: bytes, kind: type[wire.Kind]) -> wire.Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoticeRefused("malformed") from None
