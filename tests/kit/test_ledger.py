"""The ledger's own doors and walls: what is refused, by whom, and what is left of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from api import ledger
from api.database import Database
from api.ledger import Account, Entry, Line
from api.statements import Connection

MOMENT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
TREASURY = ledger.treasury("114401000000000000", "10300")
ASSESSED = ledger.assessed("114401000000000000", "10300")
CLEARING = ledger.clearing("wechat", "1900000001")
PAYABLE = ledger.refunds_payable("wechat", "1900000001")


def entry(
    kind: str, reference: str, *lines: tuple[Account, str, Any], currency: str = "CNY"
) -> Entry:
    return Entry(kind, reference, MOMENT, tuple(Line(*line) for line in lines), currency)


def bill(number: str, amount_fen: int) -> Entry:
    return entry(
        "bill.assessed",
        number,
        (ledger.receivable("d", number), number, amount_fen),
        (ASSESSED, number, -amount_fen),
    )


def payment(number: str, amount_fen: int, name: str = "") -> Entry:
    return entry(
        "payment.succeeded",
        name or number,
        (CLEARING, number, amount_fen),
        (ledger.receivable("d", number), number, -amount_fen),
        (ASSESSED, number, amount_fen),
        (TREASURY, number, -amount_fen),
    )


def refund(number: str, amount_fen: int, name: str = "") -> Entry:
    return entry(
        "refund.promised",
        name or number,
        (TREASURY, number, amount_fen),
        (PAYABLE, number, -amount_fen),
    )


async def counts(connection: Connection) -> tuple[int, int]:
    """Entries and lines of this test's own transaction."""
    mine = "select entry_id from ledger_entries where posted_at >= now()"
    return (
        await connection.fetchval(f"select count(*) from ({mine}) e"),
        await connection.fetchval(f"select count(*) from ledger_lines where entry_id in ({mine})"),
    )


async def test_a_bill_is_assessed_paid_and_refunded(connection: Connection) -> None:
    for step in (bill("b1", 1500), payment("b1", 1500), refund("b1", 500)):
        assert not (await ledger.post(connection, step)).repeated
    assert await ledger.balance(connection, ledger.receivable("d", "b1")) == 0
    assert await ledger.balance(connection, ASSESSED) == 0
    assert await ledger.balance(connection, CLEARING) == 1500
    assert await ledger.balance(connection, TREASURY) == -1000
    assert await ledger.balance_of_subject(connection, PAYABLE, "b1") == -500
    assert await ledger.balance_of_subject(connection, PAYABLE, "b2") == 0
    assert await ledger.sum_everything(connection) == 0


async def test_an_account_that_nobody_opened_is_empty(connection: Connection) -> None:
    assert await ledger.balance(connection, ledger.receivable("d", "nobody's")) == 0


async def test_a_repeat_is_silence(connection: Connection) -> None:
    first = await ledger.post(connection, bill("b1", 100))
    again = entry(
        "bill.assessed", "b1", (ASSESSED, "b1", -100), (ledger.receivable("d", "b1"), "b1", 100)
    )
    repeat = await ledger.post(connection, again)
    assert (first.repeated, repeat.repeated) == (False, True)
    assert first.entry_id == repeat.entry_id
    assert await counts(connection) == (1, 2)


@pytest.mark.parametrize(
    "other",
    [
        bill("b1", 101),
        entry(
            "bill.assessed", "b1", (ledger.receivable("d", "b1"), "b2", 100), (ASSESSED, "b1", -100)
        ),
        entry(
            "bill.assessed", "b1", (ledger.receivable("d", "b2"), "b1", 100), (ASSESSED, "b1", -100)
        ),
        entry(
            "bill.assessed",
            "b1",
            (ledger.receivable("d", "b1"), "b1", 100),
            (ASSESSED, "b1", -100),
            currency="USD",
        ),
    ],
    ids=["amount", "subject", "account", "currency"],
)
async def test_a_repeat_with_other_lines_is_refused_as_such(
    connection: Connection, other: Entry
) -> None:
    await ledger.post(connection, bill("b1", 100))
    with pytest.raises(ledger.EntryDiffers):
        await ledger.post(connection, other)
    assert await counts(connection) == (1, 2)
    assert await ledger.balance(connection, ASSESSED) == -100


@pytest.mark.parametrize("amount", [1.0, 0.5, True, "1", None, 10**13 + 1, 0])
async def test_an_amount_is_a_whole_number_of_fen(connection: Connection, amount: Any) -> None:
    opposite = -amount if isinstance(amount, float | int) else amount
    wrong = entry("x", "1", (CLEARING, "b1", amount), (CLEARING, "b2", opposite))
    with pytest.raises(ledger.EntryWrong):
        await ledger.post(connection, wrong)
    assert await counts(connection) == (0, 0)


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ((CLEARING, "b", 1),),
        ((CLEARING, "b", 2), (TREASURY, "b", -1)),
        ((CLEARING, "b", 1),) * 101,
    ],
    ids=["none", "one", "unbalanced", "too many"],
)
async def test_an_entry_that_is_none_is_not_posted(
    connection: Connection, lines: tuple[tuple[Account, str, int], ...]
) -> None:
    with pytest.raises(ledger.EntryWrong):
        await ledger.post(connection, entry("x", "1", *lines))


async def test_a_time_without_an_offset_is_refused(connection: Connection) -> None:
    lines = bill("b1", 1).lines
    with pytest.raises(ledger.EntryWrong):
        await ledger.post(connection, Entry("x", "1", datetime(2026, 1, 1), lines))


async def test_the_time_of_the_event_is_kept(connection: Connection) -> None:
    posted = await ledger.post(connection, bill("b1", 1))
    kept = await ledger.read_entry(connection, entry_id=posted.entry_id)
    assert kept
    assert (kept.kind, kept.reference, kept.occurred_at) == ("bill.assessed", "b1", MOMENT)


async def test_the_treasury_gives_no_more_back_than_it_took(connection: Connection) -> None:
    for number in ("b1", "b2"):
        await ledger.post(connection, bill(number, 100))
        await ledger.post(connection, payment(number, 100))
    await ledger.post(connection, refund("b1", 60, "r1"))
    before = await counts(connection)
    with pytest.raises(ledger.FloorBroken) as refused:
        await ledger.post(connection, refund("b1", 41, "r2"))
    assert refused.value.breaches == [ledger.Breach("treasury", TREASURY.name, "b1", -40)]
    # The caller's transaction goes on, with nothing of what was refused.
    assert await counts(connection) == before
    assert not (await ledger.post(connection, refund("b1", 40, "r2"))).repeated


async def test_nobody_pays_more_than_was_assessed(connection: Connection) -> None:
    await ledger.post(connection, bill("b1", 100))
    with pytest.raises(ledger.FloorBroken):
        await ledger.post(connection, payment("b1", 101))
    with pytest.raises(ledger.FloorBroken):
        await ledger.post(connection, payment("b2", 1))


async def test_the_table_itself_holds_the_floor(connection: Connection) -> None:
    posted = await ledger.post(connection, bill("b1", 100))
    account_id = await connection.fetchval(
        "select account_id from ledger_accounts where kind = 'receivable'"
    )
    with pytest.raises(asyncpg.CheckViolationError, match="floor"):
        await insert(connection, posted.entry_id + 1000, [(account_id, -101)])


async def test_a_reversal_compensates_what_it_names(connection: Connection) -> None:
    posted = await ledger.post(connection, bill("b1", 100))
    undone = await ledger.reverse(connection, posted.entry_id, reference="u1", occurred_at=MOMENT)
    kept = await ledger.read_entry(connection, entry_id=undone.entry_id)
    assert kept
    assert kept.reverses == posted.entry_id
    assert await ledger.balance(connection, ASSESSED) == 0
    assert await counts(connection) == (2, 4)


async def test_an_entry_is_reversed_once(connection: Connection) -> None:
    posted = await ledger.post(connection, bill("b1", 100))
    undone = await ledger.reverse(connection, posted.entry_id, reference="u1", occurred_at=MOMENT)
    again = await ledger.reverse(connection, posted.entry_id, reference="u1", occurred_at=MOMENT)
    assert again == ledger.Posted(undone.entry_id, repeated=True)
    with pytest.raises(ledger.AlreadyReversed):
        await ledger.reverse(connection, posted.entry_id, reference="u2", occurred_at=MOMENT)
    with pytest.raises(ledger.AlreadyReversed):
        await ledger.reverse(connection, undone.entry_id, reference="u3", occurred_at=MOMENT)
    with pytest.raises(ledger.EntryUnknown):
        await ledger.reverse(connection, 0, reference="u4", occurred_at=MOMENT)
    assert await counts(connection) == (2, 4)


async def test_one_reference_does_not_reverse_two_entries(connection: Connection) -> None:
    first = await ledger.post(connection, bill("b1", 100))
    second = await ledger.post(connection, bill("b2", 100))
    await ledger.reverse(connection, first.entry_id, reference="u", occurred_at=MOMENT)
    with pytest.raises(ledger.EntryDiffers):
        await ledger.reverse(connection, second.entry_id, reference="u", occurred_at=MOMENT)


async def test_what_others_stand_on_is_not_reversed(connection: Connection) -> None:
    assessed = await ledger.post(connection, bill("b1", 100))
    await ledger.post(connection, payment("b1", 100))
    with pytest.raises(ledger.FloorBroken):
        await ledger.reverse(connection, assessed.entry_id, reference="u", occurred_at=MOMENT)


# The tables, against somebody who does not come by the API


async def insert(
    connection: Connection,
    entry_id: int,
    lines: list[tuple[int, int]],
    *,
    of_lines: str = "CNY",
    line_count: int | None = None,
    reverses: int | None = None,
) -> None:
    await connection.execute(
        "insert into ledger_entries (entry_id, kind, reference, currency, line_count, reverses,"
        " occurred_at) overriding system value"
        " values ($1::bigint, 'raw', $1::bigint::text, 'CNY', $2, $3, now())",
        entry_id,
        line_count or max(2, len(lines)),
        reverses,
    )
    await connection.execute(
        "insert into ledger_lines (entry_id, line_no, account_id, currency, subject, amount_fen)"
        " select $1, n, a, $2, 's', f from unnest($3::bigint[], $4::bigint[])"
        " with ordinality as x (a, f, n)",
        entry_id,
        of_lines,
        [account for account, _ in lines],
        [amount for _, amount in lines],
    )


async def open_account(connection: Connection, name: str, currency: str = "CNY") -> int:
    account_id: int = await connection.fetchval(
        "insert into ledger_accounts (kind, name, currency) values ('bank', $1, $2)"
        " returning account_id",
        name,
        currency,
    )
    return account_id


async def settle(connection: Connection) -> None:
    """What a commit would check."""
    await connection.execute("set constraints all immediate")
    await connection.execute("set constraints all deferred")


@pytest.mark.parametrize(
    ("amounts", "line_count"),
    [([], 2), ([5], 2), ([5, -4], 2), ([5, -5], 3), ([5, 5], 2)],
    ids=["empty", "one line", "unbalanced", "a line missing", "two debits"],
)
async def test_half_an_entry_does_not_commit(
    connection: Connection, amounts: list[int], line_count: int
) -> None:
    account = await open_account(connection, "raw")
    await insert(connection, 10**6, [(account, a) for a in amounts], line_count=line_count)
    with pytest.raises(asyncpg.CheckViolationError, match="balance"):
        await settle(connection)


async def test_a_commit_checks_without_being_asked(clean_database: Database) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        async with clean_database.transaction() as connection:
            account = await open_account(connection, "raw")
            await insert(connection, 10**6, [(account, 5), (account, -4)])
    async with clean_database.connection() as connection:
        assert await counts(connection) == (0, 0)


async def test_a_whole_entry_of_a_stranger_commits_and_is_projected(connection: Connection) -> None:
    one, other = await open_account(connection, "one"), await open_account(connection, "other")
    await insert(connection, 10**6, [(one, 5), (other, -5)])
    await settle(connection)
    assert await ledger.balance(connection, Account("bank", "one")) == 5
    assert await ledger.compare_projection(connection) == []


async def test_a_complete_entry_takes_no_more_lines(connection: Connection) -> None:
    account = await open_account(connection, "raw")
    await insert(connection, 10**6, [(account, 5), (account, -5)])
    with pytest.raises(asyncpg.RestrictViolationError, match="complete"):
        await connection.execute(
            "insert into ledger_lines (entry_id, line_no, account_id, currency, subject,"
            " amount_fen) values (1000000, 3, $1, 'CNY', 's', 5), (1000000, 4, $1, 'CNY', 's', -5)",
            account,
        )


@pytest.mark.parametrize("of_lines", ["CNY", "USD"])
async def test_an_entry_has_one_currency(connection: Connection, of_lines: str) -> None:
    yuan, dollars = await open_account(connection, "y"), await open_account(connection, "d", "USD")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await insert(connection, 10**6, [(yuan, 5), (dollars, -5)], of_lines=of_lines)


async def test_a_reversal_with_other_lines_does_not_commit(connection: Connection) -> None:
    account, other = await open_account(connection, "a"), await open_account(connection, "b")
    await insert(connection, 10**6, [(account, 5), (other, -5)])
    await insert(connection, 10**6 + 1, [(account, -4), (other, 4)], reverses=10**6)
    with pytest.raises(asyncpg.CheckViolationError, match="compensates"):
        await settle(connection)


@pytest.mark.parametrize(
    "statement",
    [
        "update ledger_lines set amount_fen = amount_fen + 1",
        "update ledger_lines set subject = 'other'",
        "delete from ledger_lines",
        "truncate ledger_lines",
        "update ledger_entries set occurred_at = now()",
        "update ledger_entries set reference = 'other'",
        "delete from ledger_entries",
        "truncate ledger_entries, ledger_lines",
        "update ledger_accounts set kind = 'bank'",
        "update ledger_accounts set name = 'other'",
        "delete from ledger_accounts",
        "truncate ledger_accounts cascade",
    ],
)
async def test_the_owner_himself_changes_nothing(connection: Connection, statement: str) -> None:
    assert await connection.fetchval(
        "select tableowner = current_user from pg_tables where tablename = 'ledger_lines'"
    )
    await ledger.post(connection, bill("b1", 100))
    await settle(connection)
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)


async def test_no_column_of_the_ledger_holds_a_fraction(connection: Connection) -> None:
    kinds = await connection.fetch(
        "select distinct data_type from information_schema.columns"
        " where table_name like 'ledger\\_%' and column_name like '%\\_fen'"
    )
    assert [kind["data_type"] for kind in kinds] == ["bigint"]


async def test_a_wrong_projection_is_found_and_made_anew(clean_database: Database) -> None:
    async with clean_database.transaction() as connection:
        await _find_and_mend(connection)


async def _find_and_mend(connection: Connection) -> None:
    for step in (bill("b1", 100), payment("b1", 60)):
        await ledger.post(connection, step)
    await settle(connection)
    await connection.execute("update ledger_balances set balance_fen = balance_fen + 1")
    await connection.execute("delete from ledger_subject_balances where floor = 1")
    found = await ledger.compare_projection(connection)
    assert ledger.Difference("receivable", "d/b1", "CNY", "b1", 40, 0) in found
    assert ledger.Difference("clearing", CLEARING.name, "CNY", None, 60, 61) in found
    assert len(found) == 5
    for _ in range(2):
        await ledger.rebuild_projection(connection)
        assert await ledger.compare_projection(connection) == []
        assert await ledger.balance(connection, CLEARING) == 60
    # What was made anew is kept on.
    await ledger.post(connection, payment("b1", 40, "p2"))
    assert await ledger.compare_projection(connection) == []
    with pytest.raises(ledger.FloorBroken):
        await ledger.post(connection, payment("b1", 1, "p3"))
