"""What the adapter's tests build: keys, sections of the channels file, forms as Alipay posts."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from alipay import AliPay
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import settings

from adapters.alipay import signing
from adapters.alipay.config import read_config
from adapters.alipay.gateway import Gateway
from adapters.contract import Inbound, TokenKeeper
from adapters.http import Client

# The machine may be busy, and keys are made in the first example.
unhurried = settings(deadline=None)

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"
AES_KEY = base64.b64encode(b"sixteen bytes 16").decode()

PAID = {
    "notify_type": "trade_status_sync",
    "notify_id": "2026112200222161821001551453140885",
    "notify_time": "2026-11-22 16:18:22",
    "app_id": APP_ID,
    "auth_app_id": APP_ID,
    "charset": "utf-8",
    "version": "1.0",
    "trade_no": "2026112222001401551430614892",
    "out_trade_no": "P0000000000000000000000000000001",
    "buyer_open_id": "open-id-of-a-test",
    "seller_id": SELLER_ID,
    "subject": "不动产登记费 100% & more",
    "trade_status": "TRADE_SUCCESS",
    "total_amount": "80.00",
    "gmt_create": "2026-11-22 16:18:00",
    "gmt_payment": "2026-11-22 16:18:21",
    "body": "",
}


@cache
def key(name: str) -> RSAPrivateKey:
    """An RSA key by name, the same while the tests run."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(name: str, kind: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key(name).private_bytes(Encoding.PEM, kind, NoEncryption()).decode()


def public_pem(name: str) -> str:
    public = key(name).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def section(**changes: Any) -> dict[str, Any]:
    """A section in key mode."""
    return {
        "app_id": APP_ID,
        "gateway_url": "http://127.0.0.1:9/gateway.do",
        "app_private_key": private_pem("application"),
        "alipay_public_key": public_pem("alipay"),
        "aes_key": AES_KEY,
        "seller_id": SELLER_ID,
        **changes,
    }


def gateway(**changes: Any) -> Gateway:
    """A gateway that nobody answers: for what needs no call."""
    return Gateway(read_config(section(**changes)), Client("alipay"))


def post(fields: Mapping[str, str], *, signer: str = "alipay", codec: str = "utf-8") -> Inbound:
    """A trade notice as Alipay signs and posts it."""
    signed = {**fields, "sign_type": "RSA2"}
    text = signing.notice_text(signing.Form(signed, codec))
    return inbound({**signed, "sign": signing.sign(text, key(signer))}, codec)


def push(fields: Mapping[str, str], *, signer: str = "alipay") -> Inbound:
    """A gateway message as Alipay signs and posts it."""
    signed = {**fields, "sign_type": "RSA2"}
    text = signing.message_text(signing.Form(signed, "utf-8"))
    return inbound({**signed, "sign": signing.sign(text, key(signer))})


def inbound(fields: Mapping[str, str], codec: str = "utf-8") -> Inbound:
    return Inbound("POST", "", {}, urlencode(fields, encoding=codec).encode())


@cache
def independent(ours: str, theirs: str) -> AliPay:
    """The independent library, holding one private and one public key."""
    return AliPay(
        appid=APP_ID,
        app_private_key_string=private_pem(ours, PrivateFormat.TraditionalOpenSSL),
        alipay_public_key_string=public_pem(theirs),
    )


class NoTokens:
    """Alipay has no token, so nobody may ask for one."""

    async def token(self, name: str, fetch: Any) -> str:
        raise AssertionError(name)

    async def drop(self, name: str, token: str) -> None:
        raise AssertionError(name)


TOKENS: TokenKeeper = NoTokens()
