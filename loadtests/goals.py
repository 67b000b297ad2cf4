"""What a run must reach, scenario by scenario. A missed goal fails the run.

Times in milliseconds over the whole run, cold start included; they hold on two cores that
also carry the load generator, PostgreSQL and Valkey.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from loadtests.figures import Figures, Reckoning, Row
from loadtests.request_names import (
    AGAIN,
    BATCH,
    BEGIN,
    BILL,
    CHANGE,
    FORGED,
    GUIDE,
    HOME,
    LIST,
    MINT,
    NOTICE,
    PAID_SEEN,
    PAY,
    PAYMENT,
    PROBE,
    PROGRESS,
    PUSH,
    REFUND,
    SEARCH,
    SIGN_IN,
    SUBMIT,
    SUGGEST,
    TAKE,
    UPLOAD,
)

# Of fewer answers than this the percentile is but the slowest one.
_LEAST_FOR_P95 = 20
_LEAST_FOR_P99 = 100
# Writers of one row wait for each other: a call waits 0.3 s for a place before it is refused.
_WAITED_MS = 500.0
_FEW_REFUSED_PERCENT = 0.5


class Latency(Struct, frozen=True):
    """How slow a kind of request may be at most; no `p99_ms` for what is too rare for one."""

    p95_ms: float
    p99_ms: float | None


class Goals(Struct, frozen=True, kw_only=True):
    """What one scenario must reach. `latency` is of all requests, `latencies` by name."""

    latency: Latency
    latencies: dict[str, Latency] = {}
    most_errors: int = 0
    most_refused_percent: float = 0.0
    least_not_modified_percent: float = 0.0
    least_per_second: float = 0.0
    refusal_p99_ms: float = 50.0
    least_paid: int = 0
    """How many payments the gateways must have taken; of all that they took and gave back the
    service must say the same afterwards. 0: no money moves in the scenario."""
    least_judged: int = 0
    """How many reads must have been held against what had been acknowledged; of these none
    may be stale. 0: the scenario has no such reads."""


class Missed(Struct, frozen=True):
    """A goal that was missed: what, what was wanted, what was measured."""

    goal: str
    wanted: float
    measured: float
    unit: str

    @property
    def by(self) -> str:
        """By how much, in words."""
        return f"{abs(self.measured - self.wanted):,.2f} {self.unit}".strip()


class Verdict(Struct, frozen=True):
    """One goal with what was measured."""

    goal: str
    wanted: float
    measured: float
    unit: str
    at_most: bool

    @property
    def reached(self) -> bool:
        """Whether the measured value is on the right side of the wanted one."""
        if self.at_most:
            return self.measured <= self.wanted
        return self.measured >= self.wanted


GOALS: dict[str, Goals] = {
    "catalogue": Goals(
        latency=Latency(100, 250),
        latencies={
            HOME: Latency(100, 250),
            GUIDE: Latency(100, 250),
            SEARCH: Latency(100, 250),
            SUGGEST: Latency(100, 250),
        },
        least_not_modified_percent=80,
        least_per_second=100,
    ),
    "catalogue-surge": Goals(
        latency=Latency(500, 1000), most_refused_percent=30, least_per_second=50
    ),
    "catalogue-without-cache": Goals(latency=Latency(150, 400), least_per_second=60),
    "apply": Goals(
        latency=Latency(200, 500),
        latencies={
            SIGN_IN: Latency(250, 500),
            BEGIN: Latency(200, 400),
            CHANGE: Latency(200, 400),
            UPLOAD: Latency(200, 400),
            SUBMIT: Latency(250, 500),
            PROGRESS: Latency(100, 250),
            PUSH: Latency(200, 400),
        },
        most_refused_percent=_FEW_REFUSED_PERCENT,
        refusal_p99_ms=_WAITED_MS,
        least_per_second=50,
        least_judged=400,
    ),
    "progress": Goals(
        latency=Latency(100, 300),
        latencies={
            PROGRESS: Latency(100, 250),
            PROGRESS + AGAIN: Latency(80, 200),
            LIST + AGAIN: Latency(100, None),
            PUSH: Latency(200, 400),
        },
        most_refused_percent=_FEW_REFUSED_PERCENT,
        refusal_p99_ms=_WAITED_MS,
        least_not_modified_percent=50,
        least_per_second=100,
        least_judged=3000,
    ),
    "platform-pushes": Goals(
        latency=Latency(400, 3000),
        # Up to 500 rows, each a transaction of its own; at 8 s the service gives up.
        latencies={BATCH: Latency(5000, None), MINT: Latency(150, 400), TAKE: Latency(200, 500)},
        most_refused_percent=_FEW_REFUSED_PERCENT,
        refusal_p99_ms=_WAITED_MS,
        least_per_second=15,
    ),
    "payments": Goals(
        latency=Latency(250, 600),
        latencies={
            # Two transactions, and the gateway in between, which shares the processors.
            PAY: Latency(400, 900),
            PAYMENT: Latency(100, 250),
            PAYMENT + AGAIN: Latency(100, 250),
            BILL: Latency(100, 250),
            PROGRESS: Latency(100, None),
            REFUND: Latency(250, None),
            # What a person takes for at once, and what they still wait for.
            PAID_SEEN: Latency(1500, 3000),
        },
        most_refused_percent=_FEW_REFUSED_PERCENT,
        refusal_p99_ms=_WAITED_MS,
        least_per_second=30,
        least_paid=100,
    ),
    "notice-storm": Goals(
        latency=Latency(500, 1000),
        latencies={
            NOTICE: Latency(500, 1000),
            FORGED: Latency(300, 1000),
            PROBE: Latency(300, None),
        },
        most_refused_percent=_FEW_REFUSED_PERCENT,
        refusal_p99_ms=_WAITED_MS,
        least_per_second=50,
        least_paid=40,
    ),
}


def judge(figures: Figures, goals: Goals) -> list[Verdict]:
    """Every goal against what was measured. A kind of request that nobody sent is a miss."""
    return list(_judge(figures, goals))


def check_goals(figures: Figures, scenario: str) -> list[Missed]:
    """The goals of a scenario that the figures miss; none is success. Raises KeyError."""
    return [
        Missed(verdict.goal, verdict.wanted, verdict.measured, verdict.unit)
        for verdict in judge(figures, GOALS[scenario])
        if not verdict.reached
    ]


def _judge(figures: Figures, goals: Goals) -> Iterator[Verdict]:
    total = figures.total
    refused_percent = 100 * total.refused / total.requests if total.requests else 0.0
    yield Verdict("errors", goals.most_errors, total.errors, "", True)
    yield Verdict("refused", goals.most_refused_percent, round(refused_percent, 2), "%", True)
    if total.refused:
        yield Verdict("refusals p99", goals.refusal_p99_ms, figures.refusal_p99_ms, "ms", True)
    yield Verdict("requests", goals.least_per_second, total.per_second, "/s", False)
    if goals.least_not_modified_percent:
        wanted = goals.least_not_modified_percent
        yield Verdict("304 of asked again", wanted, figures.not_modified_percent, "%", False)
    if goals.least_judged:
        yield Verdict("stale reads", 0, figures.stale, "", True)
        yield Verdict("reads judged", goals.least_judged, figures.judged, "", False)
    if goals.least_paid:
        yield from _judge_money(figures.reckoning, goals.least_paid)
    yield from _judge_latency(total, goals.latency)
    rows = {row.name: row for row in figures.rows}
    for name, latency in goals.latencies.items():
        if name in rows:
            yield from _judge_latency(rows[name], latency)
        else:
            yield Verdict(f"{name} sent", 1, 0, "requests", False)


def _judge_money(found: Reckoning | None, least: int) -> Iterator[Verdict]:
    if found is None:
        yield Verdict("money reckoned", 1, 0, "", False)
        return
    paid_fen = abs(found.paid_by_service_fen - found.paid_by_gateways_fen)
    refunded_fen = abs(found.refunded_by_service_fen - found.refunded_by_gateways_fen)
    yield Verdict("payments taken by gateways", least, found.paid, "", False)
    yield Verdict("payments not as in the gateways' books", 0, found.astray, "", True)
    yield Verdict("paid here or there alone", 0, paid_fen, "fen", True)
    yield Verdict("given back here or there alone", 0, refunded_fen, "fen", True)


def _judge_latency(row: Row, latency: Latency) -> Iterator[Verdict]:
    answers = row.requests - row.refused
    least = _LEAST_FOR_P95 if latency.p99_ms is None else _LEAST_FOR_P99
    if answers < least:
        yield Verdict(f"{row.name} answers to judge by", least, answers, "", False)
        return
    yield Verdict(f"{row.name} p95", latency.p95_ms, row.p95_ms, "ms", True)
    if latency.p99_ms is not None:
        yield Verdict(f"{row.name} p99", latency.p99_ms, row.p99_ms, "ms", True)
