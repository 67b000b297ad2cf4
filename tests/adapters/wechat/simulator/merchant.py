"""A merchant of the simulated gateway: raw signed calls, and the independent package's client."""

from __future__ import annotations

import base64
import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from wechatpayv3 import WeChatPay, WeChatPayType
from wechatpayv3.core import Core

from tests.gateways import SimulatedGateway

AMOUNT_FEN = 1999


class Merchant:
    """Signs like the documents say, or wrongly where a test asks for it."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self.gateway = gateway
        self.section = gateway.section
        self.keys = self.section["merchant"]
        self.key: Any = serialization.load_pem_private_key(
            self.keys["private_key"].encode(), password=None
        )
        self.public_key_id = next(iter(self.keys["platform_keys"]))
        self.client = httpx.Client(base_url=gateway.address, trust_env=False)

    def order(self, open_id: str, notify_url: str = "https://a.test/n", **changed: Any) -> Any:
        """The body of a good order, with some fields changed; None takes one away."""
        body = {
            "appid": self.section["app_id"],
            "mchid": self.keys["merchant_id"],
            "description": "不动产登记费",
            "out_trade_no": f"T{secrets.token_hex(12)}",
            "notify_url": notify_url,
            "amount": {"total": AMOUNT_FEN, "currency": "CNY"},
            "payer": {"openid": open_id},
        }
        return {name: v for name, v in {**body, **changed}.items() if v is not None}

    def call(self, method: str, target: str, body: Any = None, **how: Any) -> httpx.Response:
        """A signed call; `how` spoils it: timestamp, nonce, serial, mchid, sign, headers."""
        raw = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        timestamp = str(how.get("timestamp", int(time.time())))
        nonce = how.get("nonce", secrets.token_hex(16))
        text = f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + raw + b"\n"
        signed = how.get("sign", lambda signed_text: signed_text)(text)
        signature = self.key.sign(signed, PKCS1v15(), hashes.SHA256())
        authorization = (
            f'WECHATPAY2-SHA256-RSA2048 mchid="{how.get("mchid", self.keys["merchant_id"])}",'
            f'nonce_str="{nonce}",signature="{base64.b64encode(signature).decode()}",'
            f'timestamp="{timestamp}",serial_no="{how.get("serial", self.keys["merchant_serial"])}"'
        )
        headers = {
            "Authorization": authorization,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "a-test/1",
            "Wechatpay-Serial": self.public_key_id,
            **how.get("headers", {}),
        }
        kept = {name: value for name, value in headers.items() if value is not None}
        return self.client.request(method, target, content=raw or None, headers=kept)

    def prepay(self, body: Any, **how: Any) -> httpx.Response:
        return self.call("POST", "/v3/pay/transactions/jsapi", body, **how)

    def query(self, number: str) -> Any:
        """The transaction of that number."""
        path = f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.keys['merchant_id']}"
        answer = self.call("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def pay(self, open_id: str, notify_url: str = "https://a.test/n", **changed: Any) -> str:
        """Order and pay; gives the number."""
        body = self.order(open_id, notify_url, **changed)
        answer = self.prepay(body)
        assert answer.status_code == 200, answer.text
        self.gateway.confirm(answer.json()["prepay_id"])
        number: str = body["out_trade_no"]
        return number

    def refund(self, number: str, refund_fen: int, **changed: Any) -> httpx.Response:
        body = {
            "out_trade_no": number,
            "out_refund_no": f"R{secrets.token_hex(8)}",
            "amount": {"refund": refund_fen, "total": AMOUNT_FEN, "currency": "CNY"},
            **changed,
        }
        return self.call("POST", "/v3/refund/domestic/refunds", body)


@contextmanager
def independent(
    gateway: SimulatedGateway, mode: str, notify_url: str, **partner: Any
) -> Iterator[WeChatPay]:
    """The package wechatpayv3 as a merchant, by public key or by certificates."""
    section, merchant = gateway.section, gateway.section["merchant"]
    platform_key_id, platform_key = next(iter(merchant["platform_keys"].items()))
    keys = {"public_key": platform_key, "public_key_id": platform_key_id}
    with _pointed_at(gateway.address):
        yield WeChatPay(
            wechatpay_type=WeChatPayType.JSAPI,
            mchid=partner.pop("mchid", merchant["merchant_id"]),
            private_key=merchant["private_key"],
            cert_serial_no=merchant["merchant_serial"],
            apiv3_key=merchant["apiv3_key"],
            appid=section["app_id"],
            notify_url=notify_url,
            **(keys if mode == "public_key" else {}),
            **partner,
        )


@contextmanager
def _pointed_at(address: str) -> Iterator[None]:
    """The package knows one host and asks it already while it is made."""
    original = Core.request

    def request(self: Any, *given: Any, **named: Any) -> Any:
        self._gate_way = address
        return original(self, *given, **named)

    Core.request = request
    try:
        yield
    finally:
        Core.request = original
