"""Changes as they happen, from the server as it really runs; without Redis too."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.rows import StreamRow
from api.cases.stream import STREAMS_PER_CITIZEN, Streams, frame
from api.database import CHINA, Database
from api.errors import Overloaded, RateLimited
from api.settings import Settings
from tests import live
from tests.cases.builders import add_submitted, event, tell
from tests.cases.conftest import Owner, new_owner


async def own_case(database: Database, owner: Owner) -> str:
    async with database.transaction() as connection:
        return await add_submitted(connection, citizen_id=owner.citizen_id)


@pytest.fixture
async def live_owner(town_settings: Settings, town: Database) -> Owner:
    """A citizen whose session the server of `serve` reads."""
    return await new_owner(msgspec.structs.replace(town_settings, secret_key=live.SECRET_KEY))


class Reader:
    """Reads one stream; keeps the events it saw."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = answer.aiter_lines()

    async def following(self, seconds: float = 5) -> dict[str, Any]:
        """The next event: `id` and what it says."""
        said: dict[str, Any] = {}
        async with asyncio.timeout(seconds):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    said["id"] = int(value)
                elif name == "data":
                    said |= msgspec.json.decode(value)
                elif not line and "id" in said:
                    return said
        raise EOFError

    async def end(self, seconds: float = 5) -> None:
        """Wait until the server ends it."""
        async with asyncio.timeout(seconds):
            async for _ in self._lines:
                pass


@asynccontextmanager
async def streaming(
    address: str, case_no: str, owner: Owner, **headers: str
) -> AsyncIterator[Reader]:
    async with (
        httpx.AsyncClient(base_url=address, timeout=20) as client,
        client.stream(
            "GET", f"/v1/cases/{case_no}/stream", headers={**owner.headers, **headers}
        ) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield Reader(answer)


@pytest.mark.parametrize("redis", ["on", "off"])
async def test_changes_arrive_in_order_and_a_stream_is_resumed(
    serve: Callable[..., Any], town: Database, live_owner: Owner, redis: str
) -> None:
    case_no = await own_case(town, live_owner)
    with serve(**({"REDIS_URL": "off"} if redis == "off" else {})) as address:
        async with streaming(address, case_no, live_owner) as reader:
            assert reader.answer.headers["content-type"].startswith("text/event-stream")
            first = await reader.following()
            assert (first["id"], first["type"]) == (1, "submitted")
            began = time.monotonic()
            await tell(town, case_no, event("accepted", note="收下了"))
            second = await reader.following()
            assert time.monotonic() - began < 1
            assert (second["id"], second["seq"], second["type"]) == (2, 2, "accepted")
            assert (second["label"], second["status"], second["note"]) == (
                "受理",
                "accepted",
                "收下了",
            )
        # Away for a while.
        for kind in ("reviewed", "decided"):
            await tell(town, case_no, event(kind))
        async with streaming(address, case_no, live_owner, **{"Last-Event-ID": "2"}) as reader:
            assert [(await reader.following())["id"] for _ in range(2)] == [3, 4]
            await tell(town, case_no, event("completed"))
            last = await reader.following()
            assert (last["id"], last["status_label"]) == (5, "待评价")


async def test_a_stream_is_its_owners(
    serve: Callable[..., Any], town: Database, live_owner: Owner, town_settings: Settings
) -> None:
    case_no = await own_case(town, live_owner)
    other = await new_owner(msgspec.structs.replace(town_settings, secret_key=live.SECRET_KEY))
    with serve() as address:
        async with httpx.AsyncClient(base_url=address) as client:
            foreign = await client.get(f"/v1/cases/{case_no}/stream", headers=other.headers)
            missing = await client.get("/v1/cases/nowhere/stream", headers=other.headers)
            assert foreign.status_code == missing.status_code == 404
            assert foreign.json()["detail"] == missing.json()["detail"]
            assert (await client.get(f"/v1/cases/{case_no}/stream")).status_code == 401
            wrong = await client.get(
                f"/v1/cases/{case_no}/stream",
                headers={**live_owner.headers, "Last-Event-ID": "x"},
            )
            assert wrong.status_code == 400


async def test_streams_end_politely_when_the_server_goes(
    serve: Callable[..., Any], town: Database, live_owner: Owner
) -> None:
    case_no = await own_case(town, live_owner)
    with serve() as address:
        port = address.rpartition(":")[2]
        async with streaming(address, case_no, live_owner) as reader:
            await reader.following()
            os.kill(_listening_on(int(port)), signal.SIGTERM)
            began = time.monotonic()
            # A cut connection would raise here.
            await reader.end(seconds=8)
            assert time.monotonic() - began < 5


async def test_streams_hear_again_after_their_connection_was_lost(
    serve: Callable[..., Any], town: Database, live_owner: Owner
) -> None:
    case_no = await own_case(town, live_owner)
    with serve() as address:
        async with streaming(address, case_no, live_owner) as reader:
            await reader.following()
            async with town.connection() as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where query ilike 'listen%case_changed%' and datname = current_database()"
                )
            await tell(town, case_no, event("accepted"))
            assert (await reader.following(seconds=10))["id"] == 2


def _listening_on(port: int) -> int:
    """The process behind a loopback port."""
    wanted = f"{port:04X}"
    with open("/proc/net/tcp") as table:
        inode = next(
            line.split()[9]
            for line in table
            if line.split()[1].endswith(f":{wanted}") and line.split()[3] == "0A"
        )
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            handles = os.listdir(f"/proc/{process}/fd")
            links = [os.readlink(f"/proc/{process}/fd/{handle}") for handle in handles]
        except OSError:
            continue
        if f"socket:[{inode}]" in links:
            return int(process)
    raise LookupError(port)


async def test_places_are_bounded_and_given_back(
    town_settings: Settings, town: Database, cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = Streams(town_settings.database_url, town, cache)
    places = [streams.take("citizen", "case") for _ in range(STREAMS_PER_CITIZEN)]
    with pytest.raises(RateLimited):
        streams.take("citizen", "case")
    places[0].leave()
    places[0].leave()
    again = streams.take("citizen", "case")
    assert streams.count == STREAMS_PER_CITIZEN
    monkeypatch.setattr("api.cases.stream.STREAMS_PER_PROCESS", streams.count)
    with pytest.raises(Overloaded):
        streams.take("another", "case")
    # A stream that was dropped before it began gives its place back as well.
    never_begun = streams.tell(again, 0)
    del again, never_begun, places
    assert streams.count == 0


async def test_a_stream_says_that_it_is_there_and_grows_old(
    town_settings: Settings, town: Database, cache: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.cases.stream.HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("api.cases.stream.AGE_SECONDS", 0.3)
    owner = Owner("a" * 32, {})
    case_no = await own_case(town, owner)
    async with town.transaction() as connection:
        await move_case(connection, case_no, Move(event_type="accepted", actor="clerk:x"))
    streams = Streams(town_settings.database_url, town, cache)
    streams.start()
    place = streams.take(owner.citizen_id, case_no)
    said = [part async for part in streams.tell(place, 0)]
    await streams.close()
    assert [part[:5] for part in said[1:3]] == [b"id: 1", b"id: 2"]
    assert said.count(b": still here\n\n") >= 2
    assert streams.count == 0


def test_a_change_as_it_goes_over_the_wire() -> None:
    row = StreamRow(
        7, "decided", True, "decided", datetime(2026, 3, 2, 9, tzinfo=CHINA), None, False
    )
    assert frame(row).decode() == (
        'id: 7\nevent: moved\ndata: {"seq":7,"type":"decided","label":"作出决定",'
        '"at":"2026-03-02T09:00:00+08:00","note":null,"applied":true,"status":"decided",'
        '"status_label":"审批中"}\n\n'
    )
