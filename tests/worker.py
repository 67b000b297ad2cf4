"""A job worker with the service's own reactions and timetable, in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from api import app
from api.database import open_connection
from api.jobs import Timetable, work
from api.settings import Settings

_began = {"test": datetime.now(UTC)}


def note_beginning() -> None:
    """A test begins; what earlier ones left to be done is nothing to it."""
    _began["test"] = datetime.now(UTC)


@asynccontextmanager
async def working(settings: Settings, *, by_the_clock: bool = False) -> AsyncIterator[None]:
    """Facts reach their reactions while the block lasts; the timetable only where wished."""
    stop = asyncio.Event()
    async with open_connection(settings.database_url) as connection:
        await connection.execute("delete from pgqueuer where created < $1", _began["test"])
    async with app.open_worker(settings) as (reactions, timetable):
        entries: Timetable = timetable if by_the_clock else ()
        worker = asyncio.create_task(
            work(settings.database_url, settings, reactions, entries, stop)
        )
        try:
            yield
        finally:
            stop.set()
            await worker
