"""What the gateway tells the caller: trades as they move, and gateway messages.

A trade's notices all go to the `notify_url` its order named, refunds and closings too.
A field without a value is not sent.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from adapters.alipay.signing import Form, message_text, notice_text, sign
from adapters.alipay.simulator.amounts import (
    read_fen,
    spell_time,
    spell_time_with_milliseconds,
    yuan,
)
from adapters.simulation.faults import Fault
from adapters.simulation.gateway import Clock
from adapters.simulation.journal import Table
from adapters.simulation.notices import Delivery, NoticeSender
from adapters.simulation.records import Citizen, Notice, Payment, Refund

NoticeKind = Literal["payment", "refund", "closed", "finished"]
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
_AMOUNTS = ("total_amount", "receipt_amount", "invoice_amount", "buyer_pay_amount")


class Announcing(Protocol):
    """What is needed to tell of a trade."""

    app_id: str
    seller_id: str
    clock: Clock
    sender: NoticeSender
    citizens: Table[Citizen]
    finished: Table[Any]

    def time(self, seconds: float) -> datetime: ...


def announce(
    books: Announcing, payment: Payment, kind: NoticeKind, refund: Refund | None = None
) -> None:
    """Tell the caller how the trade stands now, where it said whom to tell."""
    if payment.notice_url:
        content = _trade_fields(books, payment, refund)
        books.sender.send(
            Notice(
                notice_id=secrets.token_hex(17),
                kind=kind,
                subject=payment.order_id,
                url=payment.notice_url,
                content={name: value for name, value in content.items() if value},
                made_at=books.clock.now(),
            )
        )


def gateway_message(books: Announcing, method: str, details: Mapping[str, Any], url: str) -> Notice:
    """A message of the platform itself, to the application's gateway address."""
    at = books.clock.now()
    content = {
        "msg_method": method,
        "utc_timestamp": str(int(at * 1000)),
        "biz_content": msgspec.json.encode(dict(details)).decode(),
        "app_id": books.app_id,
        "version": "1.1",
        "charset": "UTF-8",
    }
    return Notice(secrets.token_hex(17), "message", method, url, content, at)


def sign_notice(notice: Notice, fault: Fault, key: RSAPrivateKey, now: datetime) -> Delivery:
    """The form, signed anew at every attempt: its time moves, its number does not."""
    fields = {**notice.content, "notify_id": notice.notice_id, "sign_type": "RSA2"}
    if notice.kind == "message":
        text = message_text(Form(fields, "utf-8"))
    else:
        fields["notify_time"] = spell_time(now)
        if fault.wrong_amount:
            fields |= {name: _one_more(fields[name]) for name in _AMOUNTS if name in fields}
        text = notice_text(Form(fields, "utf-8"))
    fields["sign"] = sign(text, key)
    return Delivery(notice.url, _HEADERS, urlencode(fields).encode())


def trade_status(payment: Payment, finished: bool) -> str:
    """Alipay's word; what is wholly refunded is closed."""
    if payment.state == "waiting":
        return "WAIT_BUYER_PAY"
    if payment.state == "closed" or payment.refunded_fen >= payment.amount_fen:
        return "TRADE_CLOSED"
    return "TRADE_FINISHED" if finished else "TRADE_SUCCESS"


def logon_id(citizen: Citizen | None) -> str:
    """The account as strangers see it."""
    phone = citizen.phone if citizen is not None else ""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) == 11 else "zha***@example.com"


def _trade_fields(books: Announcing, payment: Payment, refund: Refund | None) -> dict[str, str]:
    paid = payment.paid_at is not None
    status = trade_status(payment, books.finished.get(payment.order_id) is not None)
    amount = yuan(payment.amount_fen)
    fund = [{"amount": amount, "fundChannel": "ALIPAYACCOUNT"}]
    fields = {
        "notify_type": "trade_status_sync",
        "app_id": books.app_id,
        "auth_app_id": books.app_id,
        "charset": "utf-8",
        "version": "1.0",
        "trade_no": payment.order_id,
        "out_trade_no": payment.merchant_no,
        "buyer_open_id": payment.open_id,
        "buyer_logon_id": logon_id(books.citizens.get(payment.open_id)),
        "seller_id": books.seller_id,
        "trade_status": status,
        "subject": payment.description,
        "body": str(payment.asked.get("body") or ""),
        "passback_params": str(payment.asked.get("passback_params") or ""),
        "total_amount": amount,
        "gmt_create": spell_time(books.time(payment.created_at)),
    }
    if payment.paid_at is not None:
        fields |= {
            "receipt_amount": amount,
            "invoice_amount": amount,
            "buyer_pay_amount": amount,
            "point_amount": "0.00",
            "gmt_payment": spell_time(books.time(payment.paid_at)),
            "fund_bill_list": msgspec.json.encode(fund).decode(),
        }
    if paid and payment.refunded_fen:
        fields["refund_fee"] = yuan(payment.refunded_fen)
    if refund is not None:
        fields["out_biz_no"] = refund.refund_no
        fields["gmt_refund"] = spell_time_with_milliseconds(books.time(refund.created_at))
    if status == "TRADE_CLOSED":
        ended = refund.created_at if refund is not None else payment.closed_at
        fields["gmt_close"] = spell_time(books.time(ended or books.clock.now()))
    return fields


def _one_more(amount: str) -> str:
    return yuan((read_fen(amount) or 0) + 1)
