"""What the clients were told: every 2xx, and whether a repeat was ever told otherwise."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct


class Begun(Struct, frozen=True):
    """A payment that was answered with 201."""

    bill_no: str
    channel: str
    amount_fen: int


class Asked(Struct, frozen=True):
    """A refund that was answered with 201."""

    payment_no: str
    amount_fen: int


class Record:
    """One for the whole run."""

    def __init__(self) -> None:
        self.bills: dict[str, str] = {}
        self.payments: dict[str, Begun] = {}
        self.refunds: dict[str, Asked] = {}
        self.finished: dict[str, set[str]] = {}
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.surprises: list[str] = []
        self._kept: dict[str, bytes] = {}

    def keep(self, key: str, body: bytes) -> None:
        """The answer to an Idempotency-Key: each further one must be the same bytes."""
        if self._kept.setdefault(key, body) != body:
            self.surprises.append(f"a repeat was answered otherwise: {self._kept[key]!r}, {body!r}")

    def saw(self, payment_no: str, status: str, *, finished: bool) -> None:
        """Somebody read how a payment stands."""
        if finished:
            self.finished.setdefault(payment_no, set()).add(status)

    @property
    def acknowledged(self) -> int:
        """How many writes were answered with 2xx, each counted once."""
        return len(self.bills) + len(self.payments) + len(self.refunds)
