"""A job worker with the service's own reactions and timetable, in the test's own loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api import app
from api.jobs import Timetable, work
from api.settings import Settings


@asynccontextmanager
async def working(settings: Settings, *, by_the_clock: bool = False) -> AsyncIterator[None]:
    """Facts reach their reactions while the block lasts; the timetable only where wished."""
    stop = asyncio.Event()
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
