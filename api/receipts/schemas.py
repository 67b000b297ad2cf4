"""What is answered about receipts; amounts are integer fen, below zero in red letters."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from msgspec import Struct

ReceiptKind = Literal["receipt", "red_letter"]


class ReceiptAnswer(Struct, frozen=True):
    """A fiscal e-receipt 财政电子票据. `check` is its 校验码; `payer` is masked here and whole in
    the PDF; `pdf_url` is where that is, by the same authorisation."""

    code: str
    number: str
    check: str
    kind: ReceiptKind
    title: str
    payer: str
    payer_code: str | None
    department_code: str
    department_name: str
    service_code: str
    item_name: str
    basis: str | None
    standard: str | None
    quantity: int
    amount_fen: int
    amount_capitals: str
    issued_at: datetime
    pdf_url: str


class RedLetterAnswer(ReceiptAnswer, frozen=True):
    """A receipt in red letters 红字票据: what of the receipt it answers went back, and by which
    refund."""

    refund_no: str


class PaymentReceiptAnswer(ReceiptAnswer, frozen=True):
    """The receipt of a payment, with those in red letters that answer it; `net_amount_fen` is
    what is left of it."""

    payment_no: str
    bill_no: str
    net_amount_fen: int
    red_letters: list[RedLetterAnswer]


class GenuineReceipt(Struct, frozen=True):
    """What anybody may know who holds a receipt. `reversed_fen`: how much of it was taken back
    in red letters since."""

    code: str
    number: str
    kind: ReceiptKind
    department_name: str
    amount_fen: int
    reversed_fen: int
    issued_on: date
