"""What rows about receipts are; amounts are integer fen, below zero in red letters."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class SettledRow(Struct, frozen=True):
    """A payment that paid its bill. `payer_id` and `name_sealed`: the citizen who paid, and who
    they are now if records were joined; `organisation_name`: on whose behalf the case is."""

    payment_no: str
    bill_no: str
    amount_fen: int
    region_code: str
    province_name: str | None
    department_code: str
    department_name: str | None
    service_code: str
    service_name: str
    basis: str | None
    standard: str | None
    payer_id: str | None
    name_sealed: bytes | None
    organisation_name: str | None
    organisation_code: str | None


class BlueRow(Struct, frozen=True):
    """The receipt of a payment: what one in red letters repeats."""

    receipt_id: str
    code: str
    number: int
    title: str
    issuer_code: str
    issuer_name: str
    service_code: str
    item_name: str
    basis: str | None
    standard: str | None
    quantity: int
    amount_fen: int
    payer_sealed: bytes
    payer_code: str | None


class RefundedRow(Struct, frozen=True):
    refund_no: str
    amount_fen: int


class OwnPaymentRow(Struct, frozen=True):
    """`has_settled`: it is the payment that paid its bill."""

    status: str
    service_code: str
    has_settled: bool


class ReceiptRow(Struct, frozen=True):
    """A receipt as it was issued; `answered_…` name the one that red letters answer."""

    receipt_id: str
    code: str
    number: int
    check_characters: str
    kind: str
    payment_no: str
    bill_no: str
    refund_no: str | None
    answered_code: str | None
    answered_number: int | None
    title: str
    issuer_code: str
    issuer_name: str
    service_code: str
    item_name: str
    basis: str | None
    standard: str | None
    quantity: int
    amount_fen: int
    issued_at: datetime
    payer_sealed: bytes
    payer_code: str | None


class NamedRow(Struct, frozen=True):
    """What the public may know of a receipt, with the characters that let them."""

    check_characters: str
    kind: str
    issuer_name: str
    amount_fen: int
    issued_at: datetime
    reversed_fen: int
