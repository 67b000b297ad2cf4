"""What cashiers read of money that waits for them, and what they decide; amounts in fen."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct

from api.payments.desk.words import Action, Kind
from api.payments.schemas import BillAnswer, PaymentStatus, RefundAnswer, Words

MatterKey = Annotated[str, Meta(min_length=1, max_length=80, pattern=r"\A[a-z0-9_/]{1,80}\Z")]


class ActionOffered(Struct, frozen=True):
    """One thing that can be done."""

    action: Action
    label: str


class WaitingMatter(Struct, frozen=True):
    """One thing that has to be settled. `matter` names it in a resolution; `amount_fen` of the
    refund it is about; `words` say what happened."""

    matter: str
    kind: Kind
    refund_no: str | None
    amount_fen: int | None
    words: str
    actions: list[ActionOffered]
    since: datetime


class WaitingPayment(Struct, frozen=True):
    """A payment with one thing that waits for a person."""

    payment_no: str
    bill_no: str
    case_no: str | None
    service_code: str
    service_name: str
    channel: str
    status: PaymentStatus
    paid_fen: int
    refunded_fen: int
    matter: WaitingMatter


class NoticeKept(Struct, frozen=True):
    """What a channel told of the payment, how often, and what became of it here."""

    notice_id: str
    refund_no: str | None
    said: str
    outcome: str
    times: int
    first_at: datetime
    last_at: datetime


class Resolution(Struct, frozen=True):
    """How a matter was settled, by whom. `new_refund_no`: the refund instead of it."""

    matter: str
    action: Action
    note: str
    reference: str | None
    amount_fen: int | None
    refund_no: str | None
    new_refund_no: str | None
    clerk: str
    resolved_at: datetime


class Trace(Struct, frozen=True):
    """One entry of the audit trail about the payment or its bill."""

    noted_at: datetime
    actor: str
    action: str
    details: dict[str, Any]


class PaymentOfStory(Struct, frozen=True):
    """The payment itself."""

    payment_no: str
    channel: str
    channel_payment_id: str | None
    status: PaymentStatus
    flag: str | None
    amount_fen: int
    refunded_fen: int
    expires_at: datetime
    created_at: datetime
    paid_at: datetime | None
    updated_at: datetime


class PaymentStory(Struct, frozen=True):
    """Everything about one payment; `matters` is what still waits."""

    payment: PaymentOfStory
    bill: BillAnswer
    matters: list[WaitingMatter]
    refunds: list[RefundAnswer]
    notices: list[NoticeKept]
    resolutions: list[Resolution]
    trail: list[Trace]


class ResolutionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How a matter is settled. `matter` as listed; `note` for whoever looks later, nothing
    personal; `reference` of the bank transfer or voucher, for `settled_outside`."""

    matter: MatterKey
    action: Action
    note: Words
    reference: (
        Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[!-~]{1,64}\Z")] | None
    ) = None
