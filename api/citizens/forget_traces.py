"""By the clock: sessions and notes of access that are older than they are kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.access_log import forget_access
from api.database import Database
from api.sessions import forget_sessions


def forget_traces(database: Database) -> Callable[[], Awaitable[None]]:
    """For the timetable."""

    async def forget_old_traces() -> None:
        async with database.connection() as connection:
            await forget_sessions(connection)
            await forget_access(connection)

    return forget_old_traces
