"""What the parts of WeChat's gateway share: its account and the records only WeChat has."""

from __future__ import annotations

from abc import ABC
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from adapters.simulation.gateway import Answer, Call, Gateway, Options
from adapters.simulation.journal import Table
from adapters.wechat.simulator.account import Account
from adapters.wechat.simulator.errors import Refused

CHINA = timezone(timedelta(hours=8))


class Token(Struct, frozen=True):
    """An access token; `family` is `stable` or `plain`. It works until `dies_at`."""

    token: str
    family: str
    expires_at: float
    dies_at: float


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """How the gateway goes about things, to be changed under `/_control/policy`.

    `refund_seconds`: when a refund's result is there; null: when it is said by hand.
    `bills`: `next_day` as in life, after ten o'clock, or `at_once`. `push`: how pushes are
    sent, `push_format` how they are spelt.
    """

    refund_seconds: Annotated[float, Meta(ge=0, le=86400)] | None = 1.0
    refund_result: Literal["succeeded", "closed", "abnormal"] = "succeeded"
    bills: Literal["next_day", "at_once"] = "next_day"
    push: Literal["aes", "plain", "off"] = "aes"
    push_format: Literal["json", "xml"] = "json"


class WechatBooks(Gateway, ABC):
    """The gateway's records, as its parts see them."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.account = Account(self.keys)
        self.policy = Policy()
        self.tokens = Table(self.journal, "tokens", Token)
        self.forced_at: list[float] = []
        self.session_keys: dict[str, str] = {}
        self.order_numbers: dict[str, str] = {}
        self.refund_numbers: dict[str, str] = {}
        self.bills: dict[str, tuple[float, bytes]] = {}

    def time(self, seconds: float) -> datetime:
        """A time of the gateway's clock as WeChat Pay writes it."""
        return datetime.fromtimestamp(int(seconds), CHINA)


def json_answer(body: Any) -> Answer:
    """A good answer."""
    return Answer(200, msgspec.json.encode(body), "application/json; encoding=utf-8")


def read_object(call: Call) -> dict[str, Any]:
    """A mini-program call's JSON body. Raises Refused."""
    try:
        body = msgspec.json.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Refused(47001) from None
    if not isinstance(body, dict):
        raise Refused(47001)
    return body
