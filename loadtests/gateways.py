"""What people do with WeChat and Alipay themselves, at the control addresses of their gateways.

The gateways are no part of what is measured: these calls are in no figure, except as an
error where a gateway does not answer.
"""

from __future__ import annotations

from typing import Any, Literal
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


class Order(Struct, frozen=True):
    """A payment as the gateway keeps it: fen, Unix seconds; `merchant_no` is our number."""

    order_id: str
    merchant_no: str
    open_id: str
    amount_fen: int
    created_at: float
    state: Literal["waiting", "paid", "closed"]
    notice_url: str = ""
    description: str = ""
    transaction_id: str = ""
    paid_at: float | None = None


class Return(Struct, frozen=True):
    """A refund as the gateway keeps it."""

    order_id: str
    merchant_no: str
    amount_fen: int
    state: Literal["processing", "succeeded", "closed", "abnormal"]


class _Orders(Struct, frozen=True):
    items: list[Order]


class _Returns(Struct, frozen=True):
    items: list[Return]


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

    def confirm(self, parameters: dict[str, str]) -> Order:
        """The person pays what `parameters` opened the cashier with. Raises OSError, a 409 where
        there is nothing to pay any more."""
        path = f"/_control/payments/{order_id_of(parameters)}/confirm"
        body = self._post(path, {"client_parameters": parameters})
        return msgspec.json.decode(body, type=Order)

    def decline(self, parameters: dict[str, str]) -> None:
        """The person looks at the cashier and turns away. Raises OSError."""
        path = f"/_control/payments/{order_id_of(parameters)}/decline"
        self._post(path, {"client_parameters": parameters})

    def orders(self) -> list[Order]:
        """Every payment the gateway holds. Raises OSError."""
        return msgspec.json.decode(self._ask("GET", "/_control/payments"), type=_Orders).items

    def returns(self) -> list[Return]:
        """Every refund the gateway holds. Raises OSError."""
        return msgspec.json.decode(self._ask("GET", "/_control/refunds"), type=_Returns).items

    def tell_nothing(self) -> None:
        """From now on the gateway itself sends no notices of payments. Raises OSError."""
        self._ask("PUT", "/_control/faults", {"mute": True, "only": "notice.payment"})

    def tell_again(self) -> None:
        """It sends them again. Raises OSError."""
        self._ask("DELETE", "/_control/faults")

    def _post(self, path: str, said: dict[str, Any]) -> bytes:
        return self._ask("POST", path, said)

    def _ask(self, method: str, path: str, said: dict[str, Any] | None = None) -> bytes:
        asked = Request(
            f"{self.address}{path}",
            data=None if said is None else msgspec.json.encode(said),
            headers={"Content-Type": "application/json"},
            method=method,
        )
        with urlopen(asked, timeout=_ANSWER_SECONDS) as answer:
            content: bytes = answer.read()
        return content


def order_id_of(parameters: dict[str, str]) -> str:
    """The gateway's own number of a payment, from what its app is opened with."""
    return parameters.get("tradeNO") or parameters["package"].removeprefix("prepay_id=")


def find_gateways(host: str) -> tuple[Gateway, ...]:
    """The gateways that `make run` and load runs play beside a service."""
    parts = urlsplit(host)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return tuple(
        Gateway(channel, f"{parts.scheme}://{parts.hostname}:{port + offset}")
        for channel, offset in CHANNELS.items()
    )
