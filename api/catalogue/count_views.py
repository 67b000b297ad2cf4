"""Counts how often guides are opened, in this process, and adds the counts up now and then.

A count is worth less than a request: it is kept in memory and written every few
seconds in one statement; a killed process loses what it had not written.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from api.catalogue import queries
from api.database import Database
from api.errors import DatabaseUnavailable

WRITE_SECONDS = 10
_CODES_AT_MOST = 20_000


class ViewCounter:
    """The counts of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._counts: Counter[str] = Counter()

    def note(self, service_code: str) -> None:
        """One more opening of that guide."""
        # Bounded: while the database is away, new codes are not counted.
        if service_code in self._counts or len(self._counts) < _CODES_AT_MOST:
            self._counts[service_code] += 1

    async def write(self) -> None:
        """Add the counts to the table; they stay here when the database is away."""
        if not self._counts:
            return
        counts, self._counts = self._counts, Counter()
        # In one order, so that two processes cannot wait for each other's rows.
        codes = sorted(counts)
        try:
            async with self._database.connection() as connection:
                await queries.add_views(
                    connection, service_codes=codes, views=[counts[code] for code in codes]
                )
        except DatabaseUnavailable:
            self._counts.update(counts)

    async def write_for_ever(self) -> None:
        """Write every few seconds until cancelled, and once more then."""
        try:
            while True:
                await asyncio.sleep(WRITE_SECONDS)
                await self.write()
        finally:
            await self.write()
