"""What cases do when facts are published."""

from __future__ import annotations

import secrets

from api.cache import Cache
from api.cases.reactions import empty_erased, forget_moved, give_to_kept
from api.cases.show_progress import load_progress
from api.database import Database
from api.facts import CaseMoved, CitizenErased, CitizensMerged
from api.settings import Settings
from tests.cases.builders import add_submitted


async def test_the_cases_of_two_who_are_one_are_together(
    database: Database, cache: Cache, settings: Settings
) -> None:
    kept, gone = secrets.token_hex(16), secrets.token_hex(16)
    async with database.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=gone)
    shown = await load_progress(database, cache, settings, case_no)
    assert shown is not None
    assert shown.owner == gone
    react = give_to_kept(database, cache)
    for _ in range(2):
        await react(CitizensMerged(kept=kept, gone=gone))
    shown = await load_progress(database, cache, settings, case_no)
    assert shown is not None
    assert shown.owner == kept
    assert shown.version == 3


async def test_an_erased_citizen_leaves_only_that_there_was_a_case(
    database: Database, cache: Cache, settings: Settings
) -> None:
    citizen_id = secrets.token_hex(16)
    async with database.transaction() as connection:
        case_no = await add_submitted(
            connection, citizen_id=citizen_id, form_sealed=b"x", applicant_sealed=b"y"
        )
    await load_progress(database, cache, settings, case_no)
    react = empty_erased(database, cache)
    for _ in range(2):
        await react(CitizenErased(citizen_id=citizen_id))
    async with database.connection() as connection:
        row = await connection.fetchrow("select * from cases where case_no = $1", case_no)
    assert row["status"] == "submitted"
    assert (row["citizen_id"], row["form_sealed"], row["applicant_sealed"]) == (None, None, None)
    shown = await load_progress(database, cache, settings, case_no)
    assert shown is not None
    assert shown.owner is None


async def test_older_progress_is_forgotten_when_the_fact_arrives(
    database: Database, cache: Cache, settings: Settings
) -> None:
    async with database.transaction() as connection:
        case_no = await add_submitted(connection)
    await load_progress(database, cache, settings, case_no)
    async with database.transaction() as connection:
        await connection.execute(
            "update cases set status = 'accepted', version = 3 where case_no = $1", case_no
        )
    stale = await load_progress(database, cache, settings, case_no)
    assert stale is not None
    assert stale.version == 2
    fact = CaseMoved(case_no, 2, "accepted", "accepted", 3, "S", "R", None, None)
    await forget_moved(cache)(fact)
    fresh = await load_progress(database, cache, settings, case_no)
    assert fresh is not None
    assert fresh.version == 3
