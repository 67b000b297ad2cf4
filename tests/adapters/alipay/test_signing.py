"""Signatures, certificates and envelopes against published vectors and another's code.

Published: the number of Alipay's bundle of roots, one of its intermediates, and a real
answer of the gateway with its signature.
"""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.alipay import signing
from adapters.alipay.signing import SigningWrong
from tests.adapters.alipay.builders import (
    AES_KEY,
    independent,
    key,
    private_pem,
    public_pem,
    unhurried,
)

VECTORS = Path(__file__).parent / "vectors"
ROOTS = signing.read_certificates((VECTORS / "alipay_roots.pem").read_text())
CLASS_2 = signing.read_certificates((VECTORS / "alipay_class_2.pem").read_text())

ALIPAY_KEY = (
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp8gueNlkbiDidz6FBQEBpqoRgH8h7JtsPtYW0nzAqy1MME4m"
    "FnDSMfSKlreUomS3a55gmBopL1eF4/Km/dEnaL5tCY9+24SKn1D4iyls+lvz/ZjvUjVwxoUYBh8kkcxMZSDeDz8//o+9"
    "qZTrICVP2a4sBB8T0XmU4gxfw8FsmtoomBH1nLk3AO7wgRN2a3+SRSAmxrhIGDmF1lljSlhY32eJpJ2TZQKaWNW+7yDB"
    "U/0Wt3kQVY84vr14yYagnSCiIfqyVFqePayRtmVJDr5qvSXr51tdqs2zKZCu+26X7JAF4BSsaq4gmY5DmDTm4TohCnBd"
    "uI1+bPGD+igVmtl05wIDAQAB"
)
ANSWER = (
    b'{"alipay_trade_pay_response":{"code":"10000","msg":"Success","buyer_logon_id":'
    b'"854***@qq.com","buyer_pay_amount":"0.01","buyer_user_id":"2088102363632794",'
    b'"fund_bill_list":[{"amount":"0.01","fund_channel":"PCREDIT"}],"gmt_payment":'
    b'"2019-08-29 20:14:05","invoice_amount":"0.01","out_trade_no":"GZ201901301040361012",'
    b'"point_amount":"0.00","receipt_amount":"0.01","total_amount":"0.01","trade_no":'
    b'"2019082922001432790585537960"},"sign":"bk3SzX0CZRI811IJioS2XKQHcgMixUT8mYyGQj+vcOAQas7GIYi'
    b"6LpykqqSc3m7+yvqoG0TdX/c2JjYnpw/J53JxtC2IC4vsLuIPIgghVo5qafsfSxEJ22w20RZDatI2dYqFVcj8Jp+4a"
    b"esQ8zMMNw7cX9NLyk7kw3DecYeyQp+zrZMueZPqLh88Z+54G+e6QuSU++0ouqQVd4PkpPqy6YI+8MdMUX4Ve0jOQxM"
    b"mYH8BC6n5ZsTH/uEaLEtzYVZdSw/xdSQ7K1SH73aEH8XbRYx6rL7RkKksrdvhezX+ThDjQ+fTWjvNFrGcg3fmqXRy2"
    b'elvoalu+BQmqlkWWjEJYA=="}'
)


def test_a_real_answer_of_the_gateway_is_proven() -> None:
    member = signing.signed_member(ANSWER, "alipay.trade.pay")
    public = signing.read_public_key(ALIPAY_KEY)
    assert signing.is_signed(member.raw, member.signature, public)
    changed = member.raw.replace(b"0.01", b"9.01")
    assert not signing.is_signed(changed, member.signature, public)


def test_the_published_roots_have_their_published_number() -> None:
    assert (
        signing.root_certificate_sn(ROOTS)
        == "687b59193f3f462dd5336e5abf83c5d8_02941eef3187dddf3d3b83462e1dfcf6"
    )


def test_a_published_intermediate_is_trusted_by_its_root_only_and_only_in_its_time() -> None:
    assert signing.is_trusted(CLASS_2, ROOTS)
    assert not signing.is_trusted(CLASS_2, ROOTS[1:])
    assert signing.is_trusted(CLASS_2, ROOTS, datetime(2026, 11, 22, tzinfo=UTC))
    assert not signing.is_trusted(CLASS_2, ROOTS, datetime(2046, 11, 22, tzinfo=UTC))


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
    ],
)
def test_a_broken_bundle_is_refused(pem: str) -> None:
    with pytest.raises(SigningWrong):
        signing.read_certificates(pem)


# ── Against the independent library ─────────────────────────────────────────────────────

VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=12).filter(
    lambda name: name not in {"sign", "sign_type", "charset", "alipay_cert_sn"}
)


# Slow by nature: the other side's arithmetic is plain Python.
@settings(deadline=None, max_examples=40)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=8))
def test_what_we_sign_the_independent_library_verifies(parameters: dict[str, str]) -> None:
    query = signing.signed_query(parameters, key("application"))
    sent = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    signature = sent.pop("sign")
    assert sent == parameters
    assert independent("alipay", "application").verify(sent, signature)


# Slow by nature: the other side's arithmetic is plain Python.
@settings(deadline=None, max_examples=40)
@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=8))
def test_what_the_independent_library_signs_we_verify(parameters: dict[str, str]) -> None:
    signed = independent("alipay", "application").sign_data(dict(parameters))
    form = signing.read_form(signed.encode())
    assert {name: value for name, value in form.fields.items() if name != "sign"} == parameters
    public = key("alipay").public_key()
    assert signing.is_signed(signing.message_text(form), form.fields["sign"], public)


def test_a_request_of_the_independent_library_is_proven_as_a_request() -> None:
    query = independent("application", "alipay").client_api(
        "alipay.trade.query", biz_content={"out_trade_no": "P1"}
    )
    form = signing.read_form(query.encode())
    text = signing.request_text(form.fields)
    assert b"sign_type=RSA2" in text
    assert signing.is_signed(text, form.fields["sign"], key("application").public_key())


def test_the_independent_library_verifies_an_answers_member() -> None:
    raw = '{"code":"10000","msg":"成功 } \\" {"}'
    signature = signing.sign(raw.encode(), key("alipay"))
    assert independent("application", "alipay")._verify(raw, signature)


# ── Answers ─────────────────────────────────────────────────────────────────────────────


@unhurried
@given(st.text(), st.integers(0, 3))
def test_an_answers_member_is_cut_out_byte_for_byte(text: str, spaces: int) -> None:
    inner = json.dumps({"msg": text, "n": [1.10, {"sign": "x"}]}, ensure_ascii=len(text) % 2 == 0)
    raw = inner.encode("utf-8", "surrogatepass")
    if b"\xed" in raw:
        raw = json.dumps({"msg": text}).encode()
    gap = b" " * spaces
    body = b'{"alipay_x_response":' + gap + raw + gap + b',"sign":"abc","alipay_cert_sn":"sn"}'
    member = signing.signed_member(body, "alipay.x")
    assert (member.raw, member.signature, member.certificate_sn) == (raw, "abc", "sn")


def test_an_error_in_the_members_place_is_found() -> None:
    member = signing.signed_member(b'{"error_response":{"code":"40002"}}', "alipay.x")
    assert (member.name, member.raw, member.signature) == (
        "error_response",
        b'{"code":"40002"}',
        "",
    )


@unhurried
@given(st.binary(max_size=200))
def test_no_answer_crashes_the_reader(body: bytes) -> None:
    with pytest.raises(SigningWrong):
        signing.signed_member(body, "alipay.x")


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"{}",
        b'{"alipay_y_response":{}}',
        b'{"alipay_x_response":{},"sign":5}',
        b'{"alipay_x_response":' + b"[" * 100000,
    ],
)
def test_an_answer_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(SigningWrong):
        signing.signed_member(body, "alipay.x")


# ── Forms ───────────────────────────────────────────────────────────────────────────────


def test_a_notices_text_leaves_out_two_fields_and_keeps_blank_and_unknown_ones() -> None:
    form = signing.read_form(b"b=&sign=s&sign_type=RSA2&zz=1%2525&a=x+y%26&alipay_cert_sn=1")
    assert signing.notice_text(form) == b"a=x y&&b=&zz=1%25"


def test_a_gateway_messages_text_leaves_out_the_signature_only() -> None:
    form = signing.read_form(b"b=1&sign=s&sign_type=RSA2")
    assert signing.message_text(form) == b"b=1&sign_type=RSA2"


def test_a_form_is_read_and_proven_in_its_own_charset() -> None:
    form = signing.read_form(b"charset=GBK&subject=%B9%A4%B1%BE%B7%D1")
    assert form.fields["subject"] == "工本费"
    assert signing.notice_text(form) == "charset=GBK&subject=工本费".encode("gbk")


@pytest.mark.parametrize(
    "body",
    [
        b"a=1&a=2",
        b"charset=rot13&a=1",
        b"charset=utf-8&a=%ff%fe",
        "a=工".encode(),
        b"&".join(b"f%d=1" % n for n in range(200)),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(SigningWrong):
        signing.read_form(body)


@unhurried
@given(st.binary(max_size=300))
def test_no_form_crashes_the_reader(body: bytes) -> None:
    try:
        form = signing.read_form(body)
        signing.notice_text(form)
    except SigningWrong:
        return
    assert all(isinstance(value, str) for value in form.fields.values())


@unhurried
@given(st.text(max_size=400))
def test_no_signature_crashes_the_check(signature: str) -> None:
    assert not signing.is_signed(b"text", signature, key("alipay").public_key())


# ── Keys, content, envelopes ────────────────────────────────────────────────────────────


def test_keys_are_read_as_pem_and_as_bare_base64() -> None:
    def bare(pem: str) -> str:
        return "".join(pem.splitlines()[1:-1])

    private = signing.read_private_key(bare(private_pem("application")))
    assert private.private_numbers() == key("application").private_numbers()
    public = signing.read_public_key(bare(public_pem("alipay")))
    assert public.public_numbers() == key("alipay").public_key().public_numbers()
    for read in (signing.read_private_key, signing.read_public_key):
        with pytest.raises(SigningWrong):
            read("not a key")


@unhurried
@given(st.binary(max_size=100))
def test_encrypted_content_comes_back(content: bytes) -> None:
    aes_key = signing.read_aes_key(AES_KEY)
    assert signing.decrypt(signing.encrypt(content, aes_key), aes_key) == content


@unhurried
@given(st.text(max_size=60))
def test_no_content_crashes_the_decryption(content: str) -> None:
    with contextlib.suppress(SigningWrong):
        signing.decrypt(content, signing.read_aes_key(AES_KEY))


def envelope(content: bytes, *, signer: str = "alipay", escaped: bool = False) -> str:
    sealed = signing.encrypt(content, signing.read_aes_key(AES_KEY))
    signature = signing.sign(f'"{sealed}"'.encode(), key(signer))
    text = json.dumps({"response": sealed, "sign": signature, "sign_type": "RSA2"})
    return text.replace("/", "\\/") if escaped else text


@pytest.mark.parametrize("escaped", [False, True])
def test_an_envelope_is_proven_with_its_quotes_and_opened(escaped: bool) -> None:
    public = key("alipay").public_key()
    aes_key = signing.read_aes_key(AES_KEY)
    content = b'{"code":"10000","mobile":"13800000000"}' * 4
    assert signing.open_envelope(envelope(content, escaped=escaped), [public], aes_key) == content


def test_an_envelope_signed_by_somebody_else_stays_closed() -> None:
    public = key("alipay").public_key()
    with pytest.raises(SigningWrong):
        signing.open_envelope(
            envelope(b"{}", signer="somebody"), [public], signing.read_aes_key(AES_KEY)
        )


def test_a_plain_error_in_an_envelope_is_proven_over_its_own_bytes() -> None:
    raw = '{"code": "40003", "subCode":"isv.invalid-auth-relations"}'
    signature = signing.sign(raw.encode(), key("alipay"))
    text = f'{{"response":{raw},"sign":"{signature}"}}'
    assert signing.open_envelope(text, [key("alipay").public_key()], None) == raw.encode()


@unhurried
@given(st.text(max_size=200))
def test_no_envelope_crashes_the_reader(text: str) -> None:
    with pytest.raises(SigningWrong):
        signing.open_envelope(text, [key("alipay").public_key()], None)
