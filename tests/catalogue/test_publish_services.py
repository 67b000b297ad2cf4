"""Publishing: versions, days, withdrawal, the lint that bars our own, the feed."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec import structs

from api.catalogue import publish_services, queries
from api.catalogue.demonstration.plant_demonstration import plant_demonstration
from api.catalogue.lint_guide import lint_guide
from api.catalogue.publish_services import Linted, publish_batch, publish_own, whole_days
from api.catalogue.schemas import FileReference, Guide, Limit
from api.catalogue.show_guide import find_version, status_of
from api.database import Database
from api.errors import ValidationFailed
from api.processes import Process, Rules
from api.statements import Connection

TODAY = date(2026, 11, 22)
PLACES = [("440000000000", "广东省", "province", None)]


@pytest.fixture(scope="module")
def clean_guide() -> Guide:
    """A demonstration guide: it passes the whole lint."""
    file = FileReference("表.pdf", "application/pdf", 1, "0" * 64)
    return next(plant_demonstration(PLACES, lambda *_: (file, file), lambda *_: file, TODAY))


async def publish(connection: Connection, guide: Guide, today: date = TODAY) -> list[Any]:
    return await publish_own(connection, guide, publisher="test", today=today)


async def version_in_force(connection: Connection, guide: Guide) -> int:
    found = await find_version(connection, guide.service_code, None)
    assert found is not None
    return found.row.version


async def feed(connection: Connection, guide: Guide) -> list[tuple[int, str]]:
    changes = await queries.list_changes(connection, after=0, limit=1_000_000)
    return [(c.version, c.change) for c in changes if c.service_code == guide.service_code]


async def test_every_publish_makes_a_version_and_old_ones_stay_readable(
    connection: Connection, clean_guide: Guide
) -> None:
    await publish(connection, clean_guide)
    await publish(connection, structs.replace(clean_guide, keywords=["另一个叫法"]))
    assert await version_in_force(connection, clean_guide) == 2
    old = await find_version(connection, clean_guide.service_code, 1)
    assert old is not None
    assert old.guide.keywords == clean_guide.keywords
    assert status_of(old.row, TODAY) == "superseded"
    assert await feed(connection, clean_guide) == [(1, "created"), (2, "updated")]


async def test_an_unchanged_guide_makes_no_version(
    connection: Connection, clean_guide: Guide
) -> None:
    await publish(connection, clean_guide)
    assert await publish(connection, clean_guide) == []
    assert await feed(connection, clean_guide) == [(1, "created")]


async def test_a_guide_with_findings_of_our_own_is_refused_with_all_of_them(
    connection: Connection, clean_guide: Guide
) -> None:
    broken = structs.replace(clean_guide, conditions=[], promised_limit=Limit(3000))
    with pytest.raises(ValidationFailed) as refused:
        await publish(connection, broken)
    assert {e.field for e in refused.value.errors or ()} >= {"conditions", "promised_limit"}
    assert await find_version(connection, clean_guide.service_code, None) is None


async def test_a_faulty_process_of_our_own_is_refused_and_of_others_a_finding(
    connection: Connection, clean_guide: Guide
) -> None:
    broken = structs.replace(
        clean_guide, process=Process(rules=Rules(eligibility={"nodes": [], "edges": []}))
    )
    with pytest.raises(ValidationFailed) as refused:
        await publish(connection, broken)
    assert [e.field for e in refused.value.errors or ()] == ["process.rules.eligibility.nodes"]
    findings = lint_guide(broken, TODAY)
    await publish_batch(connection, [Linted(broken, findings)], publisher="x", today=TODAY)
    rows = await queries.list_findings(connection, source=None, rule=16, after="", limit=10)
    assert [row.service_code for row in rows] == [clean_guide.service_code]


async def test_others_guides_come_in_with_their_findings(
    connection: Connection, clean_guide: Guide
) -> None:
    broken = structs.replace(clean_guide, conditions=[])
    findings = lint_guide(broken, TODAY)
    await publish_batch(connection, [Linted(broken, findings)], publisher="x", today=TODAY)
    rows = await queries.list_findings(connection, source=None, rule=0, after="", limit=10)
    assert [row.service_code for row in rows] == [clean_guide.service_code]
    assert "conditions" in rows[0].findings


async def test_mended_guides_lose_their_findings(
    connection: Connection, clean_guide: Guide
) -> None:
    broken = structs.replace(clean_guide, conditions=[])
    findings = lint_guide(broken, TODAY)
    await publish_batch(connection, [Linted(broken, findings)], publisher="x", today=TODAY)
    await publish(connection, clean_guide)
    assert await queries.list_findings(connection, source=None, rule=0, after="", limit=10) == []


async def test_a_planned_version_waits_for_its_day(
    connection: Connection, clean_guide: Guide
) -> None:
    day = TODAY + timedelta(days=10)
    await publish(connection, clean_guide)
    await publish(connection, structs.replace(clean_guide, effective_on=day))
    assert await version_in_force(connection, clean_guide) == 1
    planned = await find_version(connection, clean_guide.service_code, 2)
    assert planned is not None
    assert status_of(planned.row, TODAY) == "planned"
    early = await publish_services.bring_due_into_force(
        connection, since=TODAY, today=day - timedelta(days=1)
    )
    assert early == 0
    assert await publish_services.bring_due_into_force(connection, since=TODAY, today=day) == 1
    assert await version_in_force(connection, clean_guide) == 2


async def test_bringing_into_force_twice_changes_nothing(
    connection: Connection, clean_guide: Guide
) -> None:
    day = TODAY + timedelta(days=1)
    await publish(connection, clean_guide)
    await publish(connection, structs.replace(clean_guide, effective_on=day))
    assert await publish_services.bring_due_into_force(connection, since=TODAY, today=day) == 1
    assert await publish_services.bring_due_into_force(connection, since=TODAY, today=day) == 0


async def test_an_item_that_is_only_planned_is_not_listed(
    connection: Connection, clean_guide: Guide
) -> None:
    later = structs.replace(clean_guide, effective_on=TODAY + timedelta(days=3))
    await publish(connection, later)
    assert await listed(connection, TODAY) == []
    assert await listed(connection, TODAY + timedelta(days=3)) == [clean_guide.service_code]


async def test_an_item_past_its_last_day_is_not_listed(
    connection: Connection, clean_guide: Guide
) -> None:
    await publish(connection, structs.replace(clean_guide, ends_on=TODAY))
    assert await listed(connection, TODAY) == [clean_guide.service_code]
    assert await listed(connection, TODAY + timedelta(days=1)) == []


async def listed(connection: Connection, today: date) -> list[str]:
    rows = await queries.list_services(
        connection,
        after_code="",
        limit=10,
        today=today,
        audience=None,
        department=None,
        theme=None,
        item_type=None,
        online=None,
    )
    return [row.service_code for row in rows]


async def test_a_withdrawn_item_is_gone_and_can_come_back(
    connection: Connection, clean_guide: Guide
) -> None:
    await publish(connection, clean_guide)
    assert await publish_services.withdraw(connection, clean_guide.service_code) == 1
    assert await listed(connection, TODAY) == []
    gone = await find_version(connection, clean_guide.service_code, None)
    assert gone is not None
    assert status_of(gone.row, TODAY) == "withdrawn"
    await publish(connection, clean_guide)
    assert await version_in_force(connection, clean_guide) == 2
    assert await listed(connection, TODAY) == [clean_guide.service_code]
    changes = [(1, "created"), (1, "withdrawn"), (2, "updated")]
    assert await feed(connection, clean_guide) == changes


async def test_withdrawing_twice_or_the_unknown_does_nothing(
    connection: Connection, clean_guide: Guide
) -> None:
    assert await publish_services.withdraw(connection, clean_guide.service_code) is None
    await publish(connection, clean_guide)
    await publish_services.withdraw(connection, clean_guide.service_code)
    assert await publish_services.withdraw(connection, clean_guide.service_code) is None


async def test_publishers_at_once_leave_one_chain_of_versions(
    clean_database: Database, clean_guide: Guide
) -> None:
    async def one(number: int) -> None:
        guide = structs.replace(clean_guide, keywords=[f"第{number}个叫法"])
        async with clean_database.transaction() as connection:
            await publish(connection, guide)

    await asyncio.gather(*(one(number) for number in range(4)))
    async with clean_database.connection() as connection:
        changes = await feed(connection, clean_guide)
        assert [version for version, _ in changes] == [1, 2, 3, 4]
        assert await version_in_force(connection, clean_guide) == 4


async def test_a_failed_publish_leaves_nothing(
    clean_database: Database, clean_guide: Guide
) -> None:
    class Interrupted(Exception):
        pass

    with pytest.raises(Interrupted):
        async with clean_database.transaction() as connection:
            await publish(connection, clean_guide)
            raise Interrupted
    async with clean_database.connection() as connection:
        for table in ("services", "service_versions", "service_changes", "service_findings"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0


@pytest.mark.parametrize(
    ("limit", "days"),
    [
        (None, None),
        (Limit(20), 20),
        (Limit(7, "calendar_day"), 7),
        (Limit(30, "minute"), 0),
        (Limit(8, "hour"), 0),
        (Limit(36, "hour"), 2),
    ],
)
def test_a_limit_is_shown_in_whole_days(limit: Limit | None, days: int | None) -> None:
    assert whole_days(limit) == days
