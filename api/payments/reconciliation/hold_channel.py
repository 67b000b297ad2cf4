"""One at a time over a channel's days: what is matched in one moment is changed by nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.database import open_connection
from api.payments.reconciliation import queries
from api.statements import Connection


@asynccontextmanager
async def holding(url: str, channel: str) -> AsyncIterator[Connection]:
    """A connection of one's own, without time limits, that holds the channel while it lives.

    Never while the channel itself is asked.
    """
    async with open_connection(url) as connection:
        # Before any transaction, so that one sees what the holder before left.
        await queries.hold_channel(connection, channel=channel)
        yield connection
