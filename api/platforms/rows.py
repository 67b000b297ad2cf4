"""Rows of the platforms' statements, columns in order."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class KeyRow(Struct, frozen=True):
    """A key with its platform's rights and quota; of its two secrets one is there."""

    key_id: str
    platform_id: str
    algorithm: str
    secret_sealed: bytes | None
    public_key: bytes | None
    not_before: datetime
    expires_at: datetime | None
    service_prefixes: list[str]
    region_prefixes: list[str]
    calls_per_day: int
    calls_per_second: int

    def __repr__(self) -> str:
        return f"KeyRow({self.key_id})"


class PlatformRow(Struct, frozen=True):
    """A platform's rights."""

    platform_id: str
    service_prefixes: list[str]
    region_prefixes: list[str]


class OwnKeyRow(Struct, frozen=True):
    """A key and its sealed secret."""

    key_id: str
    secret_sealed: bytes


class UsageRow(Struct, frozen=True):
    """A platform's quota, and the calls of a day that were handed out to processes."""

    name: str
    calls_per_day: int
    calls_per_second: int
    calls: int


class WebhookRow(Struct, frozen=True):
    """A webhook without its secret."""

    webhook_id: str
    url: str
    events: list[str]
    failures: int
    open_until: datetime | None
    disabled_at: datetime | None
    disabled_reason: str | None
    created_at: datetime


class DeliveryRow(Struct, frozen=True):
    """A delivery with the bytes that are sent."""

    delivery_id: str
    webhook_id: str
    type: str
    status: str
    attempts: int
    next_attempt_at: datetime
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None
    body: bytes


class WebhookId(Struct, frozen=True):
    """A webhook's id alone."""

    webhook_id: str


class DueRow(Struct, frozen=True):
    """A receiver and a delivery that is due to it."""

    webhook_id: str
    delivery_id: str


class PaidRow(Struct, frozen=True):
    """A payment with what it was for; `refunded_fen` of the refund asked about, else 0."""

    payment_no: str
    bill_no: str
    case_no: str | None
    channel: str
    amount_fen: int
    service_code: str
    region_code: str
    at: datetime
    refunded_fen: int


class CaseEventRow(Struct, frozen=True):
    """A case's event as it was recorded."""

    type: str
    occurred_at: datetime


class ChangedServiceRow(Struct, frozen=True):
    """What the change feed last said of an item."""

    service_code: str
    region_code: str
    version: int
    change: str
    changed_at: datetime


class SlotRow(Struct, frozen=True):
    """A place taken at a receiver; `busy_until` is its owner's mark."""

    slot: int
    busy_until: datetime


class ClaimedRow(Struct, frozen=True):
    """A delivery to be sent now; `claimed_until` is its owner's mark."""

    delivery_id: str
    body: bytes
    attempts: int
    claimed_until: datetime
    url: str
    secret_sealed: bytes
