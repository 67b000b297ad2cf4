"""The audit trail: complete, append-only, and one flipped byte is found."""

from __future__ import annotations

import asyncio

import pytest

from api import audit
from api.database import Database
from api.errors import DatabaseUnavailable


def nothing(_done: int) -> None:
    """Nobody watches."""


async def note_some(database: Database, count: int) -> None:
    for number in range(count):
        async with database.transaction() as connection:
            await audit.note(
                connection,
                actor="clerk:test",
                action="case.moved",
                subject=f"case:{number}",
                details={"to": "accepted"},
            )


async def verify(database: Database) -> audit.Verified:
    async with database.connection() as connection:
        return await audit.verify_chain(connection, nothing)


async def tamper(database: Database, statement: str) -> None:
    """As somebody who owns the tables could: with the triggers off."""
    async with database.transaction() as connection:
        await connection.execute("set local session_replication_role = replica")
        await connection.execute(statement)


@pytest.fixture
async def trail(clean_database: Database) -> Database:
    await note_some(clean_database, 5)
    assert await audit.chain_batch(clean_database) == 5
    return clean_database


async def test_an_untouched_trail_verifies(trail: Database) -> None:
    await note_some(trail, 2)
    verified = await verify(trail)
    assert (verified.entries, verified.faults) == (5, [])


@pytest.mark.parametrize(
    "statement",
    [
        "update audit_entries set details = '{}' where entry_id = 3",
        "update audit_entries set noted_at = noted_at + interval '1 us' where entry_id = 3",
        "update audit_entries set actor = 'clerk:tess' where entry_id = 3",
        "update audit_chain set seal = set_byte(seal, 0, get_byte(seal, 0) # 1) where entry_id = 3",
        "delete from audit_entries where entry_id = 3",
        "delete from audit_chain where entry_id = 3",
        "insert into audit_entries (actor, action, subject, details, noted_at)"
        " values ('clerk:x', 'case.moved', 'case:9', '{}', now() - interval '1 hour')",
    ],
)
async def test_any_tampering_is_found(trail: Database, statement: str) -> None:
    await tamper(trail, statement)
    assert (await verify(trail)).faults


@pytest.mark.parametrize("table", ["audit_entries", "audit_chain"])
@pytest.mark.parametrize("act", ["update {} set entry_id = 1", "delete from {}", "truncate {}"])
async def test_the_tables_refuse_changes(trail: Database, table: str, act: str) -> None:
    with pytest.raises(Exception, match=r"append-only|identity column|generated"):
        async with trail.transaction() as connection:
            await connection.execute(act.format(table))


async def test_an_entry_goes_with_the_change_it_speaks_of(clean_database: Database) -> None:
    with pytest.raises(DatabaseUnavailable):
        async with clean_database.transaction() as connection:
            await audit.note(connection, actor="a", action="b", subject="c")
            raise DatabaseUnavailable()
    assert await audit.chain_batch(clean_database) == 0


async def test_two_workers_make_one_chain(clean_database: Database) -> None:
    await note_some(clean_database, 20)
    counts = await asyncio.gather(*(audit.chain_batch(clean_database) for _ in range(4)))
    assert sum(counts) == 20
    await note_some(clean_database, 3)
    await audit.chain_batch(clean_database)
    verified = await verify(clean_database)
    assert (verified.entries, verified.faults) == (23, [])
