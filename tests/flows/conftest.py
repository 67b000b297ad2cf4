"""The standing service, as the flows use it, and a town of its own where people pay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import msgspec
import pytest

from api.settings import Settings
from tests.conftest import copy_database, database_named, drop_database, run
from tests.flows.people import Place, placed
from tests.gateways import SimulatedGateway, simulating
from tests.standing import Standing


@pytest.fixture
async def place(standing: Standing) -> AsyncIterator[Place]:
    async with placed(standing) as place:
        yield place


@pytest.fixture(scope="session")
def paying_url(town_url: str, worker_name: str) -> Iterator[str]:
    """A town of its own: its job worker would take the jobs of other tests."""
    name = f"zhangban_{worker_name}_paying"
    run(copy_database(town_url, f"zhangban_{worker_name}_town", name))
    url = database_named(town_url, name)
    yield url
    run(drop_database(url, name))


@pytest.fixture
def paying_settings(town_settings: Settings, paying_url: str) -> Settings:
    """Settings of the town where people pay."""
    return msgspec.structs.replace(town_settings, database_url=paying_url, quiet_hours="")


@pytest.fixture(scope="session")
def certified_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    folder = tmp_path_factory.mktemp("alipay-certified")
    with simulating("alipay", folder, "--mode", "certificate") as gateway:
        yield gateway
