"""RFC 9421 signatures and RFC 9530 digests: vectors of the standards, and every refusal."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from api.signatures import (
    BodyDigest,
    Claim,
    Fields,
    Key,
    Message,
    Unproven,
    check_age,
    is_signed,
    read_claim,
    read_fields,
)

NOW = 1_800_000_000
DIGEST = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
COVERED = '("@method" "@target-uri" "content-digest")'
PARAMETERS = f';created={NOW};nonce="abcdefgh";keyid="k1"'
SIGNATURE = "sig1=:AAAA:"

# RFC 9421 appendix B: the test request, the shared secret and the Ed25519 key.
RFC_FIELDS = [
    ("host", "example.com"),
    ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
    ("content-type", "application/json"),
    ("content-length", "18"),
]
RFC_URL = "https://example.com/foo?param=Value&Pet=dog"
RFC_SECRET = base64.b64decode(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)
RFC_ED25519 = base64.b64decode("MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=")


def rfc_message(name: str, parameters: str, signature: str) -> Message:
    lines = [
        *RFC_FIELDS,
        ("signature-input", f"{name}={parameters}"),
        ("signature", f"{name}=:{signature}:"),
    ]
    return Message("POST", RFC_URL, Fields(lines))


def claim(key_id: str, algorithm: str | None = None) -> Claim:
    return Claim(key_id, 1618884473, None, "abcdefgh", algorithm, False)


def ed25519_key() -> Key:
    loaded = load_der_public_key(RFC_ED25519)
    assert isinstance(loaded, Ed25519PublicKey)
    return Key("ed25519", loaded.public_bytes_raw())


def test_the_standards_hmac_vector_is_signed() -> None:
    message = rfc_message(
        "sig-b25",
        '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
        "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=",
    )
    assert is_signed(message, claim("test-shared-secret"), Key("hmac-sha256", RFC_SECRET))
    assert not is_signed(message, claim("test-shared-secret"), Key("hmac-sha256", RFC_SECRET[1:]))
    assert not is_signed(message, claim("another"), Key("hmac-sha256", RFC_SECRET))


ED25519_VECTOR = (
    "sig-b26",
    '("date" "@method" "@path" "@authority" "content-type" "content-length")'
    ';created=1618884473;keyid="test-key-ed25519"',
    "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
)


def test_the_standards_ed25519_vector_is_signed() -> None:
    message = rfc_message(*ED25519_VECTOR)
    assert is_signed(message, claim("test-key-ed25519"), ed25519_key())


def test_the_key_alone_says_which_algorithm_counts() -> None:
    message = rfc_message(*ED25519_VECTOR)
    public_key = ed25519_key().material
    assert not is_signed(message, claim("test-key-ed25519"), Key("hmac-sha256", public_key))
    assert not is_signed(message, claim("test-key-ed25519", "hmac-sha256"), ed25519_key())


def test_a_key_that_is_none_proves_nothing() -> None:
    message = rfc_message(*ED25519_VECTOR)
    assert not is_signed(message, claim("test-key-ed25519"), Key("ed25519", b"short"))


def fields(
    signature_input: str | None = f"sig1={COVERED}{PARAMETERS}",
    signature: str | None = SIGNATURE,
    digest: str | None = DIGEST,
    *more: tuple[str, str],
) -> Fields:
    given = {"signature-input": signature_input, "signature": signature, "content-digest": digest}
    return Fields([(n, v) for n, v in given.items() if v is not None] + list(more))


def refusal(found: Fields, method: str = "POST") -> str:
    with pytest.raises(Unproven) as caught:
        read_claim(method, found)
    return caught.value.reason


def test_a_whole_claim_is_read() -> None:
    found = read_claim("POST", fields(f'sig1={COVERED}{PARAMETERS};alg="ed25519";expires={NOW}'))
    assert found == Claim("k1", NOW, NOW, "abcdefgh", "ed25519", True)


def test_more_may_be_covered_and_in_any_order() -> None:
    covered = '("content-digest" "@target-uri" "date" "@method")'
    more = ("date", "Tue, 20 Apr 2021 02:07:55 GMT")
    found = read_claim("POST", fields(f"sig1={covered}{PARAMETERS}", SIGNATURE, DIGEST, more))
    assert found.covers_digest


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (fields(None), "missing"),
        (fields(signature=None), "missing"),
        (fields("sig1=(((" + PARAMETERS), "malformed"),
        (fields("sig1=" + "x" * 5000), "malformed"),
        (fields("签名"), "malformed"),
        (fields(f"sig1={COVERED}{PARAMETERS}, sig1={COVERED}{PARAMETERS}"), "malformed"),
        (fields(f"sig1={COVERED}{PARAMETERS}, sig2={COVERED}{PARAMETERS}"), "several"),
        (fields(signature="sig1=:AAAA:, sig2=:AAAA:"), "several"),
        (fields(signature="sig2=:AAAA:"), "malformed"),
        (fields(signature='sig1="AAAA"'), "malformed"),
        (fields("sig1=7" + PARAMETERS), "malformed"),
        (fields('sig1=("@method" "content-digest")' + PARAMETERS), "components"),
        (fields('sig1=("@target-uri" "content-digest")' + PARAMETERS), "components"),
        (fields('sig1=("@method" "@target-uri")' + PARAMETERS), "components"),
        (fields('sig1=("@method";req "@target-uri" "content-digest")' + PARAMETERS), "components"),
        (
            fields('sig1=("@method" "@target-uri" "content-digest";key="sha-256")' + PARAMETERS),
            "components",
        ),
        (fields(digest=None), "components"),
        (fields('sig1=("@method" "@target-uri")' + PARAMETERS, digest=None), "digest_missing"),
        (fields(f'sig1={COVERED};nonce="abcdefgh";keyid="k1"'), "parameters"),
        (fields(f'sig1={COVERED};created="{NOW}";nonce="abcdefgh";keyid="k1"'), "parameters"),
        (fields(f'sig1={COVERED};created={NOW}.5;nonce="abcdefgh";keyid="k1"'), "parameters"),
        (fields(f'sig1={COVERED};created=?1;nonce="abcdefgh";keyid="k1"'), "parameters"),
        (fields(f'sig1={COVERED};created={NOW};nonce="abcdefgh"'), "parameters"),
        (fields(f'sig1={COVERED};created={NOW};nonce="abcdefgh";keyid=k1'), "parameters"),
        (fields(f'sig1={COVERED};created={NOW};nonce="abcdefgh";keyid=""'), "parameters"),
        (fields(f'sig1={COVERED}{PARAMETERS};expires="1"'), "parameters"),
        (fields(f"sig1={COVERED}{PARAMETERS};alg=ed25519"), "parameters"),
        (fields(f"sig1={COVERED}{PARAMETERS};other=1"), "parameters"),
        (fields(f'sig1={COVERED};created={NOW};keyid="k1"'), "nonce"),
        (fields(f'sig1={COVERED};created={NOW};nonce="abcdefg";keyid="k1"'), "nonce"),
        (fields(f'sig1={COVERED};created={NOW};nonce="{"a" * 129}";keyid="k1"'), "nonce"),
        (fields(f'sig1={COVERED};created={NOW};nonce="abcd efgh";keyid="k1"'), "nonce"),
    ],
)
def test_an_incomplete_claim_is_refused(found: Fields, reason: str) -> None:
    assert refusal(found) == reason


@pytest.mark.parametrize("length", [8, 128])
def test_nonces_of_8_to_128_characters_are_taken(length: int) -> None:
    nonce = "~" * length
    found = fields(f'sig1={COVERED};created={NOW};nonce="{nonce}";keyid="k1"')
    assert read_claim("POST", found).nonce == nonce


WITHOUT_DIGEST = 'sig1=("@method" "@target-uri")' + PARAMETERS


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_request_without_a_body_may_leave_the_digest_out(method: str) -> None:
    assert not read_claim(method, fields(WITHOUT_DIGEST, digest=None)).covers_digest


@pytest.mark.parametrize("announced", [("content-length", "2"), ("transfer-encoding", "chunked")])
def test_a_get_with_a_body_needs_the_digest(announced: tuple[str, str]) -> None:
    found = fields(WITHOUT_DIGEST, SIGNATURE, None, announced)
    assert refusal(found, "GET") == "digest_missing"


def test_a_digest_that_is_there_must_be_covered() -> None:
    assert refusal(fields(WITHOUT_DIGEST), "GET") == "components"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_empty_body_of_a_writing_request_needs_the_digest(method: str) -> None:
    assert refusal(fields(WITHOUT_DIGEST, digest=None), method) == "digest_missing"


@pytest.mark.parametrize("offset", [-300, -299, 0, 300, 300.9])
def test_a_signature_counts_for_300_seconds_either_way(offset: float) -> None:
    check_age(Claim("k1", NOW, None, "n", None, True), NOW + offset)


@pytest.mark.parametrize("offset", [-301, 301, 86_400, -86_400])
def test_an_older_or_later_signature_is_stale(offset: float) -> None:
    with pytest.raises(Unproven) as caught:
        check_age(Claim("k1", NOW, None, "n", None, True), NOW + offset)
    assert caught.value.reason == "stale"


def test_an_expired_signature_is_stale_within_the_window() -> None:
    check_age(Claim("k1", NOW, NOW + 10, "n", None, True), NOW + 10)
    with pytest.raises(Unproven):
        check_age(Claim("k1", NOW, NOW + 10, "n", None, True), NOW + 11)


def digest_of(body: bytes, name: str = "sha-256") -> str:
    made = hashlib.new(name.replace("-", ""), body).digest()
    return f"{name}=:{base64.b64encode(made).decode()}:"


def check(field: str, *parts: bytes) -> None:
    digest = BodyDigest(field)
    for part in parts:
        digest.update(part)
    digest.check()


def test_a_body_fits_its_digest_in_parts() -> None:
    # RFC 9530 appendix B.1: the content and its digest.
    body = b'{"hello": "world"}\n'
    check("sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:", body[:5], body[5:])
    check(f"{digest_of(body, 'sha-512')}, {digest_of(body)}", body)


def test_a_digest_nobody_knows_is_passed_over_beside_one_that_counts() -> None:
    check(f"md5=:AAAA:, {digest_of(b'x')}", b"x")


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        (digest_of(b"another"), "digest_wrong"),
        (f"{digest_of(b'body')}, {digest_of(b'another', 'sha-512')}", "digest_wrong"),
        ("sha-256=:AAAA:", "digest_wrong"),
        ("sha-256=text", "digest_wrong"),
        ("md5=:AAAA:", "digest_missing"),
        ("", "digest_missing"),
        (f"{digest_of(b'body')}, {digest_of(b'body')}", "malformed"),
        ("sha-256=:not base64:", "malformed"),
    ],
)
def test_a_wrong_digest_is_refused(field: str, reason: str) -> None:
    with pytest.raises(Unproven) as caught:
        check(field, b"body")
    assert caught.value.reason == reason


def test_fields_are_joined_as_the_wire_had_them() -> None:
    found = read_fields([(b"a", b" 1 "), (b"b", b"2"), (b"a", b"3")])
    assert found.joined("a") == "1, 3"
    assert found.joined("c") is None


def test_a_key_shows_no_secret() -> None:
    assert "secret" not in repr(Key("hmac-sha256", b"secret"))
