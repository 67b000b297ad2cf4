"""Measures the search against questions that people would ask: `make evaluate-search`.

Loads the real names and the demonstration's into an empty PostgreSQL, asks every question
of `search_evaluation.jsonl`, and prints how often a name that answers it comes first and
among the first five, beside PostgreSQL's own ranking. The synonyms and weights are tuned on
the questions marked `tuning` alone; `held_out` says whether that holds for others. Exits 1
when a figure falls below its floor.
"""

from __future__ import annotations

import argparse
import asyncio
import csv
import json
import re
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from api.catalogue.search.cut_words import cut_finely, normalise
from api.catalogue.search.index_titles import title_ids
from api.catalogue.search.read_synonyms import SynonymBook
from api.catalogue.search.search_services import find_scope, search_services
from api.catalogue.search.understand_query import understand_query
from api.database import open_connection
from api.embedded import start_postgres, stop_postgres
from api.migrations import migrate

SEEDS = Path(__file__).resolve().parents[2] / "sql" / "seeds"
QUESTIONS = Path(__file__).with_name("search_evaluation.jsonl")
DEPTH = 10
NATION = "000000000000"
# Guangdong's rows name no place of their own: they stand for the whole province here.
PROVINCE, CITY, COUNTY = "440000000000", "440100000000", "440106000000"

# Shares that must be reached: (first, among the first five) for each split.
FLOORS = {"tuning": (0.94, 0.97), "held_out": (0.85, 0.88)}


class Question(Struct, frozen=True):
    """One line of the evaluation; `accept` are patterns of names that answer it."""

    q: str
    accept: list[str]
    kind: str
    split: str
    region: str | None

    def rank(self, names: list[str]) -> int | None:
        """Position of the first name that answers, from 1."""
        patterns = [re.compile(pattern) for pattern in self.accept]
        for position, name in enumerate(names, 1):
            if any(pattern.search(name) for pattern in patterns):
                return position
        return None


class Item(Struct, frozen=True):
    """As much of a service as the search sees."""

    name: str
    aliases: str
    region_code: str
    level: int
    item_type: str


Ask = Callable[[Question], Awaitable[list[str]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--misses", action="store_true", help="list tuning questions missed")
    parser.add_argument("--ask", nargs="*", default=[], help="show results of your own questions")
    parser.add_argument("--region", default=COUNTY, help="where --ask asks; empty: everywhere")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="evaluate-search-") as folder:
        data = Path(folder) / "postgres"
        url = start_postgres(data, "evaluation")
        try:
            migrate(url)
            return asyncio.run(_evaluate(url, arguments))
        finally:
            stop_postgres(data)


async def _evaluate(url: str, arguments: argparse.Namespace) -> int:
    console = Console()
    async with open_connection(url) as connection:
        started = time.monotonic()
        count = await load(connection, read_items())
        console.print(f"{count} items loaded in {time.monotonic() - started:.1f} s")
        if arguments.ask:
            for q in arguments.ask:
                await _show(connection, console, q, arguments.region or None)
            return 0
        questions = msgspec.json.Decoder(Question, strict=False)
        asked = [questions.decode(line) for line in QUESTIONS.read_text().splitlines()]
        ways: dict[str, Ask] = {
            "ours": lambda question: _ask_ours(connection, question),
            "ts_rank, same words": lambda question: _ask_ranked(connection, question, True),
            "ts_rank, no synonyms": lambda question: _ask_ranked(connection, question, False),
        }
        answers = {
            way: [(question, await ask(question)) for question in asked]
            for way, ask in ways.items()
        }
    for way, given in answers.items():
        console.print(_table(way, given))
    if arguments.misses:
        _print_misses(console, answers["ours"])
    return _judge(console, answers["ours"])


async def load(connection: Any, items: Iterable[Item], *, tidy: bool = True) -> int:
    """Put items, some regions and the synonyms into an empty, migrated database.

    `tidy` vacuums and analyses, which no transaction allows.
    """
    items = list(items)
    await connection.execute("insert into departments values ('1', '示例部门', $1)", PROVINCE)
    await connection.executemany(
        "insert into regions (code, name, level, ancestors) values ($1, $1, $2, $3)",
        [
            (PROVINCE, 1, []),
            (CITY, 2, [PROVINCE]),
            (COUNTY, 3, [PROVINCE, CITY]),
            ("511602000000", 3, ["510000000000", "511600000000"]),
        ],
    )
    await connection.executemany(
        "insert into synonyms (phrase, means, note) values ($1, $2, $3)", read_synonyms()
    )
    async with connection.transaction():
        titles = await title_ids(connection, [(item.name, item.aliases) for item in items])
    rows = [
        (f"{number:031d}", item, titles[item.name, item.aliases])
        for number, item in enumerate(items)
    ]
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
            (code, i.region_code, "1", title, i.name, i.item_type, i.level, 1, [], [], False, [])
            for code, i, title in rows
        ],
    )
    if tidy:
        await connection.execute("vacuum analyze")
    return len(rows)


def read_items() -> Iterator[Item]:
    """The real names at their places, and the demonstration's at the levels that handle them."""
    for line in (SEEDS / "service_items.jsonl").read_text().splitlines():
        row = json.loads(line)
        area = (row["area"] or PROVINCE).ljust(12, "0")
        place = area if area.startswith("51") else PROVINCE
        level = 4 if place == area else 2
        yield Item(row["name"], "", place, level, row["type_code"])
    places = {"1": NATION, "2": PROVINCE, "3": CITY}
    for path in sorted((SEEDS / "demonstration").glob("items*.json")):
        for row in json.loads(path.read_text()):
            aliases = " ".join(sorted(row.get("keywords", ())))
            tier = str(row["level"])
            yield Item(row["name"], aliases, places.get(tier, COUNTY), int(tier), "20")


def read_synonyms() -> list[tuple[str, list[str], str]]:
    """Rows of `synonyms.csv`: phrase, means (separated by spaces), note."""
    with (SEEDS / "synonyms.csv").open(newline="") as file:
        return [(row["phrase"], row["means"].split(), row["note"]) for row in csv.DictReader(file)]


BOOK = SynonymBook()


async def _ask_ours(connection: Any, question: Question) -> list[str]:
    scope = await find_scope(connection, question.region) if question.region else None
    words = await understand_query(connection, question.q, BOOK)
    return [f.name for f in await search_services(connection, words, scope, limit=DEPTH)]


async def _ask_ranked(connection: Any, question: Question, understood: bool) -> list[str]:
    if understood:
        words = await understand_query(connection, question.q, BOOK)
        queries = words.term_queries
    else:
        queries = ["'" + word + "'" for word in cut_finely(normalise(question.q))]
    if not queries:
        return []
    scope = await find_scope(connection, question.region) if question.region else None
    rows = await connection.fetch(
        "select t.name from titles t where search @@ $1::text::tsquery and exists (select from"
        " services where title_id = t.title_id and ($2::text[] is null or region_code = any($2)))"
        " order by ts_rank(search, $1::text::tsquery) desc, title_id limit $3",
        " | ".join(queries),
        scope,
        DEPTH,
    )
    return [row["name"] for row in rows]


async def _show(connection: Any, console: Console, q: str, region: str | None) -> None:
    scope = await find_scope(connection, region) if region else None
    words = await understand_query(connection, q, BOOK)
    console.print(f"[bold]{q}[/] {words.narrow}", markup=True, highlight=False)
    for found in await search_services(connection, words, scope, limit=5):
        console.print(f"   {found.score:.3f} {found.name}", markup=False, highlight=False)


def _table(way: str, answers: list[tuple[Question, list[str]]]) -> Table:
    table = Table("questions", "asked", "first", "in five", "MRR", title=way, min_width=60)
    for split in FLOORS:
        kinds = sorted({q.kind for q, _ in answers if q.split == split})
        for kind in [*kinds, None]:
            ranks = _ranks(answers, split, kind)
            first, five, mean = _figures(ranks)
            label = f"{split} {kind or 'all'}"
            figures = (str(len(ranks)), f"{first:.1%}", f"{five:.1%}", f"{mean:.3f}")
            table.add_row(label, *figures, style=None if kind else "bold")
        table.add_section()
    return table


def _ranks(
    answers: list[tuple[Question, list[str]]], split: str, kind: str | None
) -> list[int | None]:
    return [
        question.rank(names)
        for question, names in answers
        if question.split == split and kind in (None, question.kind)
    ]


def _figures(ranks: list[int | None]) -> tuple[float, float, float]:
    """Shares answered first and in the first five, and the mean reciprocal rank."""
    asked = max(1, len(ranks))
    found = [rank for rank in ranks if rank]
    first = sum(rank == 1 for rank in found) / asked
    five = sum(rank <= 5 for rank in found) / asked
    return first, five, sum(1 / rank for rank in found) / asked


def _print_misses(console: Console, answers: list[tuple[Question, list[str]]]) -> None:
    for question, names in answers:
        if question.split == "tuning" and question.rank(names) != 1:
            console.print(
                f"{question.rank(names)} {question.q} {question.accept}: {names[:3]}",
                markup=False,
                highlight=False,
                soft_wrap=True,
            )


def _judge(console: Console, answers: list[tuple[Question, list[str]]]) -> int:
    missed = 0
    for split, floor in FLOORS.items():
        first, five, _ = _figures(_ranks(answers, split, None))
        if first < floor[0] or five < floor[1]:
            console.print(f"[red]{split}: {first:.1%} and {five:.1%} are below {floor}[/]")
            missed = 1
    return missed


if __name__ == "__main__":
    sys.exit(main())
