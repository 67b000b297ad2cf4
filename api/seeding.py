"""Plants what a fresh database needs, once: regions, synonyms, the demonstration, real items.

Each seed is known by the digest of its files, so a second start passes over what
stands already and a changed file is planted again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from api.files import Files
from api.progress import Advance, progress
from api.settings import PROJECT
from api.statements import Connection, Statements

SEEDS_FOLDER = PROJECT / "sql" / "seeds"

_statements = Statements("seeds")
_find_seed = _statements.value("find_seed", bytes)
_note_seed = _statements.execute("note_seed")


class Ground(Struct, frozen=True):
    """What a seed is planted into."""

    connection: Connection
    files: Files


class Seed(Struct, frozen=True):
    """A seed: its files under `sql/seeds`, and what plants it, giving a line about what it did."""

    name: str
    title: str
    paths: tuple[str, ...]
    plant: Callable[[Ground, Advance], Awaitable[str]]


async def plant_seeds(ground: Ground, seeds: Sequence[Seed], *, say: Callable[[str], Any]) -> None:
    """Plant what is new or changed, in order, each with its progress."""
    for seed in seeds:
        digest = _digest(seed.paths)
        if await _find_seed(ground.connection, name=seed.name) == digest:
            continue
        with progress(seed.title) as advance:
            told = await seed.plant(ground, advance)
        await note_planted(ground, seed)
        say(f"  {seed.title}: {told}")


async def note_planted(ground: Ground, seed: Seed) -> None:
    """Say that what the seed's files hold stands in the database."""
    await _note_seed(ground.connection, name=seed.name, digest=_digest(seed.paths))


def _digest(paths: Sequence[str]) -> bytes:
    digest = hashlib.sha256()
    for path in paths:
        place = SEEDS_FOLDER / path
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file():
                digest.update(_content(file))
    return digest.digest()


def _content(file: Path) -> bytes:
    return file.name.encode() + file.read_bytes()
