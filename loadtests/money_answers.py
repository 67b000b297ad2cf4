"""The answers about money, as citizens and departments' systems read them; amounts in fen."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Status = Literal[
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


class Bill(Struct, frozen=True):
    """What is owed."""

    bill_no: str
    amount_fen: int
    status: Literal["unpaid", "paid", "cancelled", "partially_refunded", "refunded"]
    case_no: str | None = None
    payment_no: str | None = None


class BillList(Struct, frozen=True):
    """A page of one's own bills."""

    items: list[Bill]
    next_cursor: str | None


class Payment(Struct, frozen=True):
    """One attempt to pay a bill."""

    payment_no: str
    bill_no: str
    channel: str
    status: Status
    finished: bool
    amount_fen: int
    client_parameters: dict[str, str] | None


class RefundTold(Struct, frozen=True):
    """One refund."""

    refund_no: str
    payment_no: str
    amount_fen: int
    status: Literal["asked", "processing", "succeeded", "failed"]


class HandledPayment(Struct, frozen=True):
    """A payment as the department's system reads it."""

    payment_no: str
    bill_no: str
    status: Status
    finished: bool
    amount_fen: int
    refunded_fen: int
    refund_amount_available_fen: int
    refunds: list[RefundTold]
    paid_at: str | None = None
