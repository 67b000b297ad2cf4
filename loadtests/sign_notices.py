"""Notices of payments as the channels send them, made with the keys of their simulated gateways.

Written out beside the service's own code, so that the two can only agree by both being
right: WeChat Pay v3 (AES-256-GCM under the APIv3 key, RSA over time, nonce and body) and
Alipay (RSA over the sorted fields of a form). Each can be forged in every way that a forger
without the key can.
"""

from __future__ import annotations

import base64
import secrets
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode, urlsplit

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from loadtests.gateways import Order

CHINA = timezone(timedelta(hours=8))
_STALE_SECONDS = 600


class Delivery(Struct, frozen=True):
    """One request of a channel's."""

    path: str
    headers: Mapping[str, str]
    body: bytes


Make = Callable[[Order, str], Delivery]
"""Makes the notice of a paid order, under a notice's number."""


class Pen(Protocol):
    """What one channel writes."""

    accepted: tuple[int, bytes]
    """The answer that stops the repeats."""

    def write(self, order: Order, notice_id: str) -> Delivery:
        """The true notice, signed anew."""

    def forge(self) -> tuple[Make, ...]:
        """Every way to write one that must be refused."""

    def probe(self) -> Make | None:
        """The channel's own wrong signature, made on purpose; None: it makes none."""


class WechatPen:
    """WeChat Pay's notices, proven by its public key."""

    accepted = (204, b"")

    def __init__(self, folder: Path) -> None:
        """`folder`: the gateway's keys. Raises OSError."""
        self._key = _read_key(folder / "pay_public_key_1.pem")
        self._serial = _read(folder, "pay_public_key_id_1")
        self._seal = AESGCM(_read(folder, "apiv3_key").encode())
        self._app_id = _read(folder, "app_id")
        self._merchant_id = _read(folder, "merchant_id")
        self._stranger = generate_private_key(public_exponent=65537, key_size=2048)

    def write(self, order: Order, notice_id: str) -> Delivery:
        return self._sign(order, self._body(order, notice_id))

    def forge(self) -> tuple[Make, ...]:
        return (self._by_a_stranger, self._changed, self._stale, self._unknown_key, self._unsigned)

    def probe(self) -> Make:
        def make(order: Order, notice_id: str) -> Delivery:
            true = self.write(order, notice_id)
            wrong = f"WECHATPAY/SIGNTEST/{true.headers['Wechatpay-Signature']}"
            return _with(true, {"Wechatpay-Signature": wrong})

        return make

    def _by_a_stranger(self, order: Order, notice_id: str) -> Delivery:
        return self._sign(order, self._body(order, notice_id), key=self._stranger)

    def _changed(self, order: Order, notice_id: str) -> Delivery:
        true = self.write(order, notice_id)
        dearer = msgspec.structs.replace(order, amount_fen=order.amount_fen + 1)
        return msgspec.structs.replace(true, body=self._body(dearer, notice_id))

    def _stale(self, order: Order, notice_id: str) -> Delivery:
        return self._sign(order, self._body(order, notice_id), age_seconds=_STALE_SECONDS)

    def _unknown_key(self, order: Order, notice_id: str) -> Delivery:
        serial = f"PUB_KEY_ID_{secrets.randbelow(10**20):020d}"
        return _with(self.write(order, notice_id), {"Wechatpay-Serial": serial})

    def _unsigned(self, order: Order, notice_id: str) -> Delivery:
        true = self.write(order, notice_id)
        kept = {"Content-Type": true.headers["Content-Type"]}
        return msgspec.structs.replace(true, headers=kept)

    def _body(self, order: Order, notice_id: str) -> bytes:
        nonce, kind = secrets.token_hex(6), "transaction"
        said = msgspec.json.encode(self._transaction(order))
        sealed = self._seal.encrypt(nonce.encode(), said, kind.encode())
        resource = {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": kind,
            "nonce": nonce,
        }
        return msgspec.json.encode(
            {
                "id": notice_id,
                "create_time": _moment(time.time()).isoformat(),
                "resource_type": "encrypt-resource",
                "event_type": "TRANSACTION.SUCCESS",
                "summary": "支付成功",
                "resource": resource,
            }
        )

    def _transaction(self, order: Order) -> dict[str, object]:
        return {
            "appid": self._app_id,
            "mchid": self._merchant_id,
            "out_trade_no": order.merchant_no,
            "transaction_id": order.transaction_id,
            "trade_type": "JSAPI",
            "trade_state": "SUCCESS",
            "trade_state_desc": "支付成功",
            "bank_type": "OTHERS",
            "attach": "",
            "success_time": _moment(order.paid_at or time.time()).isoformat(),
            "payer": {"openid": order.open_id},
            "amount": {
                "total": order.amount_fen,
                "payer_total": order.amount_fen,
                "currency": "CNY",
                "payer_currency": "CNY",
            },
        }

    def _sign(
        self,
        order: Order,
        body: bytes,
        *,
        key: RSAPrivateKey | None = None,
        age_seconds: int = 0,
    ) -> Delivery:
        stamp, nonce = str(int(time.time()) - age_seconds), secrets.token_hex(16)
        text = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
        headers = {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": _signature(key or self._key, text),
            "Wechatpay-Serial": self._serial,
            "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        }
        return Delivery(urlsplit(order.notice_url).path, headers, body)


class AlipayPen:
    """Alipay's notices: signed forms."""

    accepted = (200, b"success")

    def __init__(self, folder: Path) -> None:
        """`folder`: the gateway's keys. Raises OSError."""
        self._key = _read_key(folder / "alipay.pem")
        self._caller = _read_key(folder / "app.pem")
        self._app_id = _read(folder, "app_id")
        self._seller_id = _read(folder, "seller_id")

    def write(self, order: Order, notice_id: str) -> Delivery:
        return self._sign(order, self._fields(order, notice_id), self._key)

    def forge(self) -> tuple[Make, ...]:
        return (self._by_the_caller, self._changed, self._of_another, self._unsigned)

    def probe(self) -> None:
        return None

    def _by_the_caller(self, order: Order, notice_id: str) -> Delivery:
        return self._sign(order, self._fields(order, notice_id), self._caller)

    def _changed(self, order: Order, notice_id: str) -> Delivery:
        true = self.write(order, notice_id)
        wrong = true.body.replace(b"trade_status=TRADE_SUCCESS", b"trade_status=TRADE_FINISHED")
        return msgspec.structs.replace(true, body=wrong)

    def _of_another(self, order: Order, notice_id: str) -> Delivery:
        others = {"app_id": "2021000000000000", "auth_app_id": "2021000000000000"}
        return self._sign(order, {**self._fields(order, notice_id), **others}, self._key)

    def _unsigned(self, order: Order, notice_id: str) -> Delivery:
        true = self.write(order, notice_id)
        body, _, _ = true.body.rpartition(b"&sign=")
        return msgspec.structs.replace(true, body=body)

    def _fields(self, order: Order, notice_id: str) -> dict[str, str]:
        yuan = f"{order.amount_fen // 100}.{order.amount_fen % 100:02d}"
        now, paid_at = time.time(), order.paid_at or time.time()
        return {
            "notify_id": notice_id,
            "notify_type": "trade_status_sync",
            "notify_time": f"{_moment(now):%Y-%m-%d %H:%M:%S}",
            "charset": "utf-8",
            "version": "1.0",
            "app_id": self._app_id,
            "auth_app_id": self._app_id,
            "seller_id": self._seller_id,
            "buyer_open_id": order.open_id,
            "out_trade_no": order.merchant_no,
            "trade_no": order.order_id,
            "trade_status": "TRADE_SUCCESS",
            "subject": order.description,
            "total_amount": yuan,
            "receipt_amount": yuan,
            "buyer_pay_amount": yuan,
            "gmt_create": f"{_moment(order.created_at):%Y-%m-%d %H:%M:%S}",
            "gmt_payment": f"{_moment(paid_at):%Y-%m-%d %H:%M:%S}",
        }

    def _sign(self, order: Order, fields: dict[str, str], key: RSAPrivateKey) -> Delivery:
        text = "&".join(f"{name}={value}" for name, value in sorted(fields.items()))
        form = {**fields, "sign_type": "RSA2", "sign": _signature(key, text.encode())}
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Delivery(urlsplit(order.notice_url).path, headers, urlencode(form).encode())


def open_pens(folder: Path) -> dict[str, Pen]:
    """By channel, with the gateways' keys beneath the service's data folder. Raises OSError."""
    return {
        "wechat": WechatPen(folder / "wechat" / "keys"),
        "alipay": AlipayPen(folder / "alipay" / "keys"),
    }


def new_notice_id() -> str:
    """A notice's number."""
    return str(uuid.uuid4())


def _with(delivery: Delivery, headers: Mapping[str, str]) -> Delivery:
    return msgspec.structs.replace(delivery, headers={**delivery.headers, **headers})


def _signature(key: RSAPrivateKey, text: bytes) -> str:
    return base64.b64encode(key.sign(text, PKCS1v15(), hashes.SHA256())).decode()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(int(seconds), CHINA)


def _read(folder: Path, name: str) -> str:
    return (folder / name).read_text(encoding="utf-8").strip()


def _read_key(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"{path} holds no RSA key")
    return key
