"""Numbers of receipts: without gaps, never twice; and check characters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import date

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.database import Database, open_database
from api.fiscal.numbers import (
    MOST_NUMBER,
    FiscalCode,
    KeyedCheck,
    NumbersExhausted,
    ReceiptName,
    is_genuine,
    mint,
)
from api.settings import Settings
from api.statements import Connection

CODE = FiscalCode("44", "01", "01", "26")
NAME = ReceiptName("44010126", "0000000001")
DAY = date(2026, 11, 22)
CHECK = KeyedCheck(b"a test's key of thirty-two bytes")


@pytest.fixture
async def busy(
    clean_database_url: str, make_settings: Callable[..., Settings]
) -> AsyncIterator[Database]:
    """A pool with time enough for 64 tasks on a loaded machine."""
    settings = make_settings(
        database_acquire_seconds=60, database_statement_seconds=30, database_lock_seconds=30
    )
    database = await open_database(clean_database_url, settings)
    yield database
    await database.close()


async def test_numbers_of_a_code_begin_at_one_and_follow_each_other(connection: Connection) -> None:
    names = [(await mint(connection, CODE, f"payment:{n}")).name for n in range(3)]
    assert [name.number for name in names] == ["0000000001", "0000000002", "0000000003"]
    assert {name.code for name in names} == {"44010126"}
    next_year = FiscalCode("44", "01", "01", "27")
    assert (await mint(connection, next_year, "payment:3")).name.number == "0000000001"


async def test_a_subject_keeps_its_number(connection: Connection) -> None:
    first = await mint(connection, CODE, "payment:1")
    again = await mint(connection, CODE, "payment:1")
    assert (first.repeated, again.repeated) == (False, True)
    # Asked again in the new year, it is still the receipt of the old one.
    later = await mint(connection, FiscalCode("44", "01", "01", "27"), "payment:1")
    assert first.name == again.name == later.name


async def test_a_number_that_was_rolled_back_is_the_next_one(connection: Connection) -> None:
    with pytest.raises(ZeroDivisionError):
        async with connection.transaction():
            await mint(connection, CODE, "payment:1")
            raise ZeroDivisionError
    assert (await mint(connection, CODE, "payment:2")).name.number == "0000000001"


async def test_64_at_once_leave_no_gap_and_share_nothing(busy: Database) -> None:
    async def issue(number: int) -> tuple[str, bool]:
        async with busy.transaction() as connection:
            minted = await mint(connection, CODE, f"payment:{number % 48}")
        return minted.name.number, minted.repeated

    issued = await asyncio.gather(*(issue(number) for number in range(64)))
    assert sorted({number for number, _ in issued}) == [f"{n:010d}" for n in range(1, 49)]
    assert sum(repeated for _, repeated in issued) == 16


async def test_a_used_up_code_gives_no_more(connection: Connection) -> None:
    await connection.execute(
        "insert into fiscal_sequences (code, last_number) values ($1, $2)",
        CODE.text,
        MOST_NUMBER - 1,
    )
    assert (await mint(connection, CODE, "payment:1")).name.number == str(MOST_NUMBER)
    with pytest.raises(NumbersExhausted):
        await mint(connection, CODE, "payment:2")


@pytest.mark.parametrize(
    "statement",
    [
        "update fiscal_numbers set number = 2",
        "delete from fiscal_numbers",
        "truncate fiscal_numbers cascade",
    ],
)
async def test_a_number_given_out_stays_so(connection: Connection, statement: str) -> None:
    await mint(connection, CODE, "payment:1")
    with pytest.raises(asyncpg.RestrictViolationError):
        await connection.execute(statement)


@pytest.mark.parametrize("part", ["4", "444", "4a", "", "４４", "44\n"])
def test_a_part_of_a_code_is_two_digits(part: str) -> None:
    with pytest.raises(ValueError, match="two digits"):
        FiscalCode("44", "01", part, "26")


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("4401012", "0000000001"),
        ("44010126", "1"),
        ("44010126", "0000000000"),
        ("44010126", "x" * 10),
    ],
)
def test_a_name_is_well_formed(code: str, number: str) -> None:
    with pytest.raises(ValueError, match="8 digits"):
        ReceiptName(code, number)


def test_check_characters_are_six_that_nobody_mistakes() -> None:
    check = CHECK(NAME, DAY, 9550)
    assert len(check) == 6
    assert not set(check) - set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert CHECK(NAME, DAY, 9550) == check
    assert is_genuine(CHECK, NAME, DAY, 9550, check.lower())


@given(
    number=st.integers(2, MOST_NUMBER),
    amount_fen=st.integers(1, 10**13).filter(lambda a: a != 9550),
)
def test_check_characters_hang_on_everything(number: int, amount_fen: int) -> None:
    check = CHECK(NAME, DAY, 9550)
    other = ReceiptName(NAME.code, f"{number:010d}")
    # Thirty bits: one in a thousand million may coincide, all three may not.
    others = {
        CHECK(other, DAY, 9550),
        CHECK(NAME, DAY, amount_fen),
        CHECK(NAME, date(2026, 11, 23), 9550),
        KeyedCheck(b"another key of some length")(NAME, DAY, 9550),
    }
    assert others != {check}
    assert len(others) > 1


@pytest.mark.parametrize("check", ["", "000000", "R1ZKB", "R1ZKB10", "校验码校验码"])
def test_other_characters_are_not_genuine(check: str) -> None:
    assert not is_genuine(CHECK, NAME, DAY, 9550, check)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        KeyedCheck(b"short")
