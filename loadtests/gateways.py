"""What people do with WeChat and Alipay themselves, at the control addresses of their gateways.

The gateways are no part of what is measured: these calls are in no figure, except as an
error where a gateway does not answer.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct

CHANNELS = {"wechat": 101, "alipay": 102}
"""The channels, and how far their gateways' ports are from the service's."""

CodeKind = Literal["login", "phone"]

_ANSWER_SECONDS = 15.0


class _Person(Struct, frozen=True):
    open_id: str


class _Code(Struct, frozen=True):
    code: str


class Gateway:
    """One channel's gateway."""

    def __init__(self, channel: str, address: str) -> None:
        self.channel = channel
        self.address = address.rstrip("/")

    def make_person(self, name: str, phone: str) -> str:
        """Somebody with the app; gives their open id. Raises OSError."""
        body = self._post("/_control/citizens", {"name": name, "phone": phone})
        return msgspec.json.decode(body, type=_Person).open_id

    def hand_out(self, open_id: str, kind: CodeKind) -> str:
        """What `wx.login`, `my.getAuthCode` or the phone button gives. Raises OSError."""
        body = self._post(f"/_control/citizens/{open_id}/{kind}-code", {})
        return msgspec.json.decode(body, type=_Code).code

    def _post(self, path: str, said: dict[str, str]) -> bytes:
        asked = Request(
            f"{self.address}{path}",
            data=msgspec.json.encode(said),
            headers={"Content-Type": "application/json"},
        )
        with urlopen(asked, timeout=_ANSWER_SECONDS) as answer:
            content: bytes = answer.read()
        return content


def find_gateways(host: str) -> tuple[Gateway, ...]:
    """The gateways that `make run` and load runs play beside a service."""
    parts = urlsplit(host)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return tuple(
        Gateway(channel, f"{parts.scheme}://{parts.hostname}:{port + offset}")
        for channel, offset in CHANNELS.items()
    )
