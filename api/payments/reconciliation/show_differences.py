"""A day's differences, for whoever's rights cover them.

Money of a bill belongs to the bill's service and region. Money that belongs to nobody we know
is seen only by those whose rights are everything: every service and every region, which a key
or a clerk is given in so many words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any, TypeVar

from msgspec import Struct, structs

from api.access import Caller
from api.errors import NotFound
from api.pages import ListCursors, Page
from api.payments.reconciliation import queries
from api.payments.reconciliation.rows import DayRow, DifferenceRow
from api.payments.reconciliation.schemas import (
    ChannelDay,
    ClerkDifference,
    ClerkReconciliation,
    PlatformDay,
    PlatformDifference,
    PlatformReconciliation,
)
from api.statements import Connection

Item = TypeVar("Item")
_DAY = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_NUMBER = re.compile(r"\A[1-9][0-9]{0,17}\Z")


class Wanted(Struct, frozen=True):
    """What of a day is asked for."""

    day: date
    channel: str | None
    status: str | None


def no_such_day() -> NotFound:
    """A day that nobody has reconciled, or that is none."""
    return NotFound("这一天还没有对账。", "That day has not been reconciled.")


def no_such_difference() -> NotFound:
    """A missing difference, and just so a foreign one."""
    return NotFound("没有这项差异。", "There is no such difference.")


def read_day(text: str) -> date:
    """Raises NotFound."""
    try:
        return date.fromisoformat(text if _DAY.match(text) else "")
    except ValueError:
        raise no_such_day() from None


def read_number(text: str) -> int:
    """Raises NotFound."""
    if not _NUMBER.match(text):
        raise no_such_difference()
    return int(text)


def rights_of(caller: Caller) -> dict[str, Any]:
    """As the statements want them."""
    return {
        "is_everybodys": "" in caller.service_prefixes and "" in caller.region_prefixes,
        "service_prefixes": caller.service_prefixes,
        "region_prefixes": caller.region_prefixes,
    }


async def show_to_platform(
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    of: ListCursors,
    cursor: str | None,
    limit: int,
) -> PlatformReconciliation:
    """Raises NotFound, CursorWrong."""
    days, page = await _read(connection, caller, wanted, of, cursor, limit, answer_platform)
    channels = [PlatformDay(d.channel, d.finished_at is not None, d.finished_at) for d in days]
    return PlatformReconciliation(wanted.day.isoformat(), channels, page.items, page.next_cursor)


async def show_to_clerk(
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    of: ListCursors,
    cursor: str | None,
    limit: int,
) -> ClerkReconciliation:
    """Raises NotFound, CursorWrong."""
    days, page = await _read(connection, caller, wanted, of, cursor, limit, answer_clerk)
    shown = days if rights_of(caller)["is_everybodys"] else []
    return ClerkReconciliation(
        wanted.day.isoformat(), [_answer_day(d) for d in shown], page.items, page.next_cursor
    )


async def _read(
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    answer: Callable[[DifferenceRow], Item],
) -> tuple[list[DayRow], Page[Item]]:
    days = await queries.list_days(connection, day=wanted.day, channel=wanted.channel)
    if not days:
        raise no_such_day()
    rows = await queries.list_differences(
        connection,
        day=wanted.day,
        channel=wanted.channel,
        status=wanted.status,
        after=of.read(cursor, int, 0),
        limit=limit + 1,
        **rights_of(caller),
    )
    return days, of.cut(rows, limit, answer, lambda row: row.difference_id)


def answer_platform(row: DifferenceRow) -> PlatformDifference:
    """A clerk's note is not told: it was written for colleagues."""
    return PlatformDifference(**_common(row))


def answer_clerk(row: DifferenceRow) -> ClerkDifference:
    return ClerkDifference(
        **_common(row),
        channel_payment_id=row.channel_payment_id,
        channel_refund_id=row.channel_refund_id,
        note=row.note,
        resolved_by=row.resolved_by,
        resolved_at=row.resolved_at,
        first_seen_at=row.first_seen_at,
    )


def _common(row: DifferenceRow) -> dict[str, Any]:
    found = structs.asdict(row)
    common = {name: found[name] for name in PlatformDifference.__struct_fields__}
    return {
        **common,
        "difference_id": str(row.difference_id),
        "refund_no": row.refund_no or None,
    }


def _answer_day(day: DayRow) -> ChannelDay:
    return ChannelDay(
        day.channel,
        day.state,  # type: ignore[arg-type]
        day.reason,
        day.lines,
        day.payments_here,
        day.payments_here_fen,
        day.payments_there,
        day.payments_there_fen,
        day.refunds_here,
        day.refunds_here_fen,
        day.refunds_there,
        day.refunds_there_fen,
        day.fees_fen,
        day.ledger_gap_fen,
        day.finished_at,
    )
