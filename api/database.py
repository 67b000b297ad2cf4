"""The one door to PostgreSQL: a bounded pool, visible transactions, honest errors.

Every wait has an end: connecting, waiting for a free connection, each statement
and each lock. A lost or demoted server expires the pool and is answered as
`database_unavailable`; PostgreSQL's own words never leave this module, because
they quote values.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar, cast

import asyncpg
import structlog

from api.errors import DatabaseUnavailable
from api.settings import Settings
from api.statements import Connection

T = TypeVar("T")
CHINA = timezone(timedelta(hours=8))
# PostgreSQL counts microseconds from here.
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC).astimezone(CHINA)
log = structlog.get_logger()

# Worth another try of the whole transaction: serialisation failure and deadlock.
_RETRY = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# The server is gone, going, or has become a standby: no connection of this pool is of use.
_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.InterfaceError,
    # The driver's word for a connection that was told to go and has not noticed its end yet.
    asyncpg.InternalClientError,
    ConnectionError,
)
# The server is there but cannot do it in time.
_LATE = (
    asyncpg.QueryCanceledError,
    asyncpg.LockNotAvailableError,
    asyncpg.TooManyConnectionsError,
    TimeoutError,
)

DATABASE_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a command may meet when it opens a connection of its own."""


class Database:
    """A pool of connections to one PostgreSQL, for one process."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], settings: Settings) -> None:
        self._pool = pool
        self._acquire_seconds = settings.database_acquire_seconds

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection. Raises DatabaseUnavailable; holds it for the block only."""
        try:
            borrowed = await self._pool.acquire(timeout=self._acquire_seconds)
        except (*_LOST, *_LATE, OSError) as error:
            raise self._unavailable(error) from None
        try:
            yield cast(Connection, borrowed)
        except _LOST as error:
            await self._pool.expire_connections()
            raise self._unavailable(error) from None
        except _LATE as error:
            raise self._unavailable(error) from None
        finally:
            await self._pool.release(borrowed, timeout=1)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Borrow a connection inside a transaction that commits when the block ends well.

        Raises DatabaseUnavailable, also where others' locks ended it: nothing is done then.
        """
        try:
            async with self._transaction() as connection:
                yield connection
        except _RETRY as error:
            raise self._unavailable(error) from None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def read(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run a safe read; once more if the server was lost under it."""
        try:
            async with self.connection() as connection:
                return await work(connection)
        except DatabaseUnavailable:
            await asyncio.sleep(random.uniform(0.01, 0.05))
            async with self.connection() as connection:
                return await work(connection)

    async def decide(self, work: Callable[[Connection], Awaitable[T]], *, tries: int = 4) -> T:
        """Run a whole transaction, again with jitter on a serialisation failure or deadlock."""
        for attempt in range(1, tries + 1):
            try:
                async with self._transaction() as connection:
                    return await work(connection)
            except _RETRY:
                if attempt == tries:
                    raise DatabaseUnavailable() from None
                await asyncio.sleep(random.uniform(0, 0.02 * 2**attempt))
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close within 5 s; asyncpg's own close can wait for ever on a hung connection."""
        try:
            await asyncio.wait_for(self._pool.close(), timeout=5)
        except TimeoutError:
            self._pool.terminate()

    @property
    def size(self) -> tuple[int, int]:
        """Connections open, and of these idle."""
        return self._pool.get_size(), self._pool.get_idle_size()

    @staticmethod
    def _unavailable(error: BaseException) -> DatabaseUnavailable:
        # The class and the sqlstate only: the message and DETAIL contain values.
        log.warning(
            "database_unavailable",
            error=type(error).__name__,
            sqlstate=getattr(error, "sqlstate", None),
        )
        return DatabaseUnavailable(headers={"Retry-After": str(random.randint(1, 3))})


async def open_database(url: str, settings: Settings) -> Database:
    """Open the pool of a serving process; statements and locks are bounded by settings."""
    pool = await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=settings.database_pool_size,
        timeout=2,
        command_timeout=settings.database_statement_seconds,
        max_inactive_connection_lifetime=300,
        init=_prepare_session,
        reset=_keep_session,
        server_settings={
            "application_name": "zhangban",
            "jit": "off",
            "timezone": "Asia/Shanghai",
            "statement_timeout": str(int(settings.database_statement_seconds * 1000)),
            "lock_timeout": str(int(settings.database_lock_seconds * 1000)),
            "idle_in_transaction_session_timeout": "10000",
        },
    )
    return Database(pool, settings)


async def _prepare_session(connection: Any) -> None:
    """Times come as China Standard Time, which is how this service says them everywhere."""
    await connection.set_type_codec(
        "timestamptz",
        schema="pg_catalog",
        format="tuple",
        encoder=lambda moment: ((moment - _EPOCH) // timedelta(microseconds=1),),
        decoder=lambda parts: _EPOCH + timedelta(microseconds=parts[0]),
    )


async def _keep_session(_connection: Any) -> None:
    """No session state is used, so the pool's reset round trip is not needed."""


@asynccontextmanager
async def open_connection(url: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """One unpooled connection without time limits, for commands such as seed and import."""
    connection = await asyncpg.connect(
        url, timeout=5, server_settings={"jit": "off", "timezone": "Asia/Shanghai"}
    )
    try:
        await _prepare_session(connection)
        yield connection
    finally:
        await connection.close(timeout=5)
