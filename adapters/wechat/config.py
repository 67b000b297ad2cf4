"""The WeChat section of the channels file, read once and checked whole.

A PEM value is the text itself or the path of a file that holds it. Every fault is a
ConfigurationWrong that names the key and the rule, never the value.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Meta, Struct

from adapters.contract import ConfigurationWrong
from adapters.wechat.signing import (
    PUBLIC_KEY_PREFIX,
    KeyWrong,
    MerchantKey,
    normal_serial,
    read_private_key,
    read_public_key,
    read_push_key,
)

Url = Annotated[str, Meta(pattern=r"\Ahttps?://[^/?#\s]+\Z")]
Word = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"\A[\x21-\x7e]+\Z")]
FieldName = Annotated[str, Meta(pattern=r"\A[a-z_]+[0-9]{1,3}\Z")]
EnvironmentVersion = Literal["release", "trial", "develop"]


class Template(Struct, frozen=True, forbid_unknown_fields=True):
    """A subscription template: its id, and our field name → its field (`thing1`, `date3` …)."""

    template_id: Word
    fields: dict[str, FieldName]


class MerchantSection(Struct, frozen=True, forbid_unknown_fields=True):
    """WeChat Pay. `platform_keys`: PUB_KEY_ID_… or certificate serial → PEM.

    With a PUB_KEY_ID_… the first such key is asked for in every call; without one the
    platform's certificates are fetched and kept fresh. In partner mode `merchant_id` is the
    provider's. The channel's `app_id` is always the mini-program's: it is the provider's too,
    or the sub-merchant's own, and then `provider_app_id` names the provider's.
    """

    merchant_id: Word
    merchant_serial: Annotated[str, Meta(pattern=r"\A[0-9A-Fa-f]{8,64}\Z")]
    private_key: str
    apiv3_key: Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{32}\Z")]
    platform_keys: dict[str, str] = {}
    mode: Literal["direct", "partner"] = "direct"
    sub_merchant_id: Word | None = None
    provider_app_id: Word | None = None


class ApiSecuritySection(Struct, frozen=True, forbid_unknown_fields=True):
    """The console's "API security": calls to `paths` are encrypted and signed."""

    symmetric_serial: Word
    symmetric_key: str
    serial: Word
    private_key: str
    platform_keys: dict[str, str]
    paths: tuple[str, ...] = ("/wxa/business/getuserphonenumber",)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """The section as written. `pay_url` and `api_url` without a path."""

    app_id: Word
    app_secret: Word
    title: str = "微信"
    api_url: Url = "https://api.weixin.qq.com"
    pay_url: Url = "https://api.mch.weixin.qq.com"
    env_version: EnvironmentVersion = "release"
    identity: bool = True
    push_token: Word | None = None
    push_aes_key: str | None = None
    templates: dict[str, Template] = {}
    merchant: MerchantSection | None = None
    api_security: ApiSecuritySection | None = None


class Merchant(Struct, frozen=True):
    """WeChat Pay, ready for use; `asked_serial` None: certificate mode."""

    key: MerchantKey
    apiv3_key: bytes
    platform_keys: dict[str, RSAPublicKey]
    asked_serial: str | None
    sub_merchant_id: str | None
    provider_app_id: str | None

    @property
    def is_partner(self) -> bool:
        """Whether we are a service provider acting for `sub_merchant_id`."""
        return self.sub_merchant_id is not None


class ApiSecurity(Struct, frozen=True):
    """API security, ready for use."""

    symmetric_serial: str
    symmetric_key: bytes
    serial: str
    private_key: RSAPrivateKey
    platform_keys: dict[str, RSAPublicKey]
    paths: frozenset[str]


class Config(Struct, frozen=True):
    """The section with its keys opened."""

    section: Section
    push_key: bytes | None
    merchant: Merchant | None
    api_security: ApiSecurity | None


def read_config(name: str, given: Mapping[str, Any]) -> Config:
    """Raises ConfigurationWrong."""
    try:
        section = msgspec.convert(dict(given), Section)
    except msgspec.ValidationError as error:
        raise ConfigurationWrong(f"[{name}]: {error}") from None
    return Config(
        section,
        push_key=_push_key(name, section),
        merchant=_merchant(name, section.merchant),
        api_security=_api_security(name, section.api_security),
    )


def _push_key(name: str, section: Section) -> bytes | None:
    if section.push_aes_key is None:
        return None
    if section.push_token is None:
        raise ConfigurationWrong(f"[{name}]: push_aes_key needs push_token")
    try:
        return read_push_key(section.push_aes_key)
    except KeyWrong as error:
        raise ConfigurationWrong(f"[{name}]: push_aes_key {error}") from None


def _merchant(name: str, section: MerchantSection | None) -> Merchant | None:
    if section is None:
        return None
    place = f"{name}.merchant"
    if (section.mode == "partner") != (section.sub_merchant_id is not None):
        raise ConfigurationWrong(f"[{place}]: sub_merchant_id goes with mode = partner")
    if section.provider_app_id is not None and section.mode != "partner":
        raise ConfigurationWrong(f"[{place}]: provider_app_id goes with mode = partner")
    public_ids = [s for s in section.platform_keys if s.startswith(PUBLIC_KEY_PREFIX)]
    key = _private(f"[{place}]: private_key", section.private_key)
    return Merchant(
        key=MerchantKey(section.merchant_id, section.merchant_serial, key),
        apiv3_key=section.apiv3_key.encode(),
        platform_keys={
            normal_serial(serial): _public(f"[{place}]: platform_keys.{serial}", pem)
            for serial, pem in section.platform_keys.items()
        },
        asked_serial=public_ids[0] if public_ids else None,
        sub_merchant_id=section.sub_merchant_id,
        provider_app_id=section.provider_app_id,
    )


def _api_security(name: str, section: ApiSecuritySection | None) -> ApiSecurity | None:
    if section is None:
        return None
    place = f"{name}.api_security"
    try:
        symmetric_key = base64.b64decode(section.symmetric_key, validate=True)
    except ValueError:
        symmetric_key = b""
    if len(symmetric_key) != 32:
        raise ConfigurationWrong(f"[{place}]: symmetric_key is not 32 bytes in base64")
    return ApiSecurity(
        symmetric_serial=section.symmetric_serial,
        symmetric_key=symmetric_key,
        serial=section.serial,
        private_key=_private(f"[{place}]: private_key", section.private_key),
        platform_keys={
            serial: _public(f"[{place}]: platform_keys.{serial}", pem)
            for serial, pem in section.platform_keys.items()
        },
        paths=frozenset(section.paths),
    )


def _private(place: str, given: str) -> RSAPrivateKey:
    try:
        return read_private_key(_pem(place, given))
    except KeyWrong as error:
        raise ConfigurationWrong(f"{place} {error}") from None


def _public(place: str, given: str) -> RSAPublicKey:
    try:
        return read_public_key(_pem(place, given))
    except KeyWrong as error:
        raise ConfigurationWrong(f"{place} {error}") from None


def _pem(place: str, given: str) -> str:
    if "-----BEGIN" in given:
        return given
    try:
        return Path(given).read_text(encoding="ascii")
    except (OSError, ValueError):
        raise ConfigurationWrong(f"{place} is neither PEM text nor a file with it") from None
