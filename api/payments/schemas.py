"""What is asked and answered about money; amounts are integer fen."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.processes import FieldName

BillStatus = Literal["unpaid", "paid", "cancelled", "partially_refunded", "refunded"]
PaymentStatus = Literal[
    "pending",
    "succeeded",
    "failed",
    "cancelled",
    "expired",
    "refunding",
    "refunded",
    "partially_refunded",
    "unknown",
]
RefundStatus = Literal["asked", "processing", "succeeded", "failed"]
Fen = Annotated[int, Meta(ge=1, le=10_000_000_000, examples=[2000])]
ServiceCode = Annotated[
    str, Meta(pattern=r"\A[0-9A-Z]{31}\Z", examples=["11440100DM1GL9LR583440202005000"])
]
FormAnswer = (
    Annotated[str, Meta(max_length=40, pattern=r"\A[0-9a-z_]{0,40}\Z")]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | float
    | bool
    | None
)
BillNo = Annotated[str, Meta(pattern=r"\A[0-9]{20}\Z", examples=["44010020261122000019"])]
Words = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\A[^\x00]*\Z")]
Visible = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[\x21-\x7e]+\Z")]


class BillAnswer(Struct, frozen=True):
    """What is owed. `bill_no` is the payment notice code 缴款码; `basis` the legal ground 收费依据,
    `standard` how the amount comes about 收费标准; `payment_no` the payment that paid it. `case_no`
    null: an item that is only paid. An `overdue` bill can still be paid."""

    bill_no: str
    case_no: str | None
    service_code: str
    service_name: str
    amount_fen: int
    basis: str | None
    standard: str | None
    status: BillStatus
    due_on: date
    overdue: bool
    payment_no: str | None
    created_at: datetime
    paid_at: datetime | None


class BillBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A bill of a department: for a case, or for an item without one. `reference` is its own
    number: the same is billed once.

    Exactly one of `case_no` and `service_code`. With `service_code`, `id_number` says whose it
    is and is not kept: where nobody known has it, or without it, whoever holds the `bill_no`
    pays by it.
    """

    reference: Visible
    amount_fen: Fen
    case_no: Visible | None = None
    service_code: ServiceCode | None = None
    id_number: (
        Annotated[str, Meta(pattern=r"\A[1-9][0-9]{16}[0-9Xx]\Z", examples=["999000199001010015"])]
        | None
    ) = None
    basis: Words | None = None
    standard: Words | None = None
    due_on: date | None = None


class OwnBillBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A citizen's bill of an item that is paid without a case (`process.payment.without_case` of
    its guide); `form` answers the questions of `process.form`, on which the fee depends."""

    service_code: ServiceCode
    form: Annotated[dict[FieldName, FormAnswer], Meta(max_length=60)] = {}


class ClaimBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The payment notice code 缴款码 that a letter carries."""

    bill_no: BillNo


class CancellationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why nothing is owed any more: words for the person who owed it, nothing personal."""

    reason: Words


class PlatformBill(BillAnswer, frozen=True):
    """A bill as the department's system sees it; `cancel_reason` as whoever raised it said."""

    cancel_reason: str | None


class PaymentBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which bill is to be paid, and through which channel."""

    bill_no: BillNo
    channel: Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z", examples=["wechat"])]


class PaymentAnswer(Struct, frozen=True):
    """One attempt to pay a bill. `client_parameters` go unchanged into the app's pay call; null
    where nothing can be paid any more. `unknown`: the channel has not said, and is being asked."""

    payment_no: str
    bill_no: str
    channel: str
    status: PaymentStatus
    finished: bool
    amount_fen: int
    refunded_fen: int
    expires_at: datetime
    client_parameters: dict[str, str] | None
    created_at: datetime
    paid_at: datetime | None


class RefundBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`refund_amount_available_fen` is what can go back as you have seen it; else 412."""

    amount_fen: Fen
    refund_amount_available_fen: Fen
    reason: Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\A[^\x00]*\Z")]


class RefundAnswer(Struct, frozen=True):
    """One refund; channels answer later, so it is `asked` or `processing` for a while."""

    refund_no: str
    payment_no: str
    amount_fen: int
    reason: str
    status: RefundStatus
    created_at: datetime
    succeeded_at: datetime | None


class PlatformPayment(Struct, frozen=True):
    """A payment as the department's system sees it, with what can still go back."""

    payment_no: str
    bill_no: str
    case_no: str | None
    channel: str
    status: PaymentStatus
    finished: bool
    amount_fen: int
    refunded_fen: int
    refund_amount_available_fen: int
    paid_at: datetime | None
    refunds: list[RefundAnswer]
