"""What a large catalogue costs: import rate, sizes, latencies at the database.

    python -m benchmarks.scale 1000000          # in .data/bench, kept between runs
    DATA_DIR=/elsewhere python -m benchmarks.scale 10000

One client, one connection, the real verbs with the real decoding, after a warm-up.
Questions are the evaluation set's, places and items are drawn at random with a
fixed seed. Prints a table for people and the same as Markdown.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from api.app import SEEDS
from api.catalogue import queries
from api.catalogue.demonstration.cross_services import cross_services
from api.catalogue.list_services import Asked, list_services
from api.catalogue.search.search_services import search_services
from api.catalogue.search.suggest_services import suggest_services
from api.catalogue.search.understand_query import understand_query
from api.catalogue.show_guide import find_version
from api.catalogue.show_home import show_home
from api.database import open_connection
from api.embedded import joined_postgres
from api.files import open_files
from api.migrations import migrate
from api.pages import Cursors
from api.progress import progress
from api.seeding import Ground, plant_seeds
from api.settings import PROJECT

SAMPLES = 600
WARM_UP = 60
QUESTIONS = PROJECT / "tests" / "catalogue" / "search_evaluation.jsonl"
TABLES = (
    "services",
    "service_versions",
    "service_findings",
    "service_changes",
    "titles",
    "departments",
    "regions",
)

Ask = Callable[[], Awaitable[Any]]


def main(total: int) -> None:
    """Start or join the data folder's PostgreSQL and measure on it."""
    data = Path(os.environ.get("DATA_DIR", PROJECT / ".data" / "bench"))
    data.mkdir(parents=True, exist_ok=True)
    with joined_postgres(data) as url:
        migrate(url)
        asyncio.run(run(url, data, total))


async def run(url: str, data: Path, total: int) -> None:
    """Plant up to `total` items, then measure."""
    console = Console(width=110)
    async with open_connection(url) as connection:
        console.print(await plant(connection, data, total))
        console.print(await sizes(connection))
        rows = await measure(connection)
    console.print(table(rows, total))
    for name, p50, p99 in rows:
        console.print(f"| {name} | {p50:.2f} | {p99:.2f} |", highlight=False)


async def plant(connection: Any, data: Path, total: int) -> str:
    """Bring the catalogue to `total` items; says how fast they came in."""
    ground = Ground(connection, open_files(f"file://{data / 'files'}"))
    await plant_seeds(ground, SEEDS, say=print)
    missing = total - int(await queries.count_services(connection) or 0)
    if missing <= 0:
        return f"{total:,} items stand already"
    with progress(f"Services → {total:,}") as advance:
        return await cross_services(connection, missing, date.today(), advance)


async def sizes(connection: Any) -> Table:
    """Rows, heap with TOAST, and indexes of each table."""
    shown = Table("table", "rows", "heap", "indexes", title="sizes")
    for name in TABLES:
        count = await connection.fetchval(f"select count(*) from {name}")
        heap, index = await connection.fetchrow(
            f"select pg_size_pretty(pg_table_size('{name}')),"
            f" pg_size_pretty(pg_indexes_size('{name}'))"
        )
        shown.add_row(name, f"{count:,}", heap, index)
    return shown


async def measure(connection: Any) -> list[tuple[str, float, float]]:
    """Every kind of read: name, median and 99th percentile in milliseconds."""
    asks = await kinds_of_reads(connection)
    rows = []
    with progress("measuring") as advance:
        for number, (name, ask) in enumerate(asks.items(), start=1):
            rows.append((name, *await sample(ask)))
            advance(number, len(asks))
    return rows


async def sample(ask: Ask) -> tuple[float, float]:
    for _ in range(WARM_UP):
        await ask()
    taken = []
    for _ in range(SAMPLES):
        began = time.perf_counter()
        await ask()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=100)[98]


async def kinds_of_reads(connection: Any) -> dict[str, Ask]:
    """One call of each kind, with other places, items and words every time."""
    dice = random.Random(20261122)
    today = date.today()
    cursors = Cursors(b"a benchmark needs no secret of its own")
    codes = [
        row[0]
        for row in await connection.fetch(
            "select service_code from services where random() < 0.02 limit 5000"
        )
    ]
    basics = [
        tuple(row)
        for row in await connection.fetch(
            "select basic_code, region_code from services where random() < 0.02 limit 5000"
        )
    ]
    counties = [
        row[0] for row in await connection.fetch("select distinct region_code from services")
    ]
    words = [json.loads(line)["q"] for line in QUESTIONS.read_text().splitlines()]

    async def scope() -> list[str]:
        found = await queries.find_scope(connection, region_code=dice.choice(counties))
        return list(found or [])

    async def guide() -> Any:
        return await find_version(connection, dice.choice(codes), None)

    async def listed(**filters: str) -> Any:
        nothing = dict.fromkeys(Asked.__struct_fields__)
        asked = Asked(**{**nothing, **filters})  # type: ignore[arg-type]
        return await list_services(connection, asked, cursors.of("bench"), None, 20, today)

    async def search(places: list[str] | None) -> Any:
        understood = await understand_query(connection, dice.choice(words))
        return await search_services(connection, understood, places, limit=21)

    async def implementing() -> Any:
        basic, region = dice.choice(basics)
        places = await queries.find_scope(connection, region_code=region)
        return await queries.find_implementing(
            connection, basic_code=basic, scope=places, today=today
        )

    async def suggest() -> Any:
        word = dice.choice(words)
        typed = word[: dice.randint(1, len(word))]
        return await suggest_services(connection, typed, await scope())

    async def changes() -> Any:
        return await queries.list_changes(connection, after=dice.randint(0, 5000), limit=101)

    return {
        "guide with related items": guide,
        "item for a place (`/at/`)": implementing,
        "list of a place": lambda: listed(region=dice.choice(counties)),
        "list of a place, by theme": lambda: listed(region=dice.choice(counties), theme="社会保障"),
        "list everywhere": listed,
        "list everywhere, by type": lambda: listed(item_type="5"),
        "list everywhere, by rare theme": lambda: listed(theme="死亡殡葬"),
        "search in a place": lambda: _with_scope(search, scope),
        "search everywhere": lambda: search(None),
        "suggestions in a place": suggest,
        "first screen": lambda: show_home(connection, dice.choice(counties), today),
        "change feed, 100 entries": changes,
    }


async def _with_scope(
    search: Callable[[list[str] | None], Awaitable[Any]],
    scope: Callable[[], Awaitable[list[str]]],
) -> Any:
    return await search(await scope())


def table(rows: list[tuple[str, float, float]], total: int) -> Table:
    shown = Table("read", "p50 ms", "p99 ms", title=f"latencies at {total:,} items")
    for name, p50, p99 in rows:
        shown.add_row(name, f"{p50:.2f}", f"{p99:.2f}")
    return shown


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
