"""What is pushed is seen by every process within a second, whoever dies on the way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.database import Database
from api.settings import Settings
from tests import live
from tests.cases.builders import add_submitted, event, tell
from tests.cases.conftest import Owner, new_owner
from tests.platforms.builders import new_partner


@pytest.fixture
async def live_owner(town_settings: Settings, town: Database) -> Owner:
    return await new_owner(msgspec.structs.replace(town_settings, secret_key=live.SECRET_KEY))


async def seen_after(
    client: httpx.AsyncClient, case_no: str, owner: Owner, version: int, began: float
) -> float:
    """Seconds until this process shows the version."""
    while time.monotonic() - began < 5:
        answer = await client.get(f"/v1/cases/{case_no}/progress", headers=owner.headers)
        assert answer.status_code == 200, answer.text
        if answer.json()["version"] >= version:
            return time.monotonic() - began
        await asyncio.sleep(0.01)
    raise AssertionError("never seen")


@pytest.mark.parametrize("redis", ["on", "off"])
async def test_two_processes_show_a_push_within_a_second(
    serve: Callable[..., Any],
    town: Database,
    town_settings: Settings,
    live_owner: Owner,
    redis: str,
) -> None:
    async with town.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=live_owner.citizen_id)
    partner = await new_partner(town_settings)
    given = {"KEYS_FILE": town_settings.keys_file}
    if redis == "off":
        given["REDIS_URL"] = "off"
    with serve(**given) as one, serve(**given) as two:
        async with (
            httpx.AsyncClient(base_url=one) as first,
            httpx.AsyncClient(base_url=two) as second,
        ):
            kinds = ("accepted", "reviewed", "decided", "completed")
            for number, kind in enumerate(kinds):
                version = 3 + number
                for client in (first, second):
                    # Both hold the older one.
                    await seen_after(client, case_no, live_owner, version - 1, time.monotonic())
                began = time.monotonic()
                if number % 2:
                    body = msgspec.to_builtins(event(kind))
                    said = {name: value for name, value in body.items() if value is not None}
                    path = f"/v1/platform/cases/{case_no}/events"
                    answer = await partner.call(first, "POST", path, said)
                    assert answer.json()["version"] == version, answer.text
                else:
                    # Whoever moves it dies after its commit: nobody forgets anything by hand.
                    await tell(town, case_no, event(kind))
                waits = await asyncio.gather(
                    seen_after(first, case_no, live_owner, version, began),
                    seen_after(second, case_no, live_owner, version, began),
                )
                assert max(waits) < 1, (kind, waits)


async def test_a_slow_reader_stores_nothing_older(
    client: httpx.AsyncClient, town: Database, town_settings: Settings
) -> None:
    owner = await new_owner(town_settings)
    async with town.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=owner.citizen_id)
    versions = list(range(3, 23))

    async def write() -> None:
        for _ in versions:
            async with town.transaction() as connection:
                await move_case(
                    connection, case_no, Move(event_type="transferred", actor="clerk:x")
                )

    async def read() -> None:
        seen = 0
        for _ in range(60):
            answer = await client.get(f"/v1/cases/{case_no}/progress", headers=owner.headers)
            seen = answer.json()["version"]
        assert seen <= versions[-1]

    await asyncio.gather(write(), read(), read())
    began = time.monotonic()
    assert await seen_after(client, case_no, owner, versions[-1], began) < 1
