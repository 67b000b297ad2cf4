"""What a run must reach, scenario by scenario. A missed goal fails the run.

Times in milliseconds over the whole run, cold start included; they hold on two cores that
also carry the load generator, PostgreSQL and Valkey.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from loadtests.figures import Figures, Row

GUIDE = "GET /v1/services/{service_code}"
SEARCH = "GET /v1/services?q="
SUGGEST = "GET /v1/suggestions"
HOME = "GET /v1/home"


class Latency(Struct, frozen=True):
    """How slow a kind of request may be at most."""

    p95_ms: float
    p99_ms: float


class Goals(Struct, frozen=True, kw_only=True):
    """What one scenario must reach. `latency` is of all requests, `latencies` by name."""

    latency: Latency
    latencies: dict[str, Latency] = {}
    most_errors: int = 0
    most_refused_percent: float = 0.0
    least_not_modified_percent: float = 0.0
    least_per_second: float = 0.0
    refusal_p99_ms: float = 50.0


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
    yield from _judge_latency(total, goals.latency)
    rows = {row.name: row for row in figures.rows}
    for name, latency in goals.latencies.items():
        if name in rows:
            yield from _judge_latency(rows[name], latency)
        else:
            yield Verdict(f"{name} sent", 1, 0, "requests", False)


def _judge_latency(row: Row, latency: Latency) -> Iterator[Verdict]:
    yield Verdict(f"{row.name} p95", latency.p95_ms, row.p95_ms, "ms", True)
    yield Verdict(f"{row.name} p99", latency.p99_ms, row.p99_ms, "ms", True)
