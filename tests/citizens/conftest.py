"""The whole service with both real channels, over an empty database of this worker's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.settings import Settings
from tests.conftest import TestServers, copy_template, database_named, drop_database, run
from tests.gateways import SimulatedGateway
from tests.town import running


@pytest.fixture(scope="session")
def citizens_url(servers: TestServers, worker_name: str) -> Iterator[str]:
    """A database for these tests: they leave people behind in it."""
    name = f"zhangban_{worker_name}_citizens"
    run(copy_template(servers.database_url, name))
    yield database_named(servers.database_url, name)
    run(drop_database(servers.database_url, name))


@pytest.fixture
def channels_file(
    tmp_path: Path, wechat_gateway: SimulatedGateway, alipay_gateway: SimulatedGateway
) -> Path:
    path = tmp_path / "channels.toml"
    sections = [(g.folder / f"{g.name}.toml").read_text() for g in (wechat_gateway, alipay_gateway)]
    path.write_text("\n".join(sections))
    return path


@pytest.fixture
def citizens_settings(
    make_settings: Callable[..., Settings], citizens_url: str, channels_file: Path
) -> Settings:
    return make_settings(
        database_url=citizens_url, channels_file=str(channels_file), rate_writes_per_second=5000
    )


@pytest.fixture
async def citizens_client(citizens_settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(citizens_settings) as client:
        yield client
