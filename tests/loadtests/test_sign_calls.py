"""The load's own signatures are what the service's verifier takes, and nothing else is."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from api.signatures import BodyDigest, Fields, Key, Message, Unproven, is_signed, read_claim
from loadtests.sign_calls import PlatformKey, Signer, read_key

ADDRESS = "http://127.0.0.1:8000"
PATH = "/v1/platform/events"


def make_pair(algorithm: str) -> tuple[PlatformKey, Key]:
    """A platform's key, and the same as the service keeps it."""
    if algorithm == "hmac-sha256":
        secret = secrets.token_urlsafe(32)
        return PlatformKey("pk_1", algorithm, secret=secret), Key("hmac-sha256", secret.encode())
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return PlatformKey("pk_1", algorithm, private_key_pem=pem), Key("ed25519", public)


def verify(signed: dict[str, str], key: Key, method: str = "POST", path: str = PATH) -> bool:
    fields = Fields([(name.lower(), value) for name, value in signed.items()])
    claim = read_claim("POST", fields)
    return is_signed(Message(method, ADDRESS + path, fields), claim, key)


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
def test_a_signed_call_is_proven(algorithm: str) -> None:
    given, kept = make_pair(algorithm)
    body = b'{"events": []}'
    signed = dict(Signer(given, ADDRESS)("POST", PATH, body))
    assert verify(signed, kept)
    assert not verify(signed, kept, path="/v1/platform/other")
    assert not verify(signed, kept, method="PUT")
    assert not verify(signed, make_pair(algorithm)[1])
    digest = BodyDigest(signed["Content-Digest"])
    digest.update(body)
    digest.check()


def test_another_body_has_another_digest() -> None:
    given, _ = make_pair("hmac-sha256")
    signed = Signer(given, ADDRESS)("POST", PATH, b"{}")
    digest = BodyDigest(signed["Content-Digest"])
    digest.update(b"[]")
    with pytest.raises(Unproven):
        digest.check()


def test_no_nonce_is_used_twice() -> None:
    signer = Signer(make_pair("hmac-sha256")[0], ADDRESS)
    inputs = {signer("POST", PATH, b"{}")["Signature-Input"] for _ in range(100)}
    assert len(inputs) == 100


def test_the_key_is_read_from_the_demonstration(tmp_path: Path) -> None:
    platform = {"key_id": "pk_1", "algorithm": "hmac-sha256", "secret": "s"}
    path = tmp_path / "demonstration.json"
    path.write_text(json.dumps({"platform": platform, "services": {}}))
    assert read_key(path) == PlatformKey("pk_1", "hmac-sha256", secret="s")
