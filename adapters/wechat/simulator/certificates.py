"""The platform's own X.509 certificates, and how GET /v3/certificates hands them out."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from adapters.simulation.keys import KeyRing
from adapters.wechat.signing import seal_resource

_YEARS = 5
_CHINA = timezone(timedelta(hours=8))
_AUTHORITY = "Tenpay.com Root CA (simulated)"


class PlatformCertificate(Struct, frozen=True):
    """A certificate with the key it is for; `serial` is 40 hexadecimal digits."""

    serial: str
    pem: str
    key: RSAPrivateKey


def certify(keys: KeyRing, name: str) -> PlatformCertificate:
    """The kept certificate of that name; signed by itself, good for five years."""
    key = keys.rsa(name)
    pem = keys.kept(f"{name}.crt", _issue(key))
    certificate = x509.load_pem_x509_certificate(pem.encode())
    return PlatformCertificate(f"{certificate.serial_number:040X}", pem, key)


def hand_out(certificates: Sequence[PlatformCertificate], apiv3_key: str) -> dict[str, Any]:
    """The answer's body: each certificate encrypted under the merchant's APIv3 key."""
    return {"data": [_wrap(certificate, apiv3_key.encode()) for certificate in certificates]}


def _issue(key: RSAPrivateKey) -> str:
    now = datetime.now(tz=UTC).replace(microsecond=0)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, _AUTHORITY),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tenpay.com"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        ]
    )
    # 159 bits: no leading zero digit, and positive.
    serial = (1 << 158) | secrets.randbits(158)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def _wrap(certificate: PlatformCertificate, apiv3_key: bytes) -> dict[str, Any]:
    nonce = secrets.token_hex(6)
    parsed = x509.load_pem_x509_certificate(certificate.pem.encode())
    return {
        "serial_no": certificate.serial,
        "effective_time": parsed.not_valid_before_utc.astimezone(_CHINA).isoformat(),
        "expire_time": parsed.not_valid_after_utc.astimezone(_CHINA).isoformat(),
        "encrypt_certificate": {
            "algorithm": "AEAD_AES_256_GCM",
            "nonce": nonce,
            "associated_data": "certificate",
            "ciphertext": seal_resource(apiv3_key, nonce, "certificate", certificate.pem.encode()),
        },
    }
