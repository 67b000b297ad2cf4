"""What a worker does by the clock for the queue itself, and how it reads the clock."""

from __future__ import annotations

from typing import Any, ClassVar

from pgqueuer.core.executors import ScheduleExecutorFactoryParameters
from structlog.testing import capture_logs

from api.database import Database
from api.events import Fact, publish
from api.jobs import CLOCK, PACE, _Desk, _forget_finished, _ShanghaiSchedule, name_entrypoints


class TeaMade(Fact, frozen=True):
    NAME: ClassVar[str] = "tea.made"


class CupBroken(Fact, frozen=True):
    NAME: ClassVar[str] = "cup.broken"


async def count(database: Database, query: str) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval(f"select count(*) from {query}"))


def test_cron_lines_are_read_in_shanghai_time() -> None:
    given: Any = ScheduleExecutorFactoryParameters("x", "30 8 * * *", _nothing, clean_old=False)  # type: ignore[arg-type]
    due = _ShanghaiSchedule(given).get_next()
    assert (due.astimezone(CLOCK).hour, due.astimezone(CLOCK).minute) == (8, 30)


async def _nothing(_schedule: Any) -> None: ...


async def test_only_an_entrypoint_unknown_for_a_day_is_buried(clean_database: Database) -> None:
    async with clean_database.connection() as connection:
        for fact in (TeaMade(), CupBroken(), CupBroken()):
            await publish(connection, fact)
        await connection.execute(
            "update pgqueuer set created = now() - interval '25 hours' where id <>"
            " (select max(id) from pgqueuer)"
        )
    desk = _Desk(clean_database, name_entrypoints({TeaMade: ()}), PACE)
    with capture_logs() as logs:
        await desk._find_unknown()
    assert [line["entrypoint"] for line in logs] == ["cup.broken"]
    assert await count(clean_database, "dead_jobs where error = 'UnknownEntrypoint'") == 1
    assert await count(clean_database, "pgqueuer") == 2


async def test_old_logs_and_replayed_jobs_are_forgotten(clean_database: Database) -> None:
    async with clean_database.connection() as connection:
        await connection.execute(
            "insert into dead_jobs (entrypoint, error, attempts, replayed_at)"
            " values ('a/b', 'E', 8, now() - interval '181 days'), ('a/b', 'E', 8, null)"
        )
        await connection.execute(
            "insert into pgqueuer_log (job_id, status, priority, entrypoint, created)"
            " select 1, 'picked', 0, 'a/b', now() - d * interval '1 day'"
            " from generate_series(1, 8, 7) d"
        )
    async with clean_database.connection() as connection:
        await _forget_finished(connection)
    assert await count(clean_database, "dead_jobs") == 1
    assert await count(clean_database, "pgqueuer_log") == 1
