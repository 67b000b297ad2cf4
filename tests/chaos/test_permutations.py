"""Whatever order a channel's words come in, beside our own questions: one truth, one end.

A story is what the channel holds in the end; the words are what it says of that on the
way, early, late, twice and several at a moment. Questions of ours are answered as the
channel then stands.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from adapters.contract import PaymentReport, RefundReport
from api.access import Caller
from api.database import Database, open_database
from api.kinds import new_id
from api.payments.ask_refund import ask_refund
from api.payments.reports.keep_books import Debt, assess
from api.payments.reports.take_report import take_refund_report, take_report
from api.payments.schemas import RefundBody
from api.settings import Settings
from tests.payments.test_orders_of_news import BILL, PAYMENT

AMOUNT_FEN = 100
CHANNEL = "wechat"
DEPARTMENT = Caller("platform", identifier="p", service_prefixes=("",), region_prefixes=("",))


class Story(Struct, frozen=True):
    """What the channel holds in the end: paid or closed, and what parts went back.

    `before` and `after` are what is said before and after refunds are asked, each in its
    order; of `together` many are said at once.
    """

    is_paid: bool
    parts: tuple[int, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    together: int


@st.composite
def stories(draw: st.DrawFn) -> Story:
    is_paid = draw(st.booleans())
    parts = draw(st.sampled_from([(), (30,), (30, 70), (100,), (1, 2)])) if is_paid else ()
    said = ["pending", "unknown", "wrong", "paid"] if is_paid else ["pending", "unknown", "closed"]
    before = draw(st.lists(st.sampled_from(said), max_size=6))
    refunds = [f"{word} {n}" for n in range(len(parts)) for word in ("processing", "succeeded")]
    late = ["pending", "unknown", "paid", "answer"] if is_paid else ["pending", "closed", "answer"]
    after = draw(st.permutations([*refunds, *draw(st.lists(st.sampled_from(late), max_size=5))]))
    twice = draw(st.lists(st.sampled_from(refunds), max_size=3)) if refunds else []
    return Story(is_paid, parts, tuple(before), (*after, *twice), draw(st.integers(1, 5)))


def test_every_order_of_words_ends_in_the_same(database_url: str, keys_file: object) -> None:
    with asyncio.Runner() as runner:
        bounds = Settings(database_lock_seconds=5.0, database_acquire_seconds=5.0)
        database = runner.run(open_database(database_url, bounds))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(story=stories())
        def end_well(story: Story) -> None:
            runner.run(_tell(database, story))

        end_well()
        runner.run(database.close())


class Teller:
    """Says the channel's words of one payment."""

    def __init__(self, database: Database, payment_no: str, story: Story) -> None:
        self._database = database
        self._payment_no = payment_no
        self._story = story
        self._sent: set[int] = set()
        self.refund_nos: list[str] = []

    async def say_all(self, words: Sequence[str]) -> None:
        """So many at once as the story wishes."""
        step = self._story.together
        for first in range(0, len(words), step):
            await asyncio.gather(*(self._say(word) for word in words[first : first + step]))

    async def _say(self, word: str) -> None:
        verb, _, number = word.partition(" ")
        if number:
            await self._say_of_refund(verb, int(number))
        else:
            await self.say_of_payment(verb)

    async def say_of_payment(self, word: str) -> None:
        report = self._report(word)
        async with self._database.transaction() as connection:
            await take_report(connection, CHANNEL, report, is_answer=word == "answer")

    async def _say_of_refund(self, word: str, number: int) -> None:
        if word == "succeeded":
            self._sent.add(number)
        report = RefundReport(
            self.refund_nos[number],
            self._payment_no,
            word,  # type: ignore[arg-type]
            amount_fen=self._story.parts[number],
        )
        async with self._database.transaction() as connection:
            await take_refund_report(connection, CHANNEL, report)

    def _report(self, word: str) -> PaymentReport:
        """`answer`: how the channel stands now, as it says when it is asked."""
        no = self._payment_no
        if word == "wrong":
            return PaymentReport(no, "paid", amount_fen=AMOUNT_FEN - 1)
        if word != "answer":
            amount_fen = AMOUNT_FEN if word == "paid" else None
            return PaymentReport(no, word, amount_fen=amount_fen)  # type: ignore[arg-type]
        if not self._story.is_paid:
            return PaymentReport(no, "closed")
        back_fen = sum(self._story.parts[number] for number in self._sent)
        if back_fen == AMOUNT_FEN:
            return PaymentReport(no, "refunded", amount_fen=AMOUNT_FEN, refunded_fen=back_fen)
        state = "partially_refunded" if back_fen else "paid"
        return PaymentReport(no, state, amount_fen=AMOUNT_FEN, refunded_fen=back_fen)  # type: ignore[arg-type]


async def _tell(database: Database, story: Story) -> None:
    bill_no, payment_no = f"{int(new_id(), 16) % 10**20:020d}", new_id()
    async with database.transaction() as connection:
        await connection.execute(BILL, bill_no, new_id())
        await connection.execute(PAYMENT, payment_no, bill_no, CHANNEL)
        await assess(connection, Debt(bill_no, "d", None, AMOUNT_FEN), datetime.now(UTC))
    teller = Teller(database, payment_no, story)
    await teller.say_all(story.before)
    # The query job asks until the channel has said how it ends.
    await teller.say_of_payment("answer")
    available = AMOUNT_FEN
    for part in story.parts:
        body = RefundBody(part, available, "多收退还")
        async with database.transaction() as connection:
            asked = await ask_refund(connection, DEPARTMENT, payment_no, body)
        teller.refund_nos.append(asked.refund_no)
        available -= part
    await teller.say_all(story.after)
    await teller.say_of_payment("answer")
    await _demand_end(database, bill_no, payment_no, story)


async def _demand_end(database: Database, bill_no: str, payment_no: str, story: Story) -> None:
    back_fen = sum(story.parts)
    async with database.connection() as connection:
        row = await connection.fetchrow(
            "select p.status, p.refunded_fen, b.status as bill, b.payment_no from payments p"
            " join bills b on b.bill_no = p.bill_no where p.payment_no = $1",
            payment_no,
        )
        balances = await connection.fetch(
            "select a.kind, sum(l.amount_fen)::bigint from ledger_lines l"
            " join ledger_accounts a on a.account_id = l.account_id"
            " where l.subject = $1 group by 1 having sum(l.amount_fen) <> 0",
            bill_no,
        )
        told = await connection.fetch(
            "select entrypoint, count(*) from pgqueuer"
            " where convert_from(payload, 'utf8')::json ->> 'payment_no' = $1 group by 1",
            payment_no,
        )
    if not story.is_paid:
        assert tuple(row)[:3] == ("cancelled", 0, "unpaid")
        assert dict(balances) == {"receivable": AMOUNT_FEN, "assessed": -AMOUNT_FEN}
        assert told == []
        return
    status = {0: "succeeded", AMOUNT_FEN: "refunded"}.get(back_fen, "partially_refunded")
    bill_status = "paid" if status == "succeeded" else status
    assert tuple(row) == (status, back_fen, bill_status, payment_no)
    left_fen = AMOUNT_FEN - back_fen
    assert dict(balances) == ({"clearing": left_fen, "treasury": -left_fen} if left_fen else {})
    refunds = {"payment.refunded": len(story.parts)} if story.parts else {}
    assert dict(told) == {"payment.settled": 1, **refunds}
