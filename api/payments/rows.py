"""What rows about money are; amounts are integer fen, columns in JSON are text."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class CaseDue(Struct, frozen=True):
    case_no: str | None
    citizen_id: str | None
    service_code: str
    service_name: str
    region_code: str
    department_code: str
    status: str
    fee_fen: int | None
    fee_basis: str | None


class BillRow(Struct, frozen=True):
    bill_no: str
    bill_id: int
    citizen_id: str | None
    case_no: str | None
    platform_id: str | None
    service_code: str
    service_name: str
    region_code: str
    amount_fen: int
    basis: str | None
    standard: str | None
    status: str
    due_on: date
    payment_no: str | None
    created_at: datetime
    paid_at: datetime | None


class PayableService(Struct, frozen=True):
    """An item that may be billed; `guide` is JSON, `open` says whether it is in force."""

    service_code: str
    name: str
    region_code: str
    department_code: str
    open: bool
    guide: str


class PayerRow(Struct, frozen=True):
    link_id: str
    open_id_sealed: bytes


class PaymentRow(Struct, frozen=True):
    """`is_over`: its time to be paid has passed, by the database's clock."""

    payment_no: str
    bill_no: str
    citizen_id: str
    channel: str
    link_id: str
    description: str
    amount_fen: int
    refunded_fen: int
    status: str
    cancel_asked: bool
    flag: str | None
    expires_at: datetime
    is_over: bool
    client_parameters: str | None
    channel_payment_id: str | None
    paid_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DuePayment(Struct, frozen=True):
    """One to ask the channel about. `must_close`: it is not to be paid any more."""

    payment_no: str
    channel: str
    must_close: bool
    is_long_over: bool


class RefundRow(Struct, frozen=True):
    refund_no: str
    payment_no: str
    platform_id: str | None
    amount_fen: int
    reason: str
    status: str
    created_at: datetime
    succeeded_at: datetime | None


class DueRefund(Struct, frozen=True):
    refund_no: str
    payment_no: str
    channel: str
    amount_fen: int
    payment_amount_fen: int
    reason: str
    status: str
    tries: int
