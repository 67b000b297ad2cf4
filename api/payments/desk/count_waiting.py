"""How much money waits for a person, for the metrics."""

from __future__ import annotations

import time

from api.database import Database
from api.errors import Problem
from api.metrics import MONEY_WAITING
from api.payments.desk.queries import count_matters
from api.payments.desk.words import KINDS

PAUSE_SECONDS = 15.0


class WaitingMeasure:
    """Counts at most every 15 seconds, however often somebody asks."""

    def __init__(self) -> None:
        self._counted_at = -PAUSE_SECONDS

    async def __call__(self, database: Database) -> None:
        if time.monotonic() - self._counted_at < PAUSE_SECONDS:
            return
        self._counted_at = time.monotonic()
        try:
            found = {row.kind: row.count for row in await database.read(count_matters)}
        except Problem:
            return
        for kind in KINDS:
            MONEY_WAITING.labels(kind).set(found.get(kind, 0))
