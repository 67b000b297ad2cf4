"""`python -m api rotate-keys`: new keys, and everything sealed sealed anew under them.

Every sealed column of every table stands in `SEALED`; a test compares it with the schema.
Rows are done in batches, each a short transaction that also notes how far it came: a
rotation that was killed goes on from there, with the keys it had made. Servers go on
running meanwhile: old keys open what is not done yet, and a row that a server writes
during the first pass under an old key is found by the second. A key that nothing uses
any more is retired, and destroyed by a rotation at least a day later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeAlias

from msgspec import Struct

from api.database import Database, open_connection, open_database
from api.key_provider import KeyProvider, KeysWrong, Wrapped, open_key_provider
from api.progress import Advance
from api.settings import Settings
from api.statements import Connection, Statements
from api.vault import (
    REFRESH_SECONDS,
    KeyRow,
    SealBroken,
    Vault,
    about_key,
    algorithms_of,
    make_key,
    open_vault,
)

BATCH_ROWS = 200
# After this every process has looked at the list of keys, and seals with the newest.
SETTLE_SECONDS = REFRESH_SECONDS + 5

Watch: TypeAlias = Callable[[str], AbstractContextManager[Advance]]


class SealedColumn(Struct, frozen=True):
    """A column of sealed values; `key` is the primary key and what the values are bound to.

    `index` names the column with their blind index, and `purpose` what it is made for;
    `per` a column that the purpose goes on with: `open_id:wechat`.
    """

    table: str
    key: str
    column: str
    index: str | None = None
    purpose: str = ""
    per: str | None = None


SEALED: tuple[SealedColumn, ...] = (
    SealedColumn("citizens", "citizen_id", "name_sealed"),
    SealedColumn("citizens", "citizen_id", "id_number_sealed", "id_number_index", "id_number"),
    SealedColumn("citizens", "citizen_id", "phone_sealed"),
    SealedColumn(
        "channel_links", "link_id", "open_id_sealed", "open_id_index", "open_id", per="channel"
    ),
    SealedColumn("channel_links", "link_id", "union_id_sealed"),
    SealedColumn("identity_checks", "check_id", "name_sealed"),
    SealedColumn("identity_checks", "check_id", "id_number_sealed"),
    SealedColumn("channel_tokens", "name", "sealed", "digest", "channel token"),
    SealedColumn("cases", "case_no", "form_sealed"),
    SealedColumn("cases", "case_no", "applicant_sealed"),
    SealedColumn("uploads", "upload_id", "content_key_sealed"),
    SealedColumn("payment_notices", "notice_key", "content_sealed"),
    SealedColumn("receipt_payers", "receipt_id", "payer_sealed"),
    SealedColumn("platform_keys", "key_id", "secret_sealed"),
    SealedColumn("webhooks", "webhook_id", "secret_sealed"),
    SealedColumn("clerks", "user_name", "totp_sealed"),
)


class _Rotation(Struct, frozen=True):
    rotation_id: int
    seal_key_id: int
    index_key_id: int


class _ColumnState(Struct, frozen=True):
    after_row: str
    rows_done: int
    finished: bool


_statements = Statements("key_rotation")
_list_keys = _statements.many("list_keys", KeyRow)
_lock_keys = _statements.execute("lock_keys")
_try_rotation = _statements.value("try_rotation", bool)
_rewrap_key = _statements.execute("rewrap_key")
_retire_keys = _statements.execute("retire_keys")
_revive_keys = _statements.execute("revive_keys")
_destroy_keys = _statements.execute("destroy_keys")
_find_rotation = _statements.optional("find_rotation", _Rotation)
_start_rotation = _statements.optional("start_rotation", _Rotation)
_finish_rotation = _statements.execute("finish_rotation")
_find_rotation_column = _statements.optional("find_rotation_column", _ColumnState)
_advance_rotation_column = _statements.execute("advance_rotation_column")


class Rotated(Struct, frozen=True):
    """What a rotation did. `broken` values did not open and were left as they are."""

    rows: int
    broken: int
    retired: int
    destroyed: int


async def rotate_keys(
    settings: Settings,
    watch: Watch,
    *,
    new_key_encryption_key: bool = False,
    settle_seconds: float = SETTLE_SECONDS,
    sealed: tuple[SealedColumn, ...] = SEALED,
) -> Rotated:
    """Rotate, or go on with the rotation that was interrupted. Raises KeysWrong."""
    provider = open_key_provider(settings)
    async with _opened(settings) as (database, vault, connection):
        if not await _try_rotation(connection):
            raise KeysWrong("another rotation is running; its progress is kept")
        if new_key_encryption_key:
            await _rewrap(database, provider)
        rotation = await _begin(settings, database, provider, connection)
        await vault.refresh()
        rows = broken = 0
        for column in sealed:
            done, bad = await _rotate_column(connection, vault, rotation, column, watch)
            rows, broken = rows + done, broken + bad
        await asyncio.sleep(settle_seconds)
        for column in sealed:
            done, _ = await _sweep(connection, vault, rotation, column, after="")
            rows += done
        return await _finish(connection, rotation, sealed, rows, broken)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Database, Vault, Any]]:
    database = await open_database(settings.database_url, settings)
    try:
        vault = await open_vault(settings, database)
        try:
            async with open_connection(settings.database_url) as connection:
                yield database, vault, connection
        finally:
            await vault.close()
    finally:
        await database.close()


async def _rewrap(database: Database, provider: KeyProvider) -> None:
    """Wrap every data key under a new key-encryption key; the data stay as they are."""
    await provider.renew()
    for row in await database.read(_list_keys):
        about = about_key(row.key_id, row.purpose, row.algorithm)
        key = await provider.unwrap(Wrapped(row.wrapped_by, row.wrapped), about)
        wrapped = await provider.wrap(key, about)
        async with database.connection() as connection:
            await _rewrap_key(
                connection,
                key_id=row.key_id,
                wrapped_by=wrapped.wrapped_by,
                wrapped=wrapped.wrapped,
            )


async def _begin(
    settings: Settings, database: Database, provider: KeyProvider, connection: Connection
) -> _Rotation:
    going = await _find_rotation(connection)
    seal_algorithm, index_algorithm = algorithms_of(settings)
    if going is not None:
        algorithms = {key.key_id: key.algorithm for key in await _list_keys(connection)}
        if algorithms.get(going.seal_key_id) == seal_algorithm:
            return going
        # FIELD_ALGORITHM has changed since: what was begun leads nowhere.
        await _finish_rotation(connection, rotation_id=going.rotation_id)
    seal_key_id = await make_key(database, provider, "seal", seal_algorithm)
    index_key_id = await make_key(database, provider, "index", index_algorithm)
    rotation = await _start_rotation(connection, seal_key_id=seal_key_id, index_key_id=index_key_id)
    if rotation is None:
        raise LookupError("an insert gives a row")
    return rotation


async def _rotate_column(
    connection: Any, vault: Vault, rotation: _Rotation, column: SealedColumn, watch: Watch
) -> tuple[int, int]:
    """The first pass over a column, from where it was left; gives rows done and broken."""
    state = await _find_rotation_column(
        connection,
        rotation_id=rotation.rotation_id,
        table_name=column.table,
        column_name=column.column,
    )
    if state is None:
        raise LookupError("an upsert gives a row")
    if state.finished:
        return 0, 0
    total = await connection.fetchval(
        f'select count(*) from "{column.table}" where "{column.column}" is not null'
    )
    with watch(f"{column.table}.{column.column}") as advance:
        return await _sweep(
            connection,
            vault,
            rotation,
            column,
            after=state.after_row,
            advance=lambda done: advance(state.rows_done + done, total),
        )


async def _sweep(
    connection: Any,
    vault: Vault,
    rotation: _Rotation,
    column: SealedColumn,
    *,
    after: str,
    advance: Callable[[int], None] = lambda _done: None,
) -> tuple[int, int]:
    done = broken = 0
    while True:
        async with connection.transaction():
            rows = await connection.fetch(_select(column), after, *_wanted(rotation, column))
            resealed, indexes = _reseal(vault, column, rows)
            keys = list(resealed)
            await connection.execute(
                _update(column), keys, list(resealed.values()), [indexes[k] for k in keys]
            )
            after = rows[-1][0] if rows else after
            await _advance_rotation_column(
                connection,
                rotation_id=rotation.rotation_id,
                table_name=column.table,
                column_name=column.column,
                after_row=after,
                rows=len(resealed),
                finished=not rows,
            )
        done, broken = done + len(resealed), broken + len(rows) - len(resealed)
        advance(done)
        if not rows:
            return done, broken


def _reseal(
    vault: Vault, column: SealedColumn, rows: list[Any]
) -> tuple[dict[str, bytes], dict[str, bytes | None]]:
    resealed: dict[str, bytes] = {}
    indexes: dict[str, bytes | None] = {}
    for key, sealed, index, per in rows:
        place = {"table": column.table, "column": column.column, "row": key}
        try:
            value = vault.open(sealed, **place)
        except SealBroken:
            continue
        resealed[key] = vault.seal(value, **place)
        # A value without an index is one that nobody is to be found by.
        wanted = column.index is not None and index is not None
        purpose = column.purpose if per is None else f"{column.purpose}:{per}"
        indexes[key] = vault.index(value.decode(), purpose=purpose) if wanted else None
    return resealed, indexes


# The names in these come from SEALED alone.


def _select(column: SealedColumn) -> str:
    index = f'"{column.index}"' if column.index else "null::bytea"
    per = f'"{column.per}"' if column.per else "null::text"
    stale = f'substring("{column.column}" from 3 for 4) <> $2'
    if column.index:
        stale = f"({stale} or substring({index} from 1 for 4) <> $3)"
    return (
        f'select "{column.key}", "{column.column}", {index}, {per} from "{column.table}"'
        f' where "{column.key}" > $1 and "{column.column}" is not null and {stale}'
        f' order by "{column.key}" limit {BATCH_ROWS} for no key update'
    )


def _wanted(rotation: _Rotation, column: SealedColumn) -> list[bytes]:
    numbers = [rotation.seal_key_id, *([rotation.index_key_id] if column.index else [])]
    return [number.to_bytes(4, "big") for number in numbers]


def _update(column: SealedColumn) -> str:
    index = f', "{column.index}" = new.index' if column.index else ""
    return (
        f'update "{column.table}" old set "{column.column}" = new.sealed{index}'
        " from unnest($1::text[], $2::bytea[], $3::bytea[]) as new (key, sealed, index)"
        f' where old."{column.key}" = new.key'
    )


async def _finish(
    connection: Any,
    rotation: _Rotation,
    sealed: tuple[SealedColumn, ...],
    rows: int,
    broken: int,
) -> Rotated:
    async with connection.transaction():
        await _lock_keys(connection)
        used = {rotation.seal_key_id, rotation.index_key_id}
        for column in sealed:
            used |= await _used(connection, column.table, column.column, start=3)
            if column.index:
                used |= await _used(connection, column.table, column.index, start=1)
        await _revive_keys(connection, used=sorted(used))
        destroyed = await _destroy_keys(connection, used=sorted(used))
        retired = await _retire_keys(connection, used=sorted(used))
        await _finish_rotation(connection, rotation_id=rotation.rotation_id)
    return Rotated(rows, broken, retired, destroyed)


async def _used(connection: Any, table: str, column: str, *, start: int) -> set[int]:
    found = await connection.fetch(
        f'select distinct substring("{column}" from {start} for 4) from "{table}"'
        f' where "{column}" is not null'
    )
    return {int.from_bytes(record[0], "big") for record in found}
