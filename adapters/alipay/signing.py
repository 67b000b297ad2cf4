"""Alipay's signatures, certificates and content encryption: pure functions of bytes and keys.

Both sides of the wire sign alike (RSA2 is RSA PKCS#1 v1.5 with SHA-256, base64), so the
gateway's simulator uses these functions too. Nothing here does I/O or reads a clock.

Sources: Alipay open platform, "自行实现签名" (requests), "自行实现验签" (answers and
notices), "获取会员手机号" (the phone button's envelope) and "接口内容加密方式" (AES).

Everything that cannot be read raises `SigningWrong`, whose text holds no data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from msgspec import Struct

# What Alipay has ever named as a charset, each with Python's codec that reads all of it.
CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gb18030", "gb2312": "gb18030"}
CHARSETS["gb18030"] = "gb18030"
FIELDS_MOST = 128

ERROR_MEMBER = "error_response"
_RSA_SIGNATURES = bytes.fromhex("06092a864886f70d0101")  # DER of the OIDs 1.2.840.113549.1.1.*
_AES_BLOCK_BITS = 128


class SigningWrong(Exception):
    """A key, certificate, form or envelope that cannot be read."""


# ── Signatures ──────────────────────────────────────────────────────────────────────────


def request_text(parameters: Mapping[str, str]) -> bytes:
    """What a request's signature covers: every parameter with a value, `sign_type` too."""
    return _joined({key: value for key, value in parameters.items() if value and key != "sign"})


def notice_text(form: Form) -> bytes:
    """What a trade notice's signature covers: all but `sign` and `sign_type` (rsaCheckV1).

    The number of the signing certificate, where one is named, is not covered either.
    """
    return _joined_form(form, without=frozenset({"sign", "sign_type", "alipay_cert_sn"}))


def message_text(form: Form) -> bytes:
    """What a gateway message's signature covers: all but `sign` (rsaCheckV2)."""
    return _joined_form(form, without=frozenset({"sign"}))


def sign(text: bytes, key: RSAPrivateKey) -> str:
    """The RSA2 signature, in base64 without line breaks."""
    return base64.b64encode(key.sign(text, rsa_padding.PKCS1v15(), hashes.SHA256())).decode()


def is_signed(text: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether `signature` (base64) is the key owner's RSA2 signature of `text`."""
    try:
        key.verify(_decoded(signature), text, rsa_padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, SigningWrong):
        return False
    return True


def signed_query(parameters: Mapping[str, str], key: RSAPrivateKey) -> str:
    """`parameters` with their signature, as a query or a form in UTF-8."""
    return urlencode({**parameters, "sign": sign(request_text(parameters), key)})


# ── Answers ─────────────────────────────────────────────────────────────────────────────


class SignedMember(Struct, frozen=True):
    """The part of an answer that is signed: `raw` are its bytes as they came.

    `signature` is empty where the gateway sent none; `certificate_sn` says which of its
    certificates signed, in certificate mode.
    """

    name: str
    raw: bytes
    signature: str
    certificate_sn: str | None


def signed_member(body: bytes, method: str) -> SignedMember:
    """The answer to `method` in `body`, or the gateway's `error_response` in its place.

    The bytes are cut out, never encoded again: only they are what was signed.
    """
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        wanted = method.replace(".", "_") + "_response"
        name = wanted if wanted in members else ERROR_MEMBER
        signature = msgspec.json.decode(members.get("sign", b'""'), type=str)
        serial = msgspec.json.decode(members.get("alipay_cert_sn", b"null"), type=str | None)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as wrong:
        raise SigningWrong("an answer that is not JSON") from wrong
    if name not in members:
        raise SigningWrong("an answer without its member")
    return SignedMember(name, bytes(members[name]), signature, serial)


# ── Forms ───────────────────────────────────────────────────────────────────────────────


class Form(Struct, frozen=True):
    """A notice's fields, decoded once; blank ones kept, since they are signed too."""

    fields: dict[str, str]
    codec: str


def read_form(body: bytes) -> Form:
    """The fields of a posted form, in the charset it names itself (UTF-8 where it does not)."""
    try:
        text = body.decode("ascii")
        codec = CHARSETS[_named_charset(text)]
        pairs = parse_qsl(
            text,
            keep_blank_values=True,
            encoding=codec,
            errors="strict",
            max_num_fields=FIELDS_MOST,
        )
    except (ValueError, KeyError) as wrong:
        raise SigningWrong("a form that cannot be read") from wrong
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise SigningWrong("a form that names a field twice")
    return Form(fields, codec)


def _named_charset(text: str) -> str:
    for pair in text.split("&"):
        key, _, value = pair.partition("=")
        if key == "charset":
            return unquote(value).lower()
    return "utf-8"


def _joined_form(form: Form, *, without: frozenset[str]) -> bytes:
    kept = {key: value for key, value in form.fields.items() if key not in without}
    return _joined(kept, form.codec)


def _joined(parameters: Mapping[str, str], codec: str = "utf-8") -> bytes:
    try:
        return "&".join(f"{key}={parameters[key]}" for key in sorted(parameters)).encode(codec)
    except UnicodeEncodeError as wrong:
        raise SigningWrong("text that its charset cannot hold") from wrong


# ── Keys and certificates ───────────────────────────────────────────────────────────────


def read_private_key(text: str) -> RSAPrivateKey:
    """An application's key: PEM, or the bare base64 that Alipay's key tool gives."""
    wrapped = text if "-----BEGIN" in text else None
    try:
        if wrapped is not None:
            key = serialization.load_pem_private_key(wrapped.encode(), password=None)
        else:
            key = serialization.load_der_private_key(_decoded(text), password=None)
    except (ValueError, TypeError) as wrong:
        raise SigningWrong("a private key that cannot be read") from wrong
    if not isinstance(key, RSAPrivateKey):
        raise SigningWrong("a private key that is not RSA")
    return key


def read_public_key(text: str) -> RSAPublicKey:
    """Alipay's key: PEM, or the bare base64 that its console shows."""
    try:
        if "-----BEGIN" in text:
            key = serialization.load_pem_public_key(text.encode())
        else:
            key = serialization.load_der_public_key(_decoded(text))
    except (ValueError, TypeError) as wrong:
        raise SigningWrong("a public key that cannot be read") from wrong
    if not isinstance(key, RSAPublicKey):
        raise SigningWrong("a public key that is not RSA")
    return key


def read_certificates(pem: str) -> list[x509.Certificate]:
    """The RSA-signed certificates of a bundle, in its order.

    Others are left out before they are parsed: Alipay's published roots hold SM2 and ECDSA
    ones, and a strict parser stumbles over one of them.
    """
    found: list[x509.Certificate] = []
    for block in pem.split("-----BEGIN CERTIFICATE-----")[1:]:
        der = _decoded(block.partition("-----END CERTIFICATE-----")[0])
        if not _is_rsa_signed(der):
            continue
        try:
            found.append(x509.load_der_x509_certificate(der))
        except ValueError as wrong:
            raise SigningWrong("a certificate that cannot be read") from wrong
    if not found:
        raise SigningWrong("no RSA certificate in it")
    return found


def certificate_sn(certificate: x509.Certificate) -> str:
    """Alipay's number of a certificate: MD5 of its issuer's names and its serial, in hex."""
    named = f"{certificate.issuer.rfc4514_string()}{certificate.serial_number}"
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def root_certificate_sn(roots: Sequence[x509.Certificate]) -> str:
    """The number of a bundle of roots: those of its certificates, joined."""
    return "_".join(certificate_sn(root) for root in roots)


def certificate_key(certificate: x509.Certificate) -> RSAPublicKey:
    """The RSA key that a certificate vouches for."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey):
        raise SigningWrong("a certificate without an RSA key")
    return key


def is_trusted(
    chain: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime | None = None
) -> bool:
    """Whether the first of `chain` is vouched for, over the others, by one of `roots`.

    With `at` every certificate on the way must also be in force at that time.
    """
    current, rest = chain[0], list(chain[1:])
    for _ in range(len(chain) + 1):
        if at is not None and not (
            current.not_valid_before_utc <= at <= current.not_valid_after_utc
        ):
            return False
        if any(_issued(root, current) for root in roots):
            return True
        above = next((other for other in rest if _may_issue(other, current)), None)
        if above is None:
            return False
        rest.remove(above)
        current = above
    return False


def _may_issue(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    """Issued by it, and it is an authority: a plain certificate's owner can vouch for nobody."""
    try:
        extension = issuer.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return extension.value.ca and _issued(issuer, certificate)


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _is_rsa_signed(der: bytes) -> bool:
    """Certificate ::= SEQUENCE { tbs SEQUENCE, signatureAlgorithm SEQUENCE { OID … } … }."""
    start, _ = _content(der, 0)
    _, tbs_end = _content(der, start)
    algorithm, _ = _content(der, tbs_end)
    return der.startswith(_RSA_SIGNATURES, algorithm)


def _content(der: bytes, at: int) -> tuple[int, int]:
    """Where the content of the DER SEQUENCE at `at` begins and ends."""
    if at + 2 > len(der) or der[at] != 0x30:
        raise SigningWrong("a certificate that is not DER")
    length, begin = der[at + 1], at + 2
    if length & 0x80:
        count = length & 0x7F
        length = int.from_bytes(der[begin : begin + count], "big")
        begin += count
    if begin + length > len(der):
        raise SigningWrong("a certificate that is cut off")
    return begin, begin + length


# ── Content encryption and the phone button's envelope ──────────────────────────────────


def encrypt(content: bytes, aes_key: bytes) -> str:
    """AES-CBC with Alipay's zero vector and PKCS#7, in base64."""
    padder = padding.PKCS7(_AES_BLOCK_BITS).padder()
    cipher = _cipher(aes_key).encryptor()
    padded = padder.update(content) + padder.finalize()
    return base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def decrypt(content: str, aes_key: bytes) -> bytes:
    """The opposite of `encrypt`. Not authenticated: prove the signature first."""
    cipher = _cipher(aes_key).decryptor()
    unpadder = padding.PKCS7(_AES_BLOCK_BITS).unpadder()
    try:
        padded = cipher.update(_decoded(content)) + cipher.finalize()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as wrong:
        raise SigningWrong("content that this key does not open") from wrong


def read_aes_key(text: str) -> bytes:
    """The console's content key: base64 of 16, 24 or 32 bytes."""
    key = _decoded(text)
    if len(key) not in (16, 24, 32):
        raise SigningWrong("an AES key of a wrong length")
    return key


class _Envelope(Struct, frozen=True):
    response: msgspec.Raw
    sign: str = ""


def open_envelope(envelope: str, keys: Sequence[RSAPublicKey], aes_key: bytes | None) -> bytes:
    """What Alipay says in the envelope that `my.getPhoneNumber` gave: proven, then opened.

    The envelope does not say which of Alipay's `keys` signed it. An encrypted answer is a
    quoted text, and the quotes are signed too; an error is a plain object. Raises
    `SigningWrong` also where the signature is not Alipay's.
    """
    try:
        parts = msgspec.json.decode(envelope, type=_Envelope)
        raw = bytes(parts.response)
        sealed = msgspec.json.decode(raw) if raw.startswith(b'"') else None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as wrong:
        raise SigningWrong("an envelope that cannot be read") from wrong
    # A sender may have written the slashes of base64 as \/, which were not signed so.
    text = raw if sealed is None else f'"{sealed}"'.encode(errors="replace")
    if not any(is_signed(text, parts.sign, key) for key in keys):
        raise SigningWrong("an envelope that Alipay did not sign")
    if sealed is None:
        return raw
    if aes_key is None:
        raise SigningWrong("an encrypted envelope, and no key for it")
    return decrypt(sealed, aes_key)


def _cipher(aes_key: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(aes_key), modes.CBC(bytes(16)))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise SigningWrong("text that is not base64") from wrong
