"""What a run measured. Times in milliseconds, rates per second, shares in percent."""

from __future__ import annotations

from msgspec import Struct


class Row(Struct, frozen=True, kw_only=True):
    """One kind of request, or all together. Percentiles are of answers, refusals left out."""

    name: str
    requests: int
    errors: int
    refused: int
    not_modified: int
    per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float
    bytes_per_answer: float


class Sample(Struct, frozen=True, kw_only=True):
    """One moment, `second` after the start; rates and percentiles of the time since the last."""

    second: float
    users: int
    per_second: float
    errors_per_second: float
    refused_per_second: float
    p50_ms: float
    p95_ms: float
    p99_ms: float


class Failure(Struct, frozen=True):
    """What went wrong, where, and how often."""

    name: str
    reason: str
    times: int


class Reckoning(Struct, frozen=True, kw_only=True):
    """The service's money held against the gateways' books after the run; fen.

    `astray`: payments of which the two do not say the same after a while; `examples` says of
    some what is different.
    """

    payments: int
    paid: int
    refunded: int
    paid_by_gateways_fen: int
    paid_by_service_fen: int
    refunded_by_gateways_fen: int
    refunded_by_service_fen: int
    astray: int
    examples: tuple[str, ...] = ()


class Figures(Struct, frozen=True, kw_only=True):
    """A whole run. `not_modified_percent` is of the requests that sent If-None-Match.

    `judged`: answers that were held against what had been acknowledged before they were asked
    for; `stale`: those that left out what had been so a second before; `longest_lag_ms`: the
    longest that anything left out had been acknowledged.
    """

    scenario: str
    seconds: float
    most_users: int
    total: Row
    rows: tuple[Row, ...]
    samples: tuple[Sample, ...]
    failures: tuple[Failure, ...]
    not_modified_percent: float
    refusal_p99_ms: float
    judged: int = 0
    stale: int = 0
    longest_lag_ms: float = 0.0
    reckoning: Reckoning | None = None
