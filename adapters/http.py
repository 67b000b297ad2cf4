"""The one way out: an HTTP client that always comes back, and says what it may know.

Every call has a total budget (3 s unless told otherwise) over connecting, sending, reading
and any repeat; bodies are bounded; redirects, proxies of the environment and compressed
answers are not taken. Only calls marked `safe` are repeated. A host that keeps failing at an
operation is left alone for a while (circuit breaker). What cannot be had raises Unreachable,
whose `sent` is False where the request surely never left. Addresses are never logged: they
carry access tokens; what a debug line shows of a body is its shape.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx
import msgspec
import structlog
from msgspec import Struct

from adapters.contract import Unreachable

log = structlog.get_logger()

# They write full addresses, and at debug level headers too.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.WARNING)

USER_AGENT = "zhangban/0.1"
BUDGET_SECONDS = 3.0
BODY_BYTES = 1024 * 1024


class Answer(Struct, frozen=True):
    """What came back: any status but a redirect; header names in lower case; the raw body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Limits(Struct, frozen=True):
    """What a call may cost, and when a circuit opens; times in seconds.

    A circuit opens after `failures` in a row within `window_seconds`, for `open_seconds`,
    then lets one call try.
    """

    budget_seconds: float = BUDGET_SECONDS
    connect_seconds: float = 1.0
    body_bytes: int = BODY_BYTES
    connections: int = 50
    failures: int = 5
    window_seconds: float = 10.0
    open_seconds: float = 5.0


class Call(Struct, frozen=True):
    """A request to be. `operation` is our name for it: logs and circuits go by it.

    `safe`: repeating it changes nothing, so it may be tried twice.
    """

    operation: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    safe: bool = False
    budget_seconds: float | None = None


class Client:
    """One channel's way out, for one process."""

    def __init__(
        self,
        channel: str,
        limits: Limits | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._channel = channel
        self._limits = limits or Limits()
        self._clock = clock
        self._circuits: dict[tuple[str, str], _Circuit] = {}
        self._client = httpx.AsyncClient(
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(
                self._limits.budget_seconds, connect=self._limits.connect_seconds
            ),
            limits=httpx.Limits(
                max_connections=self._limits.connections,
                max_keepalive_connections=self._limits.connections,
                keepalive_expiry=30,
            ),
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        )

    async def call(self, call: Call) -> Answer:
        """Send and read whole. Raises Unreachable; a status of 4xx or 5xx is an answer."""
        budget = call.budget_seconds or self._limits.budget_seconds
        ends_at = self._clock() + budget
        if not call.safe:
            return await self._try(call, budget)
        try:
            # The first try leaves time for a second.
            answer = await self._try(call, budget / 2)
            if answer.status < 500:
                return answer
        except Unreachable as failure:
            if failure.code == "circuit_open":
                raise
        return await self._try(call, max(ends_at - self._clock(), 0.05))

    async def _try(self, call: Call, seconds: float) -> Answer:
        async with self._watched(call, seconds) as watch, self._opened(call) as response:
            body = bytearray()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > self._limits.body_bytes:
                    raise Unreachable("answer_unreadable")
            watch.status = response.status_code
            answer = Answer(response.status_code, _lower(response.headers), bytes(body))
            _write_transcript(call, answer)
            return answer

    @asynccontextmanager
    async def download(
        self, call: Call, *, idle_seconds: float = 10.0, total_bytes: int = 256 * 1024 * 1024
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """A long file as it comes: status and chunks. Give `call` the budget of the whole.

        Raises Unreachable, also while the chunks are read: too slow, too long, broken off.
        """
        seconds = call.budget_seconds or 600.0
        async with (
            self._watched(call, seconds) as watch,
            self._opened(call, read_seconds=idle_seconds) as response,
        ):
            watch.status = response.status_code
            yield response.status_code, _bounded(response, total_bytes)

    @asynccontextmanager
    async def _opened(
        self, call: Call, read_seconds: float | None = None
    ) -> AsyncIterator[httpx.Response]:
        request = self._client.build_request(
            call.method, call.url, headers=dict(call.headers), content=call.body or None
        )
        if read_seconds is not None:
            request.extensions["timeout"] = {**request.extensions["timeout"], "read": read_seconds}
        response = await self._client.send(request, stream=True)
        try:
            encoding = response.headers.get("content-encoding", "identity")
            if response.is_redirect or encoding != "identity":
                raise Unreachable("answer_unreadable")
            yield response
        finally:
            await response.aclose()

    @asynccontextmanager
    async def _watched(self, call: Call, seconds: float) -> AsyncIterator[_Watch]:
        """Bound the block, tell the circuit how it went, translate what httpx raises."""
        circuit = self._circuit(call)
        circuit.enter(self._clock())
        watch = _Watch(self._clock())
        failure: Unreachable | None = None
        settled = False
        try:
            async with asyncio.timeout(seconds):
                yield watch
            settled = True
        except Unreachable as error:
            failure = error
        except (TimeoutError, httpx.HTTPError, httpx.StreamError, httpx.InvalidURL) as error:
            failure = _translate(error)
        finally:
            failed = failure is not None or watch.status >= 500
            if settled or failure is not None:
                circuit.leave(failed=failed, now=self._clock())
            else:
                # Cancelled, or an error of our own: it says nothing of the host.
                circuit.abandon()
            self._note(call, watch, failure)
        if failure is not None:
            raise failure from None

    def _circuit(self, call: Call) -> _Circuit:
        key = (urlsplit(call.url).netloc, call.operation)
        return self._circuits.setdefault(key, _Circuit(self._limits))

    def _note(self, call: Call, watch: _Watch, failure: Unreachable | None) -> None:
        well = failure is None and 0 < watch.status < 500
        (log.info if well else log.warning)(
            "channel_call",
            channel=self._channel,
            operation=call.operation,
            status=watch.status or None,
            failure=failure.code if failure else None,
            milliseconds=round((self._clock() - watch.began_at) * 1000),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()


class _Watch:
    """What is known of one try so far."""

    def __init__(self, began_at: float) -> None:
        self.began_at = began_at
        self.status = 0


class _Circuit:
    """Closed, open until a time, or half open with one call trying."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._failures: list[float] = []
        self._open_until: float | None = None
        self._is_trying = False

    def enter(self, now: float) -> None:
        """Raises Unreachable `circuit_open`, unsent."""
        if self._open_until is None:
            return
        if now < self._open_until or self._is_trying:
            raise Unreachable("circuit_open", sent=False)
        self._is_trying = True

    def leave(self, *, failed: bool, now: float) -> None:
        """Count how a call went."""
        was_trying, self._is_trying = self._is_trying, False
        if not failed:
            self._failures.clear()
            self._open_until = None
            return
        since = now - self._limits.window_seconds
        self._failures = [moment for moment in self._failures if moment > since] + [now]
        if was_trying or len(self._failures) >= self._limits.failures:
            self._open_until = now + self._limits.open_seconds
            self._failures.clear()

    def abandon(self) -> None:
        """A call that ended without telling anything of the host."""
        self._is_trying = False


def _translate(error: Exception) -> Unreachable:
    if isinstance(error, (httpx.ConnectTimeout, httpx.PoolTimeout)):
        return Unreachable("timeout", sent=False)
    if isinstance(error, (TimeoutError, httpx.TimeoutException)):
        return Unreachable("timeout")
    if isinstance(error, (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL)):
        return Unreachable("connection_failed", sent=False)
    if isinstance(error, httpx.DecodingError):
        return Unreachable("answer_unreadable")
    return Unreachable("connection_failed")


async def _bounded(response: httpx.Response, total_bytes: int) -> AsyncIterator[bytes]:
    count = 0
    async for chunk in response.aiter_raw():
        count += len(chunk)
        if count > total_bytes:
            raise Unreachable("answer_unreadable")
        yield chunk


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# ── Transcripts ─────────────────────────────────────────────────────────────────────────

# Words of the channels that say how it went and nothing of anybody.
_SHOWN = frozenset(
    {"errcode", "code", "sub_code", "trade_state", "status", "refund_status", "trade_status"}
)


def _write_transcript(call: Call, answer: Answer) -> None:
    if log.is_enabled_for(logging.DEBUG):
        log.debug(
            "channel_transcript",
            operation=call.operation,
            # What is asked holds codes that people were granted: none of its values is shown.
            asked=draw_shape(call.body, shown=frozenset()),
            answered=draw_shape(answer.body),
        )


def draw_shape(body: bytes, shown: frozenset[str] = _SHOWN) -> Any:
    """A JSON body with its keys, and lengths where values stood; else its size in bytes."""
    try:
        return _shape(msgspec.json.decode(body), shown)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return f"{len(body)} bytes"


def _shape(value: Any, shown: frozenset[str], name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shape(inner, shown, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shape(inner, shown) for inner in value[:3]]
    if name in shown and len(str(value)) <= 64:
        return value
    return f"({len(value)})" if isinstance(value, str) else type(value).__name__
