"""What WeChat Pay takes in each field, checked as it checks, refused in its words.

Integers are JSON integers: a text, a fraction or a truth in their place is refused. Fields
that are not listed are not looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from adapters.simulation.gateway import Call
from adapters.simulation.notices import is_loopback
from adapters.wechat.simulator.errors import PayRefused


class Rule(Struct, frozen=True):
    """A field by its path; `least` and `most` bound a text's characters or a number's value."""

    path: str
    title: str
    kind: Literal["text", "integer", "object", "list", "time", "notify_url"] = "text"
    required: bool = False
    least: int = 1
    most: int = 1024
    pattern: str | None = None


ORDER_NO = r"[0-9A-Za-z_\-|*]{6,32}"
REFUND_NO = r"[0-9A-Za-z_\-|*@]{1,64}"

_ORDER_BODY = (
    Rule("description", "商品描述", required=True, most=127),
    Rule("out_trade_no", "商户订单号", required=True, least=6, most=32, pattern=ORDER_NO),
    Rule("notify_url", "通知地址", "notify_url", required=True, most=255),
    Rule("time_expire", "交易结束时间", "time", most=64),
    Rule("attach", "附加数据", most=128),
    Rule("goods_tag", "订单优惠标记", most=32),
    Rule("limit_pay", "指定支付方式", "list"),
    Rule("amount", "订单金额", "object", required=True),
    Rule("amount.total", "总金额", "integer", required=True, most=100_000_000_00),
    Rule("amount.currency", "货币类型", most=16, pattern="CNY"),
    Rule("payer", "支付者", "object", required=True),
    Rule("scene_info", "场景信息", "object"),
    Rule("settle_info", "结算信息", "object"),
    Rule("detail", "优惠功能", "object"),
)
ORDER = (
    Rule("appid", "公众账号ID", required=True, most=32),
    Rule("mchid", "商户号", required=True, most=32),
    *_ORDER_BODY,
    Rule("payer.openid", "用户标识", required=True, most=128),
)
PARTNER_ORDER = (
    Rule("sp_appid", "服务商应用ID", required=True, most=32),
    Rule("sp_mchid", "服务商户号", required=True, most=32),
    Rule("sub_appid", "子商户应用ID", most=32),
    Rule("sub_mchid", "子商户号", required=True, most=32),
    *_ORDER_BODY,
    Rule("payer.sp_openid", "用户服务标识", most=128),
    Rule("payer.sub_openid", "用户子标识", most=128),
)
CLOSE = (Rule("mchid", "商户号", required=True, most=32),)
PARTNER_CLOSE = (
    Rule("sp_mchid", "服务商户号", required=True, most=32),
    Rule("sub_mchid", "子商户号", required=True, most=32),
)
REFUND = (
    Rule("sub_mchid", "子商户号", most=32),
    Rule("transaction_id", "微信支付订单号", most=32),
    Rule("out_trade_no", "商户订单号", least=6, most=32, pattern=ORDER_NO),
    Rule("out_refund_no", "商户退款单号", required=True, most=64, pattern=REFUND_NO),
    Rule("reason", "退款原因", most=80),
    Rule("notify_url", "退款结果回调url", "notify_url", least=8, most=256),
    Rule("funds_account", "退款资金来源", pattern="AVAILABLE|UNSETTLED"),
    Rule("amount", "金额信息", "object", required=True),
    Rule("amount.refund", "退款金额", "integer", required=True, most=100_000_000_00),
    Rule("amount.total", "原订单金额", "integer", required=True, most=100_000_000_00),
    Rule("amount.currency", "退款币种", required=True, pattern="CNY"),
)
ABNORMAL_REFUND = (
    Rule("sub_mchid", "子商户号", most=32),
    Rule("out_refund_no", "商户退款单号", required=True, most=64, pattern=REFUND_NO),
    Rule("type", "异常退款处理方式", required=True, pattern="USER_BANK_CARD|MERCHANT_BANK_CARD"),
    Rule("bank_type", "开户银行", most=16),
    Rule("bank_account", "收款银行卡号", most=1024),
    Rule("real_name", "收款用户姓名", most=1024),
)


def read_body(call: Call, rules: Sequence[Rule]) -> dict[str, Any]:
    """The call's JSON object, every listed field checked. Raises PayRefused PARAM_ERROR."""
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PayRefused("PARAM_ERROR", "请求报文不是合法的 JSON") from None
    if not isinstance(body, dict):
        raise PayRefused("PARAM_ERROR", "请求报文不是 JSON 对象")
    for rule in rules:
        _check(rule, _find(body, rule.path))
    return body


def refuse_field(path: str, words: str, value: Any = "") -> PayRefused:
    """PARAM_ERROR about one field of the body."""
    place = "/body/" + path.replace(".", "/")
    detail = {"location": "body", "field": place, "value": str(value)[:64], "issue": words}
    return PayRefused("PARAM_ERROR", f"输入源“{place}”{words}", detail)


def _find(body: dict[str, Any], path: str) -> Any:
    value: Any = body
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _check(rule: Rule, value: Any) -> None:
    if value is None or value == "":
        if rule.required:
            raise refuse_field(
                rule.path, f"映射到字段“{rule.title}”必填性规则校验失败，此字段为必填项"
            )
        return
    if rule.kind == "integer":
        _check_integer(rule, value)
    elif rule.kind in ("object", "list"):
        if not isinstance(value, dict if rule.kind == "object" else list):
            raise refuse_field(rule.path, f"无法映射到目标字段“{rule.title}”中", value)
    else:
        _check_text(rule, value)


def _check_integer(rule: Rule, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        words = f"无法映射到目标字段“{rule.title}”中，此字段需要一个合法的 64 位有符号整数"
        raise refuse_field(rule.path, words, value)
    if value < rule.least:
        words = f"映射到数值字段“{rule.title}”规则校验失败，值低于最小值 {rule.least}"
        raise refuse_field(rule.path, words, value)
    if value > rule.most:
        words = f"映射到数值字段“{rule.title}”规则校验失败，值高于最大值 {rule.most}"
        raise refuse_field(rule.path, words, value)


def _check_text(rule: Rule, value: Any) -> None:
    if not isinstance(value, str):
        raise refuse_field(rule.path, f"无法映射到目标字段“{rule.title}”中，需要字符串", value)
    if not rule.least <= len(value) <= rule.most:
        words = (
            f"映射到值字段“{rule.title}”字符串规则校验失败，字符数 {len(value)}，"
            f"应在 {rule.least} 与 {rule.most} 之间"
        )
        raise refuse_field(rule.path, words, value)
    if rule.pattern is not None and not re.fullmatch(rule.pattern, value):
        raise refuse_field(rule.path, f"映射到值字段“{rule.title}”格式规则校验失败", value)
    if rule.kind == "time" and not _is_time(value):
        raise refuse_field(rule.path, f"映射到“{rule.title}”时间规则校验失败", value)
    if rule.kind == "notify_url":
        _check_notify_url(rule, value)


def _is_time(value: str) -> bool:
    try:
        return datetime.fromisoformat(value).tzinfo is not None and "T" in value
    except ValueError:
        return False


def _check_notify_url(rule: Rule, value: str) -> None:
    parts = urlsplit(value)
    # Life demands https; a simulator's callers are on this machine.
    secure = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(value))
    if not secure or not parts.hostname or parts.query or parts.fragment or "?" in value:
        raise refuse_field(rule.path, f"“{rule.title}”须为 https 地址且不带参数", value)
