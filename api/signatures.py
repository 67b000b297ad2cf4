"""HTTP message signatures (RFC 9421) and content digests (RFC 9530), as pure functions.

A platform signs `@method`, `@target-uri` and `content-digest`, with the parameters
`created`, `nonce` and `keyid`; `alg` may be left out, `expires` may be added, and further
components may be covered. A request carries exactly one signature. Only a GET, HEAD or
DELETE without a body may leave the digest out: both the field and the component.

What is checked without a key (`read_claim`, `check_age`) comes first, then one
verification (`is_signed`), then the body (`BodyDigest`). Every refusal is an `Unproven`
with a reason; none of its words comes from the request.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Literal

import http_sf
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from msgspec import Struct

Algorithm = Literal["hmac-sha256", "ed25519"]
Reason = Literal[
    "missing",
    "malformed",
    "several",
    "components",
    "parameters",
    "nonce",
    "stale",
    "signature",
    "digest_missing",
    "digest_wrong",
]

WINDOW_SECONDS = 300
COMPONENTS = ("@method", "@target-uri", "content-digest")
ACCEPT_SIGNATURE = 'sig1=("@method" "@target-uri" "content-digest");created;nonce;keyid'
"""What RFC 9421 §5.1 lets a server ask for, for the header of that name."""

_FIELD_LIMIT = 4096
_BODILESS = frozenset({"GET", "HEAD", "DELETE"})
_KNOWN_PARAMETERS = frozenset({"alg", "created", "expires", "keyid", "nonce", "tag"})
_KEY_ID = re.compile(r"\A[\x21-\x7e]{1,100}\Z")
_NONCE = re.compile(r"\A[\x21-\x7e]{8,128}\Z")
_DIGESTS = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_ALGORITHMS = {"hmac-sha256": algorithms.HMAC_SHA256, "ed25519": algorithms.ED25519}


class Unproven(Exception):
    """The request is not shown to come from a key's holder."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Fields(Struct, frozen=True):
    """A request's header fields in the order of the wire, as (name, value)."""

    lines: Sequence[tuple[str, str]]

    def items(self) -> Iterable[tuple[str, str]]:
        """What the verifier reads them by."""
        return self.lines

    def joined(self, name: str) -> str | None:
        """The field's lines as one value (RFC 9110 §5.3), None where it is not there."""
        values = [value.strip(" \t") for field, value in self.lines if field == name]
        return ", ".join(values) if values else None


class Claim(Struct, frozen=True):
    """What a signature says of itself, before anything is proven. Times in Unix seconds."""

    key_id: str
    created: int
    expires: int | None
    nonce: str
    algorithm: str | None
    covers_digest: bool


class Key(Struct, frozen=True):
    """What a signature is checked with: a shared secret, or 32 bytes of an Ed25519 public key.

    The key alone says which algorithm counts, never the request.
    """

    algorithm: Algorithm
    material: bytes

    def __repr__(self) -> str:
        return f"Key({self.algorithm})"


class Message(Struct, frozen=True):
    """A request as the verifier wants it: `url` is the whole target URI."""

    method: str
    url: str
    headers: Fields


def read_fields(raw: Iterable[tuple[bytes, bytes]]) -> Fields:
    """The fields of an ASGI scope; names are lower case there."""
    return Fields([(name.decode("latin-1"), value.decode("latin-1")) for name, value in raw])


def read_claim(method: str, fields: Fields) -> Claim:
    """The only signature of a request, all it must say and cover being there. Raises Unproven."""
    covered, parameters = _read_member(fields)
    if parameters.keys() - _KNOWN_PARAMETERS:
        raise Unproven("parameters")
    has_digest = "content-digest" in covered
    if not {"@method", "@target-uri"} <= covered:
        raise Unproven("components")
    if has_digest != (fields.joined("content-digest") is not None):
        raise Unproven("components")
    if not has_digest and (method not in _BODILESS or _announces_body(fields)):
        raise Unproven("digest_missing")
    return _claim(parameters, has_digest)


def _read_member(fields: Fields) -> tuple[set[str], dict[str, Any]]:
    """Components covered as they are, and parameters, of the one member of both fields."""
    inputs = _parse(fields.joined("signature-input"))
    signatures = _parse(fields.joined("signature"))
    if len(inputs) != 1 or len(signatures) != 1:
        raise Unproven("several")
    ((label, (components, parameters)),) = inputs.items()
    if not isinstance(components, list) or label not in signatures:
        raise Unproven("malformed")
    if not isinstance(signatures[label][0], bytes):
        raise Unproven("malformed")
    # A component with a parameter stands for another value than the plain one.
    return {name for name, about in components if isinstance(name, str) and not about}, parameters


def _parse(value: str | None) -> dict[str, Any]:
    if value is None:
        raise Unproven("missing")
    if len(value) > _FIELD_LIMIT:
        raise Unproven("malformed")
    try:
        parsed = http_sf.parse(
            value.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse_duplicate
        )
    except (ValueError, TypeError, RecursionError):
        raise Unproven("malformed") from None
    if not isinstance(parsed, dict):
        raise Unproven("malformed")
    return parsed


def _refuse_duplicate(_key: str, _context: str) -> None:
    raise ValueError("a key stands twice")


def _announces_body(fields: Fields) -> bool:
    length = fields.joined("content-length")
    return length not in (None, "0") or fields.joined("transfer-encoding") is not None


def _claim(parameters: dict[str, Any], covers_digest: bool) -> Claim:
    key_id, nonce = parameters.get("keyid"), parameters.get("nonce")
    created, expires = parameters.get("created"), parameters.get("expires")
    algorithm = parameters.get("alg")
    # Exactly these types: a Token is no String, and true is no Integer (RFC 8941).
    if type(key_id) is not str or not _KEY_ID.match(key_id) or type(created) is not int:
        raise Unproven("parameters")
    if type(nonce) is not str or not _NONCE.match(nonce):
        raise Unproven("nonce")
    if expires is not None and type(expires) is not int:
        raise Unproven("parameters")
    if algorithm is not None and type(algorithm) is not str:
        raise Unproven("parameters")
    return Claim(key_id, created, expires, nonce, algorithm, covers_digest)


def check_age(claim: Claim, now: float) -> None:
    """Raises Unproven where it was made more than 300 s from `now` either way, or has expired."""
    second = int(now)
    if abs(second - claim.created) > WINDOW_SECONDS:
        raise Unproven("stale")
    if claim.expires is not None and claim.expires < second:
        raise Unproven("stale")


def is_signed(message: Message, claim: Claim, key: Key) -> bool:
    """Whether the key's holder signed this message; the claim must be the message's own."""
    if claim.algorithm is not None and claim.algorithm != key.algorithm:
        return False
    verifier = _Verifier(
        signature_algorithm=_ALGORITHMS[key.algorithm], key_resolver=_OneKey(claim.key_id, key)
    )
    try:
        return len(verifier.verify(message, max_age=None)) == 1
    except HTTPMessageSignaturesException:
        return False


class _Verifier(HTTPMessageVerifier):
    """The library's, with its clock left out: ages are `check_age`'s, against a given time."""

    max_clock_skew = timedelta(seconds=WINDOW_SECONDS)

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Done by check_age."""


class _OneKey(HTTPSignatureKeyResolver):
    """Knows the one key that was looked up for the claim."""

    def __init__(self, key_id: str, key: Key) -> None:
        self._key_id = key_id
        self._key = key

    def resolve_public_key(self, key_id: str) -> bytes | Ed25519PublicKey | None:
        """The key under its own id, nothing under another."""
        if key_id != self._key_id:
            return None
        if self._key.algorithm == "hmac-sha256":
            return self._key.material
        try:
            return Ed25519PublicKey.from_public_bytes(self._key.material)
        except (ValueError, UnsupportedAlgorithm):
            return None


class BodyDigest:
    """Checks a body against its Content-Digest while it arrives.

    SHA-256 and SHA-512 count, and all of them that are there must be right; others are
    passed over (RFC 9530 §2). Raises Unproven where none of the two is there.
    """

    def __init__(self, field: str) -> None:
        members = _parse(field)
        self._wanted: list[tuple[Any, bytes]] = []
        for name, (value, _) in members.items():
            if name in _DIGESTS:
                if not isinstance(value, bytes):
                    raise Unproven("digest_wrong")
                self._wanted.append((_DIGESTS[name](), value))
        if not self._wanted:
            raise Unproven("digest_missing")

    def update(self, part: bytes) -> None:
        """One more part of the body."""
        for digest, _ in self._wanted:
            digest.update(part)

    def check(self) -> None:
        """After the last part. Raises Unproven."""
        if not all(hmac.compare_digest(digest.digest(), value) for digest, value in self._wanted):
            raise Unproven("digest_wrong")
