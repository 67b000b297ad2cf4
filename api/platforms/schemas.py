"""What platforms send and read about their own use of the service."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

EventName = Literal["case.moved", "payment.succeeded", "payment.refunded", "service.changed"]
EVENT_NAMES: tuple[EventName, ...] = (
    "case.moved",
    "payment.succeeded",
    "payment.refunded",
    "service.changed",
)
DeliveryStatus = Literal["pending", "delivered", "dead"]
# Printable ASCII, as RFC 3986 writes addresses; the sender reads it strictly.
Url = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=1000,
        pattern=r"\A[\x21-\x7e]+\Z",
        examples=["https://partner.example.gov.cn/zhangban"],
    ),
]


class NewWebhookBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send what. https, a DNS name, port 443 or 8443."""

    url: Url
    events: Annotated[list[EventName], Meta(min_length=1, max_length=4)]


class WebhookAnswer(Struct, frozen=True):
    """A webhook. `status`: failing while its receiver is left alone for a time, disabled after
    an answer 410 until something is replayed."""

    webhook_id: str
    url: str
    events: list[str]
    status: Literal["active", "failing", "disabled"]
    disabled_reason: str | None
    disabled_at: datetime | None
    created_at: datetime


class NewWebhookAnswer(WebhookAnswer, frozen=True, kw_only=True):
    """A webhook just made, with the secret of its signatures (Standard Webhooks): shown once."""

    secret: str

    def __repr__(self) -> str:
        return f"NewWebhookAnswer({self.webhook_id})"


class DeliveryAnswer(Struct, frozen=True):
    """One message to one webhook. `delivery_id` is the `webhook-id` that the receiver sees.

    `last_status` is the HTTP status of the last answer, `last_error` why there was none or
    why it did not count. A dead one is sent again when it is replayed.
    """

    delivery_id: str
    webhook_id: str
    type: str
    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None
    payload: msgspec.Raw


class UsageWindow(Struct, frozen=True):
    """The day that is counted, in China Standard Time."""

    starts_at: datetime
    ends_at: datetime


class Usage(Struct, frozen=True):
    """What a platform may call and has called. `used_today` counts every call that was proven,
    this one too; other processes may hold some calls that are not made yet."""

    platform_id: str
    name: str
    quota: int
    used_today: int
    remaining: int
    per_second: int
    burst: int
    window: UsageWindow
    service_prefixes: list[str]
    region_prefixes: list[str]


# What is sent.


class CaseEvent(Struct, frozen=True):
    """What happened to a case, without its words: those may speak of people."""

    seq: int
    type: str
    occurred_at: datetime


class CaseMovedData(Struct, frozen=True):
    """A case after one more event; `version` grows with every change and gives the order."""

    case_no: str
    status: str
    event: CaseEvent
    version: int
    service_code: str
    region_code: str


class ServiceChangedData(Struct, frozen=True):
    """An item whose guide changed; fetch it by its code."""

    service_code: str
    region_code: str
    change: str
    changed_at: datetime
    version: int


class PaymentSucceededData(Struct, frozen=True):
    """The money of a bill is here; fetch the payment by its number."""

    payment_no: str
    bill_no: str
    case_no: str | None
    channel: str
    amount_fen: int
    service_code: str
    region_code: str


class PaymentRefundedData(PaymentSucceededData, frozen=True):
    """Money of a payment went back; `refunded_fen` is this refund's."""

    refund_no: str
    refunded_fen: int


class Payload(Struct, frozen=True):
    """The body of a webhook: `timestamp` is when it happened, not when it is sent."""

    type: EventName
    timestamp: datetime
    data: Struct
