"""A WeChat channel for tests: its section, its keys, and somebody who keeps its token."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from adapters.contract import Channel, Inbound, Messages, Payments
from adapters.wechat import signing
from adapters.wechat.open_channel import open_channel
from tests.adapters.wechat import vectors

APIV3_KEY = "0123456789abcdef0123456789abcdef"
MERCHANT_ID = "1600000001"
PUBLIC_KEY_ID = "PUB_KEY_ID_0116000000012025010100000000000001"
MERCHANT_KEY = generate_private_key(public_exponent=65537, key_size=2048)
PLATFORM_KEY = generate_private_key(public_exponent=65537, key_size=2048)
TEMPLATE_ID = "BEwX0BO-T3MqK3Uc5oTU3CGBqzjpndk2jzUf7VfExd8"


class MemoryTokens:
    """A TokenKeeper for one process."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.fetched = 0

    async def token(self, name: str, fetch: Callable[[], Awaitable[tuple[str, int]]]) -> str:
        if name not in self.kept:
            self.kept[name], _ = await fetch()
            self.fetched += 1
        return self.kept[name]

    async def drop(self, name: str, token: str) -> None:
        if self.kept.get(name) == token:
            del self.kept[name]


def private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def section(**changed: Any) -> dict[str, Any]:
    """A whole section, with some keys changed; None leaves a key out."""
    given = {
        "app_id": vectors.PUSH_APP_ID,
        "app_secret": "0123456789abcdef0123456789abcdef",
        "api_url": "http://127.0.0.1:1",
        "pay_url": "http://127.0.0.1:1",
        "push_token": vectors.PUSH_TOKEN,
        "push_aes_key": vectors.PUSH_AES_KEY,
        "templates": {
            "case_moved": {
                "template_id": TEMPLATE_ID,
                "fields": {"service": "thing1", "case_no": "character_string2", "at": "time3"},
            }
        },
        "merchant": merchant(),
        **changed,
    }
    return {key: value for key, value in given.items() if value is not None}


def merchant(**changed: Any) -> dict[str, Any]:
    """The section's part for WeChat Pay."""
    given = {
        "merchant_id": MERCHANT_ID,
        "merchant_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "private_key": private_pem(MERCHANT_KEY),
        "apiv3_key": APIV3_KEY,
        "platform_keys": {PUBLIC_KEY_ID: public_pem(PLATFORM_KEY)},
        **changed,
    }
    return {key: value for key, value in given.items() if value is not None}


def opened(*, now: float | None = None, **changed: Any) -> Channel:
    """The channel; `now` stops its clock."""
    clock = time.time if now is None else lambda: now
    return open_channel("wechat", section(**changed), MemoryTokens(), clock=clock)


def messages(*, now: float | None = None, **changed: Any) -> Messages:
    found = opened(now=now, **changed).messages
    assert found is not None
    return found


def payments(*, now: float | None = None, **changed: Any) -> Payments:
    found = opened(now=now, **changed).payments
    assert found is not None
    return found


def notice(
    content: Any,
    event_type: str = "TRANSACTION.SUCCESS",
    *,
    at: float,
    serial: str = PUBLIC_KEY_ID,
    key: RSAPrivateKey = PLATFORM_KEY,
    notice_id: str = "3119dfba-e649-5eec-ab1e-3412bc4d2e17",
) -> Inbound:
    """A notice as the platform would send it; `content` is sealed into its resource."""
    plain = content if isinstance(content, bytes) else msgspec.json.encode(content)
    nonce = "Kj7QIyUiYx1q"
    body = msgspec.json.encode(
        {
            "id": notice_id,
            "create_time": "2021-06-24T16:37:26+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": {
                "original_type": "transaction",
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": signing.seal_resource(
                    APIV3_KEY.encode(), nonce, "transaction", plain
                ),
                "associated_data": "transaction",
                "nonce": nonce,
            },
        }
    )
    return signed_inbound(body, at=at, serial=serial, key=key)


def signed_inbound(
    body: bytes, *, at: float, serial: str = PUBLIC_KEY_ID, key: RSAPrivateKey = PLATFORM_KEY
) -> Inbound:
    timestamp = str(int(at))
    headers = {
        "wechatpay-timestamp": timestamp,
        "wechatpay-nonce": "nonce",
        "wechatpay-serial": serial,
        "wechatpay-signature-type": signing.PAY_SCHEME,
        "wechatpay-signature": signing.sign_rsa(signing.answer_text(timestamp, "nonce", body), key),
    }
    return Inbound("POST", "", headers, body)


def transaction(**changed: Any) -> dict[str, Any]:
    """A paid order as a notice tells it."""
    given = {
        "appid": vectors.PUSH_APP_ID,
        "mchid": MERCHANT_ID,
        "out_trade_no": "p0123456789",
        "transaction_id": "4200001111202501010000000001",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2025-01-01T10:00:00+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 1999, "payer_total": 1999, "currency": "CNY"},
        **changed,
    }
    return {key: value for key, value in given.items() if value is not None}


def refund(**changed: Any) -> dict[str, Any]:
    """A refund as a notice tells it."""
    given = {
        "mchid": MERCHANT_ID,
        "out_trade_no": "p0123456789",
        "transaction_id": "4200001111202501010000000001",
        "out_refund_no": "r0123456789",
        "refund_id": "50000000382019052709732678859",
        "refund_status": "SUCCESS",
        "success_time": "2025-01-02T10:00:00+08:00",
        "user_received_account": "零钱",
        "amount": {"total": 1999, "refund": 999, "payer_total": 1999, "payer_refund": 999},
        **changed,
    }
    return {key: value for key, value in given.items() if value is not None}
