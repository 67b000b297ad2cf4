"""A small town in a real database, and the whole service over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import SEEDS, Service, open_process
from api.catalogue.demonstration import plant_town
from api.database import Database, open_connection, open_database
from api.files import open_files
from api.regions.load_regions import load_regions
from api.seeding import Ground, note_planted
from api.settings import Settings
from tests.conftest import TestServers, copy_template, database_named, drop_database, run

SAMPLE = Path(__file__).resolve().parent / "regions_sample.csv"
TIANHE = "440106000000"
LOST_CARD = "440701003000"


def quiet(_done: int, _total: int, /) -> None:
    """Nobody watches a test's progress."""


async def plant(url: str, files: Path) -> None:
    """Some regions with every oddity, the demonstration in them, the synonyms, the real items."""
    async with open_connection(url) as connection:
        ground = Ground(connection, open_files(f"file://{files}"))
        await load_regions(ground, quiet, SAMPLE)
        await plant_town.plant_synonyms(ground, quiet)
        await plant_town.plant_town(ground, quiet)
        await plant_town.plant_real_items(ground, quiet)
        for seed in SEEDS:
            await note_planted(ground, seed)


@pytest.fixture(scope="session")
def town_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("town-files")


@pytest.fixture(scope="session")
def town_url(servers: TestServers, worker_name: str, town_files: Path) -> Iterator[str]:
    """The planted database, shared by a worker's tests: they read it, or use items of their own."""
    name = f"zhangban_{worker_name}_town"
    run(copy_template(servers.database_url, name))
    url = database_named(servers.database_url, name)
    run(plant(url, town_files))
    yield url
    run(drop_database(servers.database_url, name))


@pytest.fixture
def town_settings(
    make_settings: Callable[..., Settings], town_url: str, town_files: Path
) -> Settings:
    return make_settings(database_url=town_url, files_url=f"file://{town_files}")


@pytest.fixture
async def town(town_settings: Settings) -> AsyncIterator[Database]:
    """The pool on the planted database."""
    database = await open_database(town_settings.database_url, town_settings)
    yield database
    await database.close()


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the whole service, all its layers included, with an empty cache."""
    service = Service(settings)
    async with open_process(service.litestar, settings):
        await service.litestar.state.cache.empty()
        application: Any = service
        transport: Any = httpx.ASGITransport(app=application, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://zhangban.test"
        ) as client:
            yield client


@pytest.fixture
async def client(town_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service over the planted town."""
    async with running(town_settings) as client:
        yield client


@pytest.fixture
async def lost_card(client: httpx.AsyncClient) -> dict[str, Any]:
    """The guide of 居民身份证丢失补领 in 天河区."""
    answer = await client.get(f"/v1/services/{LOST_CARD}/at/{TIANHE}")
    assert answer.status_code == 200
    guide: dict[str, Any] = answer.json()
    return guide
