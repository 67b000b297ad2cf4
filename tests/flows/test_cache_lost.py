"""Without Redis everything is right, only slower."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx

from tests.conftest import ValkeyServer
from tests.town import LOST_CARD, TIANHE

PATHS = (
    f"/v1/home?region={TIANHE}",
    f"/v1/regions/{TIANHE}",
    f"/v1/regions?parent={TIANHE}",
    f"/v1/departments?region={TIANHE}",
    f"/v1/services?region={TIANHE}&limit=50",
    f"/v1/services?region={TIANHE}&q=身份证",
    f"/v1/suggestions?q=sfz&region={TIANHE}",
    f"/v1/services/{LOST_CARD}/at/{TIANHE}",
    "/v1/services/changes?after=0",
)
SECONDS = 4.0


async def test_every_answer_is_right_while_valkey_is_killed_under_it(
    serve: Callable[..., Any], valkey_server: ValkeyServer
) -> None:
    with serve(REDIS_URL=valkey_server.url) as address:
        async with httpx.AsyncClient(base_url=address, timeout=10) as client:
            expected = {path: (await client.get(path)).json() for path in PATHS}
            reading = [
                asyncio.create_task(read_for_a_while(client, path, expected[path]))
                for path in PATHS
            ]
            await asyncio.sleep(SECONDS / 4)
            valkey_server.process.kill()
            assert min(await asyncio.gather(*reading)) >= 3
            ready = (await client.get("/health/ready")).json()
            assert ready == {"status": "degraded", "database": "up", "cache": "away"}
            valkey_server.start()
            await until_ready(client)


async def read_for_a_while(client: httpx.AsyncClient, path: str, expected: Any) -> int:
    """Ask again and again; every answer must be the one expected. Gives how many there were."""
    ends_at = asyncio.get_running_loop().time() + SECONDS
    count = 0
    while asyncio.get_running_loop().time() < ends_at:
        answer = await client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        assert answer.json() == expected, path
        count += 1
    return count


async def until_ready(client: httpx.AsyncClient) -> None:
    for _ in range(100):
        if (await client.get("/health/ready")).json()["status"] == "ready":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the cache did not come back")
