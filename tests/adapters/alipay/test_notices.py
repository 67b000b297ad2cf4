"""What Alipay posts: proven first, then read as what it is about."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.alipay.messages import AlipayMessages
from adapters.alipay.payments import AlipayPayments
from adapters.contract import Inbound, NoticeRefused, Reply
from tests.adapters.alipay.builders import (
    APP_ID,
    PAID,
    SELLER_ID,
    gateway,
    inbound,
    independent,
    post,
    push,
    unhurried,
)

GATEWAY = gateway()
PAYMENTS = AlipayPayments(GATEWAY)
MESSAGES = AlipayMessages(GATEWAY)

AUDIT_PASSED = {
    "msg_method": "alipay.open.mini.version.audit.passed",
    "notify_id": "2026112200262123456",
    "utc_timestamp": "1795335502000",
    "app_id": APP_ID,
    "version": "1.1",
    "charset": "UTF-8",
    "biz_content": '{"audit_time":"2026-11-22"}',
}


def refusal(inbound: Inbound) -> str:
    with pytest.raises(NoticeRefused) as refused:
        PAYMENTS.read_notice(inbound)
    return refused.value.code


def test_a_payment_is_told() -> None:
    notice = PAYMENTS.read_notice(post(PAID))
    assert notice.refund is None
    payment = notice.payment
    assert payment is not None
    assert payment.paid_at is not None
    assert payment.paid_at.isoformat() == "2026-11-22T16:18:21+08:00"
    assert (payment.payment_no, payment.state, payment.amount_fen, payment.refunded_fen) == (
        PAID["out_trade_no"],
        "paid",
        8000,
        None,
    )
    assert (notice.notice_id, notice.merchant_id, notice.app_id, notice.currency) == (
        PAID["notify_id"],
        SELLER_ID,
        APP_ID,
        "CNY",
    )
    assert payment.payer_open_id == "open-id-of-a-test"
    assert payment.channel_payment_id == PAID["trade_no"]


def test_a_notice_signed_by_the_independent_library_is_read() -> None:
    fields = {**PAID, "note": "a field nobody knows yet: 100%25"}
    signed = independent("alipay", "application").sign_data(dict(fields))
    body = dict(parse_qsl(signed, keep_blank_values=True)) | {"sign_type": "RSA2"}
    assert PAYMENTS.read_notice(inbound(body)).payment is not None


def test_a_notice_in_gbk_is_read() -> None:
    notice = PAYMENTS.read_notice(post({**PAID, "charset": "GBK"}, codec="gbk"))
    assert notice.payment is not None


def test_a_partial_refund_on_the_payments_notice_is_a_refund() -> None:
    notice = PAYMENTS.read_notice(
        post(
            {
                **PAID,
                "out_biz_no": "R1",
                "refund_fee": "30.00",
                "gmt_refund": "2026-11-22 17:00:00.123",
            }
        )
    )
    assert notice.payment is None
    assert notice.refund is not None
    assert (notice.refund.refund_no, notice.refund.state) == ("R1", "succeeded")
    assert notice.refund.succeeded_at is not None
    # The notice tells the sum of every refund, which is not what this one was.
    assert notice.refund.amount_fen is None


def test_a_closed_trade_that_was_paid_was_refunded() -> None:
    closed = {**PAID, "trade_status": "TRADE_CLOSED", "refund_fee": "80.00"}
    closed["gmt_refund"] = "2026-11-22 17:00:00"
    told = PAYMENTS.read_notice(post(closed)).payment
    assert told is not None
    assert (told.state, told.refunded_fen) == ("refunded", 8000)
    named = PAYMENTS.read_notice(post({**closed, "out_biz_no": "R1"}))
    assert named.refund is not None
    assert named.payment is None


def test_a_closed_trade_that_was_never_paid_is_closed() -> None:
    fields = {name: value for name, value in PAID.items() if name != "gmt_payment"}
    told = PAYMENTS.read_notice(post({**fields, "trade_status": "TRADE_CLOSED"})).payment
    assert told is not None
    assert told.state == "closed"


def test_a_finished_trade_is_paid_still() -> None:
    told = PAYMENTS.read_notice(post({**PAID, "trade_status": "TRADE_FINISHED"})).payment
    assert told is not None
    assert told.state == "paid"


def test_a_status_of_tomorrow_is_unknown() -> None:
    told = PAYMENTS.read_notice(post({**PAID, "trade_status": "TRADE_FROZEN"})).payment
    assert told is not None
    assert told.state == "unknown"


def test_a_forged_notice_is_refused() -> None:
    assert refusal(post(PAID, signer="somebody")) == "signature_wrong"
    genuine = post(PAID)
    forged = replace(genuine, body=genuine.body.replace(b"80.00", b"00.01"))
    assert refusal(forged) == "signature_wrong"
    assert refusal(inbound({**PAID, "sign_type": "RSA2"})) == "signature_wrong"
    assert refusal(inbound({**PAID, "sign_type": "RSA", "sign": "abcd"})) == "signature_wrong"


def test_a_gateway_message_is_no_trade_notice_nor_the_other_way_round() -> None:
    assert refusal(push(AUDIT_PASSED)) == "signature_wrong"
    with pytest.raises(NoticeRefused):
        MESSAGES.read_push(post(PAID))


def test_a_notice_for_another_application_or_merchant_is_not_ours() -> None:
    other = {**PAID, "app_id": "2021000000000009", "auth_app_id": "2021000000000009"}
    assert refusal(post(other)) == "not_ours"
    assert refusal(post({**PAID, "seller_id": "2088000000000009"})) == "not_ours"


@pytest.mark.parametrize("missing", ["out_trade_no", "trade_status", "trade_no", "notify_id"])
def test_a_notice_without_what_every_notice_has_is_malformed(missing: str) -> None:
    fields = {name: value for name, value in PAID.items() if name != missing}
    assert refusal(post(fields)) == "malformed"
    assert refusal(post({**fields, missing: ""})) == "malformed"


@pytest.mark.parametrize(
    "wrong",
    [
        {"total_amount": "1e99"},
        {"total_amount": "0.001"},
        {"gmt_payment": "yesterday"},
        {"refund_fee": "much"},
    ],
)
def test_a_notice_whose_values_cannot_be_read_is_malformed(wrong: dict[str, str]) -> None:
    assert refusal(post({**PAID, **wrong})) == "malformed"


@unhurried
@given(st.binary(max_size=300))
def test_nothing_posted_crashes_the_readers(body: bytes) -> None:
    with pytest.raises(NoticeRefused):
        PAYMENTS.read_notice(Inbound("POST", "", {}, body))
    with pytest.raises(NoticeRefused):
        MESSAGES.read_push(Inbound("POST", "", {}, body))


@unhurried
@given(st.dictionaries(st.sampled_from(sorted(PAID)), st.text("0123456789.-: A", max_size=20)))
def test_no_signed_notice_crashes_the_reader(changes: dict[str, str]) -> None:
    try:
        notice = PAYMENTS.read_notice(post({**PAID, **changes, "charset": "utf-8"}))
    except NoticeRefused:
        return
    assert (notice.payment is None) is not (notice.refund is None)


def test_alipay_hears_exactly_its_words() -> None:
    assert PAYMENTS.acknowledge(accepted=True) == Reply(200, b"success")
    assert PAYMENTS.acknowledge(accepted=False) == Reply(200, b"fail")


def test_a_gateway_message_is_proven_and_answered() -> None:
    assert MESSAGES.read_push(push(AUDIT_PASSED)) == ([], Reply(200, b"success"))
    with pytest.raises(NoticeRefused) as refused:
        MESSAGES.read_push(push(AUDIT_PASSED, signer="somebody"))
    assert refused.value.code == "signature_wrong"
    with pytest.raises(NoticeRefused) as refused:
        MESSAGES.read_push(push({**AUDIT_PASSED, "app_id": "1"}))
    assert refused.value.code == "not_ours"
