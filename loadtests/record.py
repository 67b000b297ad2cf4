"""Counts answers in every load process and gathers them where the run is led.

Times go into buckets 2 % wide, so percentiles of any number of processes add up exactly
and are right to 2 % from microseconds to minutes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from math import exp, log
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.figures import Failure, Figures, Row, Sample
from loadtests.phone import AGAIN, REFUSED

_WIDTH = log(1.02)
_LEAST_MS = 0.01
_SAMPLE_SECONDS = 1.0
# Locust's workers report every three seconds: sampled faster, most samples would be empty.
_DISTRIBUTED_SAMPLE_SECONDS = 3.0
_MOST_FAILURES = 50
_WIRE_KEY = "zhangban_tallies"


class Tally:
    """Counts of one kind of request that can be added up."""

    def __init__(self) -> None:
        self.requests = self.errors = self.refused = self.not_modified = self.bytes = 0
        self.worst_ms = 0.0
        self.buckets: Counter[int] = Counter()
        self.refused_buckets: Counter[int] = Counter()

    def note(
        self, milliseconds: float, status: int, size: int, *, failed: bool, refused: bool
    ) -> None:
        """Count one request."""
        bucket = int(log(max(milliseconds, _LEAST_MS)) // _WIDTH)
        self.requests += 1
        if refused:
            self.refused += 1
            self.refused_buckets[bucket] += 1
            return
        self.errors += failed
        self.not_modified += status == 304
        self.bytes += size
        self.worst_ms = max(self.worst_ms, milliseconds)
        self.buckets[bucket] += 1

    def add(self, other: Tally) -> None:
        """Add another's counts."""
        self.requests += other.requests
        self.errors += other.errors
        self.refused += other.refused
        self.not_modified += other.not_modified
        self.bytes += other.bytes
        self.worst_ms = max(self.worst_ms, other.worst_ms)
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


class Recorder:
    """Listens to every request of a run. `on_sample` hears each sample where the run is led."""

    def __init__(self, environment: Environment, scenario: str) -> None:
        self._environment = environment
        self._scenario = scenario
        self._window: dict[str, Tally] = {}
        self._all: dict[str, Tally] = {}
        self._samples: list[Sample] = []
        self._began = self._sampled = time.monotonic()
        self._ended: float | None = None
        events = environment.events
        events.request.add_listener(self._note)
        events.report_to_master.add_listener(self._report)
        events.worker_report.add_listener(self._receive)
        events.test_start.add_listener(self._start)
        events.test_stop.add_listener(self._stop)
        self.on_sample: Callable[[Sample], None] | None = None

    def figures(self) -> Figures:
        """Everything measured so far."""
        seconds = max(0.001, (self._ended or time.monotonic()) - self._began)
        rows = [tally.row(name, seconds) for name, tally in sorted(self._all.items())]
        total = Tally()
        for tally in self._all.values():
            total.add(tally)
        again = [row for row in rows if row.name.endswith(AGAIN)]
        asked_again = sum(row.requests - row.refused for row in again)
        not_modified = sum(row.not_modified for row in again)
        return Figures(
            scenario=self._scenario,
            seconds=round(seconds, 1),
            most_users=max((sample.users for sample in self._samples), default=0),
            total=total.row("all", seconds),
            rows=tuple(rows),
            samples=tuple(self._samples),
            failures=self._failures(),
            not_modified_percent=round(100 * not_modified / asked_again, 1) if asked_again else 0.0,
            refusal_p99_ms=percentile(total.refused_buckets, 99),
        )

    def _failures(self) -> tuple[Failure, ...]:
        errors = sorted(
            self._environment.stats.errors.values(), key=lambda e: e.occurrences, reverse=True
        )
        return tuple(
            Failure(str(e.name), str(e.error)[:300], e.occurrences) for e in errors[:_MOST_FAILURES]
        )

    def _start(self, **_: Any) -> None:
        self._window, self._all, self._samples = {}, {}, []
        self._began = self._sampled = time.monotonic()
        self._ended = None
        if not isinstance(self._environment.runner, WorkerRunner):
            gevent.spawn(self._sample_for_ever)

    def _stop(self, **_: Any) -> None:
        if not isinstance(self._environment.runner, WorkerRunner):
            self._ended = time.monotonic()
            self._fold()

    def _note(
        self,
        name: str,
        response_time: float,
        response: Any,
        context: dict[str, Any] | None,
        exception: Exception | None,
        **_: Any,
    ) -> None:
        headers = getattr(response, "headers", None) or {}
        self._window.setdefault(name, Tally()).note(
            response_time,
            response.status_code if response is not None else 0,
            int(headers.get("content-length", 0)),
            failed=exception is not None,
            refused=bool(context and context.get(REFUSED)),
        )

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        sent, self._window = self._window, {}
        data[_WIRE_KEY] = {name: vars(tally) for name, tally in sent.items()}

    def _receive(self, data: dict[str, Any], **_: Any) -> None:
        for name, counts in data.get(_WIRE_KEY, {}).items():
            tally = Tally()
            vars(tally).update(counts)
            self._window.setdefault(name, Tally()).add(tally)

    def _sample_for_ever(self) -> None:
        runner = self._environment.runner
        led = runner is not None and hasattr(runner, "clients")
        while self._ended is None:
            gevent.sleep(_DISTRIBUTED_SAMPLE_SECONDS if led else _SAMPLE_SECONDS)
            if self._ended is None:
                self._samples.append(self._sample())
                if self.on_sample is not None:
                    self.on_sample(self._samples[-1])

    def _sample(self) -> Sample:
        now = time.monotonic()
        seconds, self._sampled = now - self._sampled, now
        row = self._fold().row("all", seconds)
        runner = self._environment.runner
        return Sample(
            second=round(now - self._began, 1),
            users=runner.user_count if runner else 0,
            per_second=row.per_second,
            errors_per_second=round(row.errors / seconds, 2),
            refused_per_second=round(row.refused / seconds, 2),
            p50_ms=row.p50_ms,
            p95_ms=row.p95_ms,
            p99_ms=row.p99_ms,
        )

    def _fold(self) -> Tally:
        """Move what was counted since the last time to the rest, and sum it up."""
        window, self._window = self._window, {}
        total = Tally()
        for name, tally in window.items():
            self._all.setdefault(name, Tally()).add(tally)
            total.add(tally)
        return total
