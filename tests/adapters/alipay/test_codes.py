"""Alipay's words in ours: what is no refusal for certain stays unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.alipay import codes
from adapters.contract import Refusal, Unreachable
from tests.adapters.alipay.builders import unhurried

REFUSAL_CODES = {
    "code_wrong", "user_blocked", "user_refused", "identity_mismatch", "parameter_wrong",
    "not_permitted", "not_found", "state_wrong", "not_enough_funds", "quota_used",
    "already_closed", "already_paid",
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "sub_code", "ours"),
    [
        ("40002", "isv.code-invalid", "code_wrong"),
        ("40004", "ACQ.TRADE_HAS_SUCCESS", "already_paid"),
        ("40004", "ACQ.TRADE_HAS_CLOSE", "already_closed"),
        ("40004", "ACQ.TRADE_NOT_EXIST", "not_found"),
        ("40004", "TRADE_NOT_EXIST", "not_found"),
        ("40004", "ACQ.SELLER_BALANCE_NOT_ENOUGH", "not_enough_funds"),
        ("40004", "ACQ.DISCORDANT_REPEAT_REQUEST", "parameter_wrong"),
        ("40004", "ACQ.MERCHANT_PERM_RECEIPT_DAY_LIMIT", "quota_used"),
        ("40004", "ACQ.SECONDARY_MERCHANT_STATUS_ERROR", "not_permitted"),
        ("40004", "NO_RECENT_VISIT_RECORD", "user_refused"),
        ("40003", "isv.invalid-auth-relations", "user_refused"),
        ("40004", "NO_BILL_DATA", "not_found"),
        ("40001", "isv.missing-method", "parameter_wrong"),
        ("40006", "isv.whatever-comes", "not_permitted"),
        (40006, None, "not_permitted"),
        ("20001", "aop.invalid-app-auth-token", "not_permitted"),
    ],
)
def test_a_refusal_has_our_code(code: str | int, sub_code: str | None, ours: str) -> None:
    error = codes.as_error(code, sub_code)
    assert isinstance(error, Refusal)
    assert error.code == ours


@pytest.mark.parametrize(
    ("code", "sub_code"),
    [
        ("10003", None),
        ("20000", "isp.unknow-error"),
        ("20000", "aop.unknow-error"),
        ("40004", "ACQ.SYSTEM_ERROR"),
        ("40004", "AQC.SYSTEM_ERROR"),
        ("40004", "SYSTEM_ERROR"),
        ("40004", "UNKNOWN_ERROR"),
        ("40004", "SYSTEM_RATE_LIMIT"),
        ("40004", "MSG_SEND_ERROR"),
        ("40004", "A_WORD_OF_NEXT_YEAR"),
        ("40005", "isv.app-call-limited"),
        ("99999", None),
    ],
)
def test_what_is_not_certainly_a_refusal_is_unknown(code: str, sub_code: str | None) -> None:
    error = codes.as_error(code, sub_code)
    assert isinstance(error, Unreachable)
    assert error.code == "channel_busy"
    assert error.sent


@pytest.mark.parametrize("code", [None, "10000", 10000])
def test_success_and_a_grant_without_a_code_are_no_errors(code: str | int | None) -> None:
    assert codes.as_error(code, None) is None


@unhurried
@given(st.text(max_size=80), st.text(max_size=80))
def test_every_word_becomes_one_of_ours_and_no_text_leaks(code: str, sub_code: str) -> None:
    error = codes.as_error(code, sub_code)
    if isinstance(error, Refusal):
        assert error.code in REFUSAL_CODES
    elif error is not None:
        assert error.code == "channel_busy"
    if error is not None and error.channel_code is not None:
        assert len(error.channel_code) <= 64
        assert error.channel_code.isascii()


@pytest.mark.parametrize(
    ("status", "was_paid", "was_refunded", "ours"),
    [
        ("WAIT_BUYER_PAY", False, False, "pending"),
        ("TRADE_SUCCESS", True, False, "paid"),
        ("TRADE_FINISHED", True, False, "paid"),
        ("TRADE_SUCCESS", True, True, "partially_refunded"),
        ("TRADE_CLOSED", False, False, "closed"),
        ("TRADE_CLOSED", True, False, "refunded"),
        ("TRADE_CLOSED", True, True, "refunded"),
        ("TRADE_OF_TOMORROW", True, False, "unknown"),
    ],
)
def test_a_trades_status_says_what_it_is(
    status: str, was_paid: bool, was_refunded: bool, ours: str
) -> None:
    assert codes.payment_state(status, was_paid=was_paid, was_refunded=was_refunded) == ours


@pytest.mark.parametrize(
    ("status", "ours"),
    [
        ("REFUND_SUCCESS", "succeeded"),
        (None, "processing"),
        ("", "processing"),
        ("REFUND_OF_TOMORROW", "unknown"),
    ],
)
def test_a_refund_without_a_status_is_not_a_success(status: str | None, ours: str) -> None:
    assert codes.refund_state(status) == ours
