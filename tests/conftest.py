"""Real servers for every test: PostgreSQL and Valkey, started once, one database per worker.

`TEST_DATABASE_URL` (an address whose role may create databases) and `TEST_REDIS_URL`
win over the embedded servers. Under pytest-xdist the controller starts them before
its first worker; without xdist the first test that needs them does.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from msgspec import Struct

from api.cache import Cache, open_cache
from api.database import Database, open_connection, open_database
from api.embedded import embedded_servers, start_valkey, stop_valkey
from api.migrations import migrate
from api.settings import Settings
from api.statements import Connection
from tests.worker import note_beginning

# Fixtures of the planted town, for every test of a feature.
pytest_plugins = ["tests.town", "tests.live", "tests.gateways", "tests.standing"]

TEMPLATE = "zhangban_template"
SECRET_KEY = "a test's key, at least 32 characters long"

_servers: ExitStack | None = None


class TestServers(Struct, frozen=True):
    """Where the servers are; `database_url` names the migrated template."""

    __test__ = False

    database_url: str
    redis_url: str


class ValkeyServer:
    """A Valkey of one test's own, to be stopped, frozen and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.process, self.url = start_valkey(folder)

    def stop(self) -> None:
        stop_valkey(self.process)

    def start(self) -> None:
        """Start it again at the same address, empty."""
        self.process, self.url = start_valkey(self._folder)


def database_named(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def start_servers() -> TestServers:
    """Start what the environment does not name, and make the migrated template."""
    global _servers
    _servers = ExitStack()
    database_url = os.environ.get("TEST_DATABASE_URL", "")
    redis_url = os.environ.get("TEST_REDIS_URL", "")
    folder = Path(tempfile.mkdtemp(prefix="zhangban-tests-"))
    _servers.callback(shutil.rmtree, folder, ignore_errors=True)
    embedded = _servers.enter_context(
        embedded_servers(
            folder, postgres=not database_url, valkey=not redis_url, database="postgres"
        )
    )
    if not database_url:
        run(spare_the_disk(embedded.database_url))
    template_url = database_named(database_url or embedded.database_url, TEMPLATE)
    run(drop_database(template_url, TEMPLATE))
    migrate(template_url)
    return TestServers(template_url, redis_url or embedded.redis_url)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand the addresses to an xdist worker; the first call starts the servers."""
    servers = getattr(node.config, "zhangban_servers", None) or start_servers()
    node.config.zhangban_servers = servers
    node.workerinput["zhangban_servers"] = (servers.database_url, servers.redis_url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker has the whole standing service: to bring it up costs more than to share it."""
    for item in items:
        if "standing" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("standing"))


def pytest_runtest_setup() -> None:
    """Tell the job workers of tests which facts are older than the test."""
    note_beginning()


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    if _servers is not None:
        _servers.close()


def run(work: Awaitable[None]) -> None:
    """Run a coroutine from a synchronous fixture, leaving the test's loop alone."""
    with asyncio.Runner() as runner:
        runner.get_loop().run_until_complete(work)


async def spare_the_disk(url: str) -> None:
    """No test pulls the plug of the machine; killed processes lose nothing without it either."""
    async with open_connection(url) as connection:
        await connection.execute("alter system set fsync = off")
        await connection.execute("select pg_reload_conf()")


async def drop_database(url: str, name: str) -> None:
    async with open_connection(database_named(url, "postgres")) as connection:
        await connection.execute(f'drop database if exists "{name}" with (force)')


async def copy_template(url: str, name: str) -> None:
    await copy_database(url, TEMPLATE, name)


async def copy_database(url: str, template: str, name: str) -> None:
    async with open_connection(database_named(url, "postgres")) as connection:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        for _ in range(100):
            try:
                await connection.execute(f'create database "{name}" template "{template}"')
                return
            except asyncpg.ObjectInUseError:
                # Autovacuum looks into the template now and then.
                await asyncio.sleep(0.1)
        raise RuntimeError(f"{template} stays in use")


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> TestServers:
    """The addresses of the shared servers."""
    handed = getattr(request.config, "workerinput", {}).get("zhangban_servers")
    return TestServers(*handed) if handed else start_servers()


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """`gw0`, `gw1` … under xdist, else `main`."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "main"))


@pytest.fixture(scope="session")
def database_url(servers: TestServers, worker_name: str) -> Iterator[str]:
    """This worker's migrated database, shared by its tests: clean up, or use `connection`."""
    name = f"zhangban_{worker_name}"
    run(copy_template(servers.database_url, name))
    yield database_named(servers.database_url, name)
    run(drop_database(servers.database_url, name))


@pytest.fixture
def clean_database_url(servers: TestServers, worker_name: str) -> Iterator[str]:
    """A database of one test's own, migrated and empty."""
    name = f"zhangban_{worker_name}_clean"
    run(copy_template(servers.database_url, name))
    yield database_named(servers.database_url, name)
    run(drop_database(servers.database_url, name))


@pytest.fixture(scope="session")
def redis_url(servers: TestServers, worker_name: str) -> str:
    """This worker's numbered database (1–15) of the shared server."""
    number = 1 + int(worker_name.removeprefix("gw") if worker_name != "main" else 0) % 15
    return numbered_redis(servers.redis_url, number)


def numbered_redis(url: str, number: int) -> str:
    """The address of one of the server's numbered databases."""
    if url.startswith("unix:"):
        return f"{url}?db={number}"
    return urlunsplit(urlsplit(url)._replace(path=f"/{number}"))


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key-encryption keys of this worker's databases, which outlive a test."""
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture
def make_settings(
    database_url: str, redis_url: str, keys_file: Path, tmp_path: Path
) -> Callable[..., Settings]:
    """Settings of this worker's servers, with some values changed."""

    def make(**changed: Any) -> Settings:
        given = {
            "database_url": database_url,
            "redis_url": redis_url,
            "data_dir": str(tmp_path / "data"),
            "keys_file": str(keys_file),
            "secret_key": SECRET_KEY,
            # Tests share two cores with much else: a late answer is not what they are about.
            "redis_timeout_seconds": 0.5,
            "database_acquire_seconds": 3.0,
        }
        return Settings(**{**given, **changed})

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """Settings of this worker's servers and a data folder of the test's own."""
    return make_settings()


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Database]:
    """The pool on this worker's database. What it commits stays for later tests."""
    database = await open_database(settings.database_url, settings)
    yield database
    await database.close()


@pytest.fixture
async def clean_database(clean_database_url: str, settings: Settings) -> AsyncIterator[Database]:
    """The pool on a database of the test's own."""
    database = await open_database(clean_database_url, settings)
    yield database
    await database.close()


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[Connection]:
    """One connection in a transaction that is rolled back after the test."""
    async with open_connection(database_url) as connection:
        transaction = connection.transaction()
        await transaction.start()
        yield connection
        await transaction.rollback()


@pytest.fixture
async def cache(settings: Settings) -> AsyncIterator[Cache]:
    """The cache on this worker's numbered Valkey database, emptied first."""
    cache = await open_cache(settings.redis_url, settings)
    await cache.empty()
    yield cache
    await cache.close()


@pytest.fixture
def valkey_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey of the test's own, for faults."""
    server = ValkeyServer(tmp_path / "valkey")
    yield server
    if server.process.poll() is None:
        server.process.kill()
        server.process.wait()
