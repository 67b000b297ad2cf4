"""A day's books against the gateways' own bills: nothing lost, nothing hidden, all repeatable."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from adapters.contract import BillLine, RefundOrder, Unreachable
from api.kinds import new_id
from api.payments.reconciliation import CannotReconcile, LeaseLost, reconcile_day, reconcile_due
from api.payments.reconciliation.load_bill import BATCH, Lease, load_bill
from api.payments.reconciliation.match_lines import match_day
from api.payments.reconciliation.reconcile_due import nobody_told
from tests.payments.conftest import FEE_FEN, Counter
from tests.payments.reconciliation.builders import line
from tests.payments.reconciliation.days import (
    bills_ready,
    change,
    found,
    paid,
    paid_in_silence,
    reconcile,
    today,
)
from tests.payments.test_refunds import ask_back

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


@BOTH
async def test_what_was_paid_and_returned_adds_up_to_the_fen(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await paid(counter, payer, channel)
    await paid(counter, payer, channel)
    assert (await ask_back(counter, payment_no, 500, FEE_FEN)).status_code == 201
    counter.gateways["wechat"].control("PUT", "/policy", {"refund_seconds": 0})
    async with asyncio.timeout(10):
        while await counter.status(payment_no) != "partially_refunded":
            await counter.refund_due()
            await asyncio.sleep(0.05)
    row = await reconcile(counter, channel)
    assert await found(counter) == []
    assert (row.state, row.lines, row.ledger_gap_fen, row.ledger_wrong) == ("clean", 3, 0, 0)
    assert (row.payments_here, row.payments_there) == (2, 2)
    assert row.net_here_fen == row.net_there_fen == row.ledger_fen == 2 * FEE_FEN - 500
    assert await reconcile(counter, channel) == row.__class__(
        **{f: getattr(row, f) for f in row.__struct_fields__[:-1]},
        finished_at=(await counter.value("select finished_at from reconciliations")),
    )


@BOTH
async def test_money_that_nobody_told_us_of_is_found_and_taken(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await paid_in_silence(counter, payer, channel)
    assert await counter.status(payment_no) == "pending"
    row = await reconcile(counter, channel)
    assert await counter.status(payment_no) == "succeeded"
    assert await found(counter) == [("state", "repaired", -FEE_FEN)]
    assert (row.state, row.ledger_gap_fen) == ("clean", 0)
    facts = await counter.value(
        "select count(*) from pgqueuer where entrypoint = 'payment.settled'"
    )
    assert facts == 1
    # Run again, it is the same.
    assert (await reconcile(counter, channel)).state == "clean"
    assert await found(counter) == [("state", "repaired", -FEE_FEN)]


@BOTH
async def test_money_that_came_after_the_end_is_found_and_goes_back(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await paid_in_silence(counter, payer, channel)
    await change(counter, "update payments set status = 'expired'")
    row = await reconcile(counter, channel)
    assert (await counter.status(payment_no), row.state) == ("refunding", "clean")
    assert await counter.value("select sum(amount_fen) from refunds") == FEE_FEN
    assert await found(counter) == [("state", "repaired", -FEE_FEN)]


async def test_a_refund_whose_end_nobody_told_is_found(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await paid(counter, payer, "wechat")
    gateway = counter.gateways["wechat"]
    gateway.control("PUT", "/policy", {"refund_seconds": 0.2})
    gateway.faults(mute=True)
    assert (await ask_back(counter, payment_no, 500, FEE_FEN)).status_code == 201
    await counter.refund_due()
    assert await counter.status(payment_no) == "refunding"
    await asyncio.sleep(0.4)
    row = await reconcile(counter, "wechat")
    assert await counter.status(payment_no) == "partially_refunded"
    assert await found(counter) == [("state", "repaired", 500)]
    assert (row.state, row.net_here_fen) == ("clean", FEE_FEN - 500)


@BOTH
async def test_money_that_went_back_without_our_asking_is_found(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await paid(counter, payer, channel)
    gateway = counter.gateways[channel]
    if channel == "wechat":
        gateway.control("PUT", "/policy", {"refund_seconds": 0})
    gateway.faults(mute=True)
    order = RefundOrder(new_id(), payment_no, 300, FEE_FEN, "在商户后台退款")
    await counter.till.payments(channel).refund(order)
    row = await reconcile(counter, channel)
    assert await found(counter) == [("missing_here", "repaired", 300)]
    assert (row.state, row.refunds_here_fen, row.net_here_fen) == ("clean", 300, FEE_FEN - 300)
    flag = await counter.value("select flag from payments where payment_no = $1", payment_no)
    assert flag == "refunded_outside"


async def test_a_refund_on_its_way_is_explained_and_not_open(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await paid(counter, payer, "wechat")
    counter.gateways["wechat"].control("PUT", "/policy", {"refund_seconds": None})
    assert (await ask_back(counter, payment_no, 500, FEE_FEN)).status_code == 201
    await counter.refund_due()
    row = await reconcile(counter, "wechat")
    assert await found(counter) == [("date_cut_off", "explained", 500)]
    assert row.state == "clean"


@BOTH
@pytest.mark.parametrize(
    ("query", "cause", "gap_fen"),
    [
        ("delete from payments", "missing_here", -FEE_FEN),
        (
            "update payments set payment_no = payment_no || 'x', status = 'succeeded',"
            " paid_at = now()",
            "missing_here",
            -FEE_FEN,
        ),
        (
            "update payments set amount_fen = amount_fen + 1, status = 'succeeded',"
            " paid_at = now()",
            "amount",
            1,
        ),
    ],
)
async def test_what_no_question_can_mend_is_left_for_a_clerk(
    counter: Counter, channel: str, query: str, cause: str, gap_fen: int
) -> None:
    payer = await counter.citizen()
    await paid_in_silence(counter, payer, channel)
    await change(counter, query)
    row = await reconcile(counter, channel)
    assert row.state == "open"
    first = await found(counter)
    assert (cause, "open", gap_fen) in first
    assert row.net_there_fen + sum(gap for _, _, gap in first) == row.net_here_fen
    await reconcile(counter, channel)
    assert await found(counter) == first


async def test_ours_that_the_channel_never_had_is_found(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid(counter, payer, "wechat")
    payment_no = await payer.begun(await payer.owing(), "wechat")
    await change(
        counter,
        "update payments set status = 'succeeded', paid_at = now() where payment_no = $1",
        payment_no,
    )
    row = await reconcile(counter, "wechat")
    assert await found(counter) == [("missing_there", "open", FEE_FEN)]
    # The ledger does not have it either.
    assert (row.state, row.ledger_gap_fen) == ("open", -FEE_FEN)


async def test_a_payment_of_the_other_side_of_midnight_is_explained(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid(counter, payer, "wechat")
    await change(counter, "update payments set paid_at = paid_at - interval '1 day'")
    await reconcile(counter, "wechat")
    assert await found(counter) == [("date_cut_off", "explained", -FEE_FEN)]


async def test_a_ledger_that_lacks_an_entry_keeps_the_day_open(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid_in_silence(counter, payer, "wechat")
    await change(counter, "update payments set status = 'succeeded', paid_at = now()")
    row = await reconcile(counter, "wechat")
    assert await found(counter) == []
    assert (row.state, row.ledger_gap_fen) == ("open", -FEE_FEN)


@BOTH
async def test_a_day_whose_bill_is_not_there_waits(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    await paid(counter, payer, channel)
    fault: dict[str, Any] = {"code": "STATEMENT_CREATING", "status": 400, "only": "bills.trade"}
    if channel == "wechat":
        counter.gateways[channel].faults(**fault)
    with pytest.raises(CannotReconcile, match="no_bill"):
        await reconcile_day(counter.till, channel, today(), nobody_told)
    assert await counter.value("select state from reconciliations") == "waiting"
    counter.gateways[channel].clear_faults()
    assert (await reconcile(counter, channel)).state == "clean"
    assert await counter.value("select count(*) from reconciliations where reason is null") == 1


@BOTH
async def test_a_bill_that_breaks_off_changes_nothing(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    await paid(counter, payer, channel)
    assert (await reconcile(counter, channel)).state == "clean"
    counter.gateways[channel].faults(status=500, only="bills.download")
    await paid_in_silence(counter, payer, channel)
    counter.gateways[channel].faults(status=500, only="bills.download")
    with pytest.raises(CannotReconcile):
        await reconcile(counter, channel)
    [row] = await counter.rows("select state, lines, reason from reconciliations")
    assert (row["state"], row["lines"]) == ("clean", 1)
    assert row["reason"]
    assert await counter.value("select count(*) from reconciliation_leases") == 0


async def test_a_day_on_which_nothing_happened_is_clean(counter: Counter) -> None:
    for channel in counter.gateways:
        row = await reconcile(counter, channel, today() - timedelta(days=3))
        assert (row.state, row.lines, row.net_there_fen) == ("clean", 0, 0)


# ── Runs beside and after each other ────────────────────────────────────────────────────


async def test_of_two_runs_at_once_one_is_told_to_wait(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid(counter, payer, "wechat")
    counter.gateways["wechat"].faults(latency_ms=500, only="bills.trade")
    runs = await asyncio.gather(
        *(reconcile(counter, "wechat") for _ in range(3)), return_exceptions=True
    )
    refused = [run for run in runs if isinstance(run, CannotReconcile)]
    assert [run.reason for run in refused] == ["running", "running"]
    assert len(runs) == 3
    assert (await reconcile(counter, "wechat")).state == "clean"


async def test_a_run_that_died_is_followed_by_the_next(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid(counter, payer, "wechat")
    lease = Lease("wechat", today(), "dead")
    insert = "insert into reconciliation_leases values ('wechat', $1, 'dead', now() + $2::interval)"
    await change(counter, insert, today(), timedelta(seconds=30))
    with pytest.raises(CannotReconcile, match="running"):
        await reconcile(counter, "wechat")
    await change(
        counter, "update reconciliation_leases set leased_until = now() - interval '1 second'"
    )
    assert (await reconcile(counter, "wechat")).state == "clean"
    # Should the dead one wake up, its lines count nowhere.
    with pytest.raises(LeaseLost):
        await load_bill(
            counter.database, counter.till.settings.database_url, lease, many(3), silent
        )
    assert (await reconcile(counter, "wechat")).lines == 1
    assert await counter.value("select count(*) from channel_bill_lines") == 1


async def test_the_morning_takes_every_day_that_wants_it(counter: Counter) -> None:
    payer = await counter.citizen()
    for channel in counter.gateways:
        await paid(counter, payer, channel)
    with bills_ready(counter.gateways["wechat"]), bills_ready(counter.gateways["alipay"]):
        await reconcile_due(counter.till)()
        rows = await counter.rows("select channel, day, state from reconciliations order by 1")
        assert [(r["channel"], r["day"], r["state"]) for r in rows] == [
            (channel, today() - timedelta(days=1), "clean") for channel in ("alipay", "wechat")
        ]
        assert await counter.value("select count(*) from reconciliation_reports") == 1
        # What is done is not done again; what waits is.
        calls = counter.gateways["wechat"].calls("bills.trade")
        await reconcile_due(counter.till)()
        assert counter.gateways["wechat"].calls("bills.trade") == calls
        await change(counter, "update reconciliations set state = 'waiting'")
        await reconcile_due(counter.till)()
        assert counter.gateways["wechat"].calls("bills.trade") == calls + 1


@pytest.mark.parametrize("number", ["x" * 65, "a\x00b"])
async def test_a_bill_with_numbers_that_cannot_be_is_not_taken(
    counter: Counter, number: str
) -> None:
    async def hostile() -> AsyncIterator[BillLine]:
        yield line("p1")
        yield line(number)

    lease = Lease("wechat", today(), "token")
    url = counter.till.settings.database_url
    with pytest.raises(Unreachable, match="answer_unreadable"):
        await load_bill(counter.database, url, lease, hostile(), silent)
    assert await counter.value("select count(*) from channel_bill_lines") == 0


# ── Size ────────────────────────────────────────────────────────────────────────────────

LONG = 200_000


async def many(count: int) -> AsyncIterator[BillLine]:
    for number in range(count):
        yield line(f"p{number:08d}", amount_fen=number % 1000 + 1)


def silent(_done: int, _total: int, /) -> None:
    """Nobody looks."""


async def test_a_bill_of_any_length_fits_into_the_same_memory(counter: Counter) -> None:
    lease = Lease("wechat", today(), "token")
    url = counter.till.settings.database_url
    insert = "insert into reconciliation_leases values ('wechat', $1, 'token', now() + '1 hour')"
    await change(counter, insert, today())
    await change(
        counter, "insert into reconciliations (channel, day) values ('wechat', $1)", today()
    )
    tracemalloc.start()
    try:
        peaks = []
        for count in (2 * BATCH, LONG):
            tracemalloc.reset_peak()
            assert await load_bill(counter.database, url, lease, many(count), silent) == count
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 8 * 1024 * 1024
    assert await counter.value("select count(*) from channel_bill_lines") == LONG
    # Fetched is not matched: whoever died here has not said that the day is clean.
    assert await counter.value("select state from reconciliations") == "waiting"
    async with asyncio.timeout(60):
        await match_day(url, "wechat", today(), 0)
    causes = await counter.rows("select cause, count(*) from reconciliation_differences group by 1")
    assert causes == [{"cause": "missing_here", "count": LONG}]
