"""Every line of the bill and everything of ours is in exactly one class, and all is explained."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract import BillLine
from api.database import open_connection
from api.payments.reconciliation import queries
from api.statements import Connection
from tests.conftest import run
from tests.payments.reconciliation.builders import (
    COUNTED,
    DAY,
    Ours,
    at_noon,
    causes,
    count_ours,
    differences,
    line,
    match,
    put_bill,
)

NEXT, BEFORE = DAY + timedelta(days=1), DAY - timedelta(days=1)


@pytest.fixture
async def day(database_url: str) -> AsyncIterator[Connection]:
    """An empty day, forgotten afterwards."""
    async with open_connection(database_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        await empty(connection)
        yield connection
        await transaction.rollback()


async def empty(connection: Connection) -> None:
    await connection.execute(
        "truncate payments, refunds, bills, reconciliations, reconciliation_loads cascade"
    )


async def test_what_is_the_same_on_both_sides_is_no_difference(day: Connection) -> None:
    await count_ours(day, [Ours("p1"), Ours("p2", amount_fen=1), Ours("p2", "r1", 1)])
    await put_bill(day, [line("p1", fee_fen=12), line("p2", "", 1), line("p2", "r1", 1)])
    sums = await match(day)
    assert await differences(day) == []
    assert (sums.payments_here, sums.payments_there, sums.payments_here_fen) == (2, 2, 2001)
    assert (sums.refunds_here, sums.refunds_there, sums.refunds_there_fen) == (1, 1, 1)
    assert (sums.net_here_fen, sums.net_there_fen, sums.fees_fen) == (2000, 2000, 12)


@pytest.mark.parametrize(
    ("ours", "lines", "cause", "gap_fen"),
    [
        ([], [line("p")], "missing_here", -2000),
        ([Ours("p")], [], "missing_there", 2000),
        ([Ours("p")], [line("p", amount_fen=2001)], "amount", -1),
        ([Ours("p", status="expired")], [line("p")], "state", -2000),
        ([Ours("p", channel="alipay")], [line("p")], "missing_here", -2000),
        ([], [line("p", "r")], "missing_here", 2000),
        ([Ours("p", "r")], [], "missing_there", -2000),
        ([Ours("p", "r", 1999)], [line("p", "r")], "amount", 1),
        ([Ours("p", "r", status="failed")], [line("p", "r")], "state", 2000),
        ([Ours("p", "r")], [line("p", "r", state="failed")], "state", -2000),
        ([Ours("p", "r", status="processing")], [line("p", "r")], "state", 2000),
        (
            [Ours("p", "r", status="processing")],
            [line("p", "r", state="processing")],
            "date_cut_off",
            2000,
        ),
        ([Ours("p", at=at_noon(NEXT))], [line("p")], "date_cut_off", -2000),
        ([Ours("p", "r", at=at_noon(NEXT))], [line("p", "r")], "date_cut_off", 2000),
    ],
)
async def test_each_kind_of_difference_has_its_name(
    day: Connection, ours: list[Ours], lines: list[BillLine], cause: str, gap_fen: int
) -> None:
    await count_ours(day, ours)
    await put_bill(day, lines)
    sums = await match(day)
    [found] = await differences(day)
    assert (found.cause, found.gap_fen) == (cause, gap_fen)
    assert sums.net_there_fen + sums.gap_fen == sums.net_here_fen
    assert found.status == ("explained" if cause == "date_cut_off" else "open")
    knows = bool(ours) and ours[0].channel == "wechat"
    assert (found.service_code is not None) == knows


async def test_a_refund_that_failed_on_both_sides_is_no_difference(day: Connection) -> None:
    await count_ours(day, [Ours("p", "r", status="failed")])
    await put_bill(day, [line("p", "r", state="failed")])
    assert (await match(day)).gap_fen == 0
    assert await differences(day) == []


async def test_a_number_that_comes_again_is_a_duplicate(day: Connection) -> None:
    await count_ours(day, [Ours("p")])
    await put_bill(day, [line("p"), line("p"), line("q"), line("q")])
    await match(day)
    assert await causes(day) == {
        ("p", "", 2): "duplicate",
        ("q", "", 1): "missing_here",
        ("q", "", 2): "duplicate",
    }
    await put_bill(day, [line("p")], NEXT)
    await match(day, NEXT)
    assert await causes(day, NEXT) == {("p", "", 1): "duplicate"}


async def test_midnight_between_the_two_is_seen_when_both_bills_are_there(
    day: Connection,
) -> None:
    late = at_noon(DAY) + timedelta(hours=11, minutes=59)
    await count_ours(day, [Ours("p", at=late)])
    await put_bill(day, [])
    await match(day)
    assert await causes(day) == {("p", "", 1): "missing_there"}
    await put_bill(day, [line("p", at=late + timedelta(minutes=2))], NEXT)
    for each, gap_fen in ((DAY, 2000), (NEXT, -2000)):
        sums = await match(day, each)
        [found] = await differences(day, each)
        assert (found.cause, found.status, found.gap_fen) == ("date_cut_off", "explained", gap_fen)
        assert sums.open == 0


async def test_days_that_are_no_neighbours_are_left_for_somebody(day: Connection) -> None:
    await count_ours(day, [Ours("p", at=at_noon(DAY - timedelta(days=3)))])
    await put_bill(day, [line("p")])
    await match(day)
    [found] = await differences(day)
    assert (found.cause, found.status) == ("date_cut_off", "open")


async def test_a_difference_keeps_its_identity_and_its_note(day: Connection) -> None:
    await put_bill(day, [line("p"), line("q")])
    await match(day)
    first = await differences(day)
    await queries.resolve_difference(
        day, difference_id=first[0].difference_id, note="退给付款人", resolved_by="clerk"
    )
    await put_bill(day, [line("p"), line("q")])
    sums = await match(day)
    again = await differences(day)
    assert [d.difference_id for d in again] == [d.difference_id for d in first]
    assert [d.status for d in again] == ["resolved", "open"]
    assert (sums.open, again[0].note) == (1, "退给付款人")
    # Another amount is another matter; what was written stays.
    await put_bill(day, [line("p", amount_fen=1)])
    await match(day)
    [reopened] = await differences(day)
    assert (reopened.status, reopened.note) == ("open", "退给付款人")
    [gone] = await differences(day, status="closed")
    assert gone.difference_id == first[1].difference_id


async def test_what_is_gone_after_a_question_was_repaired(day: Connection) -> None:
    await count_ours(day, [Ours("p", status="pending")])
    await put_bill(day, [line("p")])
    await match(day)
    [found] = await differences(day)
    await queries.note_queried(day, difference_ids=[found.difference_id])
    await day.execute("update payments set status = 'succeeded', paid_at = $1", at_noon())
    assert (await match(day)).open == 0
    [repaired] = await differences(day)
    assert (repaired.difference_id, repaired.status) == (found.difference_id, "repaired")


# ── Any day ─────────────────────────────────────────────────────────────────────────────

AMOUNTS = st.sampled_from([1, 2, 100])
DAYS = st.sampled_from([BEFORE, DAY, NEXT, DAY + timedelta(days=5)])
PAYMENT_STATES = st.sampled_from([*sorted(COUNTED), "pending", "unknown", "failed", "expired"])
REFUND_STATES = st.sampled_from(["asked", "processing", "succeeded", "failed"])
LINE_STATES = st.sampled_from(["succeeded", "succeeded", "processing", "failed", "unknown"])
NUMBERS = st.sampled_from(["p1", "p2", "p3"])
REFUNDS = st.sampled_from(["", "a", "b"])


@st.composite
def some_ours(draw: st.DrawFn) -> Ours:
    payment_no, refund = draw(NUMBERS), draw(REFUNDS)
    states = REFUND_STATES if refund else PAYMENT_STATES
    refund_no = f"{payment_no}{refund}" if refund else ""
    return Ours(payment_no, refund_no, draw(AMOUNTS), draw(states), at_noon(draw(DAYS)))


@st.composite
def some_line(draw: st.DrawFn) -> BillLine:
    payment_no, refund = draw(NUMBERS), draw(REFUNDS)
    refund_no = f"{payment_no}{refund}" if refund else ""
    return line(payment_no, refund_no, draw(AMOUNTS), draw(LINE_STATES))


SOME_OURS = st.lists(some_ours(), max_size=6, unique_by=lambda o: (o.payment_no, o.refund_no))
SOME_LINES = st.lists(some_line(), max_size=8)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    ours=SOME_OURS, lines=SOME_LINES, neighbour=SOME_LINES, other=st.sampled_from([BEFORE, NEXT])
)
def test_every_line_and_everything_of_ours_is_in_one_class(
    database_url: str,
    ours: list[Ours],
    lines: list[BillLine],
    neighbour: list[BillLine],
    other: date,
) -> None:
    async def check() -> None:
        async with open_connection(database_url) as connection:
            transaction = connection.transaction()
            await transaction.start()
            await empty(connection)
            await count_ours(connection, ours)
            await put_bill(connection, lines)
            await put_bill(connection, neighbour, other)
            for each, bill in ((DAY, lines), (other, neighbour)):
                await check_day(connection, ours, bill, each)
            await transaction.rollback()

    run(check())


async def check_day(
    connection: Connection, ours: list[Ours], lines: list[BillLine], each: date
) -> None:
    sums = await match(connection, each)
    found = await differences(connection, each)
    # The differences are all that lies between the two sums.
    assert sums.net_there_fen + sums.gap_fen == sums.net_here_fen
    # No side of a pair is in two differences.
    names = [(d.kind, d.payment_no, d.refund_no, d.occurrence) for d in found]
    assert len(names) == len(set(names))
    there = Counter((x.kind, x.payment_no, x.refund_no or "") for x in lines)
    expected_there = {(*name, n) for name, count in there.items() for n in range(1, count + 1)}
    here = {
        ("refund" if o.refund_no else "payment", o.payment_no, o.refund_no, 1)
        for o in ours
        if o.at == at_noon(each) and o.status in COUNTED
    }
    # Of ours, one whose bill line stands is met by it; nothing else is spoken of.
    assert set(names) <= expected_there | here
    # What is in no class is the same on both sides.
    known = {(o.payment_no, o.refund_no): o for o in ours}
    for kind, payment_no, refund_no, occurrence in (expected_there | here) - set(names):
        one = known[payment_no, refund_no]
        [met, *_] = [
            x
            for x in lines
            if (x.kind, x.payment_no, x.refund_no or "") == (kind, payment_no, refund_no)
        ]
        assert occurrence == 1
        assert met.amount_fen == one.amount_fen
        counts = one.status in ({"succeeded"} if refund_no else COUNTED)
        assert counts == (met.state != "failed")
        assert not counts or one.at == at_noon(each)
    # What one side lacks is named after that side.
    for d in found:
        if d.cause == "missing_here":
            assert (d.here_fen, d.gap_fen == 0) == (None, d.there_state == "failed")
        if d.cause == "missing_there":
            assert (d.there_fen, abs(d.gap_fen)) == (None, d.here_fen)
