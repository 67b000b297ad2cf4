"""The job worker: facts reach their reactions, timetables are kept (pgqueuer 1.6).

One job per fact becomes one job per reaction, so that a failing reaction holds up
nobody else. A job runs at least once: a worker or connection that dies in it leaves
it picked, and it is picked again when its heartbeat is `heartbeat_seconds` old. After
`Pace.tries` it moves to `dead_jobs`, from where `replay_dead_job` brings it back.
pgqueuer only ever takes a finished job out of the queue, and no error's text, which
may quote personal data, is written to its tables or to the log.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeAlias, cast
from zoneinfo import ZoneInfo

import msgspec
import structlog
from croniter import croniter  # type: ignore[import-untyped]
from msgspec import Struct
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import ScheduleExecutor
from pgqueuer.core.qm import QueueManager
from pgqueuer.core.sm import SchedulerManager
from pgqueuer.domain.errors import FailingListenerError, RetryRequested
from pgqueuer.domain.models import Job, Schedule, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS

from api.database import DATABASE_AWAY, Database, open_connection, open_database
from api.errors import DatabaseUnavailable
from api.events import Fact, NewJob, Reaction, Reactions, enqueue
from api.logs import describe_error
from api.settings import Settings
from api.statements import Connection, Statements

log = structlog.get_logger()

CLOCK = ZoneInfo("Asia/Shanghai")

_statements = Statements("jobs")
_count_pickups = _statements.value("count_pickups", int)
_take_job = _statements.value("take_job", int)
_bury_job = _statements.execute("bury_job")
_find_unknown_entrypoints = _statements.value("find_unknown_entrypoints", list)
_bury_unknown_jobs = _statements.execute("bury_unknown_jobs")
_mark_replayed = _statements.optional("mark_replayed", NewJob)
_forget_finished = _statements.execute("forget_finished")

# What ends a connected worker and passes: it connects again.
_AWAY = (*DATABASE_AWAY, DatabaseUnavailable, FailingListenerError)


class Entry(Struct, frozen=True):
    """Work done by the clock: `cron` has five fields in Shanghai time, a sixth is seconds.

    One worker of all runs it; when none was up at the time, once on the next start. It may
    be run again after a crash, so `run` is repeatable. A failure waits for the next time.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]


Timetable: TypeAlias = tuple[Entry, ...]


class Pace(Struct, frozen=True, kw_only=True):
    """How patient a worker is. Delays between tries grow fourfold, ± 20 %: over an hour in all."""

    tries: int = 8
    first_delay_seconds: float = 2.0
    longest_delay_seconds: float = 1800.0
    job_seconds: float = 60.0
    entry_seconds: float = 600.0
    drain_seconds: float = 4.0
    poll_seconds: float = 5.0
    heartbeat_seconds: float = 30.0
    reconnect_seconds: float = 0.5
    longest_reconnect_seconds: float = 15.0

    def delay(self, attempt: int) -> timedelta:
        """The wait after the given failed attempt, the first being 1."""
        seconds = min(self.first_delay_seconds * 4 ** (attempt - 1), self.longest_delay_seconds)
        return timedelta(seconds=seconds * random.uniform(0.8, 1.2))


PACE = Pace()


async def work(
    database_url: str,
    settings: Settings,
    reactions: Reactions,
    timetable: Timetable,
    stop: asyncio.Event,
    *,
    pace: Pace = PACE,
) -> None:
    """Run jobs until `stop` is set; then what is running gets `drain_seconds` to end.

    A lost database is waited for. Raises ValueError where two reactions of one fact, or
    two facts, share a name, and RuntimeError where the schema is not migrated.
    """
    _route_library_log()
    entrypoints = name_entrypoints(reactions)
    wait = pace.reconnect_seconds
    while not stop.is_set():
        began = time.monotonic()
        try:
            await _work_connected(database_url, settings, entrypoints, timetable, stop, pace)
        except _AWAY as error:
            log.warning("worker_disconnected", **describe_error(error))
        lasted = time.monotonic() - began > pace.longest_reconnect_seconds
        wait = pace.reconnect_seconds if lasted else min(2 * wait, pace.longest_reconnect_seconds)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=wait * random.uniform(0.5, 1))


async def replay_dead_job(connection: Connection, dead_job_id: int) -> bool:
    """Put a dead job back into the queue with all its tries; False where there is none to."""
    async with cast(Any, connection).transaction():
        job = await _mark_replayed(connection, dead_job_id=dead_job_id)
        if job is None:
            return False
        await enqueue(connection, [job])
        return True


Entrypoints: TypeAlias = dict[str, tuple[type[Fact], Reaction | None]]
"""Of each entrypoint the fact and its one reaction; None is the fact itself, to be handed on."""


def name_entrypoints(reactions: Reactions) -> Entrypoints:
    """`service.changed` and `service.changed/reaction_name`; raises ValueError on a double."""
    named: Entrypoints = {}
    for fact, does in reactions.items():
        for name, reaction in [(fact.NAME, None), *((_entrypoint(fact, r), r) for r in does)]:
            if name in named:
                raise ValueError(f"two reactions or facts are called {name}")
            named[name] = (fact, reaction)
    return named


def _entrypoint(fact: type[Fact], reaction: Reaction) -> str:
    function: Any = reaction
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", type(function).__name__)
    if not name.isidentifier():
        raise ValueError(f"a reaction of {fact.NAME} has no name: {name}")
    return f"{fact.NAME}/{name}"


async def _work_connected(
    database_url: str,
    settings: Settings,
    entrypoints: Entrypoints,
    timetable: Timetable,
    stop: asyncio.Event,
    pace: Pace,
) -> None:
    """Work until `stop` is set or the listening connection ends."""
    patient = msgspec.structs.replace(settings, database_acquire_seconds=5.0)
    database = await open_database(database_url, patient)
    try:
        async with open_connection(database_url) as listener:
            lost = asyncio.Event()
            listener.add_termination_listener(lambda _connection: lost.set())
            desk = _Desk(database, entrypoints, pace)
            queries = _CarefulQueries(_PooledDriver(listener, database))
            await desk.run(queries, timetable, settings.jobs_concurrency, stop, lost)
    finally:
        await database.close()


class _Desk:
    """Where jobs and timetable entries of one connected worker are done."""

    def __init__(self, database: Database, entrypoints: Entrypoints, pace: Pace) -> None:
        self._database = database
        self._entrypoints = entrypoints
        self._pace = pace
        self._limits: set[asyncio.Timeout] = set()
        self._end = math.inf
        self._said: set[str] = set()

    async def run(
        self,
        queries: Queries,
        timetable: Timetable,
        concurrency: int,
        stop: asyncio.Event,
        lost: asyncio.Event,
    ) -> None:
        """Run both of pgqueuer's managers until one of them, `stop` or `lost` ends it.

        Not PgQueuer.run: where one manager fails, it cancels the other's jobs.
        """
        jobs, clock = self._queue(queries), self._clock(queries, timetable)
        batch = max(1, concurrency // 2)
        runs = [
            asyncio.create_task(
                jobs.run(
                    dequeue_timeout=timedelta(seconds=self._pace.poll_seconds),
                    heartbeat_timeout=timedelta(seconds=self._pace.heartbeat_seconds),
                    batch_size=batch,
                    max_concurrent_tasks=max(concurrency, 2 * batch),
                    shutdown_on_listener_failure=True,
                )
            ),
            asyncio.create_task(clock.run()),
        ]
        ends = [asyncio.create_task(event.wait()) for event in (stop, lost)]
        try:
            await asyncio.wait([*runs, *ends], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
            jobs.shutdown.set()
            clock.shutdown.set()
            self._drain()
            outcomes = await asyncio.gather(*runs, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _queue(self, queries: Queries) -> QueueManager:
        manager = QueueManager(queries)
        for name in self._entrypoints:
            manager.entrypoint(name, accepts_context=False)(self._do_job)
        return manager

    def _clock(self, queries: Queries, timetable: Timetable) -> SchedulerManager:
        manager = SchedulerManager(queries)
        forget = partial(self._on_database, _forget_finished)
        forget_log = Entry("jobs.forget_log", "17 3 * * *", forget)
        find_unknown = Entry("jobs.find_unknown", "*/10 * * * *", self._find_unknown)
        for entry in (forget_log, find_unknown, *timetable):
            manager.schedule(
                entry.name, entry.cron, executor_factory=_ShanghaiSchedule, accepts_context=False
            )(partial(self._do_entry, entry))
        return manager

    async def _do_job(self, job: Job) -> None:
        """One try of one job. Ends well, or asks pgqueuer for another try."""
        # The log counts workers that died in it as well, which the row's own counter does not.
        attempt = await self._on_database(_count_pickups, job_id=job.id) or 1
        if attempt > self._pace.tries:
            await self._bury(job, "WorkerDied", attempt)
            return
        try:
            async with self._bounded(self._pace.job_seconds):
                await self._react(job)
        except Exception as error:  # noqa: BLE001 (a reaction may fail in any way)
            about = {"entrypoint": job.entrypoint, "job_id": job.id, "attempt": attempt}
            log.warning("job_failed", **about, **describe_error(error))
            if attempt >= self._pace.tries:
                await self._bury(job, type(error).__name__, attempt)
                return
            raise RetryRequested(self._pace.delay(attempt), type(error).__name__) from None

    async def _react(self, job: Job) -> None:
        fact, reaction = self._entrypoints[job.entrypoint]
        if reaction is None:
            await self._hand_on(job, fact)
        else:
            await reaction(msgspec.json.decode(job.payload or b"", type=fact))

    async def _hand_on(self, job: Job, fact: type[Fact]) -> None:
        """Replace the fact's job by one for each of its reactions, in one transaction."""
        names = [n for n, (f, does) in self._entrypoints.items() if f is fact and does is not None]
        if not names:
            self._say_once("fact_without_reaction", job.entrypoint)
            return
        async with self._database.transaction() as connection:
            if await _take_job(connection, job_id=job.id) is not None:
                await enqueue(connection, [NewJob(name, job.payload) for name in names])

    async def _bury(self, job: Job, error: str, attempts: int) -> None:
        await self._on_database(_bury_job, job_id=job.id, error=error, attempts=attempts)
        log.error("job_died", entrypoint=job.entrypoint, job_id=job.id, error=error)

    async def _do_entry(self, entry: Entry, _schedule: Schedule) -> None:
        try:
            async with self._bounded(self._pace.entry_seconds):
                await entry.run()
        except Exception as error:  # noqa: BLE001 (an entry may fail in any way)
            log.error("timetable_entry_failed", entry=entry.name, **describe_error(error))

    async def _find_unknown(self) -> None:
        """Say which entrypoints nobody here knows; after a day their jobs are dead ones."""
        known = list(self._entrypoints)
        for name in await self._on_database(_find_unknown_entrypoints, known=known):
            self._say_once("entrypoint_unknown", name)
        await self._on_database(_bury_unknown_jobs, known=known)

    async def _on_database(self, statement: Callable[..., Awaitable[Any]], **given: Any) -> Any:
        async with self._database.connection() as connection:
            return await statement(connection, **given)

    @asynccontextmanager
    async def _bounded(self, seconds: float) -> AsyncIterator[None]:
        """Raises TimeoutError after so long, or at the end of draining if that is earlier."""
        end = min(asyncio.get_running_loop().time() + seconds, self._end)
        async with asyncio.timeout_at(end) as limit:
            self._limits.add(limit)
            try:
                yield
            finally:
                self._limits.discard(limit)

    def _drain(self) -> None:
        """Leave what is running, and what was picked already, no more than `drain_seconds`."""
        self._end = asyncio.get_running_loop().time() + self._pace.drain_seconds
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(min(limit.when() or self._end, self._end))

    def _say_once(self, event: str, entrypoint: str) -> None:
        if entrypoint not in self._said:
            self._said.add(entrypoint)
            log.warning(event, entrypoint=entrypoint)


class _PooledDriver(AsyncpgDriver):
    """Statements go by the pool, bounded in time; only listening has its own connection."""

    def __init__(self, listener: Any, database: Database) -> None:
        super().__init__(listener)
        self._database = database
        self._listens = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        async with self._database.connection() as connection:
            return [dict(record) for record in await connection.fetch(query, *args)]

    async def execute(self, query: str, *args: object) -> str:
        async with self._database.connection() as connection:
            return await connection.execute(query, *args)

    async def add_listener(self, channel: str, callback: Callable[[Any], None]) -> None:
        await super().add_listener(channel, callback)
        self._listens.set()

    async def notify(self, channel: str, payload: str) -> None:
        # A first probe that overtook the LISTEN would end the worker ten seconds later.
        await self._listens.wait()
        await self.execute("select pg_notify($1, $2)", channel, payload)


class _CarefulQueries(Queries):
    """pgqueuer's statements, except that only success removes a job, and no error is stored.

    A job whose outcome cannot be written stays picked and is picked again later.
    """

    async def log_jobs(self, job_status: list[tuple[Job, JOB_STATUS, Any]]) -> None:
        done = [(job, status, None) for job, status, _ in job_status if status == "successful"]
        if done:
            await super().log_jobs(list(done))

    async def retry_job(
        self,
        job: Job,
        delay: timedelta,
        traceback_record: TracebackRecord | None,  # noqa: ARG002 (dropped on purpose)
    ) -> None:
        await super().retry_job(job, delay, None)


class _ShanghaiSchedule(ScheduleExecutor):
    """pgqueuer reads cron lines in UTC; office hours are Shanghai's."""

    def get_next(self) -> datetime:
        line = croniter(self.parameters.expression, start_time=datetime.now(CLOCK))
        return cast(datetime, line.get_next(datetime))


class _LibraryLog(logging.Handler):
    """Passes on pgqueuer's warnings as their templates: arguments and errors hold values."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        log.warning("pgqueuer", said=str(record.msg), **(describe_error(error) if error else {}))


def _route_library_log() -> None:
    logger = logging.getLogger("pgqueuer")
    logger.handlers = [_LibraryLog(logging.WARNING)]
    logger.propagate = False
