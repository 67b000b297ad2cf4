"""Brings a channel's bill of a day into its table, in batches, however long it is.

The lines of a load count only once it is published, whole; a run that dies half-way leaves
lines that the next one forgets. No connection is held while the channel is read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

from msgspec import Struct

from adapters.contract import BillLine, Unreachable
from api.database import Database, open_connection
from api.payments.reconciliation import queries
from api.payments.reconciliation.hold_channel import holding
from api.progress import Advance

BATCH = 2000
_NUMBER_CHARACTERS = 64
_COLUMNS = [
    "load_id",
    "line_no",
    "kind",
    "payment_no",
    "refund_no",
    "channel_payment_id",
    "channel_refund_id",
    "amount_fen",
    "fee_fen",
    "state",
    "happened_at",
]


class Lease(Struct, frozen=True):
    """Whose run of which day it is."""

    channel: str
    day: date
    token: str


class LeaseLost(Exception):
    """Another run has taken the day over; nothing of this one counts."""


async def load_bill(
    database: Database, url: str, lease: Lease, lines: AsyncIterator[BillLine], advance: Advance
) -> int:
    """How many lines there are now. Raises what the channel raises, and LeaseLost."""
    await _forget_others(url, lease)
    async with database.transaction() as connection:
        load_id = await queries.begin_load(connection, channel=lease.channel, day=lease.day)
    count = 0
    batch: list[tuple[Any, ...]] = []
    async for line in lines:
        count += 1
        batch.append(_record(load_id, count, line))
        if len(batch) == BATCH:
            await _copy(database, batch)
            batch = []
            advance(count, count)
    await _copy(database, batch)
    advance(count, count)
    await _publish(url, lease, load_id, count)
    await _forget_others(url, lease)
    return count


def _record(load_id: int | None, line_no: int, line: BillLine) -> tuple[Any, ...]:
    channel_refund_id = line.channel_refund_id
    numbers = (
        line.payment_no,
        line.refund_no or "",
        line.channel_payment_id,
        channel_refund_id or "",
        line.state,
    )
    # Another system's orders may stand in the same bill; its numbers are no longer than ours.
    if any(len(number) > _NUMBER_CHARACTERS or "\x00" in number for number in numbers):
        raise Unreachable("answer_unreadable")
    return (
        load_id,
        line_no,
        line.kind,
        line.payment_no,
        line.refund_no or "",
        line.channel_payment_id,
        channel_refund_id,
        line.amount_fen,
        line.fee_fen,
        line.state,
        line.happened_at,
    )


async def _copy(database: Database, batch: list[tuple[Any, ...]]) -> None:
    if batch:
        async with database.transaction() as connection:
            await connection.copy_records_to_table(
                "channel_bill_lines", records=batch, columns=_COLUMNS
            )


async def _publish(url: str, lease: Lease, load_id: int | None, count: int) -> None:
    async with holding(url, lease.channel) as connection:
        published = await queries.publish_load(
            connection,
            load_id=load_id,
            lines=count,
            channel=lease.channel,
            day=lease.day,
            token=lease.token,
        )
    if not published:
        raise LeaseLost


async def _forget_others(url: str, lease: Lease) -> None:
    # Without a time limit: a long bill takes its while.
    async with open_connection(url) as connection:
        await queries.forget_other_loads(connection, channel=lease.channel, day=lease.day)
