"""What every gateway remembers: people, codes, payments, refunds, messages, notices, checks.

Times are Unix seconds of the gateway's own clock, amounts integer fen. `asked` holds
what the caller sent, in the vendor's words, for the vendor's part to answer with.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

PaymentState = Literal["waiting", "paid", "closed"]
RefundState = Literal["processing", "succeeded", "closed", "abnormal"]
CheckState = Literal["pending", "passed", "failed"]
NoticeState = Literal["waiting", "accepted", "given_up", "muted", "target_refused"]


class Citizen(Struct, frozen=True):
    """A person with the app. `consents` counts, by template, the messages still allowed.

    `user_id` and `union_id` are the person beyond this application, where the vendor has it.
    """

    open_id: str
    name: str = ""
    id_number: str = ""
    phone: str = ""
    union_id: str = ""
    user_id: str = ""
    blocked: bool = False
    consents: dict[str, int] = {}


class Code(Struct, frozen=True):
    """Something the app handed out once: `kind` says for what (`login`, `phone` …)."""

    code: str
    kind: str
    open_id: str
    made_at: float
    used: bool = False


class Payment(Struct, frozen=True):
    """`order_id` is what the cashier is opened with, `merchant_no` the caller's number.

    `at_cashier`: the person has the password field before them. `declines` counts how
    often they turned away.
    """

    order_id: str
    merchant_no: str
    open_id: str
    amount_fen: int
    description: str
    created_at: float
    expires_at: float | None
    notice_url: str
    asked: dict[str, Any]
    state: PaymentState = "waiting"
    transaction_id: str = ""
    paid_at: float | None = None
    closed_at: float | None = None
    refunded_fen: int = 0
    at_cashier: bool = False
    declines: int = 0


class Refund(Struct, frozen=True):
    """`refund_no` is the caller's number, unique within the payment's merchant."""

    refund_id: str
    refund_no: str
    order_id: str
    merchant_no: str
    amount_fen: int
    created_at: float
    notice_url: str
    asked: dict[str, Any]
    state: RefundState = "processing"
    finished_at: float | None = None


class SentMessage(Struct, frozen=True):
    """A message a person found in the app, or did not: `state`."""

    message_id: str
    open_id: str
    template_id: str
    page: str
    values: dict[str, str]
    sent_at: float
    state: str = "delivered"


class IdentityCheck(Struct, frozen=True):
    """A face check begun; `result_code` is the vendor's number for how it ended."""

    check_id: str
    check_no: str
    open_id: str
    name: str
    id_number: str
    made_at: float
    asked: dict[str, Any]
    state: CheckState = "pending"
    result_code: str = ""


class Notice(Struct, frozen=True):
    """Something the gateway tells the caller; `content` is what is said, before it is sealed.

    `kind`: `payment`, `refund`, `message` … `subject` names the record it is about.
    `attempts`: what came of each: an HTTP status, or `timeout`, `no_connection`.
    """

    notice_id: str
    kind: str
    subject: str
    url: str
    content: dict[str, Any]
    made_at: float
    state: NoticeState = "waiting"
    attempts: tuple[str, ...] = ()
