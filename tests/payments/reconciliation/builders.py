"""A day made by hand: what we count, and what a channel's bill says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta

from msgspec import Struct

from adapters.contract import BillLine
from api.database import CHINA
from api.payments.reconciliation import queries
from api.payments.reconciliation.rows import DifferenceRow, SumRow
from api.statements import Connection

DAY = date(2026, 11, 20)
CHANNEL = "wechat"
SERVICE = "11440106DM1GL9LR584440701003000"
REGION = "440106000000"
COUNTED = frozenset({"succeeded", "refunding", "partially_refunded", "refunded"})


def at_noon(day: date = DAY) -> datetime:
    return datetime.combine(day, time(12), tzinfo=CHINA)


class Ours(Struct, frozen=True):
    """A payment, or a refund of the payment of that number, as our tables have it."""

    payment_no: str
    refund_no: str = ""
    amount_fen: int = 2000
    status: str = "succeeded"
    at: datetime | None = at_noon()
    channel: str = CHANNEL


def line(
    payment_no: str,
    refund_no: str = "",
    amount_fen: int = 2000,
    state: str = "succeeded",
    at: datetime | None = None,
    fee_fen: int = 0,
) -> BillLine:
    """A line of a bill."""
    return BillLine(
        kind="refund" if refund_no else "payment",
        payment_no=payment_no,
        refund_no=refund_no or None,
        channel_payment_id=f"T{payment_no}"[:64],
        channel_refund_id=None,
        amount_fen=amount_fen,
        fee_fen=fee_fen,
        state=state,
        happened_at=at or at_noon(),
    )


async def count_ours(connection: Connection, ours: Iterable[Ours]) -> None:
    """Write what we count, each payment with its bill; a refund's payment lies long back."""
    ours = list(ours)
    payments = {o.payment_no: o for o in ours if not o.refund_no}
    for o in ours:
        if o.payment_no not in payments:
            long_ago = at_noon(DAY - timedelta(days=30))
            payments[o.payment_no] = Ours(
                o.payment_no, "", 10**9, "partially_refunded", long_ago, o.channel
            )
    for number, payment in enumerate(payments.values()):
        await _add_payment(connection, number, payment)
    for o in ours:
        if o.refund_no:
            await connection.execute(
                "insert into refunds"
                " (refund_no, payment_no, amount_fen, reason, status, succeeded_at)"
                " values ($1, $2, $3, 'test', $4, $5)",
                o.refund_no,
                o.payment_no,
                o.amount_fen,
                o.status,
                o.at if o.status == "succeeded" else None,
            )


async def _add_payment(connection: Connection, number: int, payment: Ours) -> None:
    bill_no = f"{number:020d}"
    await connection.execute(
        "insert into bills (bill_no, origin, service_code, service_name, region_code,"
        " department_code, amount_fen, due_on) values ($1, 'platform', $2, '事项', $3, $4, $5, $6)",
        bill_no,
        SERVICE,
        REGION,
        SERVICE[:18],
        payment.amount_fen,
        DAY,
    )
    await connection.execute(
        "insert into payments (payment_no, bill_no, citizen_id, channel, link_id, description,"
        " amount_fen, status, expires_at, paid_at)"
        " values ($1, $2, 'c', $3, 'l', '事项', $4, $5, now(), $6)",
        payment.payment_no,
        bill_no,
        payment.channel,
        payment.amount_fen,
        payment.status,
        payment.at if payment.status in COUNTED else None,
    )


async def put_bill(
    connection: Connection, lines: Iterable[BillLine], day: date = DAY, channel: str = CHANNEL
) -> None:
    """The bill of a day, as a published load."""
    await queries.begin_day(connection, channel=channel, day=day)
    load_id = await queries.begin_load(connection, channel=channel, day=day)
    await connection.execute(
        "update reconciliations set load_id = $1, lines = 0 where channel = $2 and day = $3",
        load_id,
        channel,
        day,
    )
    columns = ("kind", "payment_no", "channel_payment_id", "amount_fen", "fee_fen", "state")
    await connection.copy_records_to_table(
        "channel_bill_lines",
        records=[
            (load_id, number, *(getattr(x, c) for c in columns), x.refund_no or "", x.happened_at)
            for number, x in enumerate(lines, 1)
        ],
        columns=["load_id", "line_no", *columns, "refund_no", "happened_at"],
    )


async def match(connection: Connection, day: date = DAY, channel: str = CHANNEL) -> SumRow:
    """One classification inside the caller's transaction."""
    run_no = await queries.count_run(connection, channel=channel, day=day)
    await queries.classify_day(connection, channel=channel, day=day, run_no=run_no)
    await queries.close_unseen(connection, channel=channel, day=day, run_no=run_no)
    sums = await queries.sum_day(connection, channel=channel, day=day, run_no=run_no)
    assert sums is not None
    return sums


async def differences(
    connection: Connection, day: date = DAY, status: str | None = None
) -> list[DifferenceRow]:
    return await queries.list_differences(
        connection,
        day=day,
        channel=None,
        status=status,
        after=0,
        is_everybodys=True,
        service_prefixes=[""],
        region_prefixes=[""],
        limit=10_000,
    )


async def causes(connection: Connection, day: date = DAY) -> dict[tuple[str, str, int], str]:
    """Payment number, refund number and occurrence → cause, of what stands."""
    return {
        (d.payment_no, d.refund_no, d.occurrence): d.cause
        for d in await differences(connection, day)
    }
