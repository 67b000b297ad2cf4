"""Loads the five levels of regions from the statistical list, by COPY.

The list gives code, name, level and the parent by code. What people call the
parent differs: pseudo-cities (市辖区, 县, 省直辖县级行政区划 …) and counties that
only repeat their city are skipped, and their children move up.
"""

from __future__ import annotations

import csv
import lzma
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from api.progress import Advance
from api.regions.schemas import LEVELS
from api.seeding import SEEDS_FOLDER, Ground, Seed

FILE = "regions.csv.xz"

_PSEUDO_CITIES = frozenset({"市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_BATCH = 20_000
_COLUMNS = [
    "code",
    "name",
    "level",
    "parent_code",
    "statistical_parent_code",
    "pseudo",
    "ancestors",
    "children_count",
]


class Entry(Struct):
    """One line of the statistical list, and what is worked out from it."""

    code: str
    name: str
    level: int
    statistical_parent_code: str | None
    pseudo: bool = False
    parent_code: str | None = None
    ancestors: list[str] = []
    children_count: int = 0


async def plant_regions(ground: Ground, advance: Advance) -> str:
    """Replace all regions with those of the statistical list."""
    return await load_regions(ground, advance, SEEDS_FOLDER / FILE)


async def load_regions(ground: Ground, advance: Advance, source: Path) -> str:
    """Replace all regions in one transaction; `source` is CSV, compressed where it ends in .xz."""
    connection = ground.connection
    entries, folded = arrange(_read(source))
    rows = [tuple(getattr(entry, column) for column in _COLUMNS) for entry in entries]
    async with connection.transaction():
        await connection.execute("truncate regions")
        for start in range(0, len(rows), _BATCH):
            await connection.copy_records_to_table(
                "regions", records=rows[start : start + _BATCH], columns=_COLUMNS
            )
            advance(min(start + _BATCH, len(rows)), len(rows))
    await connection.execute("analyze regions")
    return (
        f"{len(entries) + folded:,} rows read, {len(entries):,} regions "
        f"({folded} rows repeat the code of a larger region and are folded into it)"
    )


def arrange(lines: Iterator[Entry]) -> tuple[list[Entry], int]:
    """Work out parents, ancestors and counts; parents come before their children."""
    entries: dict[str, Entry] = {}
    folded = 0
    for entry in lines:
        if entry.code in entries:
            # A city without counties repeats its code one level down (东莞市, 中山市, 儋州市).
            folded += 1
            continue
        entries[entry.code] = entry
    for entry in entries.values():
        _place(entry, entries)
    return list(entries.values()), folded


def _place(entry: Entry, entries: dict[str, Entry]) -> None:
    above = entries.get(entry.statistical_parent_code or "")
    entry.pseudo = entry.name in _PSEUDO_CITIES or (
        entry.level == 3 and above is not None and above.name == entry.name
    )
    while above is not None and above.pseudo:
        above = entries.get(above.statistical_parent_code or "")
    if above is None:
        return
    entry.parent_code = above.code
    entry.ancestors = [*above.ancestors, above.code]
    if not entry.pseudo:
        above.children_count += 1


def _read(source: Path) -> Iterator[Entry]:
    levels: dict[str, int] = {name: number for number, name in enumerate(LEVELS, start=1)}
    opened = lzma.open if source.suffix == ".xz" else open
    with opened(source, "rt", encoding="utf-8-sig", newline="") as file:
        found = sorted(csv.DictReader(file), key=lambda line: (levels[line["level"]], line["code"]))
    for line in found:
        yield Entry(line["code"], line["name"], levels[line["level"]], line["parent_code"] or None)


SEED = Seed("regions", "行政区划 Regions", (FILE,), plant_regions)
