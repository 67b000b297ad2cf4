"""Asks the channel about what its bill says and we do not know, and takes its answer.

The bill alone moves nothing: what the channel answers to a question by our number is taken
as every report is, in the one way money moves. What is the same afterwards was repaired.
"""

from __future__ import annotations

import structlog

from adapters.contract import ChannelError, Payments
from api.errors import DatabaseUnavailable
from api.payments.chase_payments import together
from api.payments.reconciliation import queries
from api.payments.reconciliation.hold_channel import holding
from api.payments.reconciliation.load_bill import Lease
from api.payments.reconciliation.rows import RepairableRow
from api.payments.reports.take_report import take_refund_report, take_report
from api.payments.till import Till, ask
from api.progress import Advance

log = structlog.get_logger()

_BATCH = 200


async def repair_payments(
    till: Till, payments: Payments, lease: Lease, run_no: int, advance: Advance
) -> int:
    """How many the channel answered about."""
    asked = done = last = 0
    async with till.database.connection() as connection:
        whole = await queries.count_repairable(
            connection, channel=lease.channel, day=lease.day, run_no=run_no
        )
    while whole:
        async with till.database.connection() as connection:
            batch = await queries.list_repairable(
                connection,
                channel=lease.channel,
                day=lease.day,
                run_no=run_no,
                after=last,
                limit=_BATCH,
            )
        if not batch:
            break
        answered = await _ask_all(till, payments, lease.channel, batch)
        async with holding(till.settings.database_url, lease.channel) as held:
            await queries.note_queried(held, difference_ids=answered)
        last, asked, done = batch[-1].difference_id, asked + len(answered), done + len(batch)
        advance(done, max(whole, done))
    return asked


async def _ask_all(
    till: Till, payments: Payments, channel: str, batch: list[RepairableRow]
) -> list[int]:
    answered: list[int] = []

    async def ask_one(row: RepairableRow) -> None:
        if await _ask(till, payments, channel, row):
            answered.append(row.difference_id)

    await together(batch, ask_one)
    return answered


async def _ask(till: Till, payments: Payments, channel: str, row: RepairableRow) -> bool:
    """Whether the channel answered and its answer was taken. No connection is held meanwhile."""
    try:
        if row.kind == "payment":
            report = await ask(payments.query(row.payment_no))
            async with till.database.transaction() as connection:
                outcome = await take_report(connection, channel, report, is_answer=True)
        else:
            told = await ask(payments.query_refund(row.payment_no, row.refund_no))
            async with till.database.transaction() as connection:
                outcome = await take_refund_report(connection, channel, told)
    except ChannelError as error:
        log.info("reconciliation_not_told", channel=channel, kind=row.kind, code=error.code)
        return False
    except DatabaseUnavailable:
        return False
    log.info("reconciliation_asked", channel=channel, kind=row.kind, outcome=outcome)
    return True
