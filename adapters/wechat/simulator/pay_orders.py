"""WeChat Pay's orders: prepay, query, close, alone and for a sub-merchant."""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Any

import msgspec

from adapters.simulation.gateway import Answer, Call
from adapters.simulation.records import Payment, Refund
from adapters.wechat.simulator.books import WechatBooks
from adapters.wechat.simulator.errors import PayRefused, pay_answer
from adapters.wechat.simulator.pay_access import Merchant
from adapters.wechat.simulator.pay_fields import (
    CLOSE,
    ORDER,
    ORDER_NO,
    PARTNER_CLOSE,
    PARTNER_ORDER,
    read_body,
    refuse_field,
)

_SHORTEST_SECONDS = 60
# What an open id looks like; one of another application looks no different.
_OPEN_ID = re.compile(r"[0-9A-Za-z_-]{28}")
_STATES = {
    "SUCCESS": "支付成功",
    "REFUND": "转入退款",
    "NOTPAY": "订单未支付",
    "CLOSED": "订单已关闭",
}


def prepay(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """POST /v3/pay/[partner/]transactions/jsapi."""
    partner = "/partner/" in call.path
    asked = read_body(call, PARTNER_ORDER if partner else ORDER)
    _demand_account(books, asked, merchant, partner=partner)
    open_id = _demand_payer(books, asked["payer"], asked, partner=partner)
    known = _find(books, asked["out_trade_no"], _owner(asked))
    if known is not None:
        return _prepay_again(known, asked)
    prepay_id = f"wx{books.time(books.clock.now()):%d%H%M%S}{secrets.token_hex(13)}"
    now = books.clock.now()
    payment = Payment(
        order_id=prepay_id,
        merchant_no=asked["out_trade_no"],
        open_id=open_id,
        amount_fen=asked["amount"]["total"],
        description=asked["description"],
        created_at=now,
        expires_at=_expiry(asked, now),
        notice_url=asked["notify_url"],
        asked={**asked, "signed_by": merchant.signed_by},
    )
    books.payments.put(prepay_id, payment)
    books.order_numbers[_number(_owner(asked), payment.merchant_no)] = prepay_id
    return Answer(200, msgspec.json.encode({"prepay_id": prepay_id}))


def query(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """GET /v3/pay/[partner/]transactions/out-trade-no/{no} and …/id/{transaction_id}."""
    owner = _asked_owner(books, call, merchant)
    number = call.parameters["number"]
    if "/out-trade-no/" in call.path:
        if not re.fullmatch(ORDER_NO, number):
            raise PayRefused("PARAM_ERROR", "商户订单号格式错误")
        payment = _find(books, number, owner)
    else:
        payment = next(
            (p for p in books.payments if p.transaction_id == number and _owner(p.asked) == owner),
            None,
        )
    if payment is None:
        raise PayRefused("ORDER_NOT_EXIST")
    return Answer(200, msgspec.json.encode(transaction_of(books, payment)))


def close(books: WechatBooks, call: Call, merchant: Merchant) -> Answer:
    """POST …/out-trade-no/{no}/close: 204 without a body."""
    partner = "/partner/" in call.path
    asked = read_body(call, PARTNER_CLOSE if partner else CLOSE)
    _demand_merchant(books, asked, merchant, partner=partner)
    payment = _find(books, call.parameters["number"], _owner(asked))
    if payment is None:
        raise PayRefused("ORDER_NOT_EXIST")
    if payment.state == "closed":
        raise PayRefused("ORDER_CLOSED")
    if payment.state == "paid":
        raise PayRefused("INVALID_REQUEST", "订单已支付，不能关闭")
    if payment.at_cashier:
        return pay_answer(PayRefused("USER_PAYING"))
    closed = msgspec.structs.replace(payment, state="closed", closed_at=books.clock.now())
    books.payments.put(payment.order_id, closed)
    return Answer(204)


def transaction_of(books: WechatBooks, payment: Payment) -> dict[str, Any]:
    """A payment as queried and as in a notice."""
    asked = payment.asked
    names = ("appid", "mchid", "sp_appid", "sp_mchid", "sub_appid", "sub_mchid")
    state = _state(payment)
    said: dict[str, Any] = {name: asked[name] for name in names if name in asked}
    said |= {
        "out_trade_no": payment.merchant_no,
        "trade_state": state,
        "trade_state_desc": _STATES[state],
        "attach": asked.get("attach", ""),
        "amount": {
            "total": payment.amount_fen,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
        "promotion_detail": [],
    }
    if payment.paid_at is not None:
        said |= {
            "transaction_id": payment.transaction_id,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "success_time": books.time(payment.paid_at).isoformat(),
            "payer": asked["payer"],
        }
        said["amount"]["payer_total"] = payment.amount_fen
    return said


def refunds_of(books: WechatBooks, payment: Payment) -> list[Refund]:
    """Every refund asked for, in order."""
    return books.refunds.of(payment.order_id)


def find_for_refund(books: WechatBooks, asked: dict[str, Any], owner: str) -> Payment | None:
    """The payment a refund is about, by either number."""
    if asked.get("out_trade_no"):
        return _find(books, asked["out_trade_no"], owner)
    wanted = asked.get("transaction_id")
    return next(
        (p for p in books.payments if p.transaction_id == wanted and _owner(p.asked) == owner),
        None,
    )


def index_orders(books: WechatBooks) -> dict[str, str]:
    """Merchant and order number → prepay id, of everything known."""
    return {_number(_owner(p.asked), p.merchant_no): p.order_id for p in books.payments}


def owner_of(books: WechatBooks, merchant: Merchant, sub_merchant_id: str | None) -> str:
    """Whose orders a caller means: its own, or those of its sub-merchant. Raises PayRefused."""
    if merchant.merchant_id == books.account.merchant_id:
        if sub_merchant_id is None:
            return merchant.merchant_id
        raise PayRefused("PARAM_ERROR", "普通商户不能传入子商户号")
    if sub_merchant_id != books.account.sub_merchant_id:
        raise PayRefused("MCH_NOT_EXISTS")
    return sub_merchant_id


def _prepay_again(known: Payment, asked: dict[str, Any]) -> Answer:
    if known.state == "closed":
        raise PayRefused("ORDER_CLOSED")
    if known.state == "paid":
        raise PayRefused("ORDERPAID")
    before = {name: value for name, value in known.asked.items() if name != "signed_by"}
    if before != asked:
        raise PayRefused("OUT_TRADE_NO_USED")
    return Answer(200, msgspec.json.encode({"prepay_id": known.order_id}))


def _demand_account(
    books: WechatBooks, asked: dict[str, Any], merchant: Merchant, *, partner: bool
) -> None:
    account = books.account
    _demand_merchant(books, asked, merchant, partner=partner)
    if asked["sp_appid" if partner else "appid"] != account.app_id:
        raise PayRefused("APPID_MCHID_NOT_MATCH")
    if asked.get("sub_appid") not in (None, account.sub_app_id):
        raise PayRefused("APPID_MCHID_NOT_MATCH", "sub_appid与sub_mchid不匹配")


def _demand_merchant(
    books: WechatBooks, asked: dict[str, Any], merchant: Merchant, *, partner: bool
) -> None:
    account = books.account
    own = account.provider_id if partner else account.merchant_id
    given = asked["sp_mchid" if partner else "mchid"]
    if given != own:
        raise PayRefused("MCH_NOT_EXISTS")
    if given != merchant.merchant_id:
        raise PayRefused("NO_AUTH", "签名商户号与请求中的商户号不一致")
    if partner and asked["sub_mchid"] != account.sub_merchant_id:
        raise PayRefused("MCH_NOT_EXISTS", "子商户号不存在")


def _demand_payer(
    books: WechatBooks, payer: dict[str, Any], asked: dict[str, Any], *, partner: bool
) -> str:
    names = ("sp_openid", "sub_openid") if partner else ("openid",)
    given = [(name, payer[name]) for name in names if payer.get(name)]
    if len(given) != 1:
        raise refuse_field("payer", "须有且只有一个用户标识")
    name, open_id = given[0]
    if name == "sub_openid" and not asked.get("sub_appid"):
        raise refuse_field("sub_appid", "传入sub_openid时必填")
    if books.citizens.get(open_id) is None:
        if _OPEN_ID.fullmatch(open_id):
            raise PayRefused("OPENID_MISMATCH")
        raise PayRefused("PARAM_ERROR", "无效的openid", {"field": f"/body/payer/{name}"})
    return str(open_id)


def _expiry(asked: dict[str, Any], now: float) -> float | None:
    given = asked.get("time_expire")
    if not given:
        return None
    return max(datetime.fromisoformat(given).timestamp(), now + _SHORTEST_SECONDS)


def _state(payment: Payment) -> str:
    if payment.state == "waiting":
        return "NOTPAY"
    if payment.state == "closed":
        return "CLOSED"
    return "REFUND" if payment.refunded_fen else "SUCCESS"


def _asked_owner(books: WechatBooks, call: Call, merchant: Merchant) -> str:
    fields = call.fields
    partner = "/partner/" in call.path
    given = fields.get("sp_mchid" if partner else "mchid")
    if not given:
        raise PayRefused("PARAM_ERROR", "查询参数缺少商户号")
    if given != merchant.merchant_id:
        raise PayRefused("NO_AUTH", "签名商户号与请求中的商户号不一致")
    if partner and not fields.get("sub_mchid"):
        raise PayRefused("PARAM_ERROR", "查询参数缺少子商户号")
    return owner_of(books, merchant, fields.get("sub_mchid"))


def _owner(asked: dict[str, Any]) -> str:
    return str(asked.get("sub_mchid") or asked.get("mchid"))


def _find(books: WechatBooks, number: str, owner: str) -> Payment | None:
    prepay_id = books.order_numbers.get(_number(owner, number))
    return None if prepay_id is None else books.payments.get(prepay_id)


def _number(owner: str, number: str) -> str:
    return f"{owner}/{number}"
