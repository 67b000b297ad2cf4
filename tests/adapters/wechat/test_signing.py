"""Signatures and ciphers: the published vectors, other implementations, and no crash ever."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import struct
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3 import utils as w3
from wechatpy.crypto import PrpCrypto, WeChatCrypto, WeChatWxaCrypto
from wechatpy.utils import WeChatSigner

from adapters.wechat import signing
from adapters.wechat.identity import cert_hash
from tests.adapters.wechat import vectors as v

APIV3_KEY = b"0123456789abcdef0123456789abcdef"
NOW = 1_700_000_000


@pytest.fixture(scope="module")
def merchant() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def platform() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def refusal_of(proof: Any, *arguments: Any, **named: Any) -> str:
    with pytest.raises(signing.Unproven) as raised:
        proof(*arguments, **named)
    return raised.value.code


# ── WeChat Pay ──────────────────────────────────────────────────────────────────────────


def test_the_published_signature_is_made_and_verified() -> None:
    key = signing.read_private_key(v.PAY_PRIVATE_KEY)
    assert signing.sign_rsa(b"source", key) == v.PAY_SOURCE_SIGNATURE
    assert signing.verify_rsa(b"source", v.PAY_SOURCE_SIGNATURE, key.public_key())
    assert not signing.verify_rsa(b"sourcf", v.PAY_SOURCE_SIGNATURE, key.public_key())


def test_the_published_resource_opens_and_is_sealed_the_same() -> None:
    opened = signing.open_resource(v.GCM_KEY, v.GCM_NONCE, v.GCM_ASSOCIATED, v.GCM_CIPHERTEXT)
    assert opened == v.GCM_PLAINTEXT
    sealed = signing.seal_resource(v.GCM_KEY, v.GCM_NONCE, v.GCM_ASSOCIATED, v.GCM_PLAINTEXT)
    assert sealed == v.GCM_CIPHERTEXT


def test_the_published_notice_is_proven_and_opened() -> None:
    keys = {"D7CE59D1F522D701": signing.read_public_key(v.NOTICE_CERTIFICATE)}
    signing.prove_pay(v.NOTICE_HEADERS, v.NOTICE_BODY, keys, now=v.NOTICE_AT)
    opened = signing.open_resource(
        v.NOTICE_KEY, v.NOTICE_NONCE, v.NOTICE_ASSOCIATED, v.NOTICE_CIPHERTEXT
    )
    assert opened == v.NOTICE_PLAINTEXT


@pytest.mark.parametrize(
    ("changed", "now", "body", "code"),
    [
        ({}, v.NOTICE_AT + 300, v.NOTICE_BODY, "stale"),
        ({}, v.NOTICE_AT - 300, v.NOTICE_BODY, "stale"),
        ({}, v.NOTICE_AT, v.NOTICE_BODY + b" ", "signature_wrong"),
        ({"wechatpay-nonce": "other"}, v.NOTICE_AT, v.NOTICE_BODY, "signature_wrong"),
        ({"wechatpay-serial": "0A"}, v.NOTICE_AT, v.NOTICE_BODY, "serial_unknown"),
        ({"wechatpay-serial": "PUB_KEY_ID_1"}, v.NOTICE_AT, v.NOTICE_BODY, "serial_unknown"),
        ({"wechatpay-signature": ""}, v.NOTICE_AT, v.NOTICE_BODY, "signature_wrong"),
        ({"wechatpay-signature": "!!"}, v.NOTICE_AT, v.NOTICE_BODY, "signature_wrong"),
        ({"wechatpay-signature-type": "SM2"}, v.NOTICE_AT, v.NOTICE_BODY, "signature_wrong"),
        ({"wechatpay-timestamp": "soon"}, v.NOTICE_AT, v.NOTICE_BODY, "malformed"),
        ({"wechatpay-timestamp": "9" * 40}, v.NOTICE_AT, v.NOTICE_BODY, "malformed"),
        (
            {"wechatpay-signature": "WECHATPAY/SIGNTEST/rYoSBdS=="},
            v.NOTICE_AT,
            v.NOTICE_BODY,
            "signature_probe",
        ),
    ],
)
def test_what_differs_from_the_published_notice_is_refused(
    changed: Mapping[str, str], now: int, body: bytes, code: str
) -> None:
    keys = {"D7CE59D1F522D701": signing.read_public_key(v.NOTICE_CERTIFICATE)}
    headers = {**v.NOTICE_HEADERS, **changed}
    assert refusal_of(signing.prove_pay, headers, body, keys, now=now) == code


def test_a_serial_counts_without_case_and_leading_zeros() -> None:
    keys = {
        signing.normal_serial("00d7ce59d1f522d701"): signing.read_public_key(v.NOTICE_CERTIFICATE)
    }
    headers = {**v.NOTICE_HEADERS, "wechatpay-serial": "d7ce59d1f522d701"}
    signing.prove_pay(headers, v.NOTICE_BODY, keys, now=v.NOTICE_AT)


def test_a_request_is_signed_as_another_implementation_verifies(merchant: RSAPrivateKey) -> None:
    body = '{"描述":"工本费"}'.encode()
    key = signing.MerchantKey("1600000001", "5F00AA", merchant)
    header = signing.authorization(
        key, "POST", "/v3/pay?x=%E4%BD%A0", body, timestamp=NOW, nonce="n0nce"
    )
    scheme, _, rest = header.partition(" ")
    fields = dict(part.split("=", 1) for part in rest.split(","))
    values = {name: value.strip('"') for name, value in fields.items()}
    assert scheme == "WECHATPAY2-SHA256-RSA2048"
    assert (values["mchid"], values["serial_no"]) == ("1600000001", "5F00AA")
    # Its text is that of answers; with these words before the time it is that of requests.
    assert w3.rsa_verify(
        f"POST\n/v3/pay?x=%E4%BD%A0\n{values['timestamp']}",
        values["nonce_str"],
        body.decode(),
        values["signature"],
        merchant.public_key(),
    )


def test_two_implementations_sign_the_same_bytes(merchant: RSAPrivateKey) -> None:
    header = w3.build_authorization(
        "/v3/certificates", "GET", "1600000001", "5F00AA", merchant, nonce_str="N" * 32
    )
    timestamp = header.split('timestamp="')[1].split('"')[0]
    theirs = header.split('signature="')[1].split('"')[0]
    text = signing.request_text("GET", "/v3/certificates", timestamp, "N" * 32, b"")
    assert signing.sign_rsa(text, merchant) == theirs


def test_an_answer_signed_here_is_verified_by_another_and_back(platform: RSAPrivateKey) -> None:
    signature = signing.sign_rsa(signing.answer_text(str(NOW), "nonce", b""), platform)
    assert w3.rsa_verify(str(NOW), "nonce", "", signature, platform.public_key())
    theirs = w3.rsa_sign(platform, f"{NOW}\nnonce\n\n")
    headers = {
        "wechatpay-timestamp": str(NOW),
        "wechatpay-nonce": "nonce",
        "wechatpay-serial": "PUB_KEY_ID_01",
        "wechatpay-signature": theirs,
    }
    signing.prove_pay(headers, b"", {"PUB_KEY_ID_01": platform.public_key()}, now=NOW)


def test_resources_and_fields_travel_between_implementations(merchant: RSAPrivateKey) -> None:
    sealed = signing.seal_resource(APIV3_KEY, "123456789012", "", "收款".encode())
    assert w3.aes_decrypt("123456789012", sealed, "", APIV3_KEY.decode()) == "收款"
    assert signing.decrypt_field(w3.rsa_encrypt("张三", merchant.public_key()), merchant) == "张三"
    ours = signing.encrypt_field("李四", merchant.public_key())
    assert w3.rsa_decrypt(ours, merchant) == "李四"


@pytest.mark.parametrize(
    ("key", "nonce", "ciphertext"),
    [
        (b"short", "123456789012", "A" * 40),
        (APIV3_KEY, "12345678901", "A" * 40),
        (APIV3_KEY, "", "A" * 40),
        (APIV3_KEY, "你好你好", "A" * 40),
        (APIV3_KEY, "123456789012", ""),
        (APIV3_KEY, "123456789012", "AAAA"),
        (APIV3_KEY, "123456789012", "not base64!"),
    ],
)
def test_wrong_lengths_are_errors_and_no_crash(key: bytes, nonce: str, ciphertext: str) -> None:
    assert refusal_of(signing.open_resource, key, nonce, "x", ciphertext) == "malformed"


def test_a_flipped_bit_does_not_open() -> None:
    sealed = bytearray(base64.b64decode(v.GCM_CIPHERTEXT))
    sealed[-1] ^= 1
    changed = base64.b64encode(sealed).decode()
    code = refusal_of(signing.open_resource, v.GCM_KEY, v.GCM_NONCE, v.GCM_ASSOCIATED, changed)
    assert code == "malformed"


def test_the_launch_is_signed_over_four_lines(merchant: RSAPrivateKey) -> None:
    launch = signing.sign_launch("wx1", "wx201410", merchant, timestamp=NOW, nonce="abc")
    assert launch["package"] == "prepay_id=wx201410"
    assert launch["timeStamp"] == str(NOW)
    # The other implementation ends each word with a line feed, as its own `sign` does.
    text = f"wx1\n{NOW}\nabc\nprepay_id=wx201410\n"
    assert w3.rsa_sign(merchant, text) == launch["paySign"]


# ── Message push ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("known", [v.PUSH_TRIAL, v.PUSH_PLAIN])
def test_the_published_push_signatures_are_right(known: tuple[str, str, str]) -> None:
    timestamp, nonce, signature = known
    assert signing.push_signature([v.PUSH_TOKEN, timestamp, nonce]) == signature


def test_the_published_secure_push_is_proven_and_opened() -> None:
    timestamp, nonce, signature = v.PUSH_SECURE
    signing.prove_push([v.PUSH_TOKEN, timestamp, nonce, v.PUSH_ENCRYPT], signature)
    key = signing.read_push_key(v.PUSH_AES_KEY)
    assert signing.open_push(key, v.PUSH_ENCRYPT, v.PUSH_APP_ID) == v.PUSH_MESSAGE


def test_the_published_reply_is_sealed_the_same() -> None:
    key = signing.read_push_key(v.PUSH_AES_KEY)
    sealed = signing.seal_push(key, v.PUSH_REPLY, v.PUSH_APP_ID, salt=v.PUSH_REPLY_SALT)
    assert sealed == v.PUSH_REPLY_ENCRYPT
    timestamp, nonce, signature = v.PUSH_REPLY_SIGNATURE
    assert signing.push_signature([v.PUSH_TOKEN, timestamp, nonce, sealed]) == signature


def test_a_push_for_another_application_is_refused() -> None:
    key = signing.read_push_key(v.PUSH_AES_KEY)
    assert refusal_of(signing.open_push, key, v.PUSH_ENCRYPT, "wx0000000000000000") == "not_ours"


def test_a_push_travels_to_and_from_another_implementation() -> None:
    theirs = WeChatCrypto(v.PUSH_TOKEN, v.PUSH_AES_KEY, v.PUSH_APP_ID)
    key = signing.read_push_key(v.PUSH_AES_KEY)
    sealed = signing.seal_push(key, b"<xml/>", v.PUSH_APP_ID, salt=os.urandom(16))
    signature = signing.push_signature([v.PUSH_TOKEN, str(NOW), "n", sealed])
    assert theirs.decrypt_message({"Encrypt": sealed}, signature, str(NOW), "n") == "<xml/>"
    back = PrpCrypto(key).encrypt("通知", v.PUSH_APP_ID).decode()
    assert signing.open_push(key, back, v.PUSH_APP_ID).decode() == "通知"
    signer = WeChatSigner()
    signer.add_data(v.PUSH_TOKEN, str(NOW), "n", back)
    assert signing.push_signature([v.PUSH_TOKEN, str(NOW), "n", back]) == signer.signature


@pytest.mark.parametrize("key", ["", "A" * 42, "A" * 44, "*" * 43])
def test_a_wrong_push_key_is_a_wrong_key(key: str) -> None:
    with pytest.raises(signing.KeyWrong):
        signing.read_push_key(key)


# ── encryptedData ───────────────────────────────────────────────────────────────────────


def old_envelope(content: bytes, key: bytes, iv: bytes) -> str:
    count = 16 - len(content) % 16
    encryptor = Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    return base64.b64encode(
        encryptor.update(content + bytes([count]) * count) + encryptor.finalize()
    ).decode()


def test_encrypted_data_opens_as_in_another_implementation() -> None:
    key, iv = os.urandom(16), os.urandom(16)
    content = json.dumps({"phoneNumber": "13800000000", "watermark": {"appid": "wx1"}}).encode()
    sealed = old_envelope(content, key, iv)
    key64, iv64 = base64.b64encode(key).decode(), base64.b64encode(iv).decode()
    opened = signing.open_encrypted_data(key64, iv64, sealed, "wx1")
    assert json.loads(opened) == WeChatWxaCrypto(key64, iv64, "wx1").decrypt_message(sealed)
    assert refusal_of(signing.open_encrypted_data, key64, iv64, sealed, "wx2") == "not_ours"


# ── API security ────────────────────────────────────────────────────────────────────────


def test_the_published_call_is_sealed_the_same_and_opens() -> None:
    envelope = signing.Envelope(v.CALL_URL, v.CALL_APP_ID, v.CALL_AT)
    key = base64.b64decode(v.CALL_SYMMETRIC_KEY)
    sealed = signing.seal_call(
        envelope, key, v.CALL_SYMMETRIC_SERIAL, v.CALL_PLAINTEXT, iv=base64.b64decode(v.CALL_IV)
    )
    assert sealed == signing.Sealed(v.CALL_IV, v.CALL_DATA, v.CALL_TAG)
    opened = signing.open_call(envelope, key, v.CALL_SYMMETRIC_SERIAL, sealed)
    assert opened == v.CALL_PLAINTEXT


def test_the_published_call_signature_verifies_and_so_does_ours() -> None:
    envelope = signing.Envelope(v.CALL_URL, v.CALL_APP_ID, v.CALL_AT)
    key = signing.read_private_key(v.CALL_PRIVATE_KEY)
    body = msgspec.json.encode(signing.Sealed(v.CALL_IV, v.CALL_DATA, v.CALL_TAG))
    assert len(body) == 324
    assert signing.verify_call(envelope, body, v.CALL_SIGNATURE, key.public_key())
    assert signing.verify_call(
        envelope, body, signing.sign_call(envelope, body, key), key.public_key()
    )
    assert not signing.verify_call(envelope, body + b" ", v.CALL_SIGNATURE, key.public_key())


def test_the_published_answer_is_proven_and_opens() -> None:
    keys = {v.ANSWER_HEADERS["wechatmp-serial"]: signing.read_public_key(v.ANSWER_CERTIFICATE)}
    envelope = signing.prove_call(
        v.ANSWER_HEADERS, v.CALL_URL, v.CALL_APP_ID, v.ANSWER_BODY, keys, now=v.ANSWER_AT
    )
    opened = signing.open_call(
        envelope,
        base64.b64decode(v.CALL_SYMMETRIC_KEY),
        v.CALL_SYMMETRIC_SERIAL,
        msgspec.json.decode(v.ANSWER_BODY, type=signing.Sealed),
    )
    assert json.loads(opened) == v.ANSWER_PLAINTEXT


def test_while_certificates_change_the_signature_we_hold_the_key_of_counts() -> None:
    key = signing.read_public_key(v.ANSWER_CERTIFICATE)
    headers = {
        **v.ANSWER_HEADERS,
        "wechatmp-serial": "newer",
        "wechatmp-signature": "AAAA",
        "wechatmp-serial-deprecated": v.ANSWER_HEADERS["wechatmp-serial"],
        "wechatmp-signature-deprecated": v.ANSWER_HEADERS["wechatmp-signature"],
    }
    keys = {v.ANSWER_HEADERS["wechatmp-serial"]: key}
    signing.prove_call(headers, v.CALL_URL, v.CALL_APP_ID, v.ANSWER_BODY, keys, now=v.ANSWER_AT)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"wechatmp-appid": "wx0"}, "not_ours"),
        ({"wechatmp-timestamp": "1635920000"}, "stale"),
        ({"wechatmp-timestamp": ""}, "signature_wrong"),
        ({"wechatmp-signature": "AAAA"}, "signature_wrong"),
        ({"wechatmp-serial": "unheard of"}, "serial_unknown"),
    ],
)
def test_a_changed_answer_is_refused(changed: Mapping[str, str], code: str) -> None:
    keys = {v.ANSWER_HEADERS["wechatmp-serial"]: signing.read_public_key(v.ANSWER_CERTIFICATE)}
    headers = {**v.ANSWER_HEADERS, **changed}
    found = refusal_of(
        signing.prove_call,
        headers,
        v.CALL_URL,
        v.CALL_APP_ID,
        v.ANSWER_BODY,
        keys,
        now=v.ANSWER_AT,
    )
    assert found == code


def test_the_face_checks_certificate_hash_is_the_published_one() -> None:
    found = cert_hash(v.CERT_NAME, v.CERT_NO)
    assert (found[:8], found[-8:]) == v.CERT_HASH_ENDS


# ── Whatever comes ──────────────────────────────────────────────────────────────────────

TEXTS = st.text(max_size=200) | st.binary(max_size=200).map(lambda b: base64.b64encode(b).decode())


@given(nonce=TEXTS, associated=st.text(max_size=40), ciphertext=TEXTS)
def test_no_resource_crashes(nonce: str, associated: str, ciphertext: str) -> None:
    refusal_of(signing.open_resource, APIV3_KEY, nonce, associated, ciphertext)


@given(encrypted=TEXTS)
def test_no_push_crashes(encrypted: str) -> None:
    key = signing.read_push_key(v.PUSH_AES_KEY)
    refusal_of(signing.open_push, key, encrypted, v.PUSH_APP_ID)


@given(content=st.binary(min_size=0, max_size=64), length=st.integers(0, 2**32 - 1))
def test_no_length_inside_a_push_crashes(content: bytes, length: int) -> None:
    key = signing.read_push_key(v.PUSH_AES_KEY)
    inside = os.urandom(16) + struct.pack(">I", length) + content
    count = 32 - len(inside) % 32
    encryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    sealed = base64.b64encode(
        encryptor.update(inside + bytes([count]) * count) + encryptor.finalize()
    ).decode()
    assert refusal_of(signing.open_push, key, sealed, v.PUSH_APP_ID) in {"malformed", "not_ours"}


@given(headers=st.dictionaries(st.sampled_from(sorted(v.NOTICE_HEADERS)), st.text(max_size=60)))
def test_no_headers_crash(headers: dict[str, str]) -> None:
    keys = {"D7CE59D1F522D701": signing.read_public_key(v.NOTICE_CERTIFICATE)}
    given_headers = {**v.NOTICE_HEADERS, "wechatpay-nonce": "changed", **headers}
    refusal_of(signing.prove_pay, given_headers, v.NOTICE_BODY, keys, now=v.NOTICE_AT)


@given(text=TEXTS, key=TEXTS, iv=TEXTS)
def test_no_encrypted_data_crashes(text: str, key: str, iv: str) -> None:
    refusal_of(signing.open_encrypted_data, key, iv, text, "wx1")


def test_keys_that_are_none_are_refused_without_being_quoted() -> None:
    pem = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"
    for read in (signing.read_private_key, signing.read_public_key):
        with pytest.raises(signing.KeyWrong) as raised:
            read(pem)
        assert "c2VjcmV0" not in str(raised.value)


def test_the_hash_of_a_published_answer_is_the_guides() -> None:
    envelope = signing.Envelope(v.CALL_URL, v.CALL_APP_ID, v.ANSWER_AT)
    digest = hashlib.sha256(envelope.signed_text(v.ANSWER_BODY)).hexdigest()
    assert digest == "f797cafd9e323df336fb427569fbe67e20d5bc96dd68a3f54d66b54e6e08bb27"
