"""Hot statements find their rows by an index, in a catalogue of some thousand items.

The statements are caught on their way from the verbs that send them, with the
values they are sent with, and explained as they are.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from typing import Any

import pytest

from api.catalogue import queries
from api.catalogue.list_services import Asked, list_services
from api.catalogue.search.suggest_services import suggest_services
from api.catalogue.show_guide import find_version
from api.catalogue.show_home import show_home
from api.database import CHINA, open_connection
from api.pages import Cursors
from api.regions import queries as regions
from api.statements import Connection
from tests.conftest import run
from tests.town import LOST_CARD, TIANHE

TODAY = date(2026, 11, 22)
# None of these is read from end to end for one request.
LARGE = {"services", "service_versions", "titles", "title_starts", "lexemes"}
# These are large in a whole country's catalogue only. A small table is rightly read whole, so
# here scans are made dear first: one is then left only where no index could serve.
LARGE_ELSEWHERE = {"regions", "departments", "service_changes", "service_views"}
GUANGDONG = "440000000000"


class Listening:
    """A connection that notes every statement that goes through it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.heard: list[tuple[str, tuple[Any, ...]]] = []

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        self.heard.append((query, args))
        return await self._connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: Any) -> Any:
        self.heard.append((query, args))
        return await self._connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: Any) -> Any:
        self.heard.append((query, args))
        return await self._connection.fetchval(query, *args)

    async def execute(self, query: str, *args: Any) -> str:
        self.heard.append((query, args))
        return await self._connection.execute(query, *args)

    async def scanned(self) -> set[str]:
        """The tables that a statement heard reads from end to end."""
        return {
            node["Relation Name"]
            for text, values in self.heard
            for node in _nodes(await self._explain(text, values))
            if node["Node Type"] == "Seq Scan"
        }

    async def _explain(self, text: str, values: tuple[Any, ...]) -> dict[str, Any]:
        explained = await self._connection.fetchval(f"explain (format json) {text}", *values)
        plan: dict[str, Any] = json.loads(explained)[0]["Plan"]
        return plan

    async def set_scans(self, *, dear: bool) -> None:
        """Whether the planner does all it can to avoid reading a table whole."""
        await self._connection.execute(f"set local enable_seqscan = {'off' if dear else 'on'}")

    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Any], columns: list[str]
    ) -> str:
        return await self._connection.copy_records_to_table(
            table_name, records=records, columns=columns
        )

    def transaction(self) -> AbstractAsyncContextManager[Any]:
        return self._connection.transaction()


@pytest.fixture(scope="module")
def analysed_url(town_url: str) -> str:
    """The planted town, known to the planner."""

    async def analyse() -> None:
        async with open_connection(town_url) as connection:
            await connection.execute("analyze")

    run(analyse())
    return town_url


@pytest.fixture
async def listening(analysed_url: str) -> AsyncIterator[Listening]:
    async with open_connection(analysed_url) as connection, connection.transaction():
        yield Listening(connection)


async def scans(listening: Listening, *, of_a_region: bool = False) -> set[str]:
    """Large tables that what was heard reads from end to end.

    `of_a_region`: it looks at all items of some regions. In the sample they live in eight,
    so that a scan is the better plan as long as scans are cheap.
    """
    found = set() if of_a_region else await listening.scanned() & LARGE
    await listening.set_scans(dear=True)
    found |= await listening.scanned() & (LARGE | LARGE_ELSEWHERE)
    await listening.set_scans(dear=False)
    return found


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def asked(**given: Any) -> Asked:
    return Asked(**{**dict.fromkeys(Asked.__struct_fields__), **given})


async def test_the_catalogue_is_large_enough_to_matter(listening: Listening) -> None:
    assert (await queries.count_services(listening) or 0) > 3000


async def test_a_guide_alone_is_found_by_its_code(listening: Listening) -> None:
    [changed, *_] = await queries.list_changes(listening, after=0, limit=1)
    assert await queries.find_guide(listening, service_code=changed.service_code, version=None)
    assert await queries.find_guide(listening, service_code=changed.service_code, version=1)
    assert await scans(listening) == set()


async def test_a_guide_is_found_for_a_place_with_what_is_related(listening: Listening) -> None:
    scope = await queries.find_scope(listening, region_code=TIANHE)
    code = await queries.find_implementing(
        listening, basic_code=LOST_CARD, scope=scope, today=TODAY
    )
    assert code
    assert await find_version(listening, code, None)
    assert len(listening.heard) >= 4
    assert await scans(listening, of_a_region=True) == set()


@pytest.mark.parametrize("code", [TIANHE, GUANGDONG])
async def test_a_region_and_its_children_are_found_by_code(listening: Listening, code: str) -> None:
    assert await regions.find_region(listening, code=code)
    await regions.list_children(listening, parent=code, after="", limit=21)
    await regions.list_children(listening, parent=None, after="", limit=21)
    assert await scans(listening) == set()


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"region": TIANHE},
        {"region": TIANHE, "audience": "natural_person"},
        {"region": TIANHE, "item_type": "20", "online": "true"},
        {"region": TIANHE, "updated_since": datetime(2026, 1, 1, tzinfo=CHINA)},
        {"updated_since": datetime(2026, 1, 1, tzinfo=CHINA)},
        {"department": "11440106DM1GL9LR58"},
        {"theme": "社会保障"},
        {"words": "身份证丢了"},
        {"words": "身份证丢了", "region": TIANHE},
        {"words": "gongjijin", "region": TIANHE, "audience": "natural_person"},
        {"words": "驾驶证", "department": "11440106DM1GL9LR58"},
    ],
    ids=lambda filters: " ".join(filters) or "everything",
)
async def test_a_list_is_read_from_an_index(listening: Listening, filters: dict[str, Any]) -> None:
    of = Cursors(b"key" * 11).of("services")
    await list_services(listening, asked(**filters), of, None, 20, TODAY)
    assert await scans(listening) == set()


@pytest.mark.parametrize("region", [None, TIANHE])
@pytest.mark.parametrize("typed", ["身份", "gjj", "jiehun", "驾照"])
async def test_suggestions_are_read_from_an_index(
    listening: Listening, typed: str, region: str | None
) -> None:
    scope = await queries.find_scope(listening, region_code=region) if region else None
    await suggest_services(listening, typed, scope)
    assert await scans(listening) == set()


async def test_the_change_feed_is_read_from_an_index(listening: Listening) -> None:
    await queries.list_changes(listening, after=1000, limit=21)
    assert await scans(listening) == set()


@pytest.mark.parametrize("region", [None, TIANHE])
async def test_the_first_screen_is_read_from_indexes(
    listening: Listening, region: str | None
) -> None:
    assert await show_home(listening, region, TODAY)
    assert await scans(listening, of_a_region=True) == set()


async def test_departments_are_read_from_indexes(listening: Listening) -> None:
    scope = await queries.find_scope(listening, region_code=TIANHE)
    await queries.list_departments_in_scope(
        listening, scope=scope, after_closeness=0, after_code="", limit=21
    )
    await queries.list_departments(listening, after_code="", limit=21)
    assert await scans(listening) == set()


async def test_a_scan_would_be_seen(listening: Listening) -> None:
    await listening.fetch("select count(*) from services where name like $1", "%证%")
    assert await scans(listening) == {"services"}
