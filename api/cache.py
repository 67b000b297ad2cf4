"""The one door to Redis, and the cache of bytes behind it. Nothing authoritative lives here.

With Redis refused, slow or silent the service is right, only slower: every failure
ends within `redis_timeout_seconds`, three of them within a second open a breaker, and
with the breaker open a call costs microseconds. Callers fail open on `RedisAway`.

Coherence of the cache: every stored value carries the version of the row it was made
from. A write calls `forget(keys, version)` after its commit, which leaves a tombstone
of that version; a slower fill that read an older row finds it and stores nothing. A
fill in this process that began before the `forget` is voided as well.
Keys are `zb:1:` and a name without personal data; a value is at most 256 KiB.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from api.metrics import CACHE
from api.owed_news import OwedNews
from api.settings import Settings

T = TypeVar("T")
Load = Callable[[], Awaitable[bytes | None]]
log = structlog.get_logger()

PREFIX = "zb:1:"
VALUE_LIMIT_BYTES = 256 * 1024
NEGATIVE_SECONDS = 5
JITTER = 0.1
# A fill that took longer is not stored: the tombstone that would have voided it may be gone.
FILL_SECONDS = 10
TOMBSTONE_SECONDS = FILL_SECONDS + 2

_BREAKER_ERRORS = 3
_BREAKER_SECONDS = 1.0

# A stored entry: what it is, the version as 16 digits (Lua's numbers end at 2^53), the bytes.
_VALUE, _ABSENT, _TOMBSTONE = b"v", b"n", b"t"
_HEADER_BYTES = 17

# KEYS entries; ARGV[1] header, ARGV[2] bytes, ARGV[3] milliseconds. A tombstone replaces
# its own version too (two writes may carry one), a value only what is not newer than it.
_SET_IF_NEWER = """
local stored = 0
local kind, version = string.sub(ARGV[1], 1, 1), tonumber(string.sub(ARGV[1], 2))
for _, key in ipairs(KEYS) do
  local header = redis.call('getrange', key, 0, 16)
  if #header < 17 or version >= tonumber(string.sub(header, 2)) then
    redis.call('set', key, ARGV[1] .. ARGV[2], 'px', ARGV[3])
    stored = stored + 1
  end
end
return stored
"""


_HIT, _MISS, _ERROR = (CACHE.labels(outcome) for outcome in ("hit", "miss", "error"))


class RedisAway(Exception):
    """Redis did not answer in time, answered with an error, is off, or the breaker is open."""


class Script:
    """A Lua script: runs atomically on the server, sent in full only once."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.sha: str | None = None


class RedisDoor:
    """One client with one breaker, for one process. `address` may be "off"."""

    def __init__(self, address: str, settings: Settings) -> None:
        self.errors = 0
        self._seconds = settings.redis_timeout_seconds
        self._client = None if address == "off" else _client(address, settings)
        self._failed_at: deque[float] = deque(maxlen=_BREAKER_ERRORS)
        self._opened_at: float | None = None
        self._probe: asyncio.Task[None] | None = None

    @property
    def is_off(self) -> bool:
        """True where the configuration says that there is no Redis."""
        return self._client is None

    @property
    def is_open(self) -> bool:
        """True while the breaker keeps calls away from a failing Redis."""
        return self._opened_at is not None

    async def call(self, work: Callable[[Redis], Awaitable[T]]) -> T:
        """Run commands within `redis_timeout_seconds` altogether.

        Raises RedisAway: late, refused, an error answer, or at once with the breaker open.
        """
        if self._client is None:
            raise RedisAway()
        if self._opened_at is not None:
            self._probe_when_due(self._client)
            raise RedisAway()
        try:
            async with asyncio.timeout(self._seconds):
                return await work(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            raise RedisAway() from None

    async def run(self, script: Script, keys: list[str], arguments: list[Any]) -> Any:
        """Run a script; the keys are given without prefix. Raises RedisAway."""
        named = [PREFIX + key for key in keys]

        async def work(client: Redis) -> Any:
            if script.sha is not None:
                # A restarted server has forgotten it.
                with suppress(NoScriptError):
                    return await cast(
                        Any, client.evalsha(script.sha, len(named), *named, *arguments)
                    )
            script.sha = await client.script_load(script.text)
            return await cast(Any, client.evalsha(script.sha, len(named), *named, *arguments))

        return await self.call(work)

    async def close(self) -> None:
        """Close the connections; a server that does not answer is not waited for."""
        if self._probe is not None:
            self._probe.cancel()
        if self._client is not None:
            with suppress(RedisError, OSError, TimeoutError):
                async with asyncio.timeout(1):
                    await self._client.aclose()

    def _note_failure(self, error: BaseException) -> None:
        self.errors += 1
        _ERROR.inc()
        now = time.monotonic()
        self._failed_at.append(now)
        recent = now - self._failed_at[0] <= 1.0
        if self._opened_at is None and len(self._failed_at) == _BREAKER_ERRORS and recent:
            self._opened_at = now
            # The class only: redis-py's messages quote commands.
            log.warning("redis_away", error=type(error).__name__)

    def _probe_when_due(self, client: Redis) -> None:
        # In the background, so that no caller pays for finding out.
        due = self._opened_at is not None and (
            time.monotonic() - self._opened_at >= _BREAKER_SECONDS
        )
        if due and (self._probe is None or self._probe.done()):
            self._probe = asyncio.create_task(self._try_again(client))

    async def _try_again(self, client: Redis) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await cast(Any, client.ping())
        except (RedisError, OSError, TimeoutError):
            self.errors += 1
            self._opened_at = time.monotonic()
        else:
            self._failed_at.clear()
            self._opened_at = None
            log.info("redis_back")


class _Fill:
    """A value on its way: whoever asks for its key meanwhile waits for the same task."""

    def __init__(self, work: Callable[[_Fill], Coroutine[Any, Any, bytes | None]]) -> None:
        self.void = False
        self.task = asyncio.create_task(work(self))


class Cache:
    """Bytes by key, read through. All of it may vanish at any moment."""

    def __init__(self, door: RedisDoor) -> None:
        self.door = door
        self.hits = 0
        self.misses = 0
        self._fills: dict[str, _Fill] = {}
        self._asked: dict[str, asyncio.Future[bytes | None]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._set_if_newer = Script(_SET_IF_NEWER)
        self._owed = OwedNews(self._entomb, self._empty_all)

    async def fetch(
        self,
        key: str,
        load: Load,
        *,
        seconds: float,
        version_of: Callable[[bytes], int] | None = None,
    ) -> bytes | None:
        """The bytes under `key`, else what `load` gives, kept for about `seconds` (± 10 %).

        `load` runs at most once at a time per key and process, in a task of its own that
        outlives a cancelled caller: it must borrow its own connection. Its None is kept for
        5 s; its exception goes to all who wait and is not kept. Values without a version
        are not stored for 12 s after a `forget` of their key.
        """
        fill = self._fills.get(key)
        if fill is None:
            fill = self._fills[key] = _Fill(
                lambda fill: self._fill(key, fill, load, seconds, version_of)
            )
            self._watch(fill.task)
        return await asyncio.shield(fill.task)

    async def forget(self, keys: Iterable[str], version: int) -> bool:
        """Let no value of `keys` older than `version` be served or stored any more.

        Call it after the commit, with the version the row has now (for a deleted row, one
        more than it had). False: Redis did not hear it. It is told until it does; should this
        process die first, others may serve what they find there until its lifetime ends.
        """
        names = list(keys)
        self._void_fills(names)
        if not names or self.door.is_off:
            return True
        heard = await self._store(names, _TOMBSTONE, version, b"", TOMBSTONE_SECONDS)
        # Those that began meanwhile may have found the old value in Redis.
        self._void_fills(names)
        if not heard:
            self._owed.owe(names, version)
        return heard

    async def empty(self) -> None:
        """Take out every key of ours, where values change without versions (imports, tests).

        Raises RedisAway; scans, so it is not for the request path.
        """
        if self.door.is_off:
            return
        cursor = 0
        while True:
            cursor = await self.door.call(partial(self._empty_some, cursor))
            if cursor == 0:
                return

    async def close(self) -> None:
        """Drop what is under way and close the door."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._owed.close()
        await self.door.close()

    async def _fill(
        self,
        key: str,
        fill: _Fill,
        load: Load,
        seconds: float,
        version_of: Callable[[bytes], int] | None,
    ) -> bytes | None:
        try:
            found = await self._look(key)
            if found is not None and found[:1] != _TOMBSTONE:
                self.hits += 1
                _HIT.inc()
                return found[_HEADER_BYTES:] if found[:1] == _VALUE else None
            self.misses += 1
            _MISS.inc()
            started_at = time.monotonic()
            value = await load()
            if not fill.void and time.monotonic() - started_at <= FILL_SECONDS:
                await self._keep(key, value, seconds, version_of)
            return value
        finally:
            if self._fills.get(key) is fill:
                del self._fills[key]

    async def _keep(
        self,
        key: str,
        value: bytes | None,
        seconds: float,
        version_of: Callable[[bytes], int] | None,
    ) -> None:
        if value is None:
            await self._store([key], _ABSENT, 0, b"", min(NEGATIVE_SECONDS, seconds))
        elif len(value) <= VALUE_LIMIT_BYTES:
            version = version_of(value) if version_of else 0
            await self._store([key], _VALUE, version, value, seconds)

    async def _store(
        self, keys: list[str], kind: bytes, version: int, value: bytes, seconds: float
    ) -> bool:
        milliseconds = int(seconds * 1000)
        if kind != _TOMBSTONE:
            milliseconds = int(milliseconds * random.uniform(1 - JITTER, 1 + JITTER))
        header = kind + b"%016d" % version
        try:
            await self.door.run(self._set_if_newer, keys, [header, value, max(1, milliseconds)])
        except RedisAway:
            return False
        return True

    async def _entomb(self, key: str, version: int) -> bool:
        return await self._store([key], _TOMBSTONE, version, b"", TOMBSTONE_SECONDS)

    async def _empty_all(self) -> bool:
        with suppress(RedisAway):
            await self.empty()
            return True
        return False

    async def _look(self, key: str) -> bytes | None:
        # All keys asked for in one turn of the loop go in one command: a seventh of the cost.
        future = self._asked.get(key)
        if future is None:
            loop = asyncio.get_running_loop()
            if not self._asked:
                loop.call_soon(self._send_asked)
            future = self._asked[key] = loop.create_future()
        return await future

    def _send_asked(self) -> None:
        asked, self._asked = self._asked, {}
        if asked:
            self._watch(asyncio.create_task(self._answer(asked)))

    async def _answer(self, asked: dict[str, asyncio.Future[bytes | None]]) -> None:
        names = [PREFIX + key for key in asked]
        try:
            values = await self.door.call(lambda client: cast(Any, client.mget(names)))
        except RedisAway:
            # Fails open: all of these are misses, the source answers.
            values = [None] * len(names)
        for future, value in zip(asked.values(), values, strict=True):
            if not future.done():
                future.set_result(value)

    @staticmethod
    async def _empty_some(cursor: int, client: Redis) -> int:
        following, names = await cast(Any, client.scan(cursor, match=PREFIX + "*", count=1000))
        if names:
            await client.unlink(*names)
        return int(following)

    def _void_fills(self, keys: list[str]) -> None:
        for key in keys:
            fill = self._fills.pop(key, None)
            if fill is not None:
                fill.void = True

    def _watch(self, task: asyncio.Task[Any]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Looked at, so that asyncio does not print an error whose waiters are all gone.
            task.exception()


async def open_cache(url: str, settings: Settings) -> Cache:
    """The process's cache. An unreachable Redis, or "off", is no error: it starts degraded."""
    cache = Cache(RedisDoor(url, settings))
    if not cache.door.is_off:
        try:
            await cache.door.call(lambda client: cast(Any, client.ping()))
        except RedisAway:
            log.warning("redis_away_at_start")
    return cache


def _client(url: str, settings: Settings) -> Redis:
    # Without these, redis-py tries a refused command for 3.55 s and may run it several times.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=settings.redis_pool_size,
        timeout=settings.redis_timeout_seconds,
        socket_timeout=settings.redis_timeout_seconds,
        socket_connect_timeout=settings.redis_timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        health_check_interval=0,
        protocol=2,
        driver_info=None,
        client_name="zhangban",
    )
    return Redis.from_pool(pool)
