"""WeChat Pay's notices: encrypted under the APIv3 key, signed anew at every attempt."""

from __future__ import annotations

import secrets
import uuid
from typing import Any

import msgspec

from adapters.simulation.faults import Fault
from adapters.simulation.notices import Delivery
from adapters.simulation.records import Notice, Payment, Refund
from adapters.wechat.signing import seal_resource
from adapters.wechat.simulator.books import WechatBooks
from adapters.wechat.simulator.pay_access import sign_body
from adapters.wechat.simulator.pay_orders import transaction_of

_REFUND_EVENTS = {
    "succeeded": ("REFUND.SUCCESS", "退款成功", "SUCCESS"),
    "closed": ("REFUND.CLOSED", "退款关闭", "CLOSED"),
    "abnormal": ("REFUND.ABNORMAL", "退款异常", "ABNORMAL"),
}


def announce_payment(books: WechatBooks, payment: Payment) -> None:
    """TRANSACTION.SUCCESS, to the order's `notify_url`."""
    content = {
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "original_type": "transaction",
        "signed_by": payment.asked["signed_by"],
        "resource": transaction_of(books, payment),
    }
    _send(books, "payment", payment.order_id, payment.notice_url, content)


def announce_refund(books: WechatBooks, payment: Payment, refund: Refund) -> None:
    """REFUND.*, to the refund's own `notify_url`; a refund without one is told to nobody."""
    if not refund.notice_url or refund.state not in _REFUND_EVENTS:
        return
    event, summary, status = _REFUND_EVENTS[refund.state]
    names = ("mchid", "sp_mchid", "sub_mchid")
    resource: dict[str, Any] = {n: payment.asked[n] for n in names if n in payment.asked}
    resource |= {
        "out_trade_no": payment.merchant_no,
        "transaction_id": payment.transaction_id,
        "out_refund_no": refund.refund_no,
        "refund_id": refund.refund_id,
        "refund_status": status,
        "user_received_account": "支付用户零钱",
        "amount": {
            "total": payment.amount_fen,
            "refund": refund.amount_fen,
            "payer_total": payment.amount_fen,
            "payer_refund": refund.amount_fen,
        },
    }
    if refund.state == "succeeded" and refund.finished_at is not None:
        resource["success_time"] = books.time(refund.finished_at).isoformat()
    content = {
        "event_type": event,
        "summary": summary,
        "original_type": "refund",
        "signed_by": refund.asked["signed_by"],
        "resource": resource,
    }
    _send(books, "refund", refund.refund_id, refund.notice_url, content)


def deliver(books: WechatBooks, notice: Notice, fault: Fault) -> Delivery:
    """The request of one attempt."""
    content = notice.content
    resource = content["resource"]
    if fault.wrong_amount:
        amount = {**resource["amount"], "total": resource["amount"]["total"] + 1}
        resource = {**resource, "amount": amount}
    nonce = secrets.token_hex(6)
    body = msgspec.json.encode(
        {
            "id": notice.notice_id,
            "create_time": books.time(notice.made_at).isoformat(),
            "resource_type": "encrypt-resource",
            "event_type": content["event_type"],
            "summary": content["summary"],
            "resource": {
                "original_type": content["original_type"],
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": seal_resource(
                    books.account.apiv3_key.encode(),
                    nonce,
                    content["original_type"],
                    msgspec.json.encode(resource),
                ),
                "associated_data": content["original_type"],
                "nonce": nonce,
            },
        }
    )
    headers = {
        "Content-Type": "application/json",
        "Accept": "*/*",
        "User-Agent": "Mozilla/4.0",
        **sign_body(books, body, content["signed_by"], fault),
    }
    return Delivery(notice.url, headers, body)


def _send(books: WechatBooks, kind: str, subject: str, url: str, content: dict[str, Any]) -> None:
    notice = Notice(
        notice_id=str(uuid.uuid4()),
        kind=kind,
        subject=subject,
        url=url,
        content=content,
        made_at=books.clock.now(),
    )
    books.sender.send(notice)
