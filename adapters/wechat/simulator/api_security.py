"""API security: a mini-program call that comes sealed is opened strictly and answered sealed.

A call is sealed when it carries any `Wechatmp-` header. Everything must then fit: the four
headers, the signature, the cipher, the numbers inside. What cannot be opened is answered
in the open with its errcode, since nothing was done.
"""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from msgspec import Struct

from adapters.simulation.gateway import Answer, Call
from adapters.wechat.signing import (
    Envelope,
    Sealed,
    Unproven,
    open_call,
    seal_call,
    sign_call,
    verify_call,
)
from adapters.wechat.simulator.books import WechatBooks
from adapters.wechat.simulator.errors import Refused

_WINDOW_SECONDS = 300
_HEADERS = {
    "wechatmp-serial": 40230,
    "wechatmp-timestamp": 40231,
    "wechatmp-signature": 40232,
    "wechatmp-appid": 40233,
}


class _Errcode(Struct):
    errcode: int = 0


def is_sealed(call: Call) -> bool:
    """Whether the caller seals this call."""
    return any(name.startswith("wechatmp-") for name in call.headers)


def open_sealed(books: WechatBooks, call: Call) -> Call:
    """The call with its plain body. Raises Refused 40230–40240."""
    for name, errcode in _HEADERS.items():
        if not call.headers.get(name):
            raise Refused(errcode)
    account, stamp = books.account, call.headers["wechatmp-timestamp"]
    if call.headers["wechatmp-appid"] != account.app_id:
        raise Refused(40236)
    if call.headers["wechatmp-serial"] != account.api_serial:
        raise Refused(40239)
    if not stamp.isdigit() or abs(books.clock.now() - int(stamp)) > _WINDOW_SECONDS:
        raise Refused(40240)
    envelope = Envelope(_url(call), account.app_id, int(stamp))
    signature = call.headers["wechatmp-signature"]
    if not verify_call(envelope, call.body, signature, account.api_caller_key.public_key()):
        raise Refused(40234)
    inner = _open(books, envelope, call.body)
    if inner.pop("_appid", None) != account.app_id:
        raise Refused(40237)
    if inner.pop("_timestamp", None) != envelope.timestamp or not inner.pop("_n", None):
        raise Refused(40235)
    return msgspec.structs.replace(call, body=msgspec.json.encode(inner))


def was_opened(answer: Answer) -> bool:
    """Whether this answers a call that could be opened, in JSON: a picture is never sealed."""
    if not answer.body.startswith(b"{"):
        return False
    errcode = msgspec.json.decode(answer.body, type=_Errcode).errcode
    return not 40230 <= errcode <= 40240


def seal_answer(books: WechatBooks, call: Call, answer: Answer, *, wrongly: bool) -> Answer:
    """Encrypt and sign a JSON answer under the call's address."""
    account, at = books.account, int(books.clock.now())
    envelope = Envelope(_url(call), account.app_id, at)
    plain: dict[str, Any] = {
        **msgspec.json.decode(answer.body),
        "_n": secrets.token_urlsafe(16),
        "_appid": account.app_id,
        "_timestamp": at,
    }
    sealed = seal_call(
        envelope,
        books.account.symmetric_bytes,
        account.symmetric_serial,
        msgspec.json.encode(plain),
        iv=secrets.token_bytes(12),
    )
    body = msgspec.json.encode(sealed)
    signature = sign_call(envelope, body if not wrongly else b"{}", account.api_platform_key)
    headers = {
        "Wechatmp-Serial": account.api_platform_serial,
        "Wechatmp-TimeStamp": str(at),
        "Wechatmp-Appid": account.app_id,
        "Wechatmp-Signature": signature,
    }
    return Answer(answer.status, body, answer.media_type, {**answer.headers, **headers})


def _open(books: WechatBooks, envelope: Envelope, body: bytes) -> dict[str, Any]:
    try:
        sealed = msgspec.json.decode(body, type=Sealed)
        plain = open_call(
            envelope, books.account.symmetric_bytes, books.account.symmetric_serial, sealed
        )
        inner: dict[str, Any] = msgspec.json.decode(plain, type=dict[str, Any])
    except (msgspec.DecodeError, Unproven, UnicodeDecodeError):
        raise Refused(40235) from None
    return inner


def _url(call: Call) -> str:
    # The caller signs the address as it wrote it: scheme and host with it, no query.
    return f"http://{call.headers.get('host', '')}{call.path}"
