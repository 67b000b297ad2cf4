"""Rotation: nothing sealed stays under an old key, whoever dies and whoever writes meanwhile."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.database import Database
from api.key_provider import KeysWrong
from api.progress import Advance
from api.rotate_keys import SEALED, Rotated, rotate_keys
from api.settings import PROJECT, Settings
from api.vault import Vault, key_id_of, open_vault


@contextmanager
def watch(_title: str) -> Iterator[Advance]:
    yield lambda _done, _total: None


@pytest.fixture
def clean_settings(
    make_settings: Callable[..., Settings], clean_database_url: str, tmp_path: Path
) -> Settings:
    return make_settings(database_url=clean_database_url, keys_file=str(tmp_path / "keys.json"))


@pytest.fixture
async def vault(clean_settings: Settings, clean_database: Database) -> AsyncIterator[Vault]:
    vault = await open_vault(clean_settings, clean_database)
    yield vault
    await vault.close()


async def plant(database: Database, vault: Vault, count: int) -> None:
    """Citizens with a name and one link each, sealed as the service seals them."""
    keys = [f"{number:032x}" for number in range(count)]
    async with database.transaction() as connection:
        await connection.execute(
            "insert into citizens (citizen_id, name_sealed)"
            " select * from unnest($1::text[], $2::bytea[])",
            keys,
            [vault.seal(f"name {k}", table="citizens", column="name_sealed", row=k) for k in keys],
        )
        await connection.execute(
            "insert into channel_links"
            " (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed)"
            " select key, key, 'wechat', 'app', index, sealed"
            " from unnest($1::text[], $2::bytea[], $3::bytea[]) as given (key, index, sealed)",
            keys,
            [vault.index(f"open {k}", purpose="open_id:wechat") for k in keys],
            [
                vault.seal(f"open {k}", table="channel_links", column="open_id_sealed", row=k)
                for k in keys
            ],
        )


async def look(database: Database) -> list[Any]:
    async with database.connection() as connection:
        return await connection.fetch(
            "select citizen_id, name_sealed, open_id_index, open_id_sealed"
            " from citizens join channel_links using (citizen_id) order by citizen_id"
        )


async def rotate(settings: Settings, **given: Any) -> Rotated:
    return await rotate_keys(settings, watch, settle_seconds=0, **given)


def whole(row: Any, vault: Vault) -> bool:
    key = row["citizen_id"]
    name = vault.open_text(row["name_sealed"], table="citizens", column="name_sealed", row=key)
    opened = vault.open_text(
        row["open_id_sealed"], table="channel_links", column="open_id_sealed", row=key
    )
    return (name, opened) == (f"name {key}", f"open {key}") and row["open_id_index"] in (
        vault.indexes(f"open {key}", purpose="open_id:wechat")
    )


async def test_everything_is_sealed_anew_and_found_by_the_new_index(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 450)
    before = await look(clean_database)
    done = await rotate(clean_settings)
    assert (done.rows, done.broken, done.retired) == (900, 0, 2)
    after = await look(clean_database)
    # A running process, which has heard nothing, reads on.
    assert all(whole(row, vault) for row in after)
    await vault.refresh()
    newest = vault.keys.sealing.key_id
    assert {key_id_of(row["name_sealed"]) for row in after} == {newest}
    for old, new in zip(before, after, strict=True):
        assert old["open_id_index"] != new["open_id_index"]
        key = new["citizen_id"]
        assert new["open_id_index"] == vault.index(f"open {key}", purpose="open_id:wechat")


def start_rotation(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "api", "rotate-keys"],
        cwd=PROJECT,
        env={
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "KEYS_FILE": settings.keys_file,
            "DATA_DIR": settings.data_dir,
        },
        stderr=subprocess.DEVNULL,
    )


async def until(database: Database, question: str) -> None:
    """Wait until the database answers yes."""
    began = time.monotonic()
    answer = False
    while not answer:
        assert time.monotonic() - began < 60
        await asyncio.sleep(0.005)
        async with database.connection() as connection:
            answer = await connection.fetchval(question)


async def test_a_rotation_killed_in_the_middle_goes_on(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 6000)
    process = start_rotation(clean_settings)
    try:
        await until(clean_database, "select sum(rows_done) > 0 from key_rotation_columns")
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    rows = await look(clean_database)
    keys = {key_id_of(r[c]) for r in rows for c in ("name_sealed", "open_id_sealed")}
    assert len(keys) == 2, "killed in the middle"
    assert all(whole(row, vault) for row in rows)

    done = await rotate(clean_settings)
    assert 0 < done.rows < 12_000
    rows = await look(clean_database)
    assert all(whole(row, vault) for row in rows)
    assert {key_id_of(r[c]) for r in rows for c in ("name_sealed", "open_id_sealed")} == {max(keys)}
    async with clean_database.connection() as connection:
        assert await connection.fetchval("select count(*) from key_rotations") == 1


async def test_what_is_written_meanwhile_under_an_old_key_is_found(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 10)
    going = asyncio.create_task(rotate_keys(clean_settings, watch, settle_seconds=1))
    await until(
        clean_database,
        "select count(*) > 0 from key_rotation_columns"
        " where table_name = 'citizens' and finished_at is not null",
    )
    async with clean_database.connection() as connection:
        place = {"table": "citizens", "column": "name_sealed", "row": f"{3:032x}"}
        await connection.execute(
            "update citizens set name_sealed = $2 where citizen_id = $1",
            place["row"],
            vault.seal("late", **place),
        )
    await going
    row = (await look(clean_database))[3]
    assert vault.open_text(row["name_sealed"], **place) == "late"
    await vault.refresh()
    assert key_id_of(row["name_sealed"]) == vault.keys.sealing.key_id


async def test_an_old_key_is_destroyed_a_day_after_nothing_used_it(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 3)
    assert (await rotate(clean_settings)).destroyed == 0
    async with clean_database.connection() as connection:
        await connection.execute("update data_keys set retired_at = retired_at - interval '2 days'")
    assert (await rotate(clean_settings)).destroyed == 2
    assert len(await look(clean_database)) == 3
    await vault.refresh()
    assert all(whole(row, vault) for row in await look(clean_database))


async def test_a_retired_key_that_is_used_again_comes_back(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 3)
    await rotate(clean_settings)
    # A straggler: it seals with what it knows.
    place = {"table": "citizens", "column": "name_sealed", "row": f"{0:032x}"}
    async with clean_database.connection() as connection:
        await connection.execute(
            "update citizens set name_sealed = $2 where citizen_id = $1",
            place["row"],
            vault.seal(f"name {place['row']}", **place),
        )
        await connection.execute("update data_keys set retired_at = retired_at - interval '2 days'")
    await rotate(clean_settings)
    assert all(whole(row, vault) for row in await look(clean_database))


async def test_a_value_that_does_not_open_is_counted_and_left(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 3)
    async with clean_database.connection() as connection:
        await connection.execute(
            "update citizens set name_sealed = (select name_sealed from citizens"
            " where citizen_id = $1) where citizen_id = $2",
            f"{0:032x}",
            f"{1:032x}",
        )
    done = await rotate(clean_settings)
    assert done.broken == 1
    assert done.rows == 5
    async with clean_database.connection() as connection:
        kept = await connection.fetchval(
            "select count(*) from data_keys where retired_at is null and purpose = 'seal'"
        )
    assert kept == 2


async def test_a_new_key_encryption_key_wraps_every_data_key(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 3)
    async with clean_database.connection() as connection:
        old = await connection.fetchval("select min(wrapped_by) from data_keys")
        await rotate(clean_settings, new_key_encryption_key=True)
        wrapping = await connection.fetch("select distinct wrapped_by from data_keys")
    assert len(wrapping) == 1
    assert wrapping[0][0] != old
    fresh = await open_vault(clean_settings, clean_database)
    assert all(whole(row, fresh) for row in await look(clean_database))
    await fresh.close()


async def test_two_rotations_do_not_run_at_once(
    vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    first = asyncio.create_task(rotate_keys(clean_settings, watch, settle_seconds=2))
    await until(clean_database, "select count(*) > 0 from key_rotations")
    with pytest.raises(KeysWrong, match="another rotation"):
        await rotate(clean_settings)
    await first


async def test_the_algorithm_can_be_changed_by_a_rotation(
    make_settings: Any, vault: Vault, clean_settings: Settings, clean_database: Database
) -> None:
    await plant(clean_database, vault, 5)
    chinese = make_settings(
        database_url=clean_settings.database_url,
        keys_file=clean_settings.keys_file,
        field_algorithm="sm4-gcm",
    )
    await rotate(chinese)
    rows = await look(clean_database)
    assert {row["name_sealed"][1] for row in rows} == {2}
    assert all(whole(row, vault) for row in rows)


async def test_every_sealed_column_is_registered(clean_database: Database) -> None:
    async with clean_database.connection() as connection:
        columns = {
            (record[0], record[1])
            for record in await connection.fetch(
                "select table_name::text, column_name::text from information_schema.columns"
                " where table_schema = 'public' and data_type = 'bytea'"
                " and column_name like '%sealed'"
            )
        }
        keys = {
            (record[0], record[1])
            for record in await connection.fetch(
                "select table_name::text, column_name::text"
                " from information_schema.key_column_usage natural join"
                " information_schema.table_constraints"
                " where constraint_type = 'PRIMARY KEY'"
            )
        }
    assert {(column.table, column.column) for column in SEALED} == columns
    assert {(column.table, column.key) for column in SEALED} <= keys
