"""Reconciles a channel's day: its bill fetched, held against our books, repaired, held again.

One run of a day at a time: a lease says who, kept alive while it runs, so that a run that
died is followed by the next within `LEASE_SECONDS`. Running a day again gives the same
result. The neighbouring days are held against their bills again too: what was cut off at
midnight shows only when both bills are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import date, timedelta

import structlog

from adapters.contract import ChannelError, Refusal
from api.errors import DatabaseUnavailable
from api.kinds import new_id
from api.payments.reconciliation import queries
from api.payments.reconciliation.hold_channel import holding
from api.payments.reconciliation.load_bill import Lease, load_bill
from api.payments.reconciliation.match_lines import count_wrong_balances, match_day
from api.payments.reconciliation.repair_payments import repair_payments
from api.payments.reconciliation.rows import DayRow
from api.payments.till import Till
from api.progress import Advance

log = structlog.get_logger()

LEASE_SECONDS = 60.0
_NEIGHBOURS = (timedelta(days=-1), timedelta(days=1))

Telling = Callable[[str], AbstractContextManager[Advance]]
"""Tells somebody how a piece of work gets on: `api.progress.progress`, or nobody."""


class CannotReconcile(Exception):
    """The day cannot be reconciled now; `reason` is a code of ours.

    `no_bill`: the channel has none of that day yet. `running`: another run is at it. Else
    what the channel's failure is called, such as `timeout` or `answer_unreadable`.
    """

    def __init__(self, channel: str, reason: str) -> None:
        super().__init__(reason)
        self.channel = channel
        self.reason = reason


async def reconcile_day(till: Till, channel: str, day: date, telling: Telling) -> DayRow:
    """Raises CannotReconcile, ChannelUnknown, ChannelCannot, LeaseLost."""
    payments = till.payments(channel)
    url = till.settings.database_url
    async with _leased(till, channel, day) as lease:
        till.reach("reconciliation.leased")
        try:
            with telling(f"{channel} {day} bill") as advance:
                lines = payments.bill_lines(day)
                await load_bill(till.database, url, lease, lines, advance)
        except ChannelError as error:
            raise await _give_up(till, lease, error) from None
        till.reach("reconciliation.loaded")
        wrong = await count_wrong_balances(url)
        run_no = await match_day(url, channel, day, wrong)
        if run_no is None:
            raise LookupError("its bill was just published")
        till.reach("reconciliation.matched")
        with telling(f"{channel} {day} questions") as advance:
            if await repair_payments(till, payments, lease, run_no, advance):
                await match_day(url, channel, day, await count_wrong_balances(url))
        for step in _NEIGHBOURS:
            await match_day(url, channel, day + step, wrong)
    async with till.database.connection() as connection:
        [row] = await queries.list_days(connection, day=day, channel=channel)
    log.info(
        "day_reconciled",
        channel=channel,
        day=day.isoformat(),
        state=row.state,
        lines=row.lines,
        net_here_fen=row.net_here_fen,
        net_there_fen=row.net_there_fen,
        ledger_gap_fen=row.ledger_gap_fen,
    )
    return row


async def _give_up(till: Till, lease: Lease, error: ChannelError) -> CannotReconcile:
    missing = isinstance(error, Refusal) and error.code == "not_found"
    reason = "no_bill" if missing else error.code
    async with holding(till.settings.database_url, lease.channel) as connection:
        await queries.say_why_not(
            connection,
            channel=lease.channel,
            day=lease.day,
            state="waiting" if missing else "failed",
            reason=reason,
        )
    if not missing:
        log.warning("bill_not_read", channel=lease.channel, code=error.code)
    return CannotReconcile(lease.channel, reason)


@asynccontextmanager
async def _leased(till: Till, channel: str, day: date) -> AsyncIterator[Lease]:
    lease = Lease(channel, day, new_id())
    async with till.database.transaction() as connection:
        taken = await queries.take_lease(
            connection, channel=channel, day=day, token=lease.token, seconds=LEASE_SECONDS
        )
        if taken is None:
            raise CannotReconcile(channel, "running")
        await queries.begin_day(connection, channel=channel, day=day)
    living = asyncio.create_task(_live(till, lease))
    try:
        yield lease
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        async with till.database.connection() as connection:
            await queries.drop_lease(connection, channel=channel, day=day, token=lease.token)


async def _live(till: Till, lease: Lease) -> None:
    """Say that this run lives until it is cancelled."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 4)
        try:
            async with till.database.connection() as connection:
                await queries.keep_lease(
                    connection,
                    channel=lease.channel,
                    day=lease.day,
                    token=lease.token,
                    seconds=LEASE_SECONDS,
                )
        except DatabaseUnavailable:
            # Said again in time, or somebody takes over.
            continue
