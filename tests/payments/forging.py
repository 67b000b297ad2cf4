"""Notices as the channels themselves would sign them, made by packages nobody here wrote.

The gateways' private keys lie in their folders: what is made here is proven, however odd it is.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import httpx
from alipay import AliPay
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3.utils import load_private_key, rsa_sign

from tests.gateways import SimulatedGateway
from tests.payments.conftest import Counter

WECHAT = "/v1/notices/wechat/payments"
WECHAT_REFUNDS = "/v1/notices/wechat/refunds"
ALIPAY = "/v1/notices/alipay"
# So long WeChat waits. What it usually takes is measured by a test of its own.
PATIENCE_SECONDS = 5.0


class WeChatHand:
    """WeChat Pay's own hand: what it says of a payment, sealed and signed."""

    path = WECHAT

    def __init__(self, gateway: SimulatedGateway) -> None:
        section = gateway.section
        self.merchant, self.app_id = section["merchant"], section["app_id"]
        self.serial = next(iter(self.merchant["platform_keys"]))
        pem = (gateway.folder / "keys" / "pay_public_key_1.pem").read_text()
        self._key = load_private_key(pem)

    def paid(self, payment_no: str, amount_fen: int, **changed: Any) -> bytes:
        """The body that tells of a paid order, its transaction changed; None leaves one out."""
        told = {
            "appid": self.app_id,
            "mchid": self.merchant["merchant_id"],
            "out_trade_no": payment_no,
            "transaction_id": f"4200{secrets.randbelow(10**24):024d}",
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "bank_type": "OTHERS",
            "success_time": time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(_china())),
            "payer": {"openid": "o" * 28},
            "amount": {"total": amount_fen, "payer_total": amount_fen, "currency": "CNY"},
            **changed,
        }
        return self.sealed({name: value for name, value in told.items() if value is not None})

    def sealed(self, told: Any, event_type: str = "TRANSACTION.SUCCESS") -> bytes:
        """A notice's body around whatever is told."""
        plain = told if isinstance(told, bytes) else json.dumps(told).encode()
        nonce = secrets.token_hex(6)
        key = AESGCM(self.merchant["apiv3_key"].encode())
        ciphertext = key.encrypt(nonce.encode(), plain, b"transaction")
        return json.dumps(
            {
                "id": secrets.token_hex(16),
                "create_time": "2026-11-22T10:00:00+08:00",
                "resource_type": "encrypt-resource",
                "event_type": event_type,
                "summary": "支付成功",
                "resource": {
                    "original_type": "transaction",
                    "algorithm": "AEAD_AES_256_GCM",
                    "ciphertext": base64.b64encode(ciphertext).decode(),
                    "associated_data": "transaction",
                    "nonce": nonce,
                },
            }
        ).encode()

    def headers(
        self, body: bytes, *, seconds_ago: int = 0, **changed: str | None
    ) -> dict[str, str]:
        """The proof of a body; headers changed, None leaves one out."""
        stamp, nonce = str(int(time.time()) - seconds_ago), secrets.token_hex(16)
        signed = f"{stamp}\n{nonce}\n{body.decode()}\n"
        given: dict[str, str | None] = {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": rsa_sign(self._key, signed),
            "Wechatpay-Serial": self.serial,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
            **{name.replace("_", "-"): value for name, value in changed.items()},
        }
        return {name: value for name, value in given.items() if value is not None}


class AlipayHand:
    """Alipay's own hand: the independent library, holding the gateway's key."""

    path = ALIPAY

    def __init__(self, gateway: SimulatedGateway) -> None:
        self.section = gateway.section
        pem = (gateway.folder / "keys" / "alipay.pem").read_text()
        self._library: Any = AliPay(
            appid=self.section["app_id"],
            app_private_key_string=pem,
            alipay_public_key_string=self.section["alipay_public_key"],
        )

    def paid(self, payment_no: str, amount_fen: int, **changed: Any) -> bytes:
        """The form that tells of a paid trade, signed; None leaves a field out."""
        amount = f"{amount_fen // 100}.{amount_fen % 100:02d}"
        told = {
            "notify_time": "2026-11-22 10:00:00",
            "notify_type": "trade_status_sync",
            "notify_id": secrets.token_hex(17),
            "app_id": self.section["app_id"],
            "auth_app_id": self.section["app_id"],
            "charset": "utf-8",
            "version": "1.0",
            "trade_no": f"2026112222001{secrets.randbelow(10**15):015d}",
            "out_trade_no": payment_no,
            "buyer_open_id": "o" * 28,
            "seller_id": self.section["seller_id"],
            "trade_status": "TRADE_SUCCESS",
            "total_amount": amount,
            "receipt_amount": amount,
            "subject": "社会保障卡补换领",
            "gmt_create": "2026-11-22 09:59:00",
            "gmt_payment": "2026-11-22 10:00:00",
            **changed,
        }
        return self.signed({name: value for name, value in told.items() if value is not None})

    def signed(self, told: dict[str, str]) -> bytes:
        """A form with its signature."""
        text = "&".join(f"{name}={told[name]}" for name in sorted(told))
        signature = self._library._sign(text)
        return urlencode({**told, "sign_type": "RSA2", "sign": signature}).encode()

    def headers(self, _body: bytes = b"") -> dict[str, str]:
        return {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


Hand = WeChatHand | AlipayHand


def hand_of(gateway: SimulatedGateway) -> Hand:
    """The channel's own hand."""
    return WeChatHand(gateway) if gateway.name == "wechat" else AlipayHand(gateway)


async def tell(counter: Counter, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
    """Post a notice; its answer is there in time, whatever it is."""
    began = time.monotonic()
    answer = await counter.client.post(path, content=body, headers=headers)
    assert time.monotonic() - began < PATIENCE_SECONDS
    return answer


async def say(counter: Counter, hand: Hand, body: bytes) -> httpx.Response:
    """Post a properly signed notice."""
    return await tell(counter, hand.path, body, hand.headers(body))


def is_yes(answer: httpx.Response) -> bool:
    """Exactly the channel's word for yes, or exactly its word for no."""
    said = (answer.status_code, answer.content)
    if said in ((204, b""), (200, b"success")):
        return True
    if answer.content == b"fail":
        assert answer.status_code in (200, 401)
        return False
    assert answer.status_code in (401, 500), answer.text
    assert answer.headers["content-type"].startswith("application/json")
    told = answer.json()
    assert (set(told), told["code"]) == ({"code", "message"}, "FAIL")
    return False


async def waiting(counter: Counter, channel: str) -> tuple[str, Hand]:
    """A payment that waits to be paid, and who may tell of it."""
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    return payment_no, hand_of(counter.gateways[channel])


def _china() -> float:
    return time.time() + 8 * 3600
