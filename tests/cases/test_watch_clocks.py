"""What happens to cases by the clock."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from api.cases.watch_clocks import accept_those_waiting, count_again, warn_late
from api.database import Database
from api.statements import Connection
from api.workdays import CERTAIN_UNTIL, add_working_days
from tests.cases.builders import add_case, add_submitted

RECEIVED = date(2026, 3, 2)
FIFTH_DAY = date(2026, 3, 9)


async def row_of(connection: Connection, case_no: str) -> Any:
    return await connection.fetchrow("select * from cases where case_no = $1", case_no)


async def test_who_hears_nothing_for_five_working_days_is_accepted(
    clean_database: Database,
) -> None:
    async with clean_database.transaction() as connection:
        waiting = await add_submitted(connection)
        answered = await add_submitted(connection)
        draft = await add_case(connection)
        await connection.execute("update cases set received_on = $1", RECEIVED)
        await connection.execute(
            "update cases set status = 'awaiting_correction', resume_status = 'submitted' "
            "where case_no = $1",
            answered,
        )
    # The fifth working day belongs to the department.
    assert await accept_those_waiting(clean_database, FIFTH_DAY) == 0
    assert await accept_those_waiting(clean_database, FIFTH_DAY + timedelta(days=1)) == 1
    assert await accept_those_waiting(clean_database, FIFTH_DAY + timedelta(days=1)) == 0
    async with clean_database.connection() as connection:
        row = await row_of(connection, waiting)
        assert (row["status"], row["accepted_on"]) == ("accepted", RECEIVED)
        # Its clock runs from the day of receipt.
        assert row["due_on"] == add_working_days(RECEIVED, 20).on
        assert (
            await connection.fetchval(
                "select actor from case_events where case_no = $1 and type = 'accepted'", waiting
            )
            == "system:deemed"
        )
        assert (await row_of(connection, answered))["status"] == "awaiting_correction"
        assert (await row_of(connection, draft))["status"] == "draft"


async def test_departments_are_warned_yellow_and_then_red(clean_database: Database) -> None:
    async with clean_database.transaction() as connection:
        case_no = await add_case(
            connection,
            status="accepted",
            clock="running",
            due_on=date(2026, 3, 30),
            warn_on=date(2026, 3, 24),
        )
        untouched = await add_case(connection, status="withdrawn")
    seen = []
    for day in (date(2026, 3, 23), date(2026, 3, 24), date(2026, 3, 30), date(2026, 3, 31)):
        await warn_late(clean_database, day)
        async with clean_database.connection() as connection:
            seen.append((await row_of(connection, case_no))["warned"])
    assert seen == [None, "yellow", "yellow", "red"]
    assert await warn_late(clean_database, date(2026, 4, 30)) == 0
    async with clean_database.connection() as connection:
        assert (await row_of(connection, untouched))["warned"] is None


async def test_provisional_days_are_counted_again_once_the_calendar_has_grown(
    clean_database: Database,
) -> None:
    async with clean_database.transaction() as connection:
        # As counted by an older calendar, which ended before the due day.
        grown = await add_case(
            connection,
            status="accepted",
            clock="running",
            received_on=RECEIVED,
            accepted_on=RECEIVED,
            due_on=date(2026, 3, 28),
            due_provisional=True,
        )
        far = CERTAIN_UNTIL + timedelta(days=30)
        beyond = await add_case(
            connection,
            status="accepted",
            clock="running",
            received_on=far,
            accepted_on=far,
            due_on=add_working_days(far, 20).on,
            due_provisional=True,
        )
    assert await count_again(clean_database) == 1
    assert await count_again(clean_database) == 0
    async with clean_database.connection() as connection:
        row = await row_of(connection, grown)
        assert (row["due_on"], row["due_provisional"]) == (date(2026, 3, 30), False)
        assert row["version"] == 2
        row = await row_of(connection, beyond)
        assert (row["due_provisional"], row["version"]) == (True, 1)
