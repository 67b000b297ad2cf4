"""Counts answers in every load process and gathers them where the run is led."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtests.figures import Failure, Figures, Reckoning, Sample
from loadtests.phone import LAG_MS, REFUSED
from loadtests.request_names import AGAIN, WAITS
from loadtests.tally import Tally, percentile

_SAMPLE_SECONDS = 1.0
# Locust's workers report every three seconds: sampled faster, most samples would be empty.
_DISTRIBUTED_SAMPLE_SECONDS = 3.0
_MOST_FAILURES = 50
_WIRE_KEY = "zhangban_tallies"


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

    def figures(self, reckoning: Reckoning | None = None) -> Figures:
        """Everything measured so far."""
        seconds = max(0.001, (self._ended or time.monotonic()) - self._began)
        rows = [tally.row(name, seconds) for name, tally in sorted(self._all.items())]
        total = Tally()
        for name, tally in self._all.items():
            if name not in WAITS:
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
            judged=total.judged,
            stale=total.stale,
            longest_lag_ms=round(total.longest_lag_ms, 1),
            reckoning=reckoning,
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
        tally = self._window.setdefault(name, Tally())
        tally.note(
            response_time,
            response.status_code if response is not None else 0,
            int(headers.get("content-length", 0)),
            failed=exception is not None,
            refused=context.get(REFUSED, "") if context else "",
        )
        if context and LAG_MS in context:
            tally.note_lag(context[LAG_MS])

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
            if name not in WAITS:
                total.add(tally)
        return total
