"""By the clock: deemed acceptances, warnings, and days that the new calendar settles.

行政许可法, article 32: who is not told within five working days that something is missing
is accepted as of the day of receipt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta

import msgspec
import structlog

from api.cases import queries
from api.cases.count_clock import RECEIPT_DAYS
from api.cases.decide_move import Move
from api.cases.move_case import move_case, store, with_clock
from api.database import CHINA, Database
from api.errors import Conflict
from api.statements import Connection
from api.workdays import add_working_days

log = structlog.get_logger()

_DEEMED = "五个工作日内未告知补正，自收到之日起视为受理"


def accept_unanswered(database: Database) -> Callable[[], Awaitable[None]]:
    """Every morning: cases nobody answered within five working days count as accepted."""

    async def accept_unanswered_cases() -> None:
        await accept_those_waiting(database, datetime.now(CHINA).date())

    return accept_unanswered_cases


async def accept_those_waiting(database: Database, today: date) -> int:
    """How many were deemed accepted; each in a transaction of its own."""
    # Five working days are a week at least; holidays make them more.
    before = today - timedelta(days=7)
    waiting = await database.read(lambda c: queries.list_unaccepted(c, received_before=before))
    accepted = 0
    for case in waiting:
        if add_working_days(case.received_on, RECEIPT_DAYS).on >= today:
            continue
        deemed = Move(event_type="accepted", actor="system:deemed", note=_DEEMED)
        try:
            await database.decide(_moving(case.case_no, deemed))
            accepted += 1
        except Conflict:
            # Somebody moved it in this very moment.
            continue
    return accepted


def _moving(case_no: str, move: Move) -> Callable[[Connection], Awaitable[object]]:
    async def decide(connection: Connection) -> object:
        locked = await queries.lock_case(connection, case_no=case_no)
        if locked is None or locked.status not in ("submitted", "pre_checked"):
            raise Conflict()
        return await move_case(connection, case_no, move)

    return decide


def warn_of_late_cases(database: Database) -> Callable[[], Awaitable[None]]:
    """Every morning: yellow where little time is left, red where it is over."""

    async def warn_of_cases() -> None:
        await warn_late(database, datetime.now(CHINA).date())

    return warn_of_cases


async def warn_late(database: Database, today: date) -> int:
    """How many cases were warned of, a thousand at a time."""
    warned = 0
    while True:
        async with database.transaction() as connection:
            count = await queries.warn_late(connection, today=today)
        warned += count
        if count < 1000:
            return warned


def settle_provisional_days(database: Database) -> Callable[[], Awaitable[None]]:
    """Every night: due days beyond the calendar, counted again once it has grown."""

    async def settle_days() -> None:
        await count_again(database)

    return settle_days


async def count_again(database: Database) -> int:
    """How many cases got another due day, or a certain one."""
    changed, after = 0, ""
    while True:
        async with database.connection() as connection:
            page = await queries.list_provisional(connection, after=after)
        for case in page:
            changed += await database.decide(_counting(case.case_no))
        if len(page) < 500:
            return changed
        after = page[-1].case_no


def _counting(case_no: str) -> Callable[[Connection], Awaitable[bool]]:
    async def decide(connection: Connection) -> bool:
        case = await queries.lock_case(connection, case_no=case_no)
        if case is None:
            return False
        events = await queries.list_clock_events(connection, case_no=case_no)
        counted = with_clock(case, events)
        if (counted.due_on, counted.due_provisional) == (case.due_on, case.due_provisional):
            return False
        await store(connection, msgspec.structs.replace(counted, version=case.version + 1))
        return True

    return decide
