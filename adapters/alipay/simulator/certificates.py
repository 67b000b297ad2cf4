"""The gateway's own authority: root → two intermediates → the application's and the gateway's.

The bundle of roots also holds one signed with ECDSA, as the published one does: whoever
counts it into the bundle's number is wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP384R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from msgspec import Struct

from adapters.alipay.signing import certificate_sn, read_certificates, root_certificate_sn
from adapters.simulation.keys import KeyRing

_LIFE = timedelta(days=3650)


class Certificates(Struct, frozen=True):
    """PEM texts and their numbers; `alipay` and `alipay_next` are chains, the leaf first."""

    root: str
    root_sn: str
    app: str
    app_sn: str
    alipay: str
    alipay_sn: str
    alipay_next: str
    alipay_next_sn: str

    def chain(self, certificate_sn: str) -> str | None:
        """One of the gateway's own, by its number."""
        chains = {self.alipay_sn: self.alipay, self.alipay_next_sn: self.alipay_next}
        return chains.get(certificate_sn)


class _Authority(Struct, frozen=True):
    name: x509.Name
    key: RSAPrivateKey
    pem: str


def open_certificates(ring: KeyRing) -> Certificates:
    """Those of the folder; the first time they are made."""
    root_key, root_name = ring.rsa("root"), _name("Simulated Certification Authority R1")
    root = ring.kept("root.crt", _issue(root_name, root_key, root_name, root_key, authority=True))
    foreign = ring.kept("root_ecdsa.crt", _elliptic_root())

    def authority(name: str, title: str) -> _Authority:
        key, subject = ring.rsa(name), _name(title)
        made = _issue(subject, key, root_name, root_key, authority=True)
        return _Authority(subject, key, ring.kept(f"{name}.crt", made))

    def leaf(name: str, title: str, issuer: _Authority) -> str:
        made = _issue(_name(title), ring.rsa(name), issuer.name, issuer.key, authority=False)
        return ring.kept(f"{name}.crt", made)

    # Applications and the gateway have issuers of their own, as with the real ones.
    for_apps = authority("class1", "Simulated Certification Authority Class 1 R1")
    for_gateways = authority("class2", "Simulated Certification Authority Class 2 R1")
    app = leaf("app", "The application", for_apps)
    now = leaf("alipay", "The gateway", for_gateways)
    following = leaf("alipay_next", "The gateway, next", for_gateways)
    roots = f"{foreign}\n{root}"
    return Certificates(
        root=roots,
        root_sn=root_certificate_sn(read_certificates(roots)),
        app=app,
        app_sn=_number(app),
        alipay=now + for_gateways.pem,
        alipay_sn=_number(now),
        alipay_next=following + for_gateways.pem,
        alipay_next_sn=_number(following),
    )


def _number(pem: str) -> str:
    return certificate_sn(read_certificates(pem)[0])


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Simulated Gateway"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Certification Authority"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _issue(
    name: x509.Name,
    key: RSAPrivateKey | EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: RSAPrivateKey | EllipticCurvePrivateKey,
    *,
    authority: bool,
) -> str:
    at = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + _LIFE)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def _elliptic_root() -> str:
    key, name = generate_private_key(SECP384R1()), _name("Simulated Certification Authority E1")
    return _issue(name, key, name, key, authority=True)
