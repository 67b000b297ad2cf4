"""What rows of a reconciliation are; amounts are integer fen, days Shanghai's."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class DayRow(Struct, frozen=True):
    """One channel's day. `here` is what we count, `there` what the channel's bill counts."""

    channel: str
    day: date
    state: str
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
    ledger_fen: int
    ledger_wrong: int
    finished_at: datetime | None

    @property
    def net_here_fen(self) -> int:
        """What came in less what went back."""
        return self.payments_here_fen - self.refunds_here_fen

    @property
    def net_there_fen(self) -> int:
        """The same by the bill."""
        return self.payments_there_fen - self.refunds_there_fen

    @property
    def ledger_gap_fen(self) -> int:
        """What the ledger has too much (above zero) or too little."""
        return self.ledger_fen - self.net_here_fen


class SumRow(Struct, frozen=True):
    """A day in figures. `gap_fen` is the sum over all differences that stand."""

    payments_here: int
    payments_here_fen: int
    payments_there: int
    payments_there_fen: int
    refunds_here: int
    refunds_here_fen: int
    refunds_there: int
    refunds_there_fen: int
    fees_fen: int
    gap_fen: int
    open: int
    ledger_fen: int

    @property
    def net_here_fen(self) -> int:
        """What came in less what went back."""
        return self.payments_here_fen - self.refunds_here_fen

    @property
    def net_there_fen(self) -> int:
        """The same by the bill."""
        return self.payments_there_fen - self.refunds_there_fen


class DueDayRow(Struct, frozen=True):
    day: date


class CountRow(Struct, frozen=True):
    channel: str
    cause: str
    status: str
    differences: int
    gap_fen: int


class DifferenceRow(Struct, frozen=True):
    """`refund_no` is empty for a payment; `occurrence` from 2 on: the number again in one bill."""

    difference_id: int
    channel: str
    day: date
    kind: str
    payment_no: str
    refund_no: str
    occurrence: int
    cause: str
    status: str
    here_fen: int | None
    there_fen: int | None
    gap_fen: int
    here_state: str | None
    there_state: str | None
    here_at: datetime | None
    there_at: datetime | None
    channel_payment_id: str | None
    channel_refund_id: str | None
    service_code: str | None
    region_code: str | None
    note: str | None
    resolved_by: str | None
    resolved_at: datetime | None
    first_seen_at: datetime
    last_seen_at: datetime


class RepairableRow(Struct, frozen=True):
    difference_id: int
    kind: str
    payment_no: str
    refund_no: str


class ReportRow(Struct, frozen=True):
    page_sha256: str
    table_sha256: str
    drawn_at: datetime
