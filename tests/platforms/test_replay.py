"""A signed request counts once, whichever process it comes to, with Redis dead."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from api.database import Database
from api.settings import Settings
from tests.conftest import ValkeyServer
from tests.live import serving
from tests.platforms.builders import Partner, Signed, encode, new_partner

PUBLIC = "https://api.zhangban.test"
WEBHOOKS = "/v1/platform/webhooks"
TIMES = 50


@pytest.fixture
def two_servers(
    tmp_path: Path, settings: Settings, valkey_server: ValkeyServer
) -> Iterator[tuple[str, str]]:
    """Two servers of one service, whose Valkey is gone."""
    environment = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": valkey_server.url,
        "KEYS_FILE": settings.keys_file,
        "PUBLIC_URL": PUBLIC,
    }
    with (
        serving(tmp_path / "one", **environment) as one,
        serving(tmp_path / "two", **environment) as two,
    ):
        valkey_server.stop()
        yield one, two


@pytest.fixture
async def known(two_servers: tuple[str, str], settings: Settings, partners: None) -> Partner:
    return await new_partner(settings)


async def test_a_request_replayed_fifty_times_succeeds_once(
    two_servers: tuple[str, str], known: Partner, database: Database
) -> None:
    body = encode({"url": "https://8.8.8.8/", "events": ["case.moved"]})
    headers = {
        "Content-Type": "application/json",
        **known.headers(Signed("POST", PUBLIC + WEBHOOKS, body)),
    }
    async with httpx.AsyncClient(timeout=30) as client:
        answers = await asyncio.gather(
            *(
                client.post(two_servers[n % 2] + WEBHOOKS, content=body, headers=headers)
                for n in range(TIMES)
            )
        )
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: TIMES - 1}
    refused = {answer.json()["code"] for answer in answers if answer.status_code == 409}
    assert refused == {"nonce_used"}
    async with database.connection() as connection:
        assert await connection.fetchval("select count(*) from webhooks") == 1


async def test_both_servers_together_keep_the_days_quota(
    two_servers: tuple[str, str], known: Partner, database: Database
) -> None:
    async with database.connection() as connection:
        await connection.execute("update platforms set calls_per_day = 10")
    usage = "/v1/platform/usage"
    sign: Callable[[], dict[str, str]] = lambda: known.headers(  # noqa: E731 (said once)
        Signed("GET", PUBLIC + usage)
    )
    async with httpx.AsyncClient(timeout=30) as client:
        answers = await asyncio.gather(
            *(client.get(two_servers[n % 2] + usage, headers=sign()) for n in range(30))
        )
    assert Counter(answer.status_code for answer in answers) == {200: 10, 429: 20}
