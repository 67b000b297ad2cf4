"""How long search and suggestions take at the database, one client, rows fetched.

    python -m benchmarks.search_latency --titles 100000 --items 100000

Two catalogues are measured. `distinct`: as many distinct names as asked for, real names
crossed with real counties' names, each name once. `copies`: the real names as they are,
crossed with counties until there are as many items as asked for. The workload is the
questions of the evaluation, asked from a county and from nowhere; suggestions are asked
for every beginning of those questions. Exits 1 when a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import lzma
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from api.catalogue.search.index_titles import title_ids
from api.catalogue.search.read_synonyms import SynonymBook
from api.catalogue.search.search_services import find_scope, search_services
from api.catalogue.search.suggest_services import suggest_services
from api.catalogue.search.understand_query import understand_query
from api.database import open_connection
from api.embedded import start_postgres, stop_postgres
from api.migrations import migrate
from tests.catalogue.evaluate_search import QUESTIONS, SEEDS, read_items, read_synonyms

SEARCH_GOAL_MILLISECONDS = 25
SUGGEST_GOAL_MILLISECONDS = 5
BATCH = 2000
COUNTY = "440106000000"
Title = tuple[str, str]
Copy = tuple[str, str, int]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--titles", type=int, default=100_000)
    parser.add_argument("--items", type=int, default=100_000)
    arguments = parser.parse_args()
    console = Console()
    table = Table(
        *("catalogue", "what", "asked from", "times"),
        *("mean ms", "p50", "p95", "p99", "max", "goal p99"),
    )
    missed = 0
    with tempfile.TemporaryDirectory(prefix="search-latency-") as folder:
        data = Path(folder) / "postgres"
        try:
            for catalogue in ("distinct", "copies"):
                url = start_postgres(data, catalogue)
                migrate(url)
                missed += asyncio.run(_measure(url, catalogue, arguments, table, console))
        finally:
            stop_postgres(data)
    console.print(table)
    return 1 if missed else 0


async def _measure(
    url: str, catalogue: str, arguments: argparse.Namespace, table: Table, console: Console
) -> int:
    regions = _read_regions()
    copies = _distinct(regions) if catalogue == "distinct" else _copies(regions)
    count = arguments.titles if catalogue == "distinct" else arguments.items
    async with open_connection(url) as connection:
        await _load(connection, regions, islice(copies, count), console)
        book = SynonymBook()
        questions = [msgspec.json.decode(line)["q"] for line in QUESTIONS.read_text().splitlines()]
        beginnings = list(dict.fromkeys(q[:n] for q in questions for n in range(1, 7)))
        missed = 0
        for region in (COUNTY, None):
            scope = await find_scope(connection, region) if region else None

            async def search(q: str, scope: list[str] | None = scope) -> None:
                words = await understand_query(connection, q, book)
                await search_services(connection, words, scope)

            async def suggest(q: str, scope: list[str] | None = scope) -> None:
                await suggest_services(connection, q, scope, book=book)

            for what, ask, asked, goal in (
                ("search", search, questions, SEARCH_GOAL_MILLISECONDS),
                ("suggest", suggest, beginnings, SUGGEST_GOAL_MILLISECONDS),
            ):
                times = await _time(ask, asked, rounds=3)
                p99 = _row(table, catalogue, what, region, times, goal)
                missed += p99 > goal
        return missed


async def _time(
    ask: Callable[[str], Awaitable[None]], questions: list[str], rounds: int
) -> list[tuple[float, str]]:
    """Milliseconds of each asking with its question, after one round to warm up."""
    for q in questions:
        await ask(q)
    times = []
    for _ in range(rounds):
        for q in questions:
            started = time.perf_counter()
            await ask(q)
            times.append(((time.perf_counter() - started) * 1000, q))
    return times


def _row(
    table: Table,
    catalogue: str,
    what: str,
    region: str | None,
    timed: list[tuple[float, str]],
    goal: int,
) -> float:
    times = sorted(milliseconds for milliseconds, _ in timed)
    cuts = statistics.quantiles(times, n=100)
    figures = [statistics.fmean(times), cuts[49], cuts[94], cuts[98], times[-1]]
    table.add_row(
        catalogue,
        what,
        region or "everywhere",
        str(len(times)),
        *(f"{figure:.2f}" for figure in figures),
        f"< {goal}",
        style="red" if cuts[98] > goal else None,
    )
    return cuts[98]


async def _load(
    connection: Any, regions: list[tuple[str, str, int]], copies: Iterator[Copy], console: Console
) -> None:
    await connection.execute("insert into departments values ('1', '示例部门', '440000000000')")
    await connection.copy_records_to_table(
        "regions",
        columns=("code", "name", "level", "ancestors"),
        records=[(c, n, level, _ancestors(c, level)) for c, n, level in regions],
    )
    await connection.executemany(
        "insert into synonyms (phrase, means, note) values ($1, $2, $3)", read_synonyms()
    )
    number = 0
    new_seconds = known_seconds = 0.0
    while batch := list(islice(copies, BATCH)):
        names = [(name, "") for name, _, _ in batch]
        async with connection.transaction():
            started = time.perf_counter()
            titles = await title_ids(connection, names)
            new_seconds += time.perf_counter() - started
            started = time.perf_counter()
            await title_ids(connection, names)
            known_seconds += time.perf_counter() - started
            await _add_items(connection, batch, titles, number)
        number += len(batch)
    await connection.execute("vacuum analyze")
    titles_count = await connection.fetchval("select count(*) from titles")
    console.print(
        f"{number} items, {titles_count} titles: {number / new_seconds:,.0f} names/s at first, "
        f"{number / known_seconds:,.0f} known names/s"
    )


async def _add_items(
    connection: Any, batch: list[Copy], titles: dict[Title, int], first: int
) -> None:
    await connection.copy_records_to_table(
        "services",
        columns=(
            "service_code",
            "region_code",
            "department_code",
            "title_id",
            "name",
            "item_type",
            "exercise_level",
            "version",
            "audience",
            "themes",
            "charged",
            "material_keys",
        ),
        records=[
            (f"{n:031d}", region, "1", titles[name, ""], name, "20", level, 1, [], [], False, [])
            for n, (name, region, level) in enumerate(batch, first)
        ],
    )


def _read_regions() -> list[tuple[str, str, int]]:
    """Provinces, cities and counties: code, name, level."""
    text = lzma.decompress((SEEDS / "regions.csv.xz").read_bytes()).decode()
    levels = {"province": 1, "city": 2, "county": 3}
    rows = [row for row in csv.DictReader(io.StringIO(text)) if row["level"] in levels]
    # A city without counties stands in the table once more, as its own county.
    found = {row["code"]: (row["code"], row["name"], levels[row["level"]]) for row in rows[::-1]}
    return list(found.values())[::-1]


def _ancestors(code: str, level: int) -> list[str]:
    return [code[:2].ljust(12, "0"), code[:4].ljust(12, "0")][: level - 1]


def _distinct(regions: list[tuple[str, str, int]]) -> Iterator[Copy]:
    """Every name once: 天河区 and a real name, or a real name and (天河区)."""
    names = list(dict.fromkeys(item.name for item in read_items()))
    chance = random.Random(1)
    places = [region for region in regions if region[2] == 3]
    near = [region for region in regions if region[0].startswith("4401")]
    for number in range(10_000):
        for name in names:
            # A tenth of all items serve the county that asks; the rest lie elsewhere.
            code, place, level = chance.choice(near if chance.random() < 0.1 else places)
            yield (f"{place}{name}" if number % 2 else f"{name}（{place}）", code, level + 1)


def _copies(regions: list[tuple[str, str, int]]) -> Iterator[Copy]:
    """The real names in one place after another, beginning with the county that asks."""
    names = list(dict.fromkeys(item.name for item in read_items()))
    order = sorted(regions, key=lambda region: (region[0][:4] != "4401", region[0] != COUNTY))
    for code, _, level in order:
        for name in names:
            yield name, code, level + 1


if __name__ == "__main__":
    sys.exit(main())
