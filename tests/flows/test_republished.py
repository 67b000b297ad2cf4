"""A guide that changes is seen by those who ask again, by way of the fact and its reaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
from msgspec import structs

from api.catalogue.publish_services import Linted, publish_batch, withdraw
from api.catalogue.routes import today
from api.catalogue.show_guide import find_version
from api.database import Database
from api.settings import Settings
from tests.worker import working


async def test_a_changed_and_a_withdrawn_guide_are_seen_within_seconds(
    client: httpx.AsyncClient, town: Database, town_settings: Settings
) -> None:
    code = await publish_copy(client, town, keywords=["第一版"])
    path = f"/v1/services/{code}"
    first = await client.get(path)
    assert first.json()["keywords"] == ["第一版"]
    async with working(town_settings):
        await publish_copy(client, town, keywords=["第二版"])
        second = await until(client, path, lambda answer: answer.json().get("version") == 2)
        assert second.json()["keywords"] == ["第二版"]
        assert second.headers["etag"] != first.headers["etag"]
        async with town.transaction() as connection:
            await withdraw(connection, code)
        gone = await until(client, path, lambda answer: answer.status_code == 410)
        assert gone.json()["code"] == "service_withdrawn"
    old = await client.get(path, params={"version": 1})
    assert old.json()["keywords"] == ["第一版"]


async def publish_copy(client: httpx.AsyncClient, town: Database, keywords: list[str]) -> str:
    """An item of the test's own, published with these keywords; gives its code."""
    model = (await client.get("/v1/services/440701003000/at/440106000000")).json()
    found = await town.read(lambda c: find_version(c, model["service_code"], None))
    assert found is not None
    code = f"{model['service_code'][:19]}440701997000"
    guide = structs.replace(
        found.guide, service_code=code, basic_code="440701997000", keywords=keywords
    )
    async with town.transaction() as connection:
        await publish_batch(connection, [Linted(guide, [])], publisher="test", today=today())
    return code


async def until(
    client: httpx.AsyncClient, path: str, holds: Callable[[httpx.Response], bool]
) -> httpx.Response:
    for _ in range(400):
        answer = await client.get(path)
        if holds(answer):
            return answer
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {answer.status_code}: {answer.text[:200]}")
