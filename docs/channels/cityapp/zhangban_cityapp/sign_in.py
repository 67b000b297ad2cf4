"""Who is holding the phone.

A forged or stale code is found out here, without a call; that a code is good only once can
only be known by the app's server, so a good one is redeemed there.
"""

from __future__ import annotations

import msgspec

from adapters.contract import ChannelIdentity, Phone, Refusal, Unreachable
from zhangban_cityapp import wire
from zhangban_cityapp.gateway import Gateway

CODE_SECONDS = 120


class CityAppSignIn:
    """contract.SignIn."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def sign_in(self, code: str) -> ChannelIdentity:
        """Raises Refusal `code_wrong`, `user_blocked`; Unreachable."""
        inside = self._read(code)
        asked = wire.CodeAsked(code)
        redeemed = await self._gateway.post("sign_in", "/v1/codes/redeem", asked, wire.Redeemed)
        if redeemed.person != inside.person:
            raise Unreachable("answer_unproven", channel_code="not_ours")
        return ChannelIdentity(app_id=self._gateway.app_id, open_id=inside.person)

    async def phone(self, proof: str) -> Phone:
        """`proof` is the code of the app's "share my number" dialogue."""
        asked = wire.CodeAsked(proof)
        found = await self._gateway.post("phone", "/v1/phones", asked, wire.Phone)
        if not (found.number.isascii() and found.number.isdigit()):
            raise Unreachable("answer_unreadable")
        return Phone(found.number)

    def _read(self, code: str) -> wire.LoginCode:
        try:
            inside = msgspec.json.decode(self._gateway.open_code(code), type=wire.LoginCode)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refusal("code_wrong") from None
        age = self._gateway.now() - inside.issued_at
        if inside.app != self._gateway.app_id or not -5 <= age < CODE_SECONDS:
            raise Refusal("code_wrong")
        return inside
