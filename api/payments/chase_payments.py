"""Asks channels what became of payments that nobody has told us of, and ends those in time.

A payment is due a few seconds after it was begun, then ever more seldom, until its time is
over or its bill is settled; then it is closed at the channel. Who takes one moves its next
time first, so a worker that dies loses nothing and nobody asks twice at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from msgspec import structs

from adapters.contract import ChannelError, PaymentReport, Payments, Refusal
from api.errors import DatabaseUnavailable
from api.payments import queries
from api.payments.reports.take_report import take_report
from api.payments.rows import DuePayment
from api.payments.till import WAITS, Till, ask

log = structlog.get_logger()

AT_ONCE = 40
_TOGETHER = 8


def chase_payments(till: Till) -> Callable[[], Awaitable[None]]:
    """For the timetable."""

    async def chase_due_payments() -> None:
        while True:
            async with till.database.transaction() as connection:
                due = await queries.take_due_payments(connection, limit=AT_ONCE, waits=WAITS)
            till.reach("chase.taken")
            await together(due, lambda payment: _chase(till, payment))
            if len(due) < AT_ONCE:
                return

    return chase_due_payments


async def together(items: Sequence[Any], work: Callable[[Any], Awaitable[None]]) -> None:
    """Some at a time; one that fails holds up nobody else."""
    places = asyncio.Semaphore(_TOGETHER)

    async def one(item: Any) -> None:
        async with places:
            await work(item)

    await asyncio.gather(*(one(item) for item in items))


async def _chase(till: Till, due: DuePayment) -> None:
    payments = till.payments_if_open(due.channel)
    if payments is None:
        log.error("payment_without_channel", channel=due.channel)
        return
    try:
        report = await ask(_look(payments, due))
    except ChannelError as error:
        log.info("payment_not_told", channel=due.channel, code=error.code)
        return
    till.reach("chase.told")
    try:
        outcome = await till.database.decide(
            lambda c: take_report(c, due.channel, report, is_answer=True)
        )
    except DatabaseUnavailable:
        # It is due again by itself.
        return
    if outcome == "flagged":
        log.warning("payment_flagged", channel=due.channel)


async def _look(payments: Payments, due: DuePayment) -> PaymentReport:
    if not due.must_close:
        return await payments.query(due.payment_no)
    try:
        report = await payments.close(due.payment_no)
    except Refusal as refusal:
        if refusal.code != "not_found":
            raise
        report = PaymentReport(due.payment_no, "pending")
    if report.state == "pending" and due.is_long_over:
        # The channel never had the order, and takes no money for it any more.
        return structs.replace(report, state="closed")
    return report
