"""Alipay's words → ours. A word that is not here means "unknown", never "failed".

Sources: the gateway's public error codes and the error tables of each method (v2).
"""

from __future__ import annotations

import re

from adapters.alipay.wire import read_optional_time
from adapters.contract import ChannelError, PaymentState, RefundState, Refusal, Unreachable

SUCCESS = "10000"

_WORD = re.compile(r"\A[\w.-]{1,64}\Z", re.ASCII)

# The gateway's own codes; what is not here (10003 processing, 20000 unavailable, 40005 called
# too often, whatever comes next) leaves the outcome open.
_GATEWAY = {
    "20001": "not_permitted",
    "40001": "parameter_wrong",
    "40002": "parameter_wrong",
    "40003": "user_refused",
    "40006": "not_permitted",
}

# Sub-codes without the `ACQ.`, `AQC.` (theirs, sic), `isv.` or `aop.` in front: some are
# spelt with and without.
_REFUSALS: dict[str, tuple[str, ...]] = {
    "code_wrong": (
        "code-invalid",
        "refresh-token-invalid",
        "refresh-token-time-out",
        "refreshed-token-invalid",
        "invalid-auth-token",
        "auth-token-time-out",
    ),
    "already_paid": ("TRADE_HAS_SUCCESS",),
    "already_closed": ("TRADE_HAS_CLOSE",),
    "not_found": (
        "TRADE_NOT_EXIST",
        "NO_BILL_DATA",
        "BILL_NOT_EXIST",
        "bill_not_exist",
        "BILL_DATE_BEFORE_REGISTRATION",
        "OPEN_CERTIFY_BILL_NOT_EXIST",
        "USER_ID_INVALID",
        "OPENID_INVALID",
    ),
    "user_blocked": ("BUYER_ENABLE_STATUS_FORBID", "BUYER_NOT_EXIST"),
    "user_refused": (
        "invalid-auth-relations",
        "MSG_UNSUBSCRIBED",
        "MSG_REJECTED",
        "MSG_UNAUTHORIZED",
        "MSG_CONTENT_NOT_INTERESTED",
        "NO_RECENT_VISIT_RECORD",
    ),
    "not_enough_funds": ("SELLER_BALANCE_NOT_ENOUGH",),
    "quota_used": ("MSG_SINGLE_SD_OVER", "FORM_ID_SEND_LIMIT"),
    "state_wrong": (
        "TRADE_STATUS_ERROR",
        "REASON_TRADE_STATUS_INVALID",
        "REASON_ILLEGAL_STATUS",
        "REASON_TRADE_BEEN_FREEZEN",
        "TRADE_HAS_FINISHED",
        "TRADE_CANCEL_TIME_OUT",
        "CANCEL_NOT_ALLOWED",
        "TRADE_NOT_ALLOW_REFUND",
        "NOT_ALLOW_PARTIAL_REFUND",
        "NOW_TIME_AFTER_EXPIRE_TIME_ERROR",
        "ENTERPRISE_PAY_BIZ_ERROR",
        "CERTIFY_ID_EXPIRED",
        "OPEN_CERTIFY_BILL_STATUS_ERROR",
    ),
    "not_permitted": (
        "unmatched-app-id",
        "invalid-app-id",
        "invalid-signature",
        "invalid-app-auth-token",
        "insufficient-isv-permissions",
        "ACCESS_FORBIDDEN",
        "PARTNER_ERROR",
        "SELLER_BEEN_BLOCKED",
        "OPEN_ID_NOT_TINY_APP",
        "UNBOUND_APPLICATION",
        "PRODUCT_NOT_SUPPORT_IN_TINY_APP",
        "MERCHANT_STATUS_NOT_NORMAL",
        "MESSAGE_SEND_AUTH_ERROR",
        "ARRANGEMENT_STATUS_ERROR",
        "TYPE_NOT_SUPPORTED",
    ),
    "parameter_wrong": (
        "grant-type-invalid",
        "INVALID_PARAMETER",
        "INVAILID_ARGUMENTS",
        "ILLEGAL_ARGUMENT_FORMAT",
        "EXIST_FORBIDDEN_WORD",
        "TOTAL_FEE_EXCEED",
        "CONTEXT_INCONSISTENT",
        "BUYER_SELLER_EQUAL",
        "TRADE_BUYER_NOT_MATCH",
        "REFUND_AMT_NOT_EQUAL_TOTAL",
        "REFUND_FEE_ERROR",
        "REASON_TRADE_REFUND_FEE_ERR",
        "DISCORDANT_REPEAT_REQUEST",
        "FORM_ID_INVALID",
        "FORM_ID_OVER_TIME",
        "FORM_ID_NOT_MATCH_APPID",
        "TEMPLATE_ILLEGAL",
        "MSG_TEMPLATE_INVALID",
        "USER_TEMPLATE_ILLEGAL",
        "USER_TEMPLATE_STATUS_ILLEGAL",
        "USER_TEMPLATE_LACK_KEYWORD",
        "USER_KEYWORD_LENGTH_ERROR",
        "MESSAGE_TEMPLATE_KEYWORD_ILLEGAL",
        "DATA_CONTENT_FORMAT_ERROR",
        "DATA_SENSITIVE",
        "DATA_IS_EMPTY",
        "PAGE_OVER_LIMIT",
        "QRCODE_DESC_CHECK_INVALID",
        "HM_BG_COLOR_INVALID",
        "UNABLE_GET_IMAGE",
    ),
}
_OUR_CODES = {theirs: ours for ours, words in _REFUSALS.items() for theirs in words}
_OUR_PATTERNS = (
    (re.compile(r"\AMERCHANT_PERM_RECEIPT_\w+_LIMIT\Z"), "quota_used"),
    (re.compile(r"\ASECONDARY_MERCHANT_\w+\Z"), "not_permitted"),
)
_PREFIX = re.compile(r"\A(?:ACQ|AQC|isv|isp|aop)[.]")


def as_error(code: str | int | None, sub_code: str | None) -> ChannelError | None:
    """What an answer's codes mean; None where the call went well.

    An answer without a code went well too: only a granted login has none.
    """
    if code is None or str(code) == SUCCESS:
        return None
    shown = channel_word(sub_code) or channel_word(str(code))
    ours = _refusal_code(str(code), sub_code or "")
    if ours is None:
        return Unreachable("channel_busy", channel_code=shown)
    return Refusal(ours, channel_code=shown)


# What a message that can never be sent failed for.
_MESSAGE_FAILURES = {
    "user_refused": _REFUSALS["user_refused"],
    "person_unknown": ("USER_ID_INVALID", "OPENID_INVALID"),
    "template_wrong": (
        "TEMPLATE_ILLEGAL",
        "MSG_TEMPLATE_INVALID",
        "USER_TEMPLATE_ILLEGAL",
        "USER_TEMPLATE_STATUS_ILLEGAL",
        "USER_TEMPLATE_LACK_KEYWORD",
        "MESSAGE_TEMPLATE_KEYWORD_ILLEGAL",
    ),
    "content_wrong": (
        "USER_KEYWORD_LENGTH_ERROR",
        "DATA_CONTENT_FORMAT_ERROR",
        "DATA_SENSITIVE",
        "DATA_IS_EMPTY",
        "PAGE_OVER_LIMIT",
    ),
}
_REASONS = {theirs: ours for ours, words in _MESSAGE_FAILURES.items() for theirs in words}


def message_failure(refusal: Refusal) -> str | None:
    """Why a message failed for good; None where the refusal is about something else."""
    return _REASONS.get(_PREFIX.sub("", refusal.channel_code or ""))


def channel_word(word: str | None) -> str | None:
    """Theirs as it may be shown to operators: a short word, or nothing."""
    return word if word and _WORD.match(word) else None


def _refusal_code(code: str, sub_code: str) -> str | None:
    bare = _PREFIX.sub("", sub_code)
    if bare in _OUR_CODES:
        return _OUR_CODES[bare]
    for pattern, ours in _OUR_PATTERNS:
        if pattern.match(bare):
            return ours
    # "isp." and "aop." in front of an unknown word say that the fault is on their side.
    if sub_code.startswith(("isp.", "aop.")) or "SYSTEM_ERROR" in bare:
        return None
    return _GATEWAY.get(code)


def payment_state(trade_status: str, *, was_paid: bool, was_refunded: bool) -> PaymentState:
    """TRADE_CLOSED means two things: never paid and over, or paid and all of it given back."""
    if trade_status == "WAIT_BUYER_PAY":
        return "pending"
    if trade_status in ("TRADE_SUCCESS", "TRADE_FINISHED"):
        return "partially_refunded" if was_refunded else "paid"
    if trade_status == "TRADE_CLOSED":
        return "refunded" if was_paid or was_refunded else "closed"
    return "unknown"


def refund_state(refund_status: str | None) -> RefundState:
    """A missing status: not done, and perhaps never; only the success is certain."""
    if not refund_status:
        return "processing"
    return "succeeded" if refund_status == "REFUND_SUCCESS" else "unknown"


def is_refund_seen(gmt_refund: str | None, refund_fen: int | None) -> bool:
    """Whether a trade says that money went back."""
    return read_optional_time(gmt_refund) is not None or bool(refund_fen)
