"""Who is holding the phone (`my.getAuthCode`), and their number (`my.getPhoneNumber`).

Sources: alipay.system.oauth.token; "获取会员手机号".
"""

from __future__ import annotations

import re

import msgspec

from adapters.alipay import codes, signing, wire
from adapters.alipay.gateway import Gateway
from adapters.contract import ChannelIdentity, Phone, Refusal, Unreachable

# Longer than any envelope ever seen; whatever is longer is not read.
ENVELOPE_MOST = 8192

_MAINLAND = re.compile(r"\A(?:\+?86-?)?(1\d{10})\Z", re.ASCII)
_ELSEWHERE = re.compile(r"\A\+?(\d{1,4})-(\d{4,15})\Z", re.ASCII)


class AlipaySignIn:
    """Signs people in by the codes and envelopes that their phone brings."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def sign_in(self, code: str) -> ChannelIdentity:
        """`code`: of `my.getAuthCode`, good once. The granted token is not kept: nothing here
        asks Alipay for more about the person."""
        granted = await self._gateway.call(
            "alipay.system.oauth.token",
            {"grant_type": "authorization_code", "code": code},
            wire.Granted,
        )
        # Older applications get the identity that is the same everywhere, and no other.
        open_id = granted.open_id or granted.user_id or granted.alipay_user_id
        if not open_id:
            raise Unreachable("answer_unreadable")
        return ChannelIdentity(self._gateway.config.app_id, open_id, granted.union_id or None)

    async def phone(self, proof: str) -> Phone:
        """`proof`: the text that `my.getPhoneNumber` gave as `response`, unchanged."""
        config = self._gateway.config
        if config.aes_key is None:
            raise Refusal("not_permitted")
        if len(proof) > ENVELOPE_MOST:
            raise Refusal("code_wrong")
        try:
            opened = signing.open_envelope(proof, self._gateway.keys.every(), config.aes_key)
            answer = msgspec.json.decode(opened, type=wire.PhoneAnswer)
        except (signing.SigningWrong, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Refusal("code_wrong") from None
        error = codes.as_error(answer.code or "", answer.reason())
        if error is not None:
            raise error
        return _read_phone(answer.mobile or "")


def _read_phone(mobile: str) -> Phone:
    if match := _MAINLAND.match(mobile):
        return Phone(match.group(1))
    if match := _ELSEWHERE.match(mobile):
        return Phone(match.group(2), country_code=match.group(1))
    raise Unreachable("answer_unreadable")
