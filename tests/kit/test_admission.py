"""Places go by importance, the rest is refused at once, bodies have limits."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from api.admission import Admission, BodyLimit, Kind, body_limits, guard_body
from api.errors import (
    BadRequest,
    BodyTooLarge,
    Overloaded,
    RequestTimeout,
    UnsupportedMediaType,
)
from api.settings import Settings


@asynccontextmanager
async def held(admission: Admission, kind: Kind, count: int) -> AsyncIterator[asyncio.Event]:
    """Hold places until the event is set or the block ends."""
    done = asyncio.Event()

    async def hold() -> None:
        async with admission.place(kind):
            await done.wait()

    tasks = [asyncio.create_task(hold()) for _ in range(count)]
    await asyncio.sleep(0)
    yield done
    done.set()
    await asyncio.gather(*tasks)


def admission_of(places: int, waiting: int = 10, seconds: float = 5.0) -> Admission:
    return Admission(Settings(in_flight_limit=places, queue_limit=waiting, queue_seconds=seconds))


async def test_no_more_than_the_places_run_at_once() -> None:
    admission = admission_of(10, waiting=1000)
    running = most = 0

    async def request() -> None:
        nonlocal running, most
        async with admission.place(Kind.NOTICE):
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.001)
            running -= 1

    await asyncio.gather(*(request() for _ in range(200)))
    assert most == 10
    assert (running, admission.waiting, admission.in_flight.total()) == (0, 0, 0)


async def test_the_catalogue_leaves_room_for_what_matters_more() -> None:
    admission = admission_of(100, waiting=0)
    async with held(admission, Kind.CATALOGUE, 70):
        with pytest.raises(Overloaded):
            await admission.take(Kind.CATALOGUE)
        async with admission.place(Kind.QUERY), admission.place(Kind.PAY):
            assert admission.in_flight.total() == 72


async def test_exports_take_a_tenth_at_most() -> None:
    admission = admission_of(100, waiting=0)
    async with held(admission, Kind.EXPORT, 10):
        with pytest.raises(Overloaded):
            await admission.take(Kind.EXPORT)
        async with admission.place(Kind.CATALOGUE):
            assert admission.in_flight[Kind.CATALOGUE] == 1


async def test_a_single_place_serves_every_kind() -> None:
    admission = admission_of(1)
    for kind in Kind:
        async with admission.place(kind):
            assert admission.in_flight[kind] == 1


async def test_waiters_are_served_by_importance_and_then_in_order() -> None:
    admission = admission_of(1)
    served: list[str] = []

    async def request(kind: Kind, name: str) -> None:
        async with admission.place(kind):
            served.append(name)

    async with held(admission, Kind.NOTICE, 1):
        wishes = [
            (Kind.EXPORT, "export"),
            (Kind.QUERY, "query 1"),
            (Kind.PAY, "pay"),
            (Kind.QUERY, "query 2"),
            (Kind.NOTICE, "notice"),
        ]
        tasks = [asyncio.create_task(request(*wish)) for wish in wishes]
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert served == ["notice", "pay", "query 1", "query 2", "export"]


async def test_a_full_queue_refuses_at_once_and_says_when_to_return() -> None:
    admission = admission_of(1, waiting=1)
    async with held(admission, Kind.QUERY, 2):
        started_at = time.monotonic()
        with pytest.raises(Overloaded) as refused:
            await admission.take(Kind.QUERY)
        assert time.monotonic() - started_at < 0.05
        assert refused.value.headers["Retry-After"] in {"1", "2", "3"}
        assert admission.refused[Kind.QUERY] == 1


async def test_a_full_queue_makes_room_for_a_payment() -> None:
    admission = admission_of(1, waiting=1)
    async with held(admission, Kind.QUERY, 1):
        lesser = asyncio.create_task(admission.take(Kind.CATALOGUE))
        await asyncio.sleep(0)
        payment = asyncio.create_task(admission.take(Kind.PAY))
        with pytest.raises(Overloaded):
            await lesser
    await payment
    admission.leave(Kind.PAY)
    assert admission.in_flight.total() == 0


async def test_waiting_ends_after_the_set_time() -> None:
    admission = admission_of(1, seconds=0.05)
    async with held(admission, Kind.QUERY, 1):
        started_at = time.monotonic()
        with pytest.raises(Overloaded):
            await admission.take(Kind.NOTICE)
        assert 0.04 <= time.monotonic() - started_at < 0.5
        assert admission.waiting == 0


async def test_cancelled_requests_lose_no_place() -> None:
    admission = admission_of(2, waiting=1000)

    async def request() -> None:
        async with admission.place(Kind.QUERY):
            await asyncio.sleep(0.001)

    tasks = [asyncio.create_task(request()) for _ in range(300)]
    for number in range(0, 300, 2):
        await asyncio.sleep(0)
        tasks[number].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (admission.in_flight.total(), admission.waiting) == (0, 0)


async def test_a_place_handed_to_a_cancelled_request_is_passed_on() -> None:
    admission = admission_of(1)
    await admission.take(Kind.QUERY)
    first = asyncio.create_task(admission.take(Kind.QUERY))
    second = asyncio.create_task(admission.take(Kind.QUERY))
    await asyncio.sleep(0)
    admission.leave(Kind.QUERY)
    first.cancel()
    async with asyncio.timeout(1):
        await second
    assert admission.in_flight.total() == 1


LIMIT = BodyLimit(bytes=100, seconds=0.1)


def scope(**headers: bytes) -> Any:
    return {
        "type": "http",
        "path": "/v1/cases",
        "headers": [(name.replace("_", "-").encode(), value) for name, value in headers.items()],
    }


def body(*chunks: bytes, pause_seconds: float = 0) -> Callable[[], Any]:
    left = list(chunks)

    async def receive() -> Any:
        if not left:
            return {"type": "http.disconnect"}
        await asyncio.sleep(pause_seconds)
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


async def drain(receive: Callable[[], Any]) -> bytes:
    content: bytes = b""
    while True:
        message = await receive()
        content += message["body"]
        if not message["more_body"]:
            return content


async def test_a_body_within_its_limits_arrives_whole() -> None:
    receive = guard_body(scope(content_length=b"100"), body(b"a" * 60, b"b" * 40), LIMIT)
    assert await drain(receive) == b"a" * 60 + b"b" * 40
    assert (await receive())["type"] == "http.disconnect"


def test_a_declared_giant_is_refused_before_it_is_read() -> None:
    with pytest.raises(BodyTooLarge):
        guard_body(scope(content_length=b"101"), body(), LIMIT)


@pytest.mark.parametrize("length", [b"-1", b"1e2", b"", b"9" * 5000])
def test_a_length_that_is_no_number_is_refused(length: bytes) -> None:
    with pytest.raises(BadRequest):
        guard_body(scope(content_length=length), body(), LIMIT)


def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        guard_body(scope(content_encoding=b"gzip"), body(), LIMIT)


async def test_an_undeclared_giant_is_cut_off() -> None:
    receive = guard_body(scope(), body(*[b"x" * 30] * 100), LIMIT)
    with pytest.raises(BodyTooLarge):
        await drain(receive)


async def test_a_slow_body_is_cut_off_as_a_whole() -> None:
    receive = guard_body(scope(), body(*[b"x"] * 50, pause_seconds=0.02), LIMIT)
    started_at = time.monotonic()
    with pytest.raises(RequestTimeout):
        await drain(receive)
    assert time.monotonic() - started_at < 0.5


def test_uploads_have_a_limit_of_their_own() -> None:
    upload = BodyLimit(10_485_760, 60)
    limit_of = body_limits(Settings(), lambda path: upload if path == "/v1/uploads" else None)
    assert limit_of("/v1/uploads") == upload
    assert limit_of("/v1/cases") == BodyLimit(65536, 5.0)
