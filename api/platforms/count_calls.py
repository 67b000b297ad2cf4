"""How many calls a platform has made today, exact to a batch a process.

A process takes calls from the day's quota in batches of a thousandth of it, at most 100,
and spends them without asking PostgreSQL. Never more than the quota are admitted; what a
process does not spend it gives back when it ends.
"""

from __future__ import annotations

import asyncio
import time
from datetime import date, datetime, timedelta

from api.database import CHINA, Database
from api.errors import DatabaseUnavailable, QuotaUsed
from api.platforms import queries

BATCH_MOST = 100
# A refusal is repeated without a look for so long: others may have given calls back.
REFUSAL_SECONDS = 10.0


class CallCounter:
    """Counts for one process; all processes with the same PostgreSQL count together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, _Held] = {}

    async def count(self, platform_id: str, quota: int) -> None:
        """One more call of today. Raises QuotaUsed, DatabaseUnavailable."""
        day = today()
        held = self._held.get(platform_id)
        if held is None or held.day != day:
            held = self._held[platform_id] = _Held(day)
        if held.left == 0:
            await self._take(platform_id, held, quota)
        held.left -= 1

    async def _take(self, platform_id: str, held: _Held, quota: int) -> None:
        async with held.turn:
            if held.left > 0:
                return
            if time.monotonic() < held.refused_until:
                raise _used_up()
            wanted = max(1, min(BATCH_MOST, quota // 1000))
            async with self._database.connection() as connection:
                calls = await queries.take_calls(
                    connection, platform_id=platform_id, day=held.day, wanted=wanted, quota=quota
                )
            granted = 0 if calls is None else wanted - max(0, calls - quota)
            if granted <= 0:
                held.refused_until = time.monotonic() + REFUSAL_SECONDS
                raise _used_up()
            held.left = granted

    def unspent(self, platform_id: str) -> int:
        """How many calls of today this process has taken and not yet counted."""
        held = self._held.get(platform_id)
        return held.left if held is not None and held.day == today() else 0

    async def close(self) -> None:
        """Give back what is left; without PostgreSQL it is lost to the platform for today."""
        for platform_id, held in self._held.items():
            left, held.left = held.left, 0
            if not left:
                continue
            try:
                async with self._database.connection() as connection:
                    await queries.return_calls(
                        connection, platform_id=platform_id, day=held.day, unused=left
                    )
            except DatabaseUnavailable:
                return


class _Held:
    """What this process may still spend for one platform on one day."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.left = 0
        self.refused_until = 0.0
        self.turn = asyncio.Lock()


def today() -> date:
    """The day in China."""
    return datetime.now(CHINA).date()


def day_ends_at(day: date) -> datetime:
    """The midnight after the day, in China."""
    return datetime(day.year, day.month, day.day, tzinfo=CHINA) + timedelta(days=1)


def _used_up() -> QuotaUsed:
    rest = day_ends_at(today()) - datetime.now(CHINA)
    return QuotaUsed(headers={"Retry-After": str(int(rest.total_seconds()) + 1)})
