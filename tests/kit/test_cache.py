"""What the cache promises, with Valkey there, slow, silent and gone."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Protocol, cast

import pytest
from redis.asyncio import Redis

from api.cache import (
    NEGATIVE_SECONDS,
    PREFIX,
    VALUE_LIMIT_BYTES,
    Cache,
    RedisAway,
    Script,
    open_cache,
)
from api.settings import Settings


class Killable(Protocol):
    process: Any
    url: str

    def stop(self) -> None: ...
    def start(self) -> None: ...


class Source:
    """Stands for PostgreSQL: a value with a version, and a count of the reads."""

    def __init__(self, value: bytes | None = b"one", version: int = 1) -> None:
        self.value = value
        self.version = version
        self.loads = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> bytes | None:
        self.loads += 1
        value, version = self.value, self.version
        await self.gate.wait()
        return None if value is None else b"%d|%s" % (version, value)


def version_of(value: bytes) -> int:
    return int(value.split(b"|")[0])


async def fetch(cache: Cache, source: Source, key: str = "guide:1") -> bytes | None:
    return await cache.fetch(key, source.load, seconds=60, version_of=version_of)


@pytest.fixture
async def other(settings: Settings) -> AsyncIterator[Cache]:
    """Another process's cache on the same server."""
    cache = await open_cache(settings.redis_url, settings)
    yield cache
    await cache.close()


@pytest.fixture
async def raw(settings: Settings) -> AsyncIterator[Redis]:
    client = Redis.from_url(settings.redis_url)
    yield client
    await client.aclose()


async def test_a_value_is_loaded_once_and_then_found(cache: Cache, other: Cache) -> None:
    source = Source()
    assert await fetch(cache, source) == b"1|one"
    assert await fetch(cache, source) == b"1|one"
    assert await fetch(other, source) == b"1|one"
    assert source.loads == 1
    assert (cache.hits, cache.misses, other.hits) == (1, 1, 1)


async def test_many_callers_at_once_load_once(cache: Cache) -> None:
    source = Source()
    found = await asyncio.gather(*(fetch(cache, source) for _ in range(200)))
    assert found == [b"1|one"] * 200
    assert source.loads == 1


async def test_an_error_reaches_all_waiters_and_is_not_kept(cache: Cache) -> None:
    calls = 0

    async def fail() -> bytes:
        nonlocal calls
        calls += 1
        await asyncio.sleep(0.01)
        raise LookupError

    found = await asyncio.gather(
        *(cache.fetch("guide:1", fail, seconds=60) for _ in range(5)), return_exceptions=True
    )
    assert [type(error) for error in found] == [LookupError] * 5
    assert calls == 1
    assert await fetch(cache, Source()) == b"1|one"


async def test_a_cancelled_leader_leaves_the_others_waiting(cache: Cache) -> None:
    source = Source()
    source.gate.clear()
    leader = asyncio.create_task(fetch(cache, source))
    await wait_until(lambda: source.loads == 1)
    follower = asyncio.create_task(fetch(cache, source))
    await asyncio.sleep(0)
    leader.cancel()
    source.gate.set()
    assert await follower == b"1|one"
    assert source.loads == 1


async def test_an_absence_is_kept_shortly(cache: Cache, raw: Redis) -> None:
    source = Source(value=None)
    assert await fetch(cache, source) is None
    assert await fetch(cache, source) is None
    assert source.loads == 1
    assert 0 < await raw.pttl(PREFIX + "guide:1") <= NEGATIVE_SECONDS * 1100


async def test_an_absence_ends_with_the_first_write(cache: Cache) -> None:
    source = Source(value=None)
    assert await fetch(cache, source) is None
    source.value = b"born"
    await cache.forget(["guide:1"], 1)
    assert await fetch(cache, source) == b"1|born"


async def test_lifetimes_are_scattered(cache: Cache, raw: Redis) -> None:
    keys = [f"guide:{number}" for number in range(50)]
    for key in keys:
        await fetch(cache, Source(), key)
    lives = [await raw.pttl(PREFIX + key) for key in keys]
    assert min(lives) >= 53_000
    assert max(lives) <= 66_000
    assert max(lives) - min(lives) > 3_000


async def test_a_forgotten_value_is_loaded_anew_everywhere(cache: Cache, other: Cache) -> None:
    source = Source()
    await fetch(cache, source)
    source.value, source.version = b"two", 2
    assert await cache.forget(["guide:1"], 2)
    assert await fetch(other, source) == b"2|two"
    assert await fetch(cache, source) == b"2|two"
    assert source.loads == 2


async def test_a_slower_fill_of_another_process_stores_nothing_stale(
    cache: Cache, other: Cache
) -> None:
    source = Source()
    source.gate.clear()
    slow = asyncio.create_task(fetch(other, source))
    await wait_until(lambda: source.loads == 1)
    source.value, source.version = b"two", 2
    await cache.forget(["guide:1"], 2)
    source.gate.set()
    assert await slow == b"1|one"
    assert await fetch(cache, source) == b"2|two"


async def test_a_fill_voided_in_this_process_serves_its_waiters_and_is_not_kept(
    cache: Cache, raw: Redis
) -> None:
    source = Source()
    source.gate.clear()
    waiting = asyncio.create_task(fetch(cache, source))
    await wait_until(lambda: source.loads == 1)
    # Version 1 again: only the guard in the process can tell that this fill is too old.
    await cache.forget(["guide:1"], 1)
    source.value = b"one, mended"
    later = asyncio.create_task(fetch(cache, source))
    await wait_until(lambda: source.loads == 2)
    source.gate.set()
    assert await waiting == b"1|one"
    assert await later == b"1|one, mended"
    stored: bytes = await cast(Any, raw.get(PREFIX + "guide:1"))
    assert stored.endswith(b"1|one, mended")


async def test_a_value_without_version_is_not_stored_beside_a_tombstone(
    cache: Cache, other: Cache
) -> None:
    await cache.forget(["home:1"], 1)
    source = Source()
    await other.fetch("home:1", source.load, seconds=60)
    await other.fetch("home:1", source.load, seconds=60)
    assert source.loads == 2


async def test_racing_writes_leave_no_stale_value(cache: Cache, other: Cache) -> None:
    keys = [f"guide:{number}" for number in range(5)]
    sources = {key: Source() for key in keys}
    stop = False

    async def read(reader: Cache, key: str) -> None:
        while not stop:
            await fetch(reader, sources[key], key)
            await asyncio.sleep(0)

    async def write(writer: Cache, key: str) -> None:
        for _ in range(60):
            sources[key].version += 1
            await asyncio.sleep(0.001)
            await writer.forget([key], sources[key].version)

    readers = [asyncio.create_task(read(c, key)) for c in (cache, other) for key in keys]
    await asyncio.gather(*(write((cache, other)[n % 2], key) for n, key in enumerate(keys)))
    stop = True
    await asyncio.gather(*readers)
    for key in keys:
        for reader in (cache, other):
            assert await fetch(reader, sources[key], key) == b"%d|one" % sources[key].version


async def test_a_giant_value_is_served_but_not_stored(cache: Cache, raw: Redis) -> None:
    giant = Source(b"x" * (VALUE_LIMIT_BYTES + 1))
    found = await fetch(cache, giant)
    assert found is not None
    assert len(found) > VALUE_LIMIT_BYTES
    assert await raw.exists(PREFIX + "guide:1") == 0


async def test_keys_asked_for_in_one_turn_go_in_one_command(
    valkey_server: Killable, settings: Settings
) -> None:
    # A server of its own: the statistics are the whole server's.
    cache = await open_cache(valkey_server.url, settings)
    raw = Redis.from_url(valkey_server.url)
    await asyncio.gather(*(fetch(cache, Source(), f"guide:{n}") for n in range(100)))
    stats: dict[str, Any] = await raw.info("commandstats")
    await raw.aclose()
    await cache.close()
    assert stats["cmdstat_mget"]["calls"] == 1


async def test_without_redis_the_source_answers(make_settings: Callable[..., Settings]) -> None:
    cache = await open_cache("off", make_settings())
    source = Source()
    assert await fetch(cache, source) == b"1|one"
    assert await fetch(cache, source) == b"1|one"
    assert source.loads == 2
    assert await cache.forget(["guide:1"], 2)
    await cache.close()


async def test_a_refused_connection_opens_the_breaker_and_costs_nothing_after(
    valkey_server: Killable, make_settings: Callable[..., Settings]
) -> None:
    cache = await open_cache(valkey_server.url, make_settings(redis_timeout_seconds=0.05))
    await fetch(cache, Source())
    valkey_server.stop()
    source = Source()
    for _ in range(4):
        assert await fetch(cache, source) == b"1|one"
    assert cache.door.is_open
    assert cache.door.errors >= 3
    assert not await cache.forget(["guide:1"], 2)
    assert await slowest(cache, source, 100) < 0.02
    await cache.close()


async def test_a_silent_redis_is_waited_for_three_times_at_most(
    valkey_server: Killable, make_settings: Callable[..., Settings]
) -> None:
    cache = await open_cache(valkey_server.url, make_settings(redis_timeout_seconds=0.05))
    source = Source()
    os.kill(valkey_server.process.pid, signal.SIGSTOP)
    try:
        started_at = time.monotonic()
        for _ in range(20):
            await fetch(cache, source)
        assert time.monotonic() - started_at < 1
        assert cache.door.is_open
        assert source.loads == 20
    finally:
        os.kill(valkey_server.process.pid, signal.SIGCONT)
    await cache.close()


async def test_what_a_silent_valkey_did_not_hear_it_is_told_when_it_is_back(
    valkey_server: Killable, make_settings: Callable[..., Settings]
) -> None:
    cache = await open_cache(valkey_server.url, make_settings(redis_timeout_seconds=0.05))
    other = await open_cache(valkey_server.url, make_settings())
    source = Source()
    assert await fetch(cache, source) == b"1|one"
    os.kill(valkey_server.process.pid, signal.SIGSTOP)
    try:
        source.value, source.version = b"two", 2
        assert not await cache.forget(["guide:1"], 2)
    finally:
        os.kill(valkey_server.process.pid, signal.SIGCONT)
    seen: bytes | None = None
    for _ in range(200):
        seen = await fetch(other, source)
        if seen == b"2|two":
            break
        await asyncio.sleep(0.05)
    assert seen == b"2|two"
    await cache.close()
    await other.close()


async def test_the_breaker_closes_again_when_redis_is_back(
    valkey_server: Killable, make_settings: Callable[..., Settings]
) -> None:
    cache = await open_cache(valkey_server.url, make_settings(redis_timeout_seconds=0.05))
    source = Source()
    valkey_server.stop()
    for _ in range(4):
        await fetch(cache, source)
    valkey_server.start()
    await wait_until_async(lambda: closes(cache, source))
    loads = source.loads
    await fetch(cache, source)
    await fetch(cache, source)
    assert source.loads - loads <= 1
    await cache.close()


async def test_a_script_survives_a_server_that_forgot_it(cache: Cache, raw: Redis) -> None:
    script = Script("return tonumber(ARGV[1]) + 1")
    assert await cache.door.run(script, [], [1]) == 2
    await raw.script_flush()
    assert await cache.door.run(script, [], [2]) == 3


async def test_a_faulty_script_is_an_absence_of_redis(cache: Cache) -> None:
    with pytest.raises(RedisAway):
        await cache.door.run(Script("return nothing.here"), [], [])
    assert cache.door.errors == 1


async def closes(cache: Cache, source: Source) -> bool:
    await fetch(cache, source)
    return not cache.door.is_open


async def slowest(cache: Cache, source: Source, times: int) -> float:
    worst = 0.0
    for _ in range(times):
        started_at = time.perf_counter()
        await fetch(cache, source)
        worst = max(worst, time.perf_counter() - started_at)
    return worst


async def wait_until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not seen():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.002)


async def wait_until_async(seen: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(5):
        while not await seen():  # noqa: ASYNC110 (what is waited for has no event)
            await asyncio.sleep(0.05)
