"""Who is holding the phone: `wx.login` codes, and the phone button's codes."""

from __future__ import annotations

import re

from adapters.contract import ChannelIdentity, Phone, Refusal, Unreachable
from adapters.wechat import wire
from adapters.wechat.mini_program import MiniProgram

_CODE = re.compile(r"[\x21-\x7e]{1,512}")
_NUMBER = re.compile(r"[0-9]{4,20}")
_COUNTRY = re.compile(r"[0-9]{1,4}")


class WeChatSignIn:
    """contract.SignIn."""

    def __init__(self, app: MiniProgram) -> None:
        self._app = app

    async def sign_in(self, code: str) -> ChannelIdentity:
        """A code is good once and for five minutes, so the call is never repeated."""
        _demand_code(code)
        session = await self._app.get_session(code)
        if not session.openid or not session.session_key:
            raise Unreachable("answer_unreadable")
        return ChannelIdentity(
            app_id=self._app.app_id,
            open_id=session.openid,
            union_id=session.unionid or None,
            session_secret=session.session_key,
        )

    async def phone(self, proof: str) -> Phone:
        """`proof` is the code of the phone button's event."""
        _demand_code(proof)
        answer = await self._app.post(
            "phone", "/wxa/business/getuserphonenumber", wire.PhoneAsked(proof), wire.PhoneAnswer
        )
        info = answer.phone_info
        if info.watermark.appid != self._app.app_id:
            raise Unreachable("answer_unproven", channel_code="not_ours")
        number, country = info.pure_phone_number, str(info.country_code).lstrip("+")
        if not _NUMBER.fullmatch(number) or not _COUNTRY.fullmatch(country):
            raise Unreachable("answer_unreadable")
        return Phone(number=number, country_code=country)


def _demand_code(code: str) -> None:
    # What cannot be a code is not worth a call.
    if not _CODE.fullmatch(code):
        raise Refusal("code_wrong")
