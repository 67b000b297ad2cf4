"""The channel's section of the channels file, `[alipay]`, read once and checked whole."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct

from adapters.alipay import signing
from adapters.contract import ConfigurationWrong

Given = TypeVar("Given")
Read = TypeVar("Read")

GATEWAY_URL = "https://openapi.alipay.com/gateway.do"
KEYWORD_LENGTH = 64

# The bare base64 of a key, as Alipay's tools print it; no path looks like that.
_BARE_KEY = re.compile(r"\A[A-Za-z0-9+/=\s]{200,}\Z")


class Field(Struct, frozen=True, forbid_unknown_fields=True):
    """A keyword of a template; values are cut to `length` characters."""

    keyword: str
    length: int = KEYWORD_LENGTH


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """Which template a kind of message is; `fields`: our name → its keyword."""

    template_id: str
    fields: dict[str, Field | str]

    def keywords(self) -> dict[str, Field]:
        """`fields` with every short spelling written out."""
        return {
            ours: Field(field) if isinstance(field, str) else field
            for ours, field in self.fields.items()
        }


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """The section as it is written; keys and certificates are texts or paths to files."""

    app_id: str
    app_private_key: str
    mode: Literal["key", "certificate"] = "key"
    title: str = "支付宝"
    gateway_url: str = GATEWAY_URL
    alipay_public_key: str | None = None
    app_cert: str | None = None
    alipay_cert: str | None = None
    alipay_root_cert: str | None = None
    aes_key: str | None = None
    encrypt_content: bool = False
    seller_id: str | None = None
    app_auth_token: str | None = None
    op_app_id: str | None = None
    identity_checks: bool = True
    timeout_seconds: float = 3.0
    templates: dict[str, Template] = {}

    def __repr__(self) -> str:
        return f"Section(app_id={self.app_id!r})"


class Trust(Struct, frozen=True):
    """Certificate mode: ours, theirs with what stands between it and a root, and the roots."""

    app_sn: str
    root_sn: str
    alipay: list[x509.Certificate]
    roots: list[x509.Certificate]

    @property
    def alipay_sn(self) -> str:
        """The number of the gateway's certificate that we were given."""
        return signing.certificate_sn(self.alipay[0])


class Config(Struct, frozen=True):
    """What the adapter works with. `trust` is None in key mode."""

    app_id: str
    title: str
    gateway_url: str
    app_key: RSAPrivateKey
    alipay_key: RSAPublicKey
    trust: Trust | None
    aes_key: bytes | None
    encrypt_content: bool
    seller_id: str | None
    app_auth_token: str | None
    op_app_id: str
    identity_checks: bool
    timeout_seconds: float
    templates: dict[str, Template]

    def __repr__(self) -> str:
        return f"Config(app_id={self.app_id!r})"


def read_config(section: Mapping[str, Any]) -> Config:
    """Raises ConfigurationWrong, which names the key and the rule, never the value."""
    try:
        written = msgspec.convert(dict(section), Section)
    except msgspec.ValidationError as wrong:
        raise ConfigurationWrong(f"alipay: {_rule(wrong)}") from None
    _demand_shapes(written)
    app_key = _read("app_private_key", written.app_private_key, signing.read_private_key)
    trust = _trust(written, app_key) if written.mode == "certificate" else None
    if trust is None:
        alipay_key = _read("alipay_public_key", written.alipay_public_key, signing.read_public_key)
    else:
        alipay_key = _guard("alipay_cert", signing.certificate_key, trust.alipay[0])
    aes_key = _guard("aes_key", signing.read_aes_key, written.aes_key) if written.aes_key else None
    return Config(
        app_id=written.app_id,
        title=written.title,
        gateway_url=written.gateway_url,
        app_key=app_key,
        alipay_key=alipay_key,
        trust=trust,
        aes_key=aes_key,
        encrypt_content=written.encrypt_content,
        seller_id=written.seller_id,
        app_auth_token=written.app_auth_token,
        op_app_id=written.op_app_id or written.app_id,
        identity_checks=written.identity_checks,
        timeout_seconds=written.timeout_seconds,
        templates=written.templates,
    )


def _demand_shapes(written: Section) -> None:
    address = urlsplit(written.gateway_url)
    _demand("app_id", bool(re.fullmatch(r"\d{1,32}", written.app_id, re.ASCII)), "digits")
    _demand(
        "gateway_url",
        address.scheme in ("http", "https") and bool(address.netloc) and not address.query,
        "an http(s) address without a query",
    )
    _demand("timeout_seconds", 0 < written.timeout_seconds <= 30, "above 0, at most 30")
    _demand(
        "encrypt_content", bool(written.aes_key) or not written.encrypt_content, "needs aes_key"
    )
    for kind, template in written.templates.items():
        for field in template.keywords().values():
            _demand(f"templates.{kind}.fields", 1 <= field.length <= 1024, "lengths of 1 to 1024")


def _trust(written: Section, app_key: RSAPrivateKey) -> Trust:
    ours = _read("app_cert", written.app_cert, signing.read_certificates)
    vouched = _guard("app_cert", signing.certificate_key, ours[0])
    same = vouched.public_numbers() == app_key.public_key().public_numbers()
    _demand("app_cert", same, "the certificate of app_private_key")
    theirs = _read("alipay_cert", written.alipay_cert, signing.read_certificates)
    roots = _read("alipay_root_cert", written.alipay_root_cert, signing.read_certificates)
    _demand("alipay_cert", signing.is_trusted(theirs, roots), "vouched for by alipay_root_cert")
    return Trust(
        app_sn=signing.certificate_sn(ours[0]),
        root_sn=signing.root_certificate_sn(roots),
        alipay=theirs,
        roots=roots,
    )


def _read(key: str, value: str | None, parse: Callable[[str], Read]) -> Read:
    _demand(key, bool(value), "needed in this mode")
    return _guard(key, parse, _text(key, value or ""))


def _text(key: str, value: str) -> str:
    """A key or certificate given in place, or the file that holds it."""
    if "-----BEGIN" in value or _BARE_KEY.match(value):
        return value
    try:
        return Path(value).read_text(encoding="utf-8")
    except (OSError, ValueError):
        raise ConfigurationWrong(f"alipay.{key}: neither PEM nor a readable file") from None


def _guard(key: str, parse: Callable[[Given], Read], value: Given) -> Read:
    try:
        return parse(value)
    except signing.SigningWrong as wrong:
        raise ConfigurationWrong(f"alipay.{key}: {wrong}") from None


def _demand(key: str, holds: bool, rule: str) -> None:
    if not holds:
        raise ConfigurationWrong(f"alipay.{key}: {rule}")


def _rule(wrong: msgspec.ValidationError) -> str:
    """msgspec's words, without the value that a wrong choice is quoted with."""
    return re.sub(r"'[^']*'", "…", str(wrong))
