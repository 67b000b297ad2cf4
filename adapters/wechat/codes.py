"""WeChat's words → ours. What is not listed is not understood, and not understood is unknown."""

from __future__ import annotations

from adapters.contract import ChannelError, PaymentState, RefundState, Refusal, Unreachable

# ── The mini-program's errcodes ─────────────────────────────────────────────────────────

TOKEN_REFUSED = frozenset({40001, 40014, 42001})
"""The access token is not, or no longer, good; nothing was done."""

_BUSY = frozenset({-1, 44990, 45011})
"""Their side is busy, or we called too often in this minute; nothing was done."""

_REFUSALS: dict[int, str] = {
    40029: "code_wrong",
    40163: "code_wrong",
    41008: "code_wrong",
    40226: "user_blocked",
    43101: "user_refused",
    40003: "parameter_wrong",
    40037: "parameter_wrong",
    40097: "parameter_wrong",
    40165: "parameter_wrong",
    40169: "parameter_wrong",
    41030: "parameter_wrong",
    47003: "parameter_wrong",
    40013: "not_permitted",
    40125: "not_permitted",
    40164: "not_permitted",
    41002: "not_permitted",
    41004: "not_permitted",
    48001: "not_permitted",
    85079: "not_permitted",
    # API security: a header, signature, cipher or key of ours that they do not accept.
    **dict.fromkeys(range(40230, 40241), "not_permitted"),
    45009: "quota_used",
}

MESSAGE_FAILURES: dict[int, str] = {
    43101: "user_refused",
    40003: "person_unknown",
    40037: "template_wrong",
    47003: "content_wrong",
    41030: "content_wrong",
}
"""Errcodes of a message that will never reach this person, in MessageState's words."""


def errcode_error(errcode: int) -> ChannelError:
    """What a call's errcode (not 0) means to us."""
    word = str(errcode)
    if errcode in _BUSY or errcode in TOKEN_REFUSED:
        return Unreachable("channel_busy", sent=False, channel_code=word)
    if errcode in _REFUSALS:
        return Refusal(_REFUSALS[errcode], channel_code=word)
    return Unreachable("answer_unreadable", channel_code=word)


# ── The face check's verify_ret ─────────────────────────────────────────────────────────

FACE_PASSED = 10000


def face_failure(verify_ret: int) -> str | None:
    """Why a face check failed; None where the number does not say that it has."""
    if not 90001 <= verify_ret <= 90199:
        return None
    if 90002 <= verify_ret <= 90006:
        return "cancelled"
    if verify_ret in (90007, 90012):
        return "network"
    return "timeout" if verify_ret == 90017 else "mismatch"


# ── WeChat Pay ──────────────────────────────────────────────────────────────────────────

PAYMENT_STATES: dict[str, PaymentState] = {
    "SUCCESS": "paid",
    # Paid, then given back in part or whole; which of the two this word does not say.
    "REFUND": "partially_refunded",
    "NOTPAY": "pending",
    "USERPAYING": "pending",
    "CLOSED": "closed",
    "REVOKED": "closed",
    "PAYERROR": "closed",
}

REFUND_STATES: dict[str, RefundState] = {
    "PROCESSING": "processing",
    "SUCCESS": "succeeded",
    "CLOSED": "closed",
    "CLOSE": "closed",
    "ABNORMAL": "abnormal",
}

_PAY_REFUSALS: dict[str, str] = {
    "ORDERPAID": "already_paid",
    "ORDER_CLOSED": "already_closed",
    "ORDERCLOSED": "already_closed",
    "OUT_TRADE_NO_USED": "state_wrong",
    "TRADE_ERROR": "state_wrong",
    "USER_ACCOUNT_ABNORMAL": "state_wrong",
    "PARAM_ERROR": "parameter_wrong",
    "INVALID_REQUEST": "parameter_wrong",
    "APPID_MCHID_NOT_MATCH": "not_permitted",
    "MCH_NOT_EXISTS": "not_permitted",
    "NO_AUTH": "not_permitted",
    "SIGN_ERROR": "not_permitted",
    "ACCOUNT_ERROR": "not_permitted",
    "RULE_LIMIT": "not_permitted",
    "NOT_ENOUGH": "not_enough_funds",
    "ORDER_NOT_EXIST": "not_found",
    "RESOURCE_NOT_EXISTS": "not_found",
    "NO_STATEMENT_EXIST": "not_found",
    "STATEMENT_CREATING": "not_found",
}

_UNKNOWN_RESULT = frozenset({"SYSTEM_ERROR", "BANK_ERROR", "FREQUENCY_LIMITED", "RATELIMIT"})


def pay_error(status: int, code: str) -> ChannelError:
    """What an answer of WeChat Pay with a status above 299 means to us."""
    word = code or str(status)
    if status == 429 or status >= 500 or code in _UNKNOWN_RESULT:
        return Unreachable("channel_busy", channel_code=word)
    if code in _PAY_REFUSALS:
        return Refusal(_PAY_REFUSALS[code], channel_code=word)
    if status in (401, 403):
        return Refusal("not_permitted", channel_code=word)
    return Unreachable("answer_unreadable", channel_code=word)
