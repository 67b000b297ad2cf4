"""Somebody's account with WeChat or Alipay, and the session that it opens here."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from msgspec import json

from loadtests.case_answers import Citizen, MaskedPhone, SignedIn
from loadtests.fill_form import some_phone
from loadtests.gateways import CodeKind, Gateway
from loadtests.phone import Parcel, Phone, Sent, demand
from loadtests.request_names import LINK, SHARE_PHONE, SIGN_IN, SIGN_OUT

Report = Callable[[str, float, Exception | None], None]
"""Hears of what is no request of ours: its name, how many milliseconds it took, and why it
failed. So it is with a gateway that does not answer, and with waiting for something."""


class Account:
    """Signs in and out on one phone. `gateway` is that of the app they came by."""

    def __init__(
        self, phone: Phone, gateway: Gateway, chance: random.Random, report: Report
    ) -> None:
        self._phone = phone
        self.gateway = gateway
        self._chance = chance
        self._number = some_phone(chance)
        self._report = report
        self._open_id = ""

    def sign_in(self) -> bool:
        """With a new code of the app, unless signed in; whether that is so now."""
        if self._phone.prove is not None:
            return True
        newcomer = not self._open_id
        code = self._take_code("login")
        token = self._open_session(code) if code else None
        if token is None:
            return False
        bearer = {"Authorization": f"Bearer {token}"}
        self._phone.prove = lambda _method, _path, _body: bearer
        if newcomer:
            self._share_phone()
        return True

    def sign_out(self) -> None:
        """The token counts no more; the next visit needs another one."""
        parcel = Parcel("DELETE", "/v1/sessions/current", SIGN_OUT)
        if self._phone.send(parcel, {204: None}):
            self._phone.prove = None

    def link(self, other: Gateway) -> bool:
        """The same person's account in another channel; whether they have both now."""
        with_other = Account(self._phone, other, self._chance, self._report)
        code = with_other._take_code("login")
        if not code:
            return False

        def check(sent: Sent) -> None:
            demand(other.channel in sent.found.channels, "linked, and not among the channels")

        body = json.encode({"channel": other.channel, "code": code})
        parcel = Parcel("POST", "/v1/me/channels", LINK, body, once=True)
        return self._phone.send(parcel, {201: Citizen}, check) is not None

    def _open_session(self, code: str) -> str | None:
        channel = self.gateway.channel

        def check(sent: Sent) -> None:
            demand(channel in sent.found.citizen.channels, "a citizen of another channel")

        # A code opens one session: who is refused needs another one.
        body = json.encode({"channel": channel, "code": code})
        parcel = Parcel("POST", "/v1/sessions", SIGN_IN, body, once=True)
        sent = self._phone.send(parcel, {201: SignedIn}, check)
        return sent.found.token if sent else None

    def _share_phone(self) -> None:
        def check(sent: Sent) -> None:
            demand(sent.found.phone[-4:] == self._number[-4:], "another phone")

        if code := self._take_code("phone"):
            body = json.encode({"channel": self.gateway.channel, "code": code})
            parcel = Parcel("POST", "/v1/me/phone", SHARE_PHONE, body, once=True)
            self._phone.send(parcel, {200: MaskedPhone}, check)

    def _take_code(self, kind: CodeKind) -> str:
        """Empty where the gateway does not answer."""
        began = time.perf_counter()
        try:
            if not self._open_id:
                self._open_id = self.gateway.make_person("测试申请人", self._number)
            return self.gateway.hand_out(self._open_id, kind)
        except OSError as error:
            milliseconds = 1000 * (time.perf_counter() - began)
            self._report(f"the {self.gateway.channel} gateway", milliseconds, error)
            return ""
