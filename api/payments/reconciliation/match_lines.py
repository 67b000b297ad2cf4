"""Holds a bill's lines against our payments and refunds, both ways, in one moment.

The classes, in the order in which they are looked for:

- `duplicate`      the same number again, in this bill or after an earlier one
- `missing_here`   in the bill, and not ours
- `missing_there`  ours, and in no bill
- `amount`         both, with different amounts
- `state`          both, and only one of them says that money moved
- `date_cut_off`   both agree, but count it on different days: midnight lay between them, or a
                   refund that the channel took on took its time. Explained, where the days are
                   neighbours or it is a refund

What is in no class is the same here and there. Whatever is found again keeps its identity.
"""

from __future__ import annotations

from datetime import date

from api.database import open_connection
from api.ledger import compare_projection
from api.payments.reconciliation import queries
from api.payments.reconciliation.hold_channel import holding
from api.payments.reconciliation.rows import SumRow
from api.statements import Connection


async def count_wrong_balances(url: str) -> int:
    """How many balances of the ledger are not the sum of their lines. Reads all of them."""
    async with open_connection(url) as connection:
        return len(await compare_projection(connection))


async def match_day(url: str, channel: str, day: date, ledger_wrong: int) -> int | None:
    """Classify a day anew and settle its state; gives the run's number, None without a bill.

    Takes what it takes, on a connection of its own; days of one channel wait for each other.
    """
    async with holding(url, channel) as connection, connection.transaction():
        await queries.see_one_moment(connection)
        run_no = await queries.count_run(connection, channel=channel, day=day)
        if run_no is None:
            return None
        await queries.classify_day(connection, channel=channel, day=day, run_no=run_no)
        await queries.close_unseen(connection, channel=channel, day=day, run_no=run_no)
        await _finish(connection, channel, day, run_no, ledger_wrong)
        return run_no


async def _finish(
    connection: Connection, channel: str, day: date, run_no: int, ledger_wrong: int
) -> None:
    sums = await queries.sum_day(connection, channel=channel, day=day, run_no=run_no)
    if sums is None or sums.net_there_fen + sums.gap_fen != sums.net_here_fen:
        raise ArithmeticError("the differences do not explain the gap")
    await queries.finish_day(
        connection,
        channel=channel,
        day=day,
        state="clean" if _is_clean(sums, ledger_wrong) else "open",
        payments_here=sums.payments_here,
        payments_here_fen=sums.payments_here_fen,
        payments_there=sums.payments_there,
        payments_there_fen=sums.payments_there_fen,
        refunds_here=sums.refunds_here,
        refunds_here_fen=sums.refunds_here_fen,
        refunds_there=sums.refunds_there,
        refunds_there_fen=sums.refunds_there_fen,
        fees_fen=sums.fees_fen,
        ledger_fen=sums.ledger_fen,
        ledger_wrong=ledger_wrong,
    )


def _is_clean(sums: SumRow, ledger_wrong: int) -> bool:
    return not sums.open and not ledger_wrong and sums.ledger_fen == sums.net_here_fen
