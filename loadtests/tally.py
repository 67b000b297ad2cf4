"""Counts of one kind of request, which can be added up.

Times go into buckets 2 % wide, so percentiles of any number of processes add up exactly
and are right to 2 % from microseconds to minutes.
"""

from __future__ import annotations

from collections import Counter
from math import exp, log

from loadtests.figures import Row
from loadtests.phone import STALE_SECONDS, WHOLLY

_WIDTH = log(1.02)
_LEAST_MS = 0.01


class Tally:
    """Counts of one kind of request that can be added up."""

    def __init__(self) -> None:
        self.requests = self.errors = self.refused = self.not_modified = self.bytes = 0
        self.judged = self.stale = 0
        self.worst_ms = self.longest_lag_ms = 0.0
        self.buckets: Counter[int] = Counter()
        self.refused_buckets: Counter[int] = Counter()

    def note(
        self, milliseconds: float, status: int, size: int, *, failed: bool, refused: str = ""
    ) -> None:
        """Count one request. Only of what was refused at the door is the time a refusal's."""
        bucket = int(log(max(milliseconds, _LEAST_MS)) // _WIDTH)
        self.requests += 1
        if refused:
            self.refused += 1
            self.refused_buckets[bucket] += refused == WHOLLY
            return
        self.errors += failed
        self.not_modified += status == 304
        self.bytes += size
        self.worst_ms = max(self.worst_ms, milliseconds)
        self.buckets[bucket] += 1

    def note_lag(self, milliseconds: float) -> None:
        """Count an answer that was judged for what it leaves out."""
        self.judged += 1
        self.stale += milliseconds >= 1000 * STALE_SECONDS
        self.longest_lag_ms = max(self.longest_lag_ms, milliseconds)

    def add(self, other: Tally) -> None:
        """Add another's counts."""
        self.requests += other.requests
        self.errors += other.errors
        self.refused += other.refused
        self.not_modified += other.not_modified
        self.bytes += other.bytes
        self.judged += other.judged
        self.stale += other.stale
        self.worst_ms = max(self.worst_ms, other.worst_ms)
        self.longest_lag_ms = max(self.longest_lag_ms, other.longest_lag_ms)
        self.buckets.update(other.buckets)
        self.refused_buckets.update(other.refused_buckets)

    def row(self, name: str, seconds: float) -> Row:
        """The counts as figures of so many seconds."""
        answered = self.requests - self.refused
        return Row(
            name=name,
            requests=self.requests,
            errors=self.errors,
            refused=self.refused,
            not_modified=self.not_modified,
            per_second=round(self.requests / seconds, 2),
            p50_ms=percentile(self.buckets, 50),
            p95_ms=percentile(self.buckets, 95),
            p99_ms=percentile(self.buckets, 99),
            worst_ms=round(self.worst_ms, 2),
            bytes_per_answer=round(self.bytes / answered, 1) if answered else 0.0,
        )


def percentile(buckets: Counter[int], percent: float) -> float:
    """The time in milliseconds that so many percent of the counted stayed within; 0 for none."""
    wanted = sum(buckets.values()) * percent / 100
    passed = 0
    for bucket in sorted(buckets):
        passed += buckets[bucket]
        if passed >= wanted:
            return round(exp((bucket + 0.5) * _WIDTH), 2)
    return 0.0
