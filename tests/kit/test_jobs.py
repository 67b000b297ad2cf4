"""Facts, retries, dead jobs and timetables on the real queue."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from api.database import Database, open_connection
from api.events import Fact, Reactions, publish
from api.jobs import (
    CLOCK,
    Entry,
    Pace,
    Timetable,
    _CarefulQueries,
    _PooledDriver,
    name_entrypoints,
    replay_dead_job,
    work,
)
from api.settings import Settings

SECRET = "110101199003078515"
QUICK = Pace(
    tries=3,
    first_delay_seconds=0.05,
    job_seconds=2.0,
    drain_seconds=0.5,
    poll_seconds=0.5,
    heartbeat_seconds=2.0,
    reconnect_seconds=0.05,
)


class TeaMade(Fact, frozen=True):
    NAME: ClassVar[str] = "tea.made"

    cup: int


class CupBroken(Fact, frozen=True):
    NAME: ClassVar[str] = "cup.broken"


class Cups:
    """Notes every fact that reaches it."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    async def note(self, fact: TeaMade) -> None:
        self.seen.append(fact.cup)


async def spill(_fact: TeaMade) -> None:
    raise ValueError(SECRET)


Running = Callable[..., Any]


@pytest.fixture
def running(clean_database_url: str, settings: Settings) -> Running:
    """A worker that runs while the block lasts, on a database of the test's own."""

    @asynccontextmanager
    async def run(
        reactions: Reactions, timetable: Timetable = (), pace: Pace = QUICK
    ) -> AsyncIterator[asyncio.Event]:
        stop = asyncio.Event()
        task = asyncio.create_task(
            work(clean_database_url, settings, reactions, timetable, stop, pace=pace)
        )
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(task, timeout=10)

    return run


async def until(holds: Callable[[], bool | Awaitable[bool]], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while True:
            held = holds()
            if held if isinstance(held, bool) else await held:
                return
            await asyncio.sleep(0.02)


async def count(database: Database, query: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(f"select count(*) from {query}"))


async def tell(database: Database, *facts: Fact) -> None:
    async with database.transaction() as connection:
        for fact in facts:
            await publish(connection, fact)


async def test_a_committed_fact_reaches_every_reaction(
    clean_database: Database, running: Running
) -> None:
    first, second = Cups(), Cups()

    async def also_note(fact: TeaMade) -> None:
        await second.note(fact)

    async with running({TeaMade: (first.note, also_note)}):
        await tell(clean_database, TeaMade(cup=7))
        await until(lambda: first.seen == [7] and second.seen == [7])
    assert await count(clean_database, "pgqueuer") == 0


async def test_a_rolled_back_fact_reaches_nobody(
    clean_database: Database, running: Running
) -> None:
    cups = Cups()
    async with running({TeaMade: (cups.note,)}):
        with pytest.raises(ZeroDivisionError):
            await _tell_and_fail(clean_database)
        await tell(clean_database, TeaMade(cup=2))
        await until(lambda: 2 in cups.seen)
    assert cups.seen == [2]


async def _tell_and_fail(database: Database) -> None:
    async with database.transaction() as connection:
        await publish(connection, TeaMade(cup=1))
        raise ZeroDivisionError


async def test_a_failing_reaction_is_retried_and_buried_while_others_flow(
    clean_database: Database, running: Running
) -> None:
    cups, tries = Cups(), Counter[int]()

    async def drop(fact: TeaMade) -> None:
        tries[fact.cup] += 1
        raise ValueError(SECRET)

    with capture_logs() as logs:
        async with running({TeaMade: (drop, cups.note)}):
            await tell(clean_database, TeaMade(cup=1))
            await tell(clean_database, TeaMade(cup=2))
            await until(lambda: sorted(cups.seen) == [1, 2])
            await until(lambda: _has(clean_database, "dead_jobs", 2))
    assert tries == {1: 3, 2: 3}
    assert sorted(cups.seen) == [1, 2], "the other reaction ran once"
    assert await count(clean_database, "pgqueuer") == 0
    async with clean_database.connection() as connection:
        dead = await connection.fetch("select entrypoint, error, attempts from dead_jobs")
        kept = await connection.fetch("select l::text from pgqueuer_log l")
    assert [tuple(row) for row in dead] == [("tea.made/drop", "ValueError", 3)] * 2
    assert kept
    assert SECRET not in str(kept) + json.dumps(logs, default=str)


async def _has(database: Database, table: str, rows: int) -> bool:
    return await count(database, table) == rows


async def test_a_job_that_recovers_is_not_buried(
    clean_database: Database, running: Running
) -> None:
    tries: list[int] = []

    async def pour(fact: TeaMade) -> None:
        tries.append(fact.cup)
        if len(tries) < 3:
            raise OSError

    async with running({TeaMade: (pour,)}):
        await tell(clean_database, TeaMade(cup=1))
        await until(lambda: len(tries) == 3)
    assert await count(clean_database, "dead_jobs") == 0
    assert await count(clean_database, "pgqueuer") == 0


async def test_a_reaction_that_hangs_is_ended(clean_database: Database, running: Running) -> None:
    async def steep(_fact: TeaMade) -> None:
        await asyncio.sleep(3600)

    async with running({TeaMade: (steep,)}, pace=Pace(tries=1, job_seconds=0.2, poll_seconds=0.5)):
        await tell(clean_database, TeaMade(cup=1))
        await until(lambda: _has(clean_database, "dead_jobs where error = 'TimeoutError'", 1))


async def test_two_workers_run_each_of_200_jobs_once(
    clean_database: Database, running: Running
) -> None:
    cups, more = Cups(), Cups()
    async with running({TeaMade: (cups.note,)}), running({TeaMade: (more.note,)}):
        await tell(clean_database, *[TeaMade(cup=n) for n in range(200)])
        await until(lambda: len(cups.seen) + len(more.seen) >= 200, seconds=40)
        await until(lambda: _has(clean_database, "pgqueuer", 0))
    assert sorted(cups.seen + more.seen) == list(range(200))
    assert cups.seen
    assert more.seen


async def test_a_dead_job_can_be_replayed_once(clean_database: Database, running: Running) -> None:
    cups = Cups()

    async def pour(fact: TeaMade) -> None:
        await (cups.note if repaired.is_set() else spill)(fact)

    repaired = asyncio.Event()
    async with running({TeaMade: (pour,)}):
        await tell(clean_database, TeaMade(cup=4))
        await until(lambda: _has(clean_database, "dead_jobs", 1))
        repaired.set()
        async with clean_database.connection() as connection:
            number = await connection.fetchval("select dead_job_id from dead_jobs")
            assert await replay_dead_job(connection, number)
            assert not await replay_dead_job(connection, number)
        await until(lambda: cups.seen == [4])
    assert await count(clean_database, "dead_jobs where replayed_at is not null") == 1


async def test_a_fact_without_reaction_is_acknowledged_and_said_once(
    clean_database: Database, running: Running
) -> None:
    with capture_logs() as logs:
        async with running({CupBroken: ()}):
            await tell(clean_database, CupBroken(), CupBroken())
            await until(lambda: _has(clean_database, "pgqueuer", 0))
    assert [line["event"] for line in logs].count("fact_without_reaction") == 1


async def test_a_fact_of_a_newer_version_waits_for_it(
    clean_database: Database, running: Running
) -> None:
    cups = Cups()
    async with running({TeaMade: (cups.note,)}):
        await tell(clean_database, CupBroken(), TeaMade(cup=1))
        await until(lambda: cups.seen == [1])
    assert await count(clean_database, "pgqueuer where entrypoint = 'cup.broken'") == 1


async def test_a_timetable_entry_fires_again_after_it_failed(running: Running) -> None:
    rings: list[int] = []

    async def ring() -> None:
        rings.append(1)
        raise ValueError(SECRET)

    with capture_logs() as logs:
        async with running({}, (Entry("bell", "* * * * * */1", ring),)):
            await until(lambda: len(rings) >= 2)
    assert SECRET not in json.dumps(logs, default=str)
    assert any(line["event"] == "timetable_entry_failed" for line in logs)


async def test_two_workers_keep_one_timetable(running: Running) -> None:
    rings: list[datetime] = []

    async def ring() -> None:
        rings.append(datetime.now(CLOCK))

    bell = (Entry("bell", "* * * * * */1", ring),)
    began = datetime.now(CLOCK)
    async with running({}, bell), running({}, bell):
        await until(lambda: len(rings) >= 3)
    assert len(rings) <= (rings[-1] - began) / timedelta(seconds=1) + 1


async def test_an_idle_worker_stops_at_once(running: Running) -> None:
    async with running({TeaMade: (spill,)}, pace=Pace()) as stop:
        await asyncio.sleep(0.5)
        loop = asyncio.get_running_loop()
        began = loop.time()
        stop.set()
    assert loop.time() - began < 5


async def test_a_job_cut_short_by_stopping_is_done_by_the_next_worker(
    clean_database: Database, running: Running
) -> None:
    cups = Cups()
    started = asyncio.Event()

    async def pour(_fact: TeaMade) -> None:
        started.set()
        await asyncio.sleep(3600)

    async with running({TeaMade: (pour,)}, pace=Pace(drain_seconds=0.2, first_delay_seconds=0.1)):
        await tell(clean_database, TeaMade(cup=3))
        await started.wait()
    assert await count(clean_database, "pgqueuer") == 1

    async with running({TeaMade: (_named("pour", cups.note),)}):
        await until(lambda: cups.seen == [3])


def _named(name: str, does: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    async def reaction(fact: Any) -> None:
        await does(fact)

    reaction.__name__ = name
    return reaction


async def test_a_lost_server_is_survived(
    clean_database: Database, clean_database_url: str, running: Running
) -> None:
    cups = Cups()
    async with running({TeaMade: (cups.note,)}):
        await tell(clean_database, TeaMade(cup=1))
        await until(lambda: cups.seen == [1])
        async with open_connection(clean_database_url) as connection:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            async with connection.transaction():
                await publish(connection, TeaMade(cup=2))
        await until(lambda: 2 in cups.seen)


async def test_a_job_that_kills_its_workers_is_buried(
    clean_database: Database, running: Running
) -> None:
    cups = Cups()
    await tell(clean_database, TeaMade(cup=1))
    async with clean_database.connection() as connection:
        # What three workers leave that were killed in the job.
        await connection.execute(
            "insert into pgqueuer_log (job_id, status, priority, entrypoint)"
            " select id, 'picked', 0, entrypoint from pgqueuer, generate_series(1, 3)"
        )
    async with running({TeaMade: (cups.note,)}):
        await until(lambda: _has(clean_database, "dead_jobs where error = 'WorkerDied'", 1))
    assert cups.seen == []


async def test_a_retry_that_cannot_be_written_leaves_the_job(
    clean_database: Database, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = _CarefulQueries.retry_job
    failed = asyncio.Event()

    async def fail_once(self: Any, *given: Any) -> None:
        if not failed.is_set():
            failed.set()
            raise OSError(SECRET)
        await written(self, *given)

    monkeypatch.setattr(_CarefulQueries, "retry_job", fail_once)
    cups = Cups()

    async def pour(fact: TeaMade) -> None:
        await (cups.note if failed.is_set() else spill)(fact)

    with capture_logs() as logs:
        async with running({TeaMade: (pour,)}):
            await tell(clean_database, TeaMade(cup=9))
            await until(lambda: cups.seen == [9])
    assert SECRET not in json.dumps(logs, default=str)


def test_two_reactions_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tea\.made/spill"):
        name_entrypoints({TeaMade: (spill, partial(spill))})


def test_a_reaction_without_a_name_is_refused() -> None:
    with pytest.raises(ValueError, match="no name"):
        name_entrypoints({TeaMade: (lambda fact: spill(fact),)})


async def test_the_first_probe_waits_until_the_worker_listens(
    clean_database_url: str, clean_database: Database
) -> None:
    heard: list[Any] = []
    async with open_connection(clean_database_url) as listener:
        driver = _PooledDriver(listener, clean_database)
        probe = asyncio.create_task(driver.notify("probes", "still there?"))
        await asyncio.sleep(0.1)
        assert not probe.done()
        await driver.add_listener("probes", heard.append)
        await probe
        await until(lambda: heard == ["still there?"])
