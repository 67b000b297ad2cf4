"""Whatever channels say, departments ask and bills become: the ledger says what the tables say."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from adapters.contract import PaymentReport, RefundReport
from api import ledger
from api.database import Database, open_connection, open_database
from api.payments import queries
from api.payments.bills.raise_bills import void_bill
from api.payments.reports.books import Told
from api.payments.reports.queries import hold_refunds
from api.payments.reports.take_report import ask_back, take_refund_report, take_report, take_reports
from api.payments.rows import BillRow
from api.settings import Settings
from api.statements import Connection
from tests.payments.money import AMOUNT_FEN, DEPARTMENT, MERCHANT, demand_agreement, plant

CHANNELS = ("wechat", "alipay")
PATIENT = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
WORDS = ("pending", "unknown", "paid", "wrong", "wrong_answer", "closed", "back", "part", "strange")


class Step(Struct, frozen=True):
    """Something said of a payment, or done with it."""

    bill: int
    channel: int
    word: str
    which: int = 0


steps = st.lists(
    st.lists(
        st.builds(
            Step,
            st.integers(0, 1),
            st.integers(0, 1),
            st.sampled_from((*WORDS, "sent", "sending", "not_sent", "ask", "cancel", "paid")),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=6,
    ),
    min_size=1,
    max_size=8,
)


def told(number: str, channel: str, word: str) -> Told:
    """A report of a payment by a word for it."""
    paid, part = AMOUNT_FEN, 30
    reports: dict[str, PaymentReport] = {
        "paid": PaymentReport(number, "paid", amount_fen=paid),
        "wrong": PaymentReport(number, "paid", amount_fen=paid - 1),
        "wrong_answer": PaymentReport(number, "paid", amount_fen=paid - 1),
        "back": PaymentReport(number, "refunded"),
        "part": PaymentReport(number, "partially_refunded", amount_fen=paid, refunded_fen=part),
    }
    if word == "strange":
        report = RefundReport(f"strange{number[:20]}", number, "succeeded", amount_fen=20)
        return Told(channel, None, report)
    plain = reports.get(word) or PaymentReport(number, word)  # type: ignore[arg-type]
    return Told(channel, plain, None, is_answer=word in ("wrong_answer", "closed"))


async def do(connection: Connection, numbers: list[list[str]], batch: list[Step]) -> None:
    """All that channels say in one batch, the rest one by one."""
    said = []
    for step in batch:
        number, channel = numbers[step.bill][step.channel], CHANNELS[step.channel]
        if step.word in WORDS:
            said.append(told(number, channel, step.word))
            continue
        await take_reports(connection, said)
        said = []
        await act(connection, step, number, channel)
    await take_reports(connection, said)


async def act(connection: Connection, step: Step, number: str, channel: str) -> None:
    if step.word == "cancel":
        await cancel(connection, number)
    elif step.word == "ask":
        await ask(connection, number, 10 * (1 + step.which))
    else:
        refunds = await hold_refunds(connection, payment_nos=[number])
        if refunds:
            refund = refunds[step.which % len(refunds)]
            state: Any = {"sent": "succeeded", "sending": "processing", "not_sent": "closed"}
            report = RefundReport(refund.refund_no, number, state[step.word])
            await take_refund_report(connection, channel, report)


async def cancel(connection: Connection, number: str) -> None:
    bill: BillRow | None = await queries.lock_bill_of(connection, payment_no=number, channel=None)
    if bill is not None and bill.status == "unpaid":
        await void_bill(connection, "clerk:test", bill)


async def ask(connection: Connection, number: str, amount_fen: int) -> None:
    """As a department does, where there is so much to give back."""
    payment = await queries.lock_payment(connection, payment_no=number)
    held = await queries.find_held_fen(connection, payment_no=number) or 0
    asked = await queries.sum_open_refunds(connection, payment_no=number) or 0
    if payment is None or payment.status not in ("succeeded", "partially_refunded", "refunding"):
        return
    if payment.refunded_fen + asked + amount_fen <= held:
        await ask_back(connection, number, amount_fen, "退费")
        await connection.execute(
            "update payments set status = 'refunding' where payment_no = $1", number
        )


@asynccontextmanager
async def scratch(url: str) -> AsyncIterator[Connection]:
    async with open_connection(url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await connection.execute("set constraints all immediate")
        await transaction.rollback()


@PATIENT
@given(story=steps)
async def test_the_ledger_says_what_the_tables_say(
    database_url: str, story: list[list[Step]]
) -> None:
    async with scratch(database_url) as connection:
        numbers = await plant(connection, 2, CHANNELS)
        for batch in story:
            await do(connection, numbers, batch)
            await demand_agreement(connection)


@PATIENT
@given(words=st.lists(st.sampled_from(WORDS), min_size=1, max_size=8))
async def test_a_batch_does_what_its_reports_do_one_by_one(
    database_url: str, words: list[str]
) -> None:
    ends = []
    for together in (True, False):
        async with scratch(database_url) as connection:
            [[number]] = await plant(connection, 1)
            said = [told(number, "wechat", word) for word in words]
            if together:
                outcomes = await take_reports(connection, said)
            else:
                outcomes = [(await take_reports(connection, [each]))[0] for each in said]
            row = await connection.fetchrow(
                "select status, flag, refunded_fen, taken_fen, doubted_fen,"
                " (select sum(amount_fen) from refunds r where r.payment_no = p.payment_no)"
                " from payments p where payment_no = $1",
                number,
            )
            ends.append((outcomes, tuple(row)))
    assert ends[0] == ends[1]


@pytest.fixture
async def busy(
    clean_database_url: str, make_settings: Callable[..., Settings]
) -> AsyncIterator[Database]:
    """A pool with time enough for 64 tasks on a loaded machine."""
    settings = make_settings(
        database_url=clean_database_url,
        database_pool_size=12,
        database_acquire_seconds=10,
        database_statement_seconds=30,
        database_lock_seconds=10,
    )
    database = await open_database(clean_database_url, settings)
    yield database
    await database.close()


@pytest.mark.parametrize("seed", [1, 2])
async def test_64_that_tell_at_once_agree_with_the_ledger(busy: Database, seed: int) -> None:
    chance = random.Random(seed)
    async with busy.transaction() as connection:
        numbers = await plant(connection, 8, CHANNELS)
    weighted = (*WORDS, *["paid"] * 8)

    def batch() -> list[Told]:
        said = []
        for _ in range(chance.randint(1, 8)):
            which = chance.randrange(2)
            number = chance.choice(numbers)[which]
            said.append(told(number, CHANNELS[which], chance.choice(weighted)))
        return said

    async def tell(said: list[Told]) -> None:
        await busy.decide(lambda c: take_reports(c, said))

    await asyncio.gather(*(tell(batch()) for _ in range(64)))
    async with busy.transaction() as connection:
        await demand_agreement(connection)


# One rule at a time


async def row_of(connection: Connection, number: str) -> dict[str, Any]:
    row = await connection.fetchrow("select * from payments where payment_no = $1", number)
    return dict(row)


async def suspended(connection: Connection) -> int:
    return await ledger.balance(connection, ledger.suspense("wechat", MERCHANT))


async def test_another_amount_that_a_notice_names_is_asked_about(connection: Connection) -> None:
    [[number]] = await plant(connection, 1)
    wrong = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN + 1)
    assert await take_report(connection, "wechat", wrong) == "flagged"
    row = await row_of(connection, number)
    assert (row["status"], row["flag"], row["doubted_fen"]) == ("unknown", "wrong_amount", 101)
    right = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN)
    assert await take_report(connection, "wechat", right, is_answer=True) == "applied"
    row = await row_of(connection, number)
    assert (row["status"], row["doubted_fen"]) == ("succeeded", None)
    await demand_agreement(connection)


@pytest.mark.parametrize("ended", [False, True], ids=["live", "ended"])
async def test_another_amount_that_the_channel_really_has_goes_back(
    connection: Connection, ended: bool
) -> None:
    [[number]] = await plant(connection, 1)
    if ended:
        await connection.execute(
            "update payments set status = 'expired', query_at = null where payment_no = $1", number
        )
    wrong = PaymentReport(number, "paid", amount_fen=150)
    assert await take_report(connection, "wechat", wrong) == "flagged"
    due = await queries.take_due_payments(connection, limit=10**6, waits=[])
    assert number in {payment.payment_no for payment in due}
    assert await take_report(connection, "wechat", wrong, is_answer=True) == "applied"
    row = await row_of(connection, number)
    assert (row["status"], row["taken_fen"], row["flag"]) == ("refunding", 150, "wrong_amount")
    [refund] = await hold_refunds(connection, payment_nos=[number])
    assert refund.amount_fen == 150
    await demand_agreement(connection)
    sent = RefundReport(refund.refund_no, number, "succeeded", amount_fen=150)
    assert await take_refund_report(connection, "wechat", sent) == "applied"
    assert (await row_of(connection, number))["status"] == "refunded"
    assert await suspended(connection) == 0
    await demand_agreement(connection)


async def test_money_of_another_currency_is_not_counted(connection: Connection) -> None:
    [[number]] = await plant(connection, 1)
    report = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN)
    assert await take_report(connection, "wechat", report, currency="USD") == "flagged"
    assert (await row_of(connection, number))["status"] == "unknown"


async def test_what_the_channel_gave_back_at_its_closing_has_come_and_gone(
    connection: Connection,
) -> None:
    [[number]] = await plant(connection, 1, ["alipay"])
    back = PaymentReport(number, "refunded")
    assert await take_report(connection, "alipay", back, is_answer=True) == "applied"
    row = await row_of(connection, number)
    assert (row["status"], row["flag"]) == ("refunded", "refunded_outside")
    # Its notice names a refund that nobody here has asked for, and the sum of all.
    notice = RefundReport("theirs", number, "succeeded", total_refunded_fen=AMOUNT_FEN)
    assert await take_refund_report(connection, "alipay", notice) == "repeated"
    assert (
        await connection.fetchval("select count(*) from refunds where payment_no = $1", number) == 1
    )
    await demand_agreement(connection)


async def test_a_refund_made_in_the_channels_console_is_counted_once(
    connection: Connection,
) -> None:
    [[number]] = await plant(connection, 1)
    await take_report(connection, "wechat", PaymentReport(number, "paid", amount_fen=AMOUNT_FEN))
    theirs = RefundReport("theirs", number, "succeeded", amount_fen=40)
    assert await take_refund_report(connection, "wechat", theirs) == "applied"
    assert await take_refund_report(connection, "wechat", theirs) == "repeated"
    row = await row_of(connection, number)
    assert (row["status"], row["refunded_fen"]) == ("partially_refunded", 40)
    await demand_agreement(connection)


async def test_a_refund_that_failed_is_taken_back_and_may_still_come_true(
    connection: Connection,
) -> None:
    [[number]] = await plant(connection, 1)
    await take_report(connection, "wechat", PaymentReport(number, "paid", amount_fen=AMOUNT_FEN))
    await ask(connection, number, 60)
    [refund] = await hold_refunds(connection, payment_nos=[number])
    for state, round_ in (("closed", 1), ("succeeded", 2)):
        report = RefundReport(refund.refund_no, number, state)  # type: ignore[arg-type]
        assert await take_refund_report(connection, "wechat", report) == "applied"
        [now] = await hold_refunds(connection, payment_nos=[number])
        assert now.round == round_
        await demand_agreement(connection)
    assert (await row_of(connection, number))["refunded_fen"] == 60


async def test_the_ledger_lets_nobody_refund_more_than_was_taken(connection: Connection) -> None:
    [[number]] = await plant(connection, 1)
    await take_report(connection, "wechat", PaymentReport(number, "paid", amount_fen=AMOUNT_FEN))
    await ask_back(connection, number, 70, "退费")
    with pytest.raises(ledger.FloorBroken):
        async with connection.transaction():
            await ask_back(connection, number, 31, "退费")
    await demand_agreement(connection)


async def test_a_cancelled_bill_is_taken_back_in_the_ledger(connection: Connection) -> None:
    [[number]] = await plant(connection, 1)
    await cancel(connection, number)
    await demand_agreement(connection)
    owed = await ledger.balance(connection, ledger.assessed(DEPARTMENT, "10300"))
    assert owed == 0
    # Money that still comes stands in suspense until it is back.
    paid = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN)
    await take_report(connection, "wechat", paid)
    await demand_agreement(connection)
    assert (await row_of(connection, number))["flag"] == "second_payment"


async def test_a_report_that_is_rolled_back_leaves_no_entry(connection: Connection) -> None:
    [[number]] = await plant(connection, 1)
    paid = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN)
    with pytest.raises(ZeroDivisionError):
        async with connection.transaction():
            await take_report(connection, "wechat", paid)
            raise ZeroDivisionError
    assert (await row_of(connection, number))["status"] == "pending"
    assert await ledger.find_entry(connection, kind="payment.succeeded", reference=number) is None
    await demand_agreement(connection)
