"""The database's door: waits end, faults are said without values, times are China's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from api.database import Database, open_database
from api.errors import DatabaseUnavailable
from api.settings import Settings
from api.statements import Connection


async def test_a_full_pool_is_refused_in_time(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(database_pool_size=1, database_acquire_seconds=0.1)
    database = await open_database(settings.database_url, settings)
    try:
        async with database.connection():
            began = time.monotonic()
            with pytest.raises(DatabaseUnavailable):
                async with database.connection():
                    pass
            assert time.monotonic() - began < 1
    finally:
        await database.close()


async def test_a_slow_statement_ends_in_time(make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(database_statement_seconds=0.2)
    database = await open_database(settings.database_url, settings)
    try:
        with pytest.raises(DatabaseUnavailable) as refused:
            async with database.connection() as connection:
                await connection.fetchval("select pg_sleep(5)")
        assert int(refused.value.headers["Retry-After"]) >= 1
        async with database.connection() as connection:
            assert await connection.fetchval("select 1") == 1
    finally:
        await database.close()


async def test_a_lost_connection_is_read_again(database: Database) -> None:
    calls = 0

    async def work(connection: Connection) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        return int(await connection.fetchval("select 42"))

    assert await database.read(work) == 42
    assert calls == 2


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted):
        async with database.transaction() as connection:
            await connection.execute("insert into seeds (name, digest) values ('lost', '')")
            raise Interrupted
    async with database.connection() as connection:
        assert not await connection.fetchval("select 1 from seeds where name = 'lost'")


async def test_a_deadlock_is_decided_again(database: Database) -> None:
    tries = 0

    async def work(_connection: Connection) -> str:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise asyncpg.DeadlockDetectedError("a value that must not be told")
        return "done"

    assert await database.decide(work) == "done"


async def test_a_deadlock_that_nobody_decides_again_is_said_so(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable) as refused:
        async with database.transaction():
            raise asyncpg.DeadlockDetectedError("a value that must not be told")
    assert "value" not in str(refused.value)


async def test_deciding_again_has_an_end(database: Database) -> None:
    async def work(_connection: Connection) -> None:
        raise asyncpg.SerializationError("never")

    with pytest.raises(DatabaseUnavailable):
        await database.decide(work, tries=2)


async def test_a_server_that_is_not_there_is_said_so(settings: Settings, tmp_path: Any) -> None:
    with pytest.raises((OSError, asyncpg.PostgresError)):
        await open_database(f"postgresql://postgres@/x?host={tmp_path}", settings)


async def test_times_come_as_chinas(connection: Connection) -> None:
    found = await connection.fetchval("select timestamptz '2026-11-22 00:30:00.123456+00'")
    assert found.isoformat() == "2026-11-22T08:30:00.123456+08:00"
    given = datetime(2026, 1, 1, tzinfo=UTC)
    assert await connection.fetchval("select $1::timestamptz", given) == given


async def test_work_at_once_shares_the_pool(database: Database) -> None:
    async def one(number: int) -> int:
        async with database.connection() as connection:
            return int(await connection.fetchval("select $1::integer", number))

    assert await asyncio.gather(*(one(n) for n in range(50))) == list(range(50))
    opened, idle = database.size
    assert idle == opened <= 12
