"""The limiter counts exactly, across processes, with Redis and without."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from api.cache import Cache, open_cache
from api.limits import (
    CALLERS_LIMIT,
    Bucket,
    Decision,
    Policy,
    RateLimiter,
    client_address,
    parse_networks,
    rate_headers,
)
from api.settings import Settings, SettingsWrong

SECRET = b"secret of the tests"
SLOW = Policy("write", 0.001, 20)
GENEROUS = Policy("read", 5000, 10_000)
ADDRESS = "203.0.113.77"


class Killable(Protocol):
    url: str

    def stop(self) -> None: ...
    def start(self) -> None: ...


@pytest.fixture
async def caches(cache: Cache, settings: Settings) -> AsyncIterator[list[Cache]]:
    """Four processes' doors to one Redis."""
    more = [await open_cache(settings.redis_url, settings) for _ in range(3)]
    yield [cache, *more]
    for each in more:
        await each.close()


@pytest.fixture
async def offline(settings: Settings) -> AsyncIterator[RateLimiter]:
    cache = await open_cache("off", settings)
    yield RateLimiter(cache.door, SECRET)
    await cache.close()


async def count(limiter: RateLimiter, policy: Policy, calls: int) -> Counter[bool]:
    made = await asyncio.gather(*(limiter.decide(policy, ADDRESS) for _ in range(calls)))
    return Counter(decision.allowed for decision in made)


async def test_four_processes_admit_exactly_the_burst(caches: list[Cache]) -> None:
    limiters = [RateLimiter(cache.door, SECRET) for cache in caches]
    counts = await asyncio.gather(*(count(limiter, SLOW, 25) for limiter in limiters))
    assert sum(each[True] for each in counts) == 20
    assert sum(each[False] for each in counts) == 80


async def test_leases_of_four_processes_never_exceed_the_policy(caches: list[Cache]) -> None:
    limiters = [RateLimiter(cache.door, SECRET) for cache in caches]
    policy = Policy("read", 1000, 400)
    started_at = time.monotonic()
    counts = await asyncio.gather(*(count(limiter, policy, 500) for limiter in limiters))
    refill = (time.monotonic() - started_at) * policy.per_second
    admitted = sum(each[True] for each in counts)
    assert 400 <= admitted <= 400 + refill + 1


async def test_tokens_come_back_at_the_rate(cache: Cache) -> None:
    limiter = RateLimiter(cache.door, SECRET)
    policy = Policy("write", 50, 2)
    assert [(await limiter.decide(policy, ADDRESS)).allowed for _ in range(3)] == [
        True,
        True,
        False,
    ]
    await asyncio.sleep(0.045)
    assert [(await limiter.decide(policy, ADDRESS)).allowed for _ in range(3)] == [
        True,
        True,
        False,
    ]


async def test_callers_and_policies_do_not_share_tokens(cache: Cache) -> None:
    limiter = RateLimiter(cache.door, SECRET)
    one = Policy("write", 0.001, 1)
    assert (await limiter.decide(one, "a")).allowed
    assert (await limiter.decide(one, "b")).allowed
    assert (await limiter.decide(Policy("search", 0.001, 1), "a")).allowed
    assert not (await limiter.decide(one, "a")).allowed


async def test_a_refused_caller_is_told_when_to_come_back(cache: Cache) -> None:
    limiter = RateLimiter(cache.door, SECRET)
    policy = Policy("write", 0.1, 1)
    await limiter.decide(policy, ADDRESS)
    refused = await limiter.decide(policy, ADDRESS)
    again = await limiter.decide(policy, ADDRESS)
    assert refused == Decision(False, 0, 10, 10)
    assert not again.allowed
    assert limiter.refused == 2


async def test_a_generous_policy_seldom_asks_redis(
    valkey_server: Killable, settings: Settings
) -> None:
    # A server of its own: the statistics are the whole server's.
    cache = await open_cache(valkey_server.url, settings)
    limiter = RateLimiter(cache.door, SECRET)
    for _ in range(500):
        assert (await limiter.decide(GENEROUS, ADDRESS)).allowed
    raw = Redis.from_url(valkey_server.url)
    stats: dict[str, Any] = await raw.info("commandstats")
    await raw.aclose()
    await cache.close()
    assert 1 <= stats["cmdstat_evalsha"]["calls"] <= 20


async def test_what_redis_holds_is_no_address(cache: Cache, settings: Settings) -> None:
    raw = Redis.from_url(settings.redis_url)
    await RateLimiter(cache.door, SECRET).decide(SLOW, ADDRESS)
    keys = [key async for key in raw.scan_iter()]
    await raw.aclose()
    assert keys
    assert not any(ADDRESS.encode() in key for key in keys)


async def test_without_redis_one_process_keeps_the_policy(offline: RateLimiter) -> None:
    assert (await count(offline, SLOW, 100))[True] == 20


async def test_a_lost_redis_is_not_noticed_by_the_caller(
    valkey_server: Killable, make_settings: Callable[..., Settings]
) -> None:
    cache = await open_cache(valkey_server.url, make_settings(redis_timeout_seconds=0.05))
    limiter = RateLimiter(cache.door, SECRET)
    assert (await limiter.decide(SLOW, ADDRESS)).allowed
    valkey_server.stop()
    made = [await limiter.decide(SLOW, ADDRESS) for _ in range(40)]
    assert sum(decision.allowed for decision in made) == 20
    await cache.close()


async def test_what_is_remembered_of_callers_is_bounded(offline: RateLimiter) -> None:
    for number in range(CALLERS_LIMIT + 500):
        await offline.decide(SLOW, f"caller {number}")
    assert len(offline._callers) == CALLERS_LIMIT


@given(
    per_second=st.floats(0.01, 10_000),
    burst=st.integers(1, 1000),
    steps=st.lists(st.floats(0, 2), min_size=1, max_size=60),
)
def test_the_local_bucket_never_grants_more_than_burst_and_refill(
    per_second: float, burst: int, steps: list[float]
) -> None:
    bucket, policy, now, granted = Bucket(), Policy("p", per_second, burst), 100.0, 0
    for step in steps:
        now += step
        granted += bucket.take(policy, 1, now)[0]
    assert granted <= burst + (now - 100.0) * per_second + 1e-3


def test_headers_follow_the_draft() -> None:
    policy = Policy("read", 5000, 10_000)
    assert rate_headers(policy, Decision(True, 9_950, 1, 0)) == {
        "RateLimit-Policy": '"read";q=10000;w=2',
        "RateLimit": '"read";r=9950;t=1',
    }
    refused = rate_headers(policy, Decision(False, 0, 2, 1))
    assert refused["Retry-After"] == "1"
    assert refused["RateLimit"] == '"read";r=0;t=1'


def scope(client: str | None, *forwarded: str) -> dict[str, Any]:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    return {"client": (client, 1234) if client else None, "headers": headers}


PROXIES = parse_networks("10.0.0.0/8, fd00::/8, 192.0.2.1")


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("10.1.1.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["1.1.1.1, 203.0.113.9, 192.0.2.1"], "203.0.113.9"),
        ("10.1.1.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
        ("10.1.1.1", ["10.9.9.9"], "10.9.9.9"),
        ("10.1.1.1", ["203.0.113.9, nonsense"], "10.1.1.1"),
        ("10.1.1.1", ["203.0.113.9:5678"], "203.0.113.9"),
        ("fd00::1", ["[2001:db8:1:2:3::4]:99"], "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", [], "2001:db8:1:2::/64"),
        (None, [], "local"),
        (None, ["203.0.113.9"], "203.0.113.9"),
    ],
)
def test_the_caller_is_the_last_hop_that_is_not_ours(
    client: str | None, forwarded: list[str], address: str
) -> None:
    assert client_address(scope(client, *forwarded), PROXIES) == address


def test_nobody_is_believed_where_no_proxy_is_trusted() -> None:
    assert client_address(scope(None, "203.0.113.9"), ()) == "local"
    assert client_address(scope("10.1.1.1", "203.0.113.9"), ()) == "10.1.1.1"


def test_a_wrong_network_is_named() -> None:
    with pytest.raises(SettingsWrong, match="TRUSTED_PROXIES"):
        parse_networks("10.0.0.0/8,proxy")
