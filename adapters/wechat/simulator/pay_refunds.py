"""WeChat Pay's refunds: accepted at once, settled a while later, told by a notice."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from adapters.simulation.gateway import Answer, Call, CannotDo
from adapters.simulation.records import Payment, Refund, RefundState
from adapters.wechat.signing import Unproven, decrypt_field, normal_serial
from adapters.wechat.simulator.books import WechatBooks
from adapters.wechat.simulator.errors import PayRefused
from adapters.wechat.simulator.pay_access import Merchant
from adapters.wechat.simulator.pay_fields import ABNORMAL_REFUND, REFUND, REFUND_NO, read_body
from adapters.wechat.simulator.pay_notices import announce_refund
from adapters.wechat.simulator.pay_orders import find_for_refund, owner_of, refunds_of

_MOST_REFUNDS = 50
_STATES: dict[RefundState, str] = {
    "processing": "PROCESSING",
    "succeeded": "SUCCESS",
    "closed": "CLOSED",
    "abnormal": "ABNORMAL",
}
_DIFFERENT = "订单金额或退款金额与之前请求不一致，请核实后再试"


class RefundEnd(Struct, frozen=True, forbid_unknown_fields=True):
    """How a refund ends, said by hand."""

    state: RefundState


def refund(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """POST /v3/refund/domestic/refunds."""
    asked = read_body(call, REFUND)
    owner = owner_of(books, merchant, asked.get("sub_mchid"))
    if not (asked.get("transaction_id") or asked.get("out_trade_no")):
        raise PayRefused("PARAM_ERROR", "微信支付订单号与商户订单号须传其一")
    payment = find_for_refund(books, asked, owner)
    if payment is None:
        raise PayRefused("RESOURCE_NOT_EXISTS", "订单不存在")
    if payment.state != "paid":
        raise PayRefused("INVALID_REQUEST", "订单未支付，不能退款")
    number = f"{owner}/{asked['out_refund_no']}"
    known = books.refunds.get(books.refund_numbers.get(number, ""))
    if known is None:
        _demand_available(books, payment, asked)
        known = _accept(books, payment, asked, merchant, number)
    elif not _is_same(known, payment, asked):
        raise PayRefused("INVALID_REQUEST", _DIFFERENT)
    return Answer(200, msgspec.json.encode(_refund_of(books, known)))


def query_refund(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """GET /v3/refund/domestic/refunds/{out_refund_no}."""
    owner = owner_of(books, merchant, call.fields.get("sub_mchid"))
    number = call.parameters["number"]
    if not re.fullmatch(REFUND_NO, number):
        raise PayRefused("PARAM_ERROR", "商户退款单号格式错误")
    known = books.refunds.get(books.refund_numbers.get(f"{owner}/{number}", ""))
    if known is None:
        raise PayRefused("RESOURCE_NOT_EXISTS", "退款单不存在")
    return Answer(200, msgspec.json.encode(_refund_of(books, known)))


def apply_abnormal(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund."""
    asked = read_body(call, ABNORMAL_REFUND)
    owner = owner_of(books, merchant, asked.get("sub_mchid"))
    known = books.refunds.get(call.parameters["number"])
    if known is None or _owner(known) != owner or known.refund_no != asked["out_refund_no"]:
        raise PayRefused("RESOURCE_NOT_EXISTS", "退款单不存在")
    if known.state != "abnormal":
        raise PayRefused("INVALID_REQUEST", "退款单不是异常状态")
    if asked["type"] == "USER_BANK_CARD":
        _demand_card(books, call, asked)
    again = msgspec.structs.replace(known, state="processing", finished_at=None)
    books.refunds.put(known.refund_id, again)
    finish_later(books, again, "succeeded")
    return Answer(200, msgspec.json.encode(_refund_of(books, again)))


def finish_later(books: WechatBooks, known: Refund, state: RefundState | None = None) -> None:
    """Settle after the policy's wait; where there is none, somebody says by hand."""
    seconds = books.policy.refund_seconds
    if seconds is None:
        return

    def settle() -> None:
        waiting = books.refunds.get(known.refund_id)
        if waiting is not None and waiting.state == "processing":
            finish(books, waiting, state or books.policy.refund_result)

    asyncio.get_running_loop().call_later(seconds, settle)


def finish(books: WechatBooks, known: Refund, state: RefundState) -> Refund:
    """Settle a refund and tell the caller."""
    ended = msgspec.structs.replace(known, state=state, finished_at=books.clock.now())
    books.refunds.put(known.refund_id, ended)
    payment = books.payments.get(known.order_id)
    if payment is not None and state == "closed":
        # A refund that failed for good gives its amount back to what may be refunded.
        left = payment.refunded_fen - known.amount_fen
        books.payments.put(payment.order_id, msgspec.structs.replace(payment, refunded_fen=left))
    if payment is not None:
        announce_refund(books, payment, ended)
    return ended


def finish_by_hand(books: WechatBooks, path: Mapping[str, str], body: bytes) -> Refund:
    """POST /_control/refunds/{number}/finish."""
    number = path["number"]
    known = next((r for r in books.refunds if number in (r.refund_id, r.refund_no)), None)
    if known is None:
        raise CannotDo(404, "no such refund")
    if known.state != "processing":
        raise CannotDo(409, f"the refund is {known.state}")
    try:
        end = msgspec.json.decode(body, type=RefundEnd)
    except msgspec.MsgspecError as error:
        raise CannotDo(400, str(error)) from error
    return finish(books, known, end.state)


def index_refunds(books: WechatBooks) -> dict[str, str]:
    """Merchant and refund number → refund id, of everything known."""
    return {f"{_owner(known)}/{known.refund_no}": known.refund_id for known in books.refunds}


def _demand_available(books: WechatBooks, payment: Payment, asked: dict[str, Any]) -> None:
    amount = asked["amount"]
    if amount["total"] != payment.amount_fen:
        raise PayRefused("INVALID_REQUEST", _DIFFERENT)
    if len(refunds_of(books, payment)) >= _MOST_REFUNDS:
        raise PayRefused("INVALID_REQUEST", "同一订单退款次数超过限制")
    if amount["refund"] > payment.amount_fen - payment.refunded_fen:
        raise PayRefused("INVALID_REQUEST", "申请退款金额大于订单剩余可退金额")


def _accept(
    books: WechatBooks, payment: Payment, asked: dict[str, Any], merchant: Merchant, number: str
) -> Refund:
    now = books.clock.now()
    made = Refund(
        refund_id=f"5030{books.time(now):%Y%m%d}{secrets.randbelow(10**17):017d}",
        refund_no=asked["out_refund_no"],
        order_id=payment.order_id,
        merchant_no=payment.merchant_no,
        amount_fen=asked["amount"]["refund"],
        created_at=now,
        notice_url=asked.get("notify_url", ""),
        asked={
            **asked,
            "owner": number.split("/")[0],
            "signed_by": merchant.signed_by,
        },
    )
    books.refunds.put(made.refund_id, made)
    books.refund_numbers[number] = made.refund_id
    gone = payment.refunded_fen + made.amount_fen
    books.payments.put(payment.order_id, msgspec.structs.replace(payment, refunded_fen=gone))
    finish_later(books, made)
    return made


def _is_same(known: Refund, payment: Payment, asked: dict[str, Any]) -> bool:
    return (
        known.order_id == payment.order_id
        and known.amount_fen == asked["amount"]["refund"]
        and payment.amount_fen == asked["amount"]["total"]
    )


def _refund_of(books: WechatBooks, known: Refund) -> dict[str, Any]:
    payment = books.payments.get(known.order_id)
    if payment is None:
        raise PayRefused("SYSTEM_ERROR")
    said: dict[str, Any] = {
        "refund_id": known.refund_id,
        "out_refund_no": known.refund_no,
        "transaction_id": payment.transaction_id,
        "out_trade_no": payment.merchant_no,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": books.time(known.created_at).isoformat(),
        "status": _STATES[known.state],
        "funds_account": known.asked.get("funds_account", "AVAILABLE"),
        "amount": {
            "total": payment.amount_fen,
            "refund": known.amount_fen,
            "from": [],
            "payer_total": payment.amount_fen,
            "payer_refund": known.amount_fen,
            "settlement_refund": known.amount_fen,
            "settlement_total": payment.amount_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if known.state == "succeeded" and known.finished_at is not None:
        said["success_time"] = books.time(known.finished_at).isoformat()
    return said


def _demand_card(books: WechatBooks, call: Call, asked: dict[str, Any]) -> None:
    """Card and name come encrypted for the key that Wechatpay-Serial names."""
    serial = call.headers.get("wechatpay-serial", "")
    if not serial:
        raise PayRefused("PARAM_ERROR", "含敏感信息的请求须在Http头携带Wechatpay-Serial")
    account = books.account
    public = dict(zip(account.pay_key_ids, (account.pay_key, account.next_pay_key), strict=True))
    certified = {normal_serial(known.serial): known.key for known in account.certificates}
    # The call's proof has shown that the serial is one of ours.
    key = {**public, **certified}[normal_serial(serial)]
    for name in ("bank_account", "real_name"):
        try:
            decrypt_field(str(asked.get(name) or ""), key)
        except Unproven:
            raise PayRefused("PARAM_ERROR", f"敏感字段{name}解密失败") from None


def _owner(known: Refund) -> str:
    return str(known.asked["owner"])
