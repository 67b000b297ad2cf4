"""What departments' systems and cashiers read of a day, and what a cashier writes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from api.kinds import ShortText

Cause = Literal["missing_here", "missing_there", "amount", "state", "duplicate", "date_cut_off"]
DifferenceStatus = Literal["open", "explained", "repaired", "resolved", "closed"]
DayState = Literal["waiting", "failed", "clean", "open"]


class PlatformDay(Struct, frozen=True):
    """A channel's day; not `reconciled`: its bill is not there yet or could not be read."""

    channel: str
    reconciled: bool
    reconciled_at: datetime | None


class PlatformDifference(Struct, frozen=True):
    """Where our books and the channel's bill differ. `cause`: `missing_here` in the bill and not
    ours, `missing_there` ours and in no bill, `amount`, `state` only one side moved money,
    `duplicate` listed twice, `date_cut_off` counted on different days. `gap_fen`: what we count
    of that day less what the bill counts; money that goes back is negative."""

    difference_id: str
    channel: str
    kind: Literal["payment", "refund"]
    payment_no: str
    refund_no: str | None
    cause: Cause
    status: DifferenceStatus
    here_fen: int | None
    there_fen: int | None
    gap_fen: int
    here_state: str | None
    there_state: str | None
    here_at: datetime | None
    there_at: datetime | None
    service_code: str | None
    region_code: str | None


class PlatformReconciliation(Struct, frozen=True):
    """A page of a day's differences, with whether the day was reconciled at all."""

    date: str
    channels: list[PlatformDay]
    items: list[PlatformDifference]
    next_cursor: str | None


class ChannelDay(Struct, frozen=True):
    """A channel's day in figures; `here` is what we count, `there` what the bill counts.

    `ledger_gap_fen`: what the ledger has too much (above zero) or too little.
    """

    channel: str
    state: DayState
    reason: str | None
    lines: int
    payments_here: int
    payments_here_fen: int
    payments_there: int
    payments_there_fen: int
    refunds_here: int
    refunds_here_fen: int
    refunds_there: int
    refunds_there_fen: int
    fees_fen: int
    ledger_gap_fen: int
    reconciled_at: datetime | None


class ClerkDifference(PlatformDifference, frozen=True):
    """A difference for cashiers; `note` is what one of them found out about it."""

    channel_payment_id: str | None
    channel_refund_id: str | None
    note: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    first_seen_at: datetime


class ClerkReconciliation(Struct, frozen=True):
    """A page of a day's differences; `channels` empty for a clerk of some bodies or places only:
    the sums are everybody's."""

    date: str
    channels: list[ChannelDay]
    items: list[ClerkDifference]
    next_cursor: str | None


class DifferenceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What was found out about a difference, and where it was settled."""

    note: ShortText
