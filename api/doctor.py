"""Says what is wrong with a machine or a configuration, and how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from msgspec import Struct
from rich.table import Table

from api.cache import RedisAway, open_cache
from api.channels import try_channels
from api.database import DATABASE_AWAY, open_connection
from api.embedded import binaries_work
from api.files import open_files
from api.migrations import MIGRATIONS
from api.settings import Settings

_LEAST_FREE_BYTES = 3 * 1024**3


class Check(Struct, frozen=True):
    """One look: what was looked at, how it stands, and how to mend it where it is not well."""

    subject: str
    state: Literal["well", "warning", "wrong"]
    words: str
    mend: str = ""


async def examine(settings: Settings) -> list[Check]:
    """Every check, in the order in which one would mend."""
    looks: list[Callable[[Settings], Awaitable[Check]]] = [
        _python,
        _folder,
        _space,
        _port,
        _database,
        _schema,
        _redis,
        _files,
        _secrets,
        _channels,
    ]
    return [await look(settings) for look in looks]


def draw_checks(checks: list[Check]) -> Table:
    """The checks as a table for the terminal."""
    colours = {"well": "green", "warning": "yellow", "wrong": "red"}
    table = Table("looked at", "state", "found", "how to mend")
    for check in checks:
        state = f"[{colours[check.state]}]{check.state}[/]"
        table.add_row(check.subject, state, check.words, check.mend)
    return table


async def _python(_settings: Settings) -> Check:
    # An older Python does not come so far: `tools/make_venv.py` refuses it.
    return Check("python", "well", ".".join(map(str, sys.version_info[:3])))


async def _folder(settings: Settings) -> Check:
    path = settings.data_path
    parent = next(p for p in (path, *path.parents) if p.exists())
    if not os.access(parent, os.W_OK):
        return Check("data folder", "wrong", f"{parent} cannot be written", "set DATA_DIR")
    return Check("data folder", "well", str(path))


async def _space(settings: Settings) -> Check:
    parent = next(p for p in (settings.data_path, *settings.data_path.parents) if p.exists())
    free = shutil.disk_usage(parent).free
    words = f"{free / 1024**3:.1f} GiB free"
    if free < _LEAST_FREE_BYTES:
        return Check("disk", "warning", words, "free some space: 3 GiB are comfortable")
    return Check("disk", "well", words)


async def _port(settings: Settings) -> Check:
    with socket.socket() as probe:
        taken = probe.connect_ex((settings.host, settings.port)) == 0
    if taken:
        mend = "fine if that is this service; else stop it or choose another PORT"
        return Check("port", "warning", f"{settings.port} is in use", mend)
    return Check("port", "well", f"{settings.port} is free")


async def _database(settings: Settings) -> Check:
    if not settings.database_url:
        fault = binaries_work()
        if fault:
            return Check("postgresql", "wrong", fault, "`make clean && make run` installs it anew")
        return Check("postgresql", "well", "embedded; started by `make run`")
    try:
        version = await _ask(settings.database_url, "show server_version_num")
    except DATABASE_AWAY as error:
        mend = "is the server up, and does DATABASE_URL name host, port, user and database?"
        return Check("postgresql", "wrong", type(error).__name__, mend)
    if int(version) < 160000:
        return Check("postgresql", "wrong", f"version {version}", "use PostgreSQL 16 or newer")
    return Check("postgresql", "well", f"version {int(version) // 10000}")


async def _schema(settings: Settings) -> Check:
    if not settings.database_url:
        return Check("schema", "well", "migrated by `make run`")
    wanted = {path.name.split("_")[0] for path in MIGRATIONS.glob("*.sql")}
    try:
        text = "select string_agg(version, ',') from schema_migrations"
        applied = set((await _ask(settings.database_url, text) or "").split(","))
    except DATABASE_AWAY:
        applied = set()
    missing = len(wanted - applied)
    if missing:
        words = f"{missing} migrations are missing"
        return Check("schema", "wrong", words, "`python -m api migrate`")
    return Check("schema", "well", f"{len(wanted)} migrations applied")


async def _redis(settings: Settings) -> Check:
    if settings.redis_url == "off":
        return Check("redis", "warning", "off", "right but slower; set REDIS_URL")
    if not settings.redis_url:
        return Check("redis", "well", "embedded; started by `make run`")
    cache = await open_cache(settings.redis_url, settings)
    try:
        await cache.door.call(lambda client: client.ping())
    except RedisAway:
        mend = "everything works without it, slower; is the server up, is REDIS_URL right?"
        return Check("redis", "warning", "does not answer", mend)
    finally:
        await cache.close()
    return Check("redis", "well", "answers")


async def _files(settings: Settings) -> Check:
    try:
        await open_files(settings.files_address).exists("0" * 64)
    except Exception as error:  # noqa: BLE001 (any store's own error is the finding)
        return Check("files", "wrong", type(error).__name__, "is FILES_URL right and reachable?")
    return Check("files", "well", settings.files_address.split("?")[0])


async def _secrets(settings: Settings) -> Check:
    key = settings.data_path / "secret_key"
    if not settings.secret_key and not key.exists():
        return Check("secret key", "well", "will be made in the data folder")
    if key.exists() and _mode(key) & 0o077:
        return Check("secret key", "wrong", "others may read it", f"chmod 600 {key}")
    return Check("secret key", "well", "set" if settings.secret_key else "in the data folder")


async def _channels(settings: Settings) -> Check:
    path = settings.channels_path
    if not path.exists():
        mend = "`make run` makes simulated ones; for real ones write the file of CHANNELS_FILE"
        return Check("channels", "warning", "no channels file: nobody can sign in", mend)
    if _mode(path) & 0o077:
        return Check("channels", "wrong", "others may read the channels file", f"chmod 600 {path}")
    names, faults = await try_channels(settings)
    if faults:
        words = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
        return Check("channels", "wrong", words, f"mend {path}; see docs/channels/README.md")
    return Check("channels", "well", ", ".join(names) or "the file names none")


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


async def _ask(url: str, text: str) -> str:
    async with open_connection(url) as connection:
        return str(await connection.fetchval(text) or "")
