"""A client of Alipay's gateway that shares no code with the project: it signs and proves itself."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from alipay import AliPay, DCAliPay
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509 import load_pem_x509_certificate

from tests.gateways import SimulatedGateway

# How an answer must look, byte for byte: the member, perhaps the certificate, the signature.
_ANSWER = re.compile(
    rb'\A\{"([a-z_]+)":(.*?)(?:,"alipay_cert_sn":"([0-9a-f]{32})")?,"sign":"([A-Za-z0-9+/=]+)"\}\Z'
)
SHANGHAI = timezone(timedelta(hours=8))


class Wire:
    """Speaks as the application of a simulated gateway."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self.gateway = gateway
        self.section = gateway.section
        self.url = self.section["gateway_url"]
        key = serialization.load_pem_private_key(self.section["app_private_key"].encode(), None)
        assert isinstance(key, RSAPrivateKey)
        self.key = key
        if self.section["mode"] == "key":
            self.theirs = read_key(self.section["alipay_public_key"])
        else:
            self.theirs = certified_key(self.section["alipay_cert"])
        self.client = httpx.Client(trust_env=False, timeout=5)
        self.serial: str | None = None

    # ── Requests ────────────────────────────────────────────────────────────────────────

    def parameters(self, method: str, content: Any = None, **common: str) -> dict[str, str]:
        now = datetime.now(SHANGHAI)
        given = {
            "app_id": self.section["app_id"],
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": f"{now:%Y-%m-%d %H:%M:%S}",
            "version": "1.0",
            **common,
        }
        if content is not None:
            given["biz_content"] = json.dumps(content, ensure_ascii=False)
        return given

    def sign(self, given: dict[str, str]) -> dict[str, str]:
        text = "&".join(f"{k}={given[k]}" for k in sorted(given) if given[k] and k != "sign")
        return {**given, "sign": self.signature(text.encode())}

    def signature(self, text: bytes) -> str:
        made = self.key.sign(text, PKCS1v15(), hashes.SHA256())
        return base64.b64encode(made).decode()

    def send(self, given: dict[str, str], verb: str = "POST") -> httpx.Response:
        """A POST has the common parameters in its query, the content in its form."""
        if verb == "GET":
            return self.client.get(self.url, params=given)
        form = {k: v for k, v in given.items() if k == "biz_content"}
        common = {k: v for k, v in given.items() if k not in form}
        return self.client.post(f"{self.url}?{urlencode(common)}", data=form)

    # ── Answers ─────────────────────────────────────────────────────────────────────────

    def prove(self, answer: httpx.Response) -> tuple[str, Any]:
        """The member's name and content of an answer whose form and signature are right."""
        name, raw = self.prove_raw(answer)
        return name, json.loads(raw)

    def prove_raw(self, answer: httpx.Response) -> tuple[str, bytes]:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html;charset=utf-8"
        match = _ANSWER.match(answer.content)
        assert match is not None, answer.text
        name, raw, serial, signature = match.groups()
        self.serial = serial.decode() if serial else None
        self.demand_signed(raw, signature.decode())
        return name.decode(), raw

    def demand_signed(self, text: bytes, signature: str) -> None:
        """Raises InvalidSignature."""
        self.theirs.verify(base64.b64decode(signature), text, PKCS1v15(), hashes.SHA256())

    def call(self, method: str, content: Any = None, **common: str) -> dict[str, Any]:
        """What a method answers, which must be well."""
        name, node = self.ask(method, content, **common)
        assert name == method.replace(".", "_") + "_response"
        assert node.pop("code", "10000") == "10000", node
        node.pop("msg", None)
        return node

    def refused(self, method: str, content: Any = None, **common: str) -> str:
        """The sub-code with which a method says no to what it was asked."""
        _, node = self.ask(method, content, **common)
        assert (node["code"], node["msg"]) == ("40004", "Business Failed"), node
        assert node["sub_msg"]
        return str(node["sub_code"])

    def ask(self, method: str, content: Any = None, **common: str) -> tuple[str, dict[str, Any]]:
        return self.prove(self.send(self.sign(self.parameters(method, content, **common))))

    # ── What tests ask for again and again ──────────────────────────────────────────────

    def order(self, number: str, amount: Any = "10.00", **other: Any) -> dict[str, Any]:
        """The content of a trade's creation, by a fresh person where none is given."""
        if "buyer_open_id" not in other:
            other["buyer_open_id"] = self.gateway.citizen(name="测试", phone="13800001234")
        return {
            "out_trade_no": number,
            "total_amount": amount,
            "subject": "不动产登记费",
            "product_code": "JSAPI_PAY",
            "op_app_id": self.section["op_app_id"],
            **other,
        }

    def create(self, number: str, amount: Any = "10.00", notify: str = "", **other: Any) -> str:
        """A trade; gives the gateway's number of it."""
        common = {"notify_url": notify} if notify else {}
        made = self.call("alipay.trade.create", self.order(number, amount, **other), **common)
        assert made["out_trade_no"] == number
        return str(made["trade_no"])

    def pay(self, number: str, amount: Any = "10.00", notify: str = "", **other: Any) -> str:
        """A paid trade."""
        trade_no = self.create(number, amount, notify, **other)
        self.gateway.confirm(trade_no)
        return trade_no

    def refund(self, number: str, refund_no: str, amount: str) -> dict[str, Any]:
        content = {"out_trade_no": number, "out_request_no": refund_no, "refund_amount": amount}
        return self.call("alipay.trade.refund", content)

    def encrypt(self, text: bytes) -> str:
        padder = padding.PKCS7(128).padder()
        encryptor = self._cipher().encryptor()
        padded = padder.update(text) + padder.finalize()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def decrypt(self, text: str) -> bytes:
        unpadder = padding.PKCS7(128).unpadder()
        decryptor = self._cipher().decryptor()
        padded = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
        return unpadder.update(padded) + unpadder.finalize()

    def _cipher(self) -> Cipher[modes.CBC]:
        key = base64.b64decode(self.section["aes_key"])
        return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))


def read_key(pem: str) -> RSAPublicKey:
    key = serialization.load_pem_public_key(pem.encode())
    assert isinstance(key, RSAPublicKey)
    return key


def certified_key(pem: str) -> RSAPublicKey:
    """The key of the first certificate in a PEM text."""
    key = load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def open_sdk(gateway: SimulatedGateway) -> Any:
    """The independent SDK, as the application of that gateway."""
    section = gateway.section
    common = {
        "appid": section["app_id"],
        "app_private_key_string": section["app_private_key"],
    }
    if section["mode"] == "key":
        sdk = AliPay(**common, alipay_public_key_string=section["alipay_public_key"])
    else:
        sdk = DCAliPay(
            **common,
            app_public_key_cert_string=section["app_cert"],
            alipay_public_key_cert_string=section["alipay_cert"],
            alipay_root_cert_string=section["alipay_root_cert"],
        )
    sdk._gateway = f"{gateway.address}/gateway.do"
    return sdk


def read_form(body: bytes) -> dict[str, str]:
    """A notice's fields; a blank one or one said twice is a fault of the gateway."""
    pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
    fields = dict(pairs)
    assert len(fields) == len(pairs)
    assert all(fields.values()), fields
    return fields


def certificate_number(pem: str) -> str:
    """Alipay's number of the first certificate in a PEM text."""
    certificate = load_pem_x509_certificate(pem.encode())
    text = certificate.issuer.rfc4514_string() + str(certificate.serial_number)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
