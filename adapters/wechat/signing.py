"""WeChat's signatures and ciphers: pure functions of bytes and keys, in both directions.

Four families: WeChat Pay v3 (RSA PKCS#1 v1.5 over lines, AES-GCM notices, OAEP fields),
the mini-program's message push (SHA-1 over sorted words, AES-CBC padded to 32), the older
`encryptedData` (AES-CBC under the session key), and API security (RSA-PSS, AES-GCM).
Whatever cannot be proven or opened raises Unproven with one of NoticeRefused's codes; no
function raises anything else for bytes that came from outside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

PAY_SCHEME = "WECHATPAY2-SHA256-RSA2048"
PUBLIC_KEY_PREFIX = "PUB_KEY_ID_"
PROBE_PREFIX = "WECHATPAY/SIGNTEST/"
WINDOW_SECONDS = 300

_GCM_NONCE = 12
_GCM_TAG = 16
_PUSH_BLOCK = 32
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303 (WeChat Pay's choice for fields)
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)


class Unproven(Exception):
    """Not shown to be theirs, or not to be opened; `code` is one of NoticeRefused's."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeyWrong(ValueError):
    """A key of ours that cannot be used; the text says why and holds no part of it."""


# ── Keys ────────────────────────────────────────────────────────────────────────────────


def read_private_key(pem: str) -> RSAPrivateKey:
    """An RSA private key, PKCS#1 or PKCS#8. Raises KeyWrong."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        raise KeyWrong("is no PEM private key without a password") from None
    if not isinstance(key, RSAPrivateKey):
        raise KeyWrong("is no RSA key")
    return key


def read_public_key(pem: str) -> RSAPublicKey:
    """The RSA public key of a PEM `PUBLIC KEY` or `CERTIFICATE`. Raises KeyWrong."""
    try:
        if "BEGIN CERTIFICATE" in pem:
            key = x509.load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = serialization.load_pem_public_key(pem.encode())  # type: ignore[assignment]
    except ValueError:
        raise KeyWrong("is neither a PEM public key nor a PEM certificate") from None
    if not isinstance(key, RSAPublicKey):
        raise KeyWrong("is no RSA key")
    return key


def normal_serial(serial: str) -> str:
    """A serial as a key of our maps: hex without case and leading zeros, or PUB_KEY_ID_…"""
    if serial.startswith(PUBLIC_KEY_PREFIX):
        return serial
    return serial.upper().lstrip("0")


# ── WeChat Pay v3 ───────────────────────────────────────────────────────────────────────


def sign_rsa(text: bytes, key: RSAPrivateKey) -> str:
    """RSA PKCS#1 v1.5 with SHA-256, base64."""
    return base64.b64encode(key.sign(text, padding.PKCS1v15(), hashes.SHA256())).decode()


def verify_rsa(text: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether `signature` (base64) is the key owner's over `text`."""
    try:
        key.verify(_decode(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, Unproven):
        return False
    return True


def request_text(method: str, target: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What a request's signature covers; `target` is path and query exactly as sent."""
    return f"{method}\n{target}\n{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_text(timestamp: str, nonce: str, body: bytes) -> bytes:
    """What the signature of an answer or a notice covers; the raw body, empty for a 204."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


class MerchantKey(Struct, frozen=True):
    """What a merchant signs with: its number, its certificate's serial, its private key."""

    merchant_id: str
    serial: str
    key: RSAPrivateKey


def authorization(
    merchant: MerchantKey, method: str, target: str, body: bytes, *, timestamp: int, nonce: str
) -> str:
    """The Authorization header of a request; `timestamp` in seconds, good for five minutes."""
    text = request_text(method, target, str(timestamp), nonce, body)
    return (
        f'{PAY_SCHEME} mchid="{merchant.merchant_id}",nonce_str="{nonce}",'
        f'timestamp="{timestamp}",serial_no="{merchant.serial}",'
        f'signature="{sign_rsa(text, merchant.key)}"'
    )


def prove_pay(
    headers: Mapping[str, str], body: bytes, keys: Mapping[str, RSAPublicKey], *, now: float
) -> None:
    """Prove an answer's or a notice's `Wechatpay-*` headers (lower case) over the raw body.

    `keys` by `normal_serial`. Costs at most one RSA verification. Raises Unproven:
    `signature_probe`, `signature_wrong` (also unsigned), `stale`, `serial_unknown`.
    """
    signature = headers.get("wechatpay-signature", "")
    if signature.startswith(PROBE_PREFIX):
        raise Unproven("signature_probe")
    timestamp = headers.get("wechatpay-timestamp", "")
    nonce = headers.get("wechatpay-nonce", "")
    serial = headers.get("wechatpay-serial", "")
    if not (signature and timestamp and nonce and serial):
        raise Unproven("signature_wrong")
    if headers.get("wechatpay-signature-type", PAY_SCHEME) != PAY_SCHEME:
        raise Unproven("signature_wrong")
    _demand_fresh(timestamp, now)
    key = keys.get(normal_serial(serial))
    if key is None:
        raise Unproven("serial_unknown")
    if not verify_rsa(answer_text(timestamp, nonce, body), signature, key):
        raise Unproven("signature_wrong")


def _demand_fresh(timestamp: str, now: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unproven("malformed")
    if abs(now - int(timestamp)) >= WINDOW_SECONDS:
        raise Unproven("stale")


def open_resource(key: bytes, nonce: str, associated_data: str, ciphertext: str) -> bytes:
    """Decrypt an AEAD_AES_256_GCM resource; `ciphertext` base64 with the tag at its end."""
    raw_nonce = nonce.encode()
    sealed = _decode(ciphertext)
    if len(raw_nonce) != _GCM_NONCE or len(sealed) < _GCM_TAG:
        raise Unproven("malformed")
    return _open_gcm(key, raw_nonce, sealed, associated_data.encode())


def seal_resource(key: bytes, nonce: str, associated_data: str, plaintext: bytes) -> str:
    """The inverse of `open_resource`."""
    sealed = AESGCM(key).encrypt(nonce.encode(), plaintext, associated_data.encode())
    return base64.b64encode(sealed).decode()


def encrypt_field(text: str, key: RSAPublicKey) -> str:
    """A sensitive field for WeChat Pay: RSA-OAEP with SHA-1, base64."""
    return base64.b64encode(key.encrypt(text.encode(), _OAEP)).decode()


def decrypt_field(text: str, key: RSAPrivateKey) -> str:
    """A sensitive field from WeChat Pay. Raises Unproven."""
    try:
        return key.decrypt(_decode(text), _OAEP).decode()
    except ValueError:
        raise Unproven("malformed") from None


def sign_launch(
    app_id: str, prepay_id: str, key: RSAPrivateKey, *, timestamp: int, nonce: str
) -> dict[str, str]:
    """What `wx.requestPayment` is given, all texts; `app_id` is the launching mini-program."""
    package = f"prepay_id={prepay_id}"
    text = f"{app_id}\n{timestamp}\n{nonce}\n{package}\n".encode()
    return {
        "timeStamp": str(timestamp),
        "nonceStr": nonce,
        "package": package,
        "signType": "RSA",
        "paySign": sign_rsa(text, key),
    }


# ── Message push ────────────────────────────────────────────────────────────────────────


def push_signature(words: Iterable[str]) -> str:
    """SHA-1 over the sorted words: token, timestamp, nonce and, in secure mode, the cipher."""
    return hashlib.sha1("".join(sorted(words)).encode()).hexdigest()  # noqa: S324 (WeChat's)


def prove_push(words: Iterable[str], signature: str) -> None:
    """Raises Unproven `signature_wrong`."""
    if not hmac.compare_digest(push_signature(words).encode(), signature.encode()):
        raise Unproven("signature_wrong")


def read_push_key(encoding_aes_key: str) -> bytes:
    """The 32 bytes behind the console's 43 characters. Raises KeyWrong."""
    try:
        key = base64.b64decode(encoding_aes_key + "=", validate=False)
    except ValueError:
        key = b""
    if len(encoding_aes_key) != 43 or len(key) != 32:
        raise KeyWrong("is not the 43 characters of an EncodingAESKey")
    return key


def open_push(key: bytes, encrypted: str, app_id: str) -> bytes:
    """The message inside a secure push. Raises Unproven: `malformed`, `not_ours`."""
    content = _open_cbc(key, key[:16], _decode(encrypted), _PUSH_BLOCK)
    length = int.from_bytes(content[16:20], "big")
    if len(content) < 20 + length:
        raise Unproven("malformed")
    if content[20 + length :] != app_id.encode():
        raise Unproven("not_ours")
    return content[20 : 20 + length]


def seal_push(key: bytes, message: bytes, app_id: str, *, salt: bytes) -> str:
    """The inverse of `open_push`; `salt` is 16 random bytes."""
    content = salt + len(message).to_bytes(4, "big") + message + app_id.encode()
    count = _PUSH_BLOCK - len(content) % _PUSH_BLOCK
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = encryptor.update(content + bytes([count]) * count) + encryptor.finalize()
    return base64.b64encode(sealed).decode()


# ── encryptedData, from before the phone button gave a code ─────────────────────────────


class _Watermark(Struct):
    appid: str


class _Watermarked(Struct):
    watermark: _Watermark


def open_encrypted_data(session_key: str, iv: str, encrypted: str, app_id: str) -> bytes:
    """The JSON that `wx.getUserInfo` and its like hand over. Raises Unproven."""
    key, start = _decode(session_key), _decode(iv)
    if len(key) != 16 or len(start) != 16:
        raise Unproven("malformed")
    content = _open_cbc(key, start, _decode(encrypted), 16)
    try:
        marked = msgspec.json.decode(content, type=_Watermarked)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unproven("malformed") from None
    if marked.watermark.appid != app_id:
        raise Unproven("not_ours")
    return content


# ── API security: the mini-program's calls, encrypted and signed ────────────────────────


class Envelope(Struct, frozen=True):
    """What a sealed body is bound to; `url` is the full address without its query."""

    url: str
    app_id: str
    timestamp: int

    def associated_data(self, symmetric_serial: str) -> bytes:
        """What the cipher's tag covers besides the text."""
        return f"{self.url}|{self.app_id}|{self.timestamp}|{symmetric_serial}".encode()

    def signed_text(self, body: bytes) -> bytes:
        """What the signature covers: without the serial, which is a header only."""
        return f"{self.url}\n{self.app_id}\n{self.timestamp}\n".encode() + body


class Sealed(Struct, frozen=True):
    """An encrypted body as WeChat spells it; all base64."""

    iv: str
    data: str
    authtag: str


def seal_call(
    envelope: Envelope, key: bytes, symmetric_serial: str, plaintext: bytes, *, iv: bytes
) -> Sealed:
    """Encrypt a call's parameters; `iv` is 12 random bytes, never used twice."""
    sealed = AESGCM(key).encrypt(iv, plaintext, envelope.associated_data(symmetric_serial))
    return Sealed(
        iv=base64.b64encode(iv).decode(),
        data=base64.b64encode(sealed[:-_GCM_TAG]).decode(),
        authtag=base64.b64encode(sealed[-_GCM_TAG:]).decode(),
    )


def open_call(envelope: Envelope, key: bytes, symmetric_serial: str, sealed: Sealed) -> bytes:
    """Decrypt a sealed body. Raises Unproven."""
    iv, tag = _decode(sealed.iv), _decode(sealed.authtag)
    if len(iv) != _GCM_NONCE or len(tag) != _GCM_TAG:
        raise Unproven("malformed")
    return _open_gcm(
        key, iv, _decode(sealed.data) + tag, envelope.associated_data(symmetric_serial)
    )


def sign_call(envelope: Envelope, body: bytes, key: RSAPrivateKey) -> str:
    """RSA-PSS with SHA-256 and a salt of 32, base64."""
    signature = key.sign(envelope.signed_text(body), _PSS, hashes.SHA256())
    return base64.b64encode(signature).decode()


def verify_call(envelope: Envelope, body: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether `signature` (base64) is the key owner's over the body in its envelope."""
    try:
        key.verify(_decode(signature), envelope.signed_text(body), _PSS, hashes.SHA256())
    except (InvalidSignature, Unproven):
        return False
    return True


def prove_call(
    headers: Mapping[str, str],
    url: str,
    app_id: str,
    body: bytes,
    keys: Mapping[str, RSAPublicKey],
    *,
    now: float,
) -> Envelope:
    """Prove a sealed answer's `Wechatmp-*` headers (lower case); gives what it is bound to.

    `keys` by the console's serial. While WeChat changes its certificate an answer carries
    two signatures; the one whose serial we hold counts. Raises Unproven.
    """
    timestamp = headers.get("wechatmp-timestamp", "")
    if not timestamp:
        raise Unproven("signature_wrong")
    if headers.get("wechatmp-appid") != app_id:
        raise Unproven("not_ours")
    _demand_fresh(timestamp, now)
    envelope = Envelope(url, app_id, int(timestamp))
    for suffix in ("", "-deprecated"):
        key = keys.get(headers.get(f"wechatmp-serial{suffix}", ""))
        if key is not None:
            signature = headers.get(f"wechatmp-signature{suffix}", "")
            if not verify_call(envelope, body, signature, key):
                raise Unproven("signature_wrong")
            return envelope
    raise Unproven("serial_unknown")


# ── Shared ──────────────────────────────────────────────────────────────────────────────


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Unproven("malformed") from None


def _open_gcm(key: bytes, nonce: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated_data)
    except (InvalidTag, ValueError, OverflowError):
        raise Unproven("malformed") from None


def _open_cbc(key: bytes, iv: bytes, sealed: bytes, block: int) -> bytes:
    if not sealed or len(sealed) % 16:
        raise Unproven("malformed")
    decryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    content = decryptor.update(sealed) + decryptor.finalize()
    count = content[-1]
    if not 1 <= count <= block or content[-count:] != bytes([count]) * count:
        raise Unproven("malformed")
    return content[:-count]
