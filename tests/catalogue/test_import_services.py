"""Importing: good lines kept, bad ones named, a killed import goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from api.catalogue import import_services, queries
from api.catalogue.demonstration.plant_demonstration import plant_demonstration
from api.catalogue.import_services import Imported, import_file
from api.catalogue.schemas import FileReference, Guide
from api.database import open_connection
from api.seeding import SEEDS_FOLDER

TODAY = date(2026, 11, 22)
REAL = SEEDS_FOLDER / "service_items.jsonl"


def quiet(_done: int, _total: int, /) -> None:
    """Nobody watches."""


def guides(count: int) -> list[Guide]:
    """Whole guides, all different."""
    file = FileReference("表.pdf", "application/pdf", 1, "0" * 64)
    places = [("440000000000", "广东省", "province", None)]
    first = next(plant_demonstration(places, lambda *_: (file, file), lambda *_: file, TODAY))
    return [
        structs.replace(first, service_code=f"{first.service_code[:19]}{number:012d}")
        for number in range(count)
    ]


def write(path: Path, lines: list[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


async def bring_in(url: str, path: Path, progress: Callable[..., Any] = quiet) -> Imported:
    async with open_connection(url) as connection:
        return await import_file(connection, path, today=TODAY, progress=progress)


async def ask(url: str, text: str) -> Any:
    async with open_connection(url) as connection:
        return await connection.fetchval(text)


async def test_every_real_row_comes_in(clean_database_url: str) -> None:
    done = await bring_in(clean_database_url, REAL)
    assert (done.kept, done.refused) == (3397, 0)
    assert await ask(clean_database_url, "select count(*) from services") == 3397
    assert await ask(clean_database_url, "select count(distinct local_code) from services") == 3397


async def test_bad_lines_are_named_and_the_good_ones_kept(
    clean_database_url: str, tmp_path: Path
) -> None:
    good = [msgspec.json.encode(guide) for guide in guides(3)]
    nameless = msgspec.json.encode({**msgspec.to_builtins(guides(4)[3]), "name": ""})
    lines = [good[0], b"{not json", good[1], b"", nameless, b"\xff\xfe", b'{"a":1}', good[2]]
    done = await bring_in(clean_database_url, write(tmp_path / "items.ndjson", lines))
    assert (done.lines, done.kept, done.refused) == (8, 3, 4)
    async with open_connection(clean_database_url) as connection:
        faults = await queries.list_import_faults(connection, import_id=done.import_id, limit=10)
    assert [fault.line_number for fault in faults] == [2, 5, 6, 7]
    assert faults[1].field == "name"
    assert all(fault.reason for fault in faults)


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"source": "nobody/knows@1"}, "source"),
        ({"type_code": "77"}, "type_code"),
        ({"area": "44"}, "area"),
        ({"legal_days": -1}, "legal_days"),
    ],
)
async def test_a_row_that_cannot_be_mapped_says_which_field(
    clean_database_url: str, tmp_path: Path, row: dict[str, Any], field: str
) -> None:
    real = msgspec.json.decode(REAL.read_bytes().splitlines()[2000])
    path = write(tmp_path / "items.ndjson", [msgspec.json.encode({**real, **row})])
    done = await bring_in(clean_database_url, path)
    async with open_connection(clean_database_url) as connection:
        faults = await queries.list_import_faults(connection, import_id=done.import_id, limit=10)
    assert [fault.field for fault in faults] == [field]


async def test_a_killed_import_goes_on_after_its_last_batch(
    clean_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_services, "BATCH_LINES", 10)
    path = write(tmp_path / "items.ndjson", [msgspec.json.encode(g) for g in guides(35)])

    class Killed(Exception):
        pass

    batches = 0

    def kill(_done: int, _total: int, /) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise Killed

    with pytest.raises(Killed):
        await bring_in(clean_database_url, path, kill)
    assert await ask(clean_database_url, "select count(*) from services") == 20
    done = await bring_in(clean_database_url, path)
    assert (done.resumed_at_line, done.lines, done.kept) == (20, 35, 35)
    assert await ask(clean_database_url, "select count(*) from service_versions") == 35


async def test_a_finished_file_is_not_read_twice(clean_database_url: str, tmp_path: Path) -> None:
    path = write(tmp_path / "items.ndjson", [msgspec.json.encode(g) for g in guides(2)])
    await bring_in(clean_database_url, path)
    done = await bring_in(clean_database_url, path)
    assert done.already_finished
    assert await ask(clean_database_url, "select count(*) from service_versions") == 2


async def test_a_code_named_again_is_a_later_version(
    clean_database_url: str, tmp_path: Path
) -> None:
    first = guides(1)[0]
    again = structs.replace(first, keywords=["后来的叫法"])
    path = write(tmp_path / "items.ndjson", [msgspec.json.encode(g) for g in (first, again)])
    done = await bring_in(clean_database_url, path)
    assert done.kept == 2
    assert await ask(clean_database_url, "select version from services") == 2


async def test_a_code_of_another_local_item_is_not_taken_over(
    clean_database_url: str, tmp_path: Path
) -> None:
    first = structs.replace(guides(1)[0], local_code="A-1")
    await bring_in(clean_database_url, write(tmp_path / "1.ndjson", [msgspec.json.encode(first)]))
    other = structs.replace(first, local_code="B-2", name="另一个事项")
    path = write(tmp_path / "2.ndjson", [msgspec.json.encode(other)])
    done = await bring_in(clean_database_url, path)
    assert (done.kept, done.refused) == (0, 1)
    assert await ask(clean_database_url, "select local_code from services") == "A-1"


async def test_a_line_without_end_is_refused_in_bounded_memory(
    clean_database_url: str, tmp_path: Path
) -> None:
    path = write(tmp_path / "items.ndjson", [b"x" * 3_000_000, msgspec.json.encode(guides(1)[0])])
    done = await bring_in(clean_database_url, path)
    assert (done.lines, done.kept, done.refused) == (2, 1, 1)
