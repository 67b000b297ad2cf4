"""WeChat's errors as WeChat spells them: errcodes of the mini-program, codes of WeChat Pay."""

from __future__ import annotations

import secrets
import time
from typing import Any

import msgspec

from adapters.simulation.gateway import Answer

ERRCODES: dict[int, str] = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40013: "invalid appid",
    40029: "invalid code",
    40037: "invalid template_id",
    40097: "invalid args",
    40125: "invalid appsecret",
    40163: "code been used",
    40164: "invalid ip, not in whitelist",
    40165: "invalid weapp pagepath",
    40169: "invalid scene",
    40226: "code blocked",
    40230: "missing Wechatmp-Serial",
    40231: "missing Wechatmp-TimeStamp",
    40232: "missing Wechatmp-Signature",
    40233: "missing Wechatmp-Appid",
    40234: "invalid signature",
    40235: "invalid encryption",
    40236: "invalid appid in header",
    40237: "invalid appid in payload",
    40238: "symmetric key not configured",
    40239: "asymmetric key not configured",
    40240: "timestamp expired",
    41001: "access_token missing",
    41002: "appid missing",
    41004: "appsecret missing",
    41008: "missing code",
    41030: "invalid page",
    42001: "access_token expired",
    43002: "require POST method",
    43101: "user refuse to accept the msg",
    44990: "reach frequency limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, mustslower, retry next minute",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    85079: "miniprogram has no online release",
}

# HTTP status and message of each of WeChat Pay's codes.
PAY_CODES: dict[str, tuple[int, str]] = {
    "USER_PAYING": (202, "用户支付中，需要输入密码"),
    "PARAM_ERROR": (400, "参数错误"),
    "INVALID_REQUEST": (400, "无效请求"),
    "APPID_MCHID_NOT_MATCH": (400, "appid和mch_id不匹配，请检查后再试"),
    "MCH_NOT_EXISTS": (400, "商户号不存在"),
    "ORDER_CLOSED": (400, "订单已关闭"),
    "ORDERPAID": (400, "该订单已支付"),
    "NO_STATEMENT_EXIST": (400, "账单文件不存在"),
    "STATEMENT_CREATING": (400, "账单正在生成"),
    "SIGN_ERROR": (401, "错误的签名，验签失败"),
    "NO_AUTH": (403, "商户无权限"),
    "OUT_TRADE_NO_USED": (403, "商户订单号重复"),
    "RULE_LIMIT": (403, "业务规则限制"),
    "TRADE_ERROR": (403, "交易错误"),
    "ACCOUNT_ERROR": (403, "账号异常"),
    "NOT_ENOUGH": (403, "基本账户余额不足，请充值后重新发起"),
    "USER_ACCOUNT_ABNORMAL": (403, "用户账户注销"),
    "ORDER_NOT_EXIST": (404, "订单不存在"),
    "RESOURCE_NOT_EXISTS": (404, "资源不存在"),
    "FREQUENCY_LIMITED": (429, "频率超限"),
    "RATELIMIT": (429, "频率超限"),
    "SYSTEM_ERROR": (500, "系统错误，请稍后重试"),
    "BANK_ERROR": (500, "银行系统异常"),
    "OPENID_MISMATCH": (500, "openid和appid不匹配"),
}
_PAY_STATUS = {400: "PARAM_ERROR", 401: "SIGN_ERROR", 403: "RULE_LIMIT", 429: "FREQUENCY_LIMITED"}


class Refused(Exception):
    """A mini-program call is answered with an errcode."""

    def __init__(self, errcode: int, words: str | None = None) -> None:
        super().__init__(str(errcode))
        self.errcode = errcode
        self.words = words or ERRCODES.get(errcode, "error")


class PayRefused(Exception):
    """A WeChat Pay call is answered with a code; `detail` names the field."""

    def __init__(
        self, code: str, message: str | None = None, detail: dict[str, Any] | None = None
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status, usual = PAY_CODES[code]
        self.message = message or usual
        self.detail = detail


def errcode_answer(refusal: Refused, *, status: int = 200) -> Answer:
    """The body of every failed mini-program call; HTTP says 200 all the same."""
    trace = f"{int(time.time()):08x}-{secrets.token_hex(4)}-{secrets.token_hex(4)}"
    body = {"errcode": refusal.errcode, "errmsg": f"{refusal.words} rid: {trace}"}
    return Answer(status, msgspec.json.encode(body), "application/json; encoding=utf-8")


def pay_answer(refusal: PayRefused, *, status: int | None = None) -> Answer:
    """WeChat Pay's error body."""
    body: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.detail is not None:
        body["detail"] = refusal.detail
    return Answer(status or refusal.status, msgspec.json.encode(body))


def pay_fault(status: int, code: str | None, missing: str) -> Answer:
    """The error a fault asks for; `missing` is what a 404 of that operation is called."""
    if code is not None and code in PAY_CODES:
        return pay_answer(PayRefused(code))
    named = code or {**_PAY_STATUS, 404: missing}.get(status, "SYSTEM_ERROR")
    message = PAY_CODES.get(named, (status, "错误"))[1]
    body = {"code": named, "message": message}
    return Answer(status, msgspec.json.encode(body))
