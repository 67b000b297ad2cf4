"""Mini-program payments (JSAPI_PAY): order, query, close, refund, and their notices.

Sources: alipay.trade.create, .query, .close, .cancel, .refund, .fastpay.refund.query;
"异步通知说明". A notice of a refund comes on the payment's address, as another notice of
the same trade; its `refund_fee` is the sum of what went back so far.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import msgspec

from adapters.alipay import codes, signing, wire
from adapters.alipay.bills import read_bill
from adapters.alipay.forms import prove_form
from adapters.alipay.gateway import Gateway
from adapters.contract import (
    BillLine,
    Inbound,
    NoticeRefused,
    PaymentLaunch,
    PaymentNotice,
    PaymentOrder,
    PaymentReport,
    PaymentState,
    RefundOrder,
    RefundReport,
    Refusal,
    Reply,
    Unreachable,
)

PRODUCT = "JSAPI_PAY"


class AlipayPayments:
    """Everything goes by our numbers; amounts are fen here and yuan on the wire."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    @property
    def merchant_id(self) -> str:
        """The seller's number, or the application where the configuration names none."""
        return self._gateway.config.seller_id or self._gateway.config.app_id

    async def order(self, order: PaymentOrder) -> PaymentLaunch:
        """`client_parameters`: `tradeNO` for `my.tradePay`."""
        is_old = wire.is_user_id(order.open_id)
        created = await self._gateway.call(
            "alipay.trade.create",
            wire.CreateTrade(
                out_trade_no=order.payment_no,
                total_amount=wire.spell_yuan(order.amount_fen),
                subject=wire.plain_text(order.description),
                product_code=PRODUCT,
                op_app_id=self._gateway.config.op_app_id,
                time_expire=wire.spell_time(order.expires_at),
                buyer_open_id=None if is_old else order.open_id,
                buyer_id=order.open_id if is_old else None,
                passback_params=wire.spell_passback(order.attach),
            ),
            wire.TradeCreated,
            notice_url=order.notice_url,
        )
        if created.out_trade_no != order.payment_no:
            raise Unreachable("answer_unreadable")
        return PaymentLaunch({"tradeNO": created.trade_no}, created.trade_no)

    async def query(self, payment_no: str) -> PaymentReport:
        """`pending` also before the cashier was opened, when Alipay knows of no trade yet."""
        try:
            trade = await self._gateway.call(
                "alipay.trade.query", wire.NameTrade(out_trade_no=payment_no), wire.Trade, safe=True
            )
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
            return PaymentReport(payment_no, "pending", channel_state=refusal.channel_code)
        if trade.out_trade_no != payment_no:
            raise Unreachable("answer_unreadable")
        try:
            return _report(trade)
        except wire.Unreadable:
            raise Unreachable("answer_unreadable") from None

    async def close(self, payment_no: str) -> PaymentReport:
        """Ends an unpaid order. One that Alipay does not know yet is cancelled, so that nobody
        can still begin to pay it; where somebody just did, the money goes straight back."""
        name = wire.NameTrade(out_trade_no=payment_no)
        try:
            closed = await self._gateway.call("alipay.trade.close", name, wire.TradeClosed)
        except Refusal as refusal:
            if refusal.code == "not_found":
                return await self._cancel(payment_no)
            if refusal.code in ("state_wrong", "already_closed", "already_paid"):
                return await self.query(payment_no)
            raise
        return PaymentReport(payment_no, "closed", channel_payment_id=closed.trade_no)

    async def _cancel(self, payment_no: str) -> PaymentReport:
        try:
            cancelled = await self._gateway.call(
                "alipay.trade.cancel",
                wire.NameTrade(out_trade_no=payment_no),
                wire.TradeCancelled,
            )
        except Refusal as refusal:
            if refusal.code == "not_found":
                # Nothing there to end: it stays what it is until its time is up.
                return await self.query(payment_no)
            raise
        if cancelled.retry_flag == "Y":
            raise Unreachable("channel_busy")
        state: PaymentState = "refunded" if cancelled.action == "refund" else "closed"
        return PaymentReport(
            payment_no,
            state,
            channel_payment_id=cancelled.trade_no,
            channel_state=codes.channel_word(cancelled.action),
        )

    async def refund(self, order: RefundOrder) -> RefundReport:
        """A repeat moves no money and is answered `processing`: query it then. Alipay has no
        notice address for refunds: `notice_url` is not used."""
        refunded = await self._gateway.call(
            "alipay.trade.refund",
            wire.RefundTrade(
                out_trade_no=order.payment_no,
                refund_amount=wire.spell_yuan(order.amount_fen),
                out_request_no=order.refund_no,
                refund_reason=wire.plain_text(order.reason),
            ),
            wire.Refunded,
        )
        moved = refunded.fund_change == "Y"
        try:
            succeeded_at = wire.read_optional_time(refunded.gmt_refund_pay) if moved else None
        except wire.Unreadable:
            succeeded_at = None
        return RefundReport(
            order.refund_no,
            order.payment_no,
            "succeeded" if moved else "processing",
            amount_fen=order.amount_fen if moved else None,
            succeeded_at=succeeded_at,
            channel_state=codes.channel_word(refunded.fund_change),
        )

    async def query_refund(self, payment_no: str, refund_no: str) -> RefundReport:
        """Raises Refusal `not_found` where Alipay does not know the trade."""
        refund = await self._gateway.call(
            "alipay.trade.fastpay.refund.query",
            wire.NameRefund(
                out_trade_no=payment_no,
                out_request_no=refund_no,
                query_options=["gmt_refund_pay"],
            ),
            wire.Refund,
            safe=True,
        )
        if refund.out_request_no not in (None, "", refund_no):
            raise Unreachable("answer_unreadable")
        state = codes.refund_state(refund.refund_status)
        done = state == "succeeded"
        try:
            return RefundReport(
                refund_no,
                payment_no,
                state,
                amount_fen=_fen(refund.refund_amount) if done else None,
                succeeded_at=wire.read_optional_time(refund.gmt_refund_pay) if done else None,
                channel_state=codes.channel_word(refund.refund_status),
            )
        except wire.Unreadable:
            raise Unreachable("answer_unreadable") from None

    def read_notice(self, inbound: Inbound) -> PaymentNotice:
        """About a refund where Alipay names one, else about the payment."""
        config = self._gateway.config
        fields = prove_form(inbound, self._gateway.keys, config, signing.notice_text)
        if config.seller_id and fields.get("seller_id") != config.seller_id:
            raise NoticeRefused("not_ours")
        try:
            return msgspec.structs.replace(_read_trade_notice(fields), content=inbound.body)
        except wire.Unreadable:
            raise NoticeRefused("malformed") from None

    def acknowledge(self, accepted: bool) -> Reply:
        """Exactly these words; with any other Alipay comes again for 25 hours."""
        return Reply(200, b"success" if accepted else b"fail")

    def bill_lines(self, day: date) -> AsyncIterator[BillLine]:
        """The day's payments by their time of payment, and its refunds."""
        return read_bill(self._gateway, day)


def _report(trade: wire.Trade) -> PaymentReport:
    refunded_fen = _fen(trade.refund_fee)
    was_refunded = codes.is_refund_seen(trade.gmt_refund, refunded_fen)
    paid_at = wire.read_optional_time(trade.send_pay_date)
    amount_fen = _fen(trade.total_amount)
    if trade.trade_no:
        wire.read_name(trade.trade_no)
    state = codes.payment_state(
        trade.trade_status, was_paid=paid_at is not None, was_refunded=was_refunded
    )
    return PaymentReport(
        trade.out_trade_no,
        state,
        channel_payment_id=trade.trade_no,
        amount_fen=amount_fen,
        refunded_fen=amount_fen if state == "refunded" else refunded_fen,
        paid_at=paid_at,
        payer_open_id=trade.buyer_open_id or trade.buyer_user_id,
        channel_state=codes.channel_word(trade.trade_status),
    )


def _read_trade_notice(fields: dict[str, str]) -> PaymentNotice:
    """Raises Unreadable."""
    trade = wire.Trade(
        out_trade_no=_demand(fields, "out_trade_no"),
        trade_status=_demand(fields, "trade_status"),
        trade_no=_demand(fields, "trade_no"),
        total_amount=_yuan(fields.get("total_amount")),
        send_pay_date=fields.get("gmt_payment"),
        gmt_refund=fields.get("gmt_refund"),
        refund_fee=_yuan(fields.get("refund_fee")),
        buyer_open_id=fields.get("buyer_open_id"),
        buyer_user_id=fields.get("buyer_id"),
    )
    payment = _report(trade)
    refund_no = fields.get("out_biz_no")
    if refund_no:
        wire.read_name(refund_no)
    is_refund = bool(refund_no) and payment.state in ("partially_refunded", "refunded")
    refund = RefundReport(
        refund_no or "",
        payment.payment_no,
        "succeeded",
        # The notice tells the sum of all refunds, not what this one was.
        amount_fen=None,
        succeeded_at=wire.read_optional_time(trade.gmt_refund),
        channel_state=payment.channel_state,
        total_refunded_fen=payment.refunded_fen,
    )
    return PaymentNotice(
        notice_id=_demand(fields, "notify_id"),
        payment=None if is_refund else payment,
        refund=refund if is_refund else None,
        merchant_id=fields.get("seller_id", ""),
        app_id=fields.get("app_id"),
    )


def _demand(fields: dict[str, str], name: str) -> str:
    if not fields.get(name):
        raise wire.Unreadable("a notice without what every notice has")
    return wire.read_name(fields[name])


def _fen(amount: Decimal | None) -> int | None:
    return None if amount is None else wire.read_fen(amount)


def _yuan(text: str | None) -> Decimal | None:
    return Decimal(wire.read_yuan_text(text)) / 100 if text else None
