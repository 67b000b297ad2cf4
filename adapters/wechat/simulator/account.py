"""Who the callers are: one mini-program, one merchant, one provider with its sub-merchant.

Made at the first start. The provider's numbers and the platform's certificates are no part
of the section for the channels file; `/_control/account` shows them.
"""

from __future__ import annotations

import base64
import secrets
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from adapters.simulation.keys import KeyRing, private_pem, public_pem
from adapters.wechat.signing import PUBLIC_KEY_PREFIX, read_push_key
from adapters.wechat.simulator.certificates import PlatformCertificate, certify
from adapters.wechat.simulator.templates import TEMPLATES


class Account:
    """Every number and key, the gateway's private ones too."""

    def __init__(self, keys: KeyRing) -> None:
        self.app_id = keys.kept("app_id", "wx" + secrets.token_hex(8))
        self.app_secret = keys.kept("app_secret", secrets.token_hex(16))
        self.original_id = keys.kept("original_id", "gh_" + secrets.token_hex(6))
        self.sub_app_id = keys.kept("sub_app_id", "wx" + secrets.token_hex(8))
        self.push_token = keys.text("push_token", 24)
        self.push_aes_key = keys.kept("push_aes_key", _aes_key())
        self.push_key = read_push_key(self.push_aes_key)
        self.template_ids = {
            kind: keys.kept(f"template_{kind}", secrets.token_urlsafe(32)) for kind in TEMPLATES
        }

        self.merchant_id = keys.kept("merchant_id", _merchant_number())
        self.provider_id = keys.kept("provider_id", _merchant_number())
        self.sub_merchant_id = keys.kept("sub_merchant_id", _merchant_number())
        self.merchant_serial = keys.kept("merchant_serial", secrets.token_hex(20).upper())
        self.apiv3_key = keys.text("apiv3_key", 32)
        self.merchant_private_pem = private_pem(keys.rsa("merchant"))
        self.merchant_key = keys.rsa("merchant").public_key()

        self.pay_key_ids = [
            keys.kept(f"pay_public_key_id_{n}", f"{PUBLIC_KEY_PREFIX}01{_merchant_number() * 2}")
            for n in (1, 2)
        ]
        self.pay_key = keys.rsa("pay_public_key_1")

        self.symmetric_serial = keys.kept("api_symmetric_serial", secrets.token_hex(16))
        self.symmetric_key = keys.kept("api_symmetric_key", _base64(secrets.token_bytes(32)))
        self.symmetric_bytes = base64.b64decode(self.symmetric_key)
        self.api_serial = keys.kept("api_serial", secrets.token_hex(16))
        self.api_platform_serial = keys.kept("api_platform_serial", secrets.token_hex(16))
        self._keys = keys

    # Not every caller needs these, and making an RSA key takes a while.

    @cached_property
    def next_pay_key(self) -> RSAPrivateKey:
        """What `rotate_key` signs with."""
        return self._keys.rsa("pay_public_key_2")

    @cached_property
    def certificates(self) -> tuple[PlatformCertificate, PlatformCertificate]:
        """The platform certificate in use, and the one that `rotate_key` changes to."""
        first, second = (certify(self._keys, f"platform_certificate_{n}") for n in (1, 2))
        return first, second

    @cached_property
    def api_caller_key(self) -> RSAPrivateKey:
        """What the mini-program's server signs sealed calls with."""
        return self._keys.rsa("api_caller")

    @cached_property
    def api_platform_key(self) -> RSAPrivateKey:
        """What the gateway signs sealed answers with."""
        return self._keys.rsa("api_platform")

    def section(self, address: str) -> dict[str, Any]:
        """The channel's section of the channels file, for the gateway at this address."""
        return {
            "app_id": self.app_id,
            "app_secret": self.app_secret,
            "api_url": address,
            "pay_url": address,
            "env_version": "develop",
            "push_token": self.push_token,
            "push_aes_key": self.push_aes_key,
            "templates": {
                kind: {"template_id": self.template_ids[kind], "fields": template.fields}
                for kind, template in TEMPLATES.items()
            },
            "merchant": {
                "merchant_id": self.merchant_id,
                "merchant_serial": self.merchant_serial,
                "private_key": self.merchant_private_pem,
                "apiv3_key": self.apiv3_key,
                "platform_keys": {self.pay_key_ids[0]: public_pem(self.pay_key)},
            },
        }

    def about(self) -> dict[str, Any]:
        """What the section leaves out: other modes of the same account."""
        return {
            "provider_id": self.provider_id,
            "sub_merchant_id": self.sub_merchant_id,
            "sub_app_id": self.sub_app_id,
            "next_pay_key": {self.pay_key_ids[1]: public_pem(self.next_pay_key)},
            "certificates": {known.serial: known.pem for known in self.certificates},
            "api_security": {
                "symmetric_serial": self.symmetric_serial,
                "symmetric_key": self.symmetric_key,
                "serial": self.api_serial,
                "private_key": private_pem(self.api_caller_key),
                "platform_keys": {self.api_platform_serial: public_pem(self.api_platform_key)},
            },
        }


def _merchant_number() -> str:
    return str(1_600_000_000 + secrets.randbelow(99_999_999))


def _aes_key() -> str:
    # The 43 characters of the console: the last one's spare bits are zero.
    return _base64(secrets.token_bytes(32)).rstrip("=")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
