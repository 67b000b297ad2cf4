"""Signs a department's calls (RFC 9421) with the key from `demonstration.json`.

Written out, because a general library costs more than the call it signs. Covered are
`@method`, `@target-uri` and `content-digest` (RFC 9530, SHA-256).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from loadtests.phone import Headers


class PlatformKey(Struct, frozen=True):
    """A key as its holder got it; of `secret` and `private_key_pem` one is there."""

    key_id: str
    algorithm: str
    secret: str | None = None
    private_key_pem: str | None = None


class _Demonstration(Struct, frozen=True):
    platform: PlatformKey


class Signer:
    """Signs for one platform towards one address."""

    def __init__(self, key: PlatformKey, address: str) -> None:
        """`address`: scheme and host as requests name them."""
        self._key = key
        self._address = address.rstrip("/")
        self._sign = _signing(key)

    def __call__(self, method: str, path: str, body: bytes) -> Headers:
        """The headers that go with such a request; another nonce each time."""
        digest = f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"
        parameters = (
            f'("@method" "@target-uri" "content-digest");created={int(time.time())}'
            f';nonce="{uuid.uuid4().hex}";keyid="{self._key.key_id}"'
        )
        base = (
            f'"@method": {method}\n"@target-uri": {self._address}{path}\n'
            f'"content-digest": {digest}\n"@signature-params": {parameters}'
        )
        return {
            "Content-Digest": digest,
            "Signature-Input": f"department={parameters}",
            "Signature": f"department=:{_base64(self._sign(base.encode()))}:",
        }


def read_key(path: Path) -> PlatformKey:
    """The platform's key. Raises OSError where there is no such file, and MsgspecError."""
    return msgspec.json.decode(path.read_bytes(), type=_Demonstration).platform


def _signing(key: PlatformKey) -> Callable[[bytes], bytes]:
    if key.secret is not None:
        secret = key.secret.encode()
        return lambda base: hmac.digest(secret, base, "sha256")
    private_key = load_pem_private_key((key.private_key_pem or "").encode(), None)
    if not isinstance(private_key, Ed25519PrivateKey):
        raise TypeError(f"{key.algorithm} keys are Ed25519 private keys")
    return private_key.sign


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()
