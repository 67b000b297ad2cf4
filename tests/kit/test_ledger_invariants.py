"""What holds of money whatever is posted, in whatever order, by however many at once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from msgspec import Struct

from api import ledger
from api.database import Database, open_connection, open_database
from api.ledger import Account, Entry, Line
from api.settings import Settings
from api.statements import Connection
from tests.conftest import TestServers, copy_template, database_named, drop_database, run

TASKS = 64
MOMENT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TREASURY = ledger.treasury("114401000000000000", "10300")
ASSESSED = ledger.assessed("114401000000000000", "10300")
CLEARING = ledger.clearing("wechat", "1900000001")
PAYABLE = ledger.refunds_payable("wechat", "1900000001")
BANK = Account("bank", "treasury")
FEES = Account("fees", "wechat")
FREE = (CLEARING, BANK, FEES, ledger.clearing("alipay", "2088"))
PATIENT = examples(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
PROJECT = Path(__file__).resolve().parents[2]


class Step(Struct, frozen=True):
    """What happens to a bill: its number, what, how much, and the number of the event."""

    bill: str
    act: str
    amount_fen: int
    number: int

    def entry(self) -> Entry:
        owed = ledger.receivable("d", self.bill)
        lines = {
            "assess": ((owed, 1), (ASSESSED, -1)),
            "pay": ((CLEARING, 1), (owed, -1), (ASSESSED, 1), (TREASURY, -1)),
            "promise": ((TREASURY, 1), (PAYABLE, -1)),
            "send": ((PAYABLE, 1), (CLEARING, -1)),
        }[self.act]
        return Entry(
            self.act,
            f"{self.bill}/{self.number}",
            MOMENT + timedelta(seconds=self.number),
            tuple(Line(account, self.bill, sign * self.amount_fen) for account, sign in lines),
        )


steps = st.lists(
    st.builds(
        Step,
        st.sampled_from(["b1", "b2", "b3"]),
        st.sampled_from(["assess", "pay", "promise", "send"]),
        st.integers(1, 300),
        st.integers(1, 6),
    ),
    max_size=25,
)


@st.composite
def free_entries(draw: st.DrawFn) -> list[Entry]:
    """Balanced entries of any amounts between accounts that may go below zero."""
    made = []
    for number in range(draw(st.integers(1, 8))):
        amounts = draw(
            st.lists(st.integers(-(10**9), 10**9).filter(bool), min_size=1, max_size=5).filter(sum)
        )
        lines = [
            Line(draw(st.sampled_from(FREE)), draw(st.sampled_from(["s1", "s2"])), amount)
            for amount in (*amounts, -sum(amounts))
        ]
        made.append(Entry("free", str(number), MOMENT, tuple(lines)))
    return made


@pytest.fixture(scope="module")
def ledger_url(servers: TestServers, worker_name: str) -> Iterator[str]:
    """A database of this file's own."""
    name = f"zhangban_{worker_name}_ledger"
    run(copy_template(servers.database_url, name))
    yield database_named(servers.database_url, name)
    run(drop_database(servers.database_url, name))


@asynccontextmanager
async def scratch(url: str) -> AsyncIterator[Connection]:
    """A connection whose work is checked like a commit's, and then forgotten."""
    async with open_connection(url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await demand_sound(connection)
        await transaction.rollback()


async def demand_sound(connection: Connection) -> None:
    """What is true of the whole ledger at every moment."""
    await connection.execute("set constraints all immediate; set constraints all deferred")
    assert (
        await connection.fetch(
            "select entry_id from ledger_lines group by entry_id having sum(amount_fen) <> 0"
        )
        == []
    )
    assert await ledger.sum_everything(connection) == 0
    assert await ledger.compare_projection(connection) == []
    assert (
        await connection.fetch(
            "select a.kind, l.subject from ledger_lines l join ledger_accounts a using (account_id)"
            " group by a.account_id, l.subject having sign(sum(l.amount_fen)) * a.floor < 0"
        )
        == []
    )


async def balances(connection: Connection) -> dict[tuple[str, str], int]:
    rows = await connection.fetch(
        "select kind, name, sum(balance_fen)::bigint from ledger_balances"
        " join ledger_accounts using (account_id) group by kind, name"
    )
    return {(kind, name): total for kind, name, total in rows if total}


class Model:
    """The same rules in a dozen lines of Python, as the judge."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str], Counter[Line]] = {}
        self.held: Counter[tuple[Account, str]] = Counter()

    def post(self, entry: Entry) -> str:
        name, lines = (entry.kind, entry.reference), Counter(entry.lines)
        if name in self.known:
            return "repeated" if self.known[name] == lines else "differs"
        after = self.held.copy()
        for line in entry.lines:
            after[line.account, line.subject] += line.amount_fen
        if any(self._below(account, amount) for (account, _), amount in after.items()):
            return "floor"
        self.known[name], self.held = lines, after
        return "posted"

    def balances(self) -> dict[tuple[str, str], int]:
        totals: Counter[tuple[str, str]] = Counter()
        for (account, _), amount in self.held.items():
            totals[account.kind, account.name] += amount
        return {name: total for name, total in totals.items() if total}

    @staticmethod
    def _below(account: Account, amount: int) -> bool:
        if account.kind == "receivable":
            return amount < 0
        return account.kind in ("assessed", "treasury", "refunds_payable") and amount > 0


async def attempt(connection: Connection, entry: Entry) -> str:
    try:
        posted = await ledger.post(connection, entry)
    except ledger.EntryDiffers:
        return "differs"
    except ledger.FloorBroken:
        return "floor"
    return "repeated" if posted.repeated else "posted"


@PATIENT
@given(story=steps)
async def test_any_story_ends_as_the_rules_say(ledger_url: str, story: list[Step]) -> None:
    model = Model()
    async with scratch(ledger_url) as connection:
        for step in story:
            # What is refused is never told as done, and what repeats never counts twice.
            assert await attempt(connection, step.entry()) == model.post(step.entry()), step
            assert await ledger.compare_projection(connection) == []
        assert await balances(connection) == model.balances()
        assert await connection.fetchval("select count(*) from ledger_entries") == len(model.known)


@PATIENT
@given(entries=free_entries(), chance=st.randoms(use_true_random=False))
async def test_the_order_of_entries_does_not_matter(
    ledger_url: str, entries: list[Entry], chance: random.Random
) -> None:
    shuffled = [*entries, *entries[:3]]
    chance.shuffle(shuffled)
    ends = []
    for order in (entries, shuffled):
        async with scratch(ledger_url) as connection:
            for entry in order:
                await ledger.post(connection, entry)
            ends.append(await balances(connection))
    assert ends[0] == ends[1]


@PATIENT
@given(entries=free_entries(), chance=st.randoms(use_true_random=False))
async def test_reversing_everything_leaves_nothing_but_history(
    ledger_url: str, entries: list[Entry], chance: random.Random
) -> None:
    async with scratch(ledger_url) as connection:
        keys = [(await ledger.post(connection, entry)).entry_id for entry in entries]
        chance.shuffle(keys)
        for key in keys:
            await ledger.reverse(connection, key, reference=str(key), occurred_at=MOMENT)
        assert await balances(connection) == {}
        kept = await connection.fetchval("select count(*) from ledger_entries")
        assert kept == 2 * len(entries)


@PATIENT
@given(entries=free_entries())
async def test_rebuilding_changes_nothing_that_was_right(
    ledger_url: str, entries: list[Entry]
) -> None:
    async with scratch(ledger_url) as connection:
        for entry in entries:
            await ledger.post(connection, entry)
        before = await balances(connection)
        for _ in range(2):
            await ledger.rebuild_projection(connection)
            assert await balances(connection) == before
            assert await ledger.compare_projection(connection) == []


@PATIENT
@given(kept=free_entries(), lost=free_entries())
async def test_a_rolled_back_transaction_leaves_nothing(
    ledger_url: str, kept: list[Entry], lost: list[Entry]
) -> None:
    async with scratch(ledger_url) as connection:
        for entry in kept:
            await ledger.post(connection, entry)
        before = await balances(connection)
        with pytest.raises(ZeroDivisionError):
            async with connection.transaction():
                for entry in lost:
                    await ledger.post(
                        connection, Entry("lost", entry.reference, MOMENT, entry.lines)
                    )
                raise ZeroDivisionError
        assert await balances(connection) == before
        assert await connection.fetchval("select count(*) from ledger_entries") == len(kept)


# At once


@pytest.fixture
async def busy(
    clean_database_url: str, make_settings: Callable[..., Settings]
) -> AsyncIterator[Database]:
    """A pool with time enough for 64 tasks on a loaded machine."""
    settings = make_settings(
        database_url=clean_database_url,
        database_pool_size=16,
        database_acquire_seconds=60,
        database_statement_seconds=30,
        database_lock_seconds=30,
    )
    database = await open_database(clean_database_url, settings)
    yield database
    await database.close()


async def at_once(database: Database, entries: list[Entry]) -> list[str]:
    """Post each in a transaction of its own, 64 at a time; what became of each, in their order."""
    places = asyncio.Semaphore(TASKS)

    async def post(entry: Entry) -> str:
        async with places:
            return await database.decide(lambda connection: attempt(connection, entry))

    return await asyncio.gather(*(post(entry) for entry in entries))


async def check(database: Database) -> dict[tuple[str, str], int]:
    async with database.transaction() as connection:
        await demand_sound(connection)
        return await balances(connection)


async def test_no_update_of_a_hot_account_is_lost(busy: Database) -> None:
    entries = [
        Entry("hot", str(n), MOMENT, (Line(CLEARING, f"p{n}", n), Line(BANK, f"p{n}", -n)))
        for n in range(1, 641)
    ]
    assert set(await at_once(busy, entries)) == {"posted"}
    total = 640 * 641 // 2
    assert await check(busy) == {
        ("clearing", CLEARING.name): total,
        ("bank", BANK.name): -total,
    }


async def test_the_balance_is_its_lines_while_64_are_posting(busy: Database) -> None:
    entries = [
        Entry("hot", str(n), MOMENT, (Line(CLEARING, "s", n), Line(BANK, "s", -n)))
        for n in range(1, 401)
    ]
    posting = asyncio.create_task(at_once(busy, entries))
    looks = 0
    while not posting.done():
        async with busy.connection() as connection:
            assert await ledger.compare_projection(connection) == []
            looks += 1
    await posting
    assert looks > 1


async def test_of_64_equal_entries_one_is_posted(busy: Database) -> None:
    entry = Step("b1", "assess", 100, 1).entry()
    outcomes = Counter(await at_once(busy, [entry] * TASKS))
    assert outcomes == {"posted": 1, "repeated": TASKS - 1}
    assert (await check(busy))["assessed", ASSESSED.name] == -100


async def test_of_64_that_differ_under_one_name_one_is_posted(busy: Database) -> None:
    entries = [Step("b1", "assess", amount, 1).entry() for amount in range(1, TASKS + 1)]
    outcomes = await at_once(busy, entries)
    assert Counter(outcomes) == {"posted": 1, "differs": TASKS - 1}
    posted = entries[outcomes.index("posted")]
    assert (await check(busy))["assessed", ASSESSED.name] == posted.lines[1].amount_fen


async def test_64_refunds_at_once_take_no_more_than_came_in(busy: Database) -> None:
    for act in ("assess", "pay"):
        await at_once(busy, [Step("b1", act, 1000, 1).entry()])
    refunds = [Step("b1", "promise", 90, number).entry() for number in range(TASKS)]
    assert Counter(await at_once(busy, refunds)) == {"posted": 11, "floor": TASKS - 11}
    assert (await check(busy))["treasury", TREASURY.name] == -10


async def test_64_reversals_at_once_compensate_once(busy: Database) -> None:
    async with busy.transaction() as connection:
        posted = await ledger.post(connection, Step("b1", "assess", 100, 1).entry())

    async def undo(number: int) -> str:
        async with busy.transaction() as connection:
            try:
                undone = await ledger.reverse(
                    connection, posted.entry_id, reference=str(number % 2), occurred_at=MOMENT
                )
            except ledger.AlreadyReversed:
                return "already"
            return "repeated" if undone.repeated else "reversed"

    outcomes = Counter(await asyncio.gather(*(undo(number) for number in range(TASKS))))
    assert outcomes == {"reversed": 1, "repeated": TASKS // 2 - 1, "already": TASKS // 2}
    assert await check(busy) == {}


async def test_a_crowd_of_whole_stories_adds_up(busy: Database) -> None:
    chance = random.Random(20261122)
    for act, amounts in (("assess", (400,)), ("pay", (100, 300)), ("promise", (150, 100))):
        entries = [
            Step(f"b{bill}", act, amount, number).entry()
            for bill in range(60)
            for number, amount in enumerate(amounts)
        ]
        repeated = [*entries, *entries]
        chance.shuffle(repeated)
        outcomes = Counter(await at_once(busy, repeated))
        assert outcomes == {"posted": len(entries), "repeated": len(entries)}, act
    assert await check(busy) == {
        ("clearing", CLEARING.name): 60 * 400,
        ("treasury", TREASURY.name): -60 * 150,
        ("refunds_payable", PAYABLE.name): -60 * 250,
    }


async def test_a_rebuild_beside_64_posting_loses_nothing(busy: Database) -> None:
    entries = [
        Entry("hot", str(n), MOMENT, (Line(CLEARING, "s", n), Line(BANK, "s", -n)))
        for n in range(1, 301)
    ]
    posting = asyncio.create_task(at_once(busy, entries))
    while not posting.done():
        async with busy.transaction() as connection:
            await ledger.rebuild_projection(connection)
        await asyncio.sleep(0.02)
    assert set(await posting) == {"posted"}
    assert (await check(busy))["clearing", CLEARING.name] == 300 * 301 // 2


DYING = """
import asyncio, sys
from datetime import UTC, datetime
from api import ledger
from api.database import open_connection

async def main(url):
    number = 0
    async with open_connection(url) as connection:
        while True:
            number += 1
            lines = tuple(
                ledger.Line(ledger.Account("bank", name), f"s{number}", amount)
                for name, amount in (("one", 3), ("other", -2), ("third", -1))
            )
            entry = ledger.Entry("dying", str(number), datetime.now(UTC), lines)
            await ledger.post(connection, entry)
            print(number, flush=True)

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("after", [1, 7, 40])
async def test_a_kill_in_the_middle_leaves_nothing_half(
    busy: Database, clean_database_url: str, after: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DYING, clean_database_url, cwd=PROJECT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    told = 0
    while told < after:
        told = int(await asyncio.wait_for(process.stdout.readline(), timeout=60))
    await asyncio.sleep(random.uniform(0, 0.01))
    os.kill(process.pid, signal.SIGKILL)
    told = max([told, *map(int, (await process.stdout.read()).split())])
    await process.wait()
    async with busy.transaction() as connection:
        await demand_sound(connection)
        entries = await connection.fetchval("select count(*) from ledger_entries")
        assert await ledger.balance(connection, Account("bank", "one")) == 3 * entries
    # All that was told as done is there; the one it died over may be.
    assert told <= entries <= told + 1
