"""Who calls WeChat Pay: the Authorization header proven, every answer signed.

A caller who names a `PUB_KEY_ID_…` in Wechatpay-Serial is answered under that public key,
one who names nothing or a certificate under the platform certificate.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from adapters.simulation.faults import Fault
from adapters.simulation.gateway import Answer, Call
from adapters.wechat.signing import (
    PAY_SCHEME,
    PROBE_PREFIX,
    PUBLIC_KEY_PREFIX,
    WINDOW_SECONDS,
    answer_text,
    normal_serial,
    request_text,
    sign_rsa,
    verify_rsa,
)
from adapters.wechat.simulator.books import WechatBooks
from adapters.wechat.simulator.errors import PayRefused

_PARAMETER = re.compile(r'\s*(\w+)="([^"]*)"\s*')
_WANTED = {"mchid", "nonce_str", "timestamp", "serial_no", "signature"}
_NONCE = re.compile(r"[0-9A-Za-z_-]{1,64}")

SignedBy = Literal["public_key", "certificate"]


class Merchant(Struct, frozen=True):
    """Who proved to call, and what they want answers signed with."""

    merchant_id: str
    signed_by: SignedBy


def prove_merchant(books: WechatBooks, call: Call) -> Merchant:
    """Check everything WeChat Pay checks of every call. Raises PayRefused."""
    given = _read_authorization(call.headers.get("authorization", ""))
    account = books.account
    if given["mchid"] not in (account.merchant_id, account.provider_id):
        raise PayRefused("SIGN_ERROR", "商户号不存在或与证书不匹配", _at("mchid"))
    if normal_serial(given["serial_no"]) != normal_serial(account.merchant_serial):
        words = "商户证书序列号有误。请使用签名私钥匹配的证书序列号"
        raise PayRefused("SIGN_ERROR", words, _at("serial_no"))
    stamp = given["timestamp"]
    if not stamp.isdigit() or abs(books.clock.now() - int(stamp)) > WINDOW_SECONDS:
        words = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
        raise PayRefused("SIGN_ERROR", words, _at("timestamp"))
    if not _NONCE.fullmatch(given["nonce_str"]):
        raise PayRefused("SIGN_ERROR", "Http头Authorization中的nonce_str不合法", _at("nonce_str"))
    text = request_text(call.method, call.target, stamp, given["nonce_str"], call.body)
    if not verify_rsa(text, given["signature"], account.merchant_key):
        raise PayRefused("SIGN_ERROR", None, _mismatch(call, text))
    _demand_manners(call)
    return Merchant(given["mchid"], _signed_by(books, call))


def sign_answer(books: WechatBooks, call: Call, answer: Answer, fault: Fault) -> Answer:
    """Add the headers that prove an answer, also to errors."""
    try:
        signed_by = _signed_by(books, call)
    except PayRefused:
        signed_by = "certificate"
    headers = sign_body(books, answer.body, signed_by, fault)
    trace = f"08{secrets.token_hex(16).upper()}-0"
    return Answer(
        answer.status,
        answer.body,
        answer.media_type,
        {**answer.headers, **headers, "Request-ID": trace},
    )


def sign_body(books: WechatBooks, body: bytes, signed_by: SignedBy, fault: Fault) -> dict[str, str]:
    """The `Wechatpay-*` headers over a body, as the fault wants them."""
    serial, key = _signer(books, signed_by, rotated=fault.rotate_key)
    stamp = str(int(books.clock.now()))
    nonce = secrets.token_hex(16)
    signed = body + b" " if fault.wrong_signature else body
    signature = sign_rsa(answer_text(stamp, nonce, signed), key)
    if fault.probe:
        signature = PROBE_PREFIX + signature
    return {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": PAY_SCHEME,
    }


def _signer(books: WechatBooks, signed_by: SignedBy, *, rotated: bool) -> tuple[str, RSAPrivateKey]:
    account, place = books.account, int(rotated)
    if signed_by == "public_key":
        return account.pay_key_ids[place], account.next_pay_key if rotated else account.pay_key
    certificate = account.certificates[place]
    return certificate.serial, certificate.key


def _read_authorization(header: str) -> dict[str, str]:
    if not header:
        raise PayRefused("SIGN_ERROR", "Http头缺少Authorization", _at("authorization"))
    scheme, _, rest = header.partition(" ")
    if scheme != PAY_SCHEME:
        raise PayRefused("SIGN_ERROR", "Http头Authorization认证类型不正确", _at("authorization"))
    found = [_PARAMETER.fullmatch(part) for part in rest.split(",")]
    pairs = [(match[1], match[2]) for match in found if match is not None]
    given = dict(pairs)
    if None in found or len(pairs) != len(given) or set(given) != _WANTED:
        words = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》"
        raise PayRefused("SIGN_ERROR", words, _at("authorization"))
    return given


def _signed_by(books: WechatBooks, call: Call) -> SignedBy:
    wanted = call.headers.get("wechatpay-serial", "")
    if wanted in books.account.pay_key_ids:
        return "public_key"
    serials = (normal_serial(known.serial) for known in books.account.certificates)
    if not wanted or normal_serial(wanted) in serials:
        return "certificate"
    kind = "微信支付公钥ID" if wanted.startswith(PUBLIC_KEY_PREFIX) else "平台证书序列号"
    raise PayRefused(
        "PARAM_ERROR", f"Http头Wechatpay-Serial中的{kind}有误", _at("wechatpay-serial")
    )


def _demand_manners(call: Call) -> None:
    accepted = call.headers.get("accept", "")
    if not any(kind in accepted for kind in ("application/json", "*/*", "application/*")):
        raise PayRefused("PARAM_ERROR", "Http头Accept未设置为application/json", _at("accept"))
    if not call.headers.get("user-agent"):
        raise PayRefused("PARAM_ERROR", "Http头缺少User-Agent", _at("user-agent"))
    media_type = call.headers.get("content-type", "").split(";")[0].strip()
    if call.method == "POST" and media_type != "application/json":
        words = "Http头Content-Type未设置为application/json"
        raise PayRefused("PARAM_ERROR", words, _at("content-type"))


def _at(name: str) -> dict[str, Any]:
    return {"field": name, "location": "authorization" if name in _WANTED else "header"}


def _mismatch(call: Call, text: bytes) -> dict[str, Any]:
    said = text.decode("utf-8", "replace")
    return {
        "field": "signature",
        "location": "authorization",
        "detail": {"issue": "sign not match"},
        "sign_information": {
            "method": call.method,
            "url": call.target,
            "sign_message_length": len(text),
            "truncated_sign_message": said[:256],
        },
    }
