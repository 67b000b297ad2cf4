"""Payment notices: proven, opened, translated; forged, stale and foreign ones refused."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract import Inbound, NoticeRefused, PaymentReport, RefundReport
from tests.adapters.wechat.builders import (
    merchant,
    notice,
    payments,
    refund,
    signed_inbound,
    transaction,
)

NOW = 1_735_696_800.0
TAKER = payments(now=NOW)
STRANGER = generate_private_key(public_exponent=65537, key_size=2048)


def refusal_of(inbound: Inbound, taker: Any = TAKER) -> str:
    with pytest.raises(NoticeRefused) as raised:
        taker.read_notice(inbound)
    return raised.value.code


def test_a_payment_notice_is_read_in_our_words() -> None:
    found = TAKER.read_notice(notice(transaction(), at=NOW))
    assert found.notice_id == "3119dfba-e649-5eec-ab1e-3412bc4d2e17"
    assert found.refund is None
    assert found.payment == PaymentReport(
        payment_no="p0123456789",
        state="paid",
        channel_payment_id="4200001111202501010000000001",
        amount_fen=1999,
        refunded_fen=None,
        paid_at=datetime.fromisoformat("2025-01-01T10:00:00+08:00"),
        payer_open_id="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        channel_state="SUCCESS",
    )
    assert (found.merchant_id, found.currency) == ("1600000001", "CNY")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SUCCESS", "succeeded"),
        ("CLOSED", "closed"),
        ("CLOSE", "closed"),
        ("ABNORMAL", "abnormal"),
        ("SOMETHING_NEW", "unknown"),
    ],
)
def test_a_refund_notice_is_read_in_our_words(word: str, state: str) -> None:
    found = TAKER.read_notice(notice(refund(refund_status=word), f"REFUND.{word}", at=NOW))
    assert found.payment is None
    assert isinstance(found.refund, RefundReport)
    assert (found.refund.state, found.refund.amount_fen) == (state, 999)
    assert (found.refund.payment_no, found.refund.refund_no) == ("p0123456789", "r0123456789")


def test_a_state_that_we_do_not_know_is_unknown() -> None:
    found = TAKER.read_notice(notice(transaction(trade_state="ACCEPTED"), at=NOW))
    assert found.payment is not None
    assert found.payment.state == "unknown"


def test_a_forged_notice_is_refused() -> None:
    assert refusal_of(notice(transaction(), at=NOW, key=STRANGER)) == "signature_wrong"


def test_a_probe_is_told_from_a_forgery() -> None:
    inbound = notice(transaction(), at=NOW)
    headers = {**inbound.headers, "wechatpay-signature": "WECHATPAY/SIGNTEST/aaaa"}
    assert refusal_of(Inbound("POST", "", headers, inbound.body)) == "signature_probe"


def test_a_stale_notice_is_refused() -> None:
    assert refusal_of(notice(transaction(), at=NOW - 300)) == "stale"
    assert refusal_of(notice(transaction(), at=NOW + 300)) == "stale"


def test_a_changed_body_is_refused() -> None:
    inbound = notice(transaction(), at=NOW)
    changed = json.dumps(json.loads(inbound.body)).encode()
    assert refusal_of(Inbound("POST", "", inbound.headers, changed)) == "signature_wrong"


@pytest.mark.parametrize(
    "content",
    [
        transaction(mchid="1600000002"),
        transaction(mchid=None),
        transaction(appid="wx0000000000000000"),
        transaction(mchid=None, sp_mchid="1600000001", sub_mchid="1"),
    ],
)
def test_another_merchants_or_applications_payment_is_not_ours(content: Any) -> None:
    assert refusal_of(notice(content, at=NOW)) == "not_ours"


def test_another_merchants_refund_is_not_ours() -> None:
    assert refusal_of(notice(refund(mchid="1"), "REFUND.SUCCESS", at=NOW)) == "not_ours"


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b'{"out_trade_no":1}', transaction(success_time="yesterday")],
)
def test_a_resource_that_cannot_be_read_is_malformed(content: Any) -> None:
    assert refusal_of(notice(content, at=NOW)) == "malformed"


def test_an_event_of_another_product_is_malformed() -> None:
    assert refusal_of(notice(transaction(), "PAYSCORE.USER_PAID", at=NOW)) == "malformed"


def test_a_resource_sealed_with_another_key_is_malformed() -> None:
    other = payments(now=NOW, merchant=merchant(apiv3_key="f" * 32))
    assert refusal_of(notice(transaction(), at=NOW), other) == "malformed"


def test_in_partner_mode_both_merchants_count() -> None:
    partner = payments(
        now=NOW,
        merchant=merchant(mode="partner", sub_merchant_id="1900000109", provider_app_id="wxsp"),
    )
    content = transaction(
        appid=None,
        mchid=None,
        sp_appid="wxsp",
        sub_appid="wxba5fad812f8e6fb9",
        sp_mchid="1600000001",
        sub_mchid="1900000109",
        payer={"sp_openid": "sp", "sub_openid": "sub"},
    )
    found = partner.read_notice(notice(content, at=NOW))
    assert found.payment is not None
    assert found.payment.payer_open_id == "sub"
    for field in ("sp_mchid", "sub_mchid", "sp_appid", "sub_appid"):
        foreign = {**content, field: "1900000110"}
        assert refusal_of(notice(foreign, at=NOW), partner) == "not_ours", field
    assert refusal_of(notice(transaction(), at=NOW), partner) == "not_ours"


def test_a_yes_is_empty_and_a_no_is_no_success() -> None:
    assert TAKER.acknowledge(accepted=True).status == 204
    refused = TAKER.acknowledge(accepted=False)
    assert refused.status >= 400
    assert json.loads(refused.body)["code"] == "FAIL"


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(body=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_signed_body_crashes(body: bytes) -> None:
    assert refusal_of(signed_inbound(body, at=NOW)) == "malformed"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=60)
@given(
    field=st.sampled_from(sorted(transaction())),
    value=JSON,
    event=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS"]),
)
def test_no_value_inside_a_notice_crashes(field: str, value: Any, event: str) -> None:
    inbound = notice({**transaction(), field: value}, event, at=NOW)
    codes = set()
    try:
        TAKER.read_notice(inbound)
    except NoticeRefused as refused:
        codes.add(refused.code)
    assert codes <= {"malformed", "not_ours"}
