"""Bills and payments planted straight into the tables, and what is true of money at all times."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from api import ledger
from api.database import CHINA
from api.kinds import new_id
from api.payments.reports.keep_books import Debt, assessed
from api.statements import Connection

DEPARTMENT, BASIS, MERCHANT = "99990000000000000X", "10300", "1999999999"
AMOUNT_FEN = 100


async def plant(
    connection: Connection,
    count: int,
    channels: Sequence[str] = ("wechat",),
    *,
    is_assessed: bool = True,
) -> list[list[str]]:
    """So many bills with an open payment in each channel; gives the payments' numbers of each."""
    planted = []
    for _ in range(count):
        bill_no, numbers = str(10**19 + secrets.randbelow(9 * 10**19)), [new_id() for _ in channels]
        await connection.execute(
            "insert into bills (bill_no, origin, service_code, service_name, region_code,"
            " department_code, basis, amount_fen, due_on)"
            " values ($1, 'platform', 's', 's', '440106000000', $2, $3, $4, current_date)",
            bill_no,
            DEPARTMENT,
            BASIS,
            AMOUNT_FEN,
        )
        if is_assessed:
            debt = Debt(bill_no, DEPARTMENT, BASIS, AMOUNT_FEN)
            await ledger.post(connection, assessed(debt, datetime.now(CHINA)))
        for number, channel in zip(numbers, channels, strict=True):
            await connection.execute(
                "insert into payments (payment_no, bill_no, citizen_id, channel, merchant_id,"
                " link_id, description, amount_fen, expires_at, query_at)"
                " values ($1, $2, 'c', $3, $4, 'l', 'd', $5, now() + interval '1 hour', now())",
                number,
                bill_no,
                channel,
                MERCHANT,
                AMOUNT_FEN,
            )
        planted.append(numbers)
    return planted


LIFE = """
select b.bill_no, b.status, b.amount_fen as owed, p.payment_no, p.channel, p.status as state,
    b.payment_no is not distinct from p.payment_no as is_its, p.refunded_fen,
    case when e.entry_id is null then 0 else coalesce(p.taken_fen, p.amount_fen) end as held,
    coalesce(sum(r.amount_fen) filter (where r.status = 'succeeded'), 0)::bigint as back,
    coalesce(sum(r.amount_fen) filter (where r.status in ('asked', 'processing')), 0)::bigint
        as open
from bills b
join payments p on p.bill_no = b.bill_no
left join ledger_entries e on e.reference = p.payment_no
    and e.kind in ('payment.succeeded', 'payment.in_vain')
left join refunds r on r.payment_no = p.payment_no
where b.department_code = $1
group by b.bill_no, p.payment_no, e.entry_id
"""
TAKEN = {"succeeded", "refunding", "refunded", "partially_refunded"}


async def demand_agreement(connection: Connection) -> None:
    """The ledger says what the tables say, bill by bill and in sum. Raises AssertionError."""
    assert await ledger.sum_everything(connection) == 0
    assert await ledger.compare_projection(connection) == []
    rows = await connection.fetch(LIFE, DEPARTMENT)
    totals = dict.fromkeys(("clearing", "treasury", "suspense", "refunds_payable"), 0)
    for row in rows:
        assert (row["state"] in TAKEN) == (row["held"] > 0), dict(row)
        assert row["back"] == row["refunded_fen"], dict(row)
        assert row["back"] + row["open"] <= row["held"], dict(row)
        totals["clearing"] += row["held"] - row["back"]
        totals["refunds_payable"] -= row["open"]
        kind = "treasury" if row["is_its"] else "suspense"
        totals[kind] -= row["held"] - row["back"] - row["open"]
    for row in rows:
        owed = row["owed"] if row["status"] == "unpaid" else 0
        account = ledger.receivable(DEPARTMENT, BASIS)
        assert await ledger.balance_of_subject(connection, account, row["bill_no"]) == owed
        paid_by = [r for r in rows if r["bill_no"] == row["bill_no"] and r["is_its"]]
        assert len(paid_by) == (row["status"] not in ("unpaid", "cancelled")), dict(row)
    # Paid less sent back is what the channels hold, and somebody's in the ledger, to the fen.
    assert await _balances(connection) == totals
    assert totals["clearing"] == -sum(v for k, v in totals.items() if k != "clearing")


async def _balances(connection: Connection) -> dict[str, int]:
    sums = dict.fromkeys(("clearing", "treasury", "suspense", "refunds_payable"), 0)
    for channel in ("wechat", "alipay"):
        sums["clearing"] += await ledger.balance(connection, ledger.clearing(channel, MERCHANT))
        sums["suspense"] += await ledger.balance(connection, ledger.suspense(channel, MERCHANT))
        payable = ledger.refunds_payable(channel, MERCHANT)
        sums["refunds_payable"] += await ledger.balance(connection, payable)
    sums["treasury"] = await ledger.balance(connection, ledger.treasury(DEPARTMENT, BASIS))
    return sums
