"""Takes out sessions that ended long ago; the audit trail keeps that they were."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.clerks import queries
from api.database import Database


def forget_clerk_sessions(database: Database) -> Callable[[], Awaitable[None]]:
    """For the timetable."""

    async def forget_old_sessions() -> None:
        async with database.connection() as connection:
            await queries.forget_sessions(connection)

    return forget_old_sessions
