"""How much is done at once: places by importance, and bodies that are small and prompt.

Past its limit a process does not get slower, it refuses: what has a place keeps its
deadline, what waits is served by importance and then in order, the rest hears 503 with
`Retry-After` at once.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from litestar.types import HTTPReceiveMessage, Receive, Scope
from msgspec import Struct

from api.errors import BadRequest, BodyTooLarge, Overloaded, RequestTimeout, UnsupportedMediaType
from api.settings import Settings


class Kind(IntEnum):
    """What a request is for, the most important first."""

    NOTICE = 0
    PAY = 1
    SUBMIT = 2
    QUERY = 3
    CATALOGUE = 4
    EXPORT = 5


# The share of all places that a kind and everything less important may hold together; what
# is left over is kept free for more important ones.
SHARES = {
    Kind.NOTICE: 1.0,
    Kind.PAY: 0.95,
    Kind.SUBMIT: 0.9,
    Kind.QUERY: 0.85,
    Kind.CATALOGUE: 0.7,
    Kind.EXPORT: 0.1,
}


class Admission:
    """The places of one process. Counters: `in_flight`, `refused` by kind; `waiting`."""

    def __init__(self, settings: Settings) -> None:
        self.in_flight: Counter[Kind] = Counter()
        self.refused: Counter[Kind] = Counter()
        self._queue_limit = settings.queue_limit
        self._queue_seconds = settings.queue_seconds
        # Rounded up, so that even one place serves every kind.
        self._caps = [max(1, -int(-settings.in_flight_limit * SHARES[kind] // 1)) for kind in Kind]
        # How many of a kind or less important hold a place.
        self._held = [0] * len(Kind)
        # Ordered sets: a waiter leaves from the middle when its time is over.
        self._queues: list[dict[asyncio.Future[None], None]] = [{} for _ in Kind]

    def place(self, kind: Kind) -> Place:
        """A place for the length of an `async with` block. Raises Overloaded (503).

        At once where the queue is full of what is as important, else after
        `queue_seconds`. A full queue sheds its newest least important waiter for one that
        is more important.
        """
        return Place(self, kind)

    @property
    def waiting(self) -> int:
        """Requests that wait for a place."""
        return sum(map(len, self._queues))

    async def take(self, kind: Kind) -> None:
        """What `place` does on entry. Raises Overloaded."""
        if self._has_room(kind):
            self._hold(kind)
            return
        if not self._queue_seconds or not self._has_queue_room(kind):
            raise self._overloaded(kind)
        await self._wait(kind)

    def leave(self, kind: Kind) -> None:
        """What `place` does on exit: the place goes to the most important waiter."""
        self.in_flight[kind] -= 1
        for level in range(kind + 1):
            self._held[level] -= 1
        self._serve_queues()

    async def _wait(self, kind: Kind) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        queue = self._queues[kind]
        queue[turn] = None
        timer = loop.call_later(self._queue_seconds, self._shed, kind, turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                # Cancelled in the same moment in which the place was handed over.
                self.leave(kind)
            raise
        finally:
            timer.cancel()
            queue.pop(turn, None)

    def _serve_queues(self) -> None:
        for kind in Kind:
            queue = self._queues[kind]
            while queue:
                if not self._has_room(kind):
                    # What keeps this kind out keeps out all less important ones as well.
                    return
                turn = next(iter(queue))
                del queue[turn]
                if not turn.done():
                    self._hold(kind)
                    turn.set_result(None)

    def _has_room(self, kind: Kind) -> bool:
        return all(self._held[level] < self._caps[level] for level in range(kind + 1))

    def _hold(self, kind: Kind) -> None:
        self.in_flight[kind] += 1
        for level in range(kind + 1):
            self._held[level] += 1

    def _has_queue_room(self, kind: Kind) -> bool:
        if self.waiting < self._queue_limit:
            return True
        for lesser in reversed(Kind):
            if lesser > kind and self._queues[lesser]:
                self._shed(lesser, next(reversed(self._queues[lesser])))
                return True
        return False

    def _shed(self, kind: Kind, turn: asyncio.Future[None]) -> None:
        self._queues[kind].pop(turn, None)
        if not turn.done():
            turn.set_exception(self._overloaded(kind))

    def _overloaded(self, kind: Kind) -> Overloaded:
        self.refused[kind] += 1
        # Scattered, so that those refused together do not come back together.
        return Overloaded(headers={"Retry-After": str(random.randint(1, 3))})


class Place:
    """One place, held for the length of an `async with` block."""

    __slots__ = ("_admission", "_kind")

    def __init__(self, admission: Admission, kind: Kind) -> None:
        self._admission = admission
        self._kind = kind

    async def __aenter__(self) -> None:
        await self._admission.take(self._kind)

    async def __aexit__(self, *_: Any) -> None:
        self._admission.leave(self._kind)


class BodyLimit(Struct, frozen=True):
    """How large a body may be and how long it may take to arrive."""

    bytes: int
    seconds: float


def guard_body(scope: Scope, receive: Receive, limit: BodyLimit) -> Receive:
    """A `receive` that ends a body that is too large or too slow.

    Raises at once: BodyTooLarge for a declared length over the limit, BadRequest for one
    that is no number, UnsupportedMediaType for a compressed body (its size would be a
    promise only). The returned callable raises BodyTooLarge and RequestTimeout. Waiting
    for the client to go away, after the body, has no limit.
    """
    _check_declared(scope["headers"], limit)
    received_bytes = 0
    ends_at: float | None = None
    whole = False

    async def guarded() -> HTTPReceiveMessage:
        nonlocal received_bytes, ends_at, whole
        if whole:
            return await receive()  # type: ignore[return-value]
        if ends_at is None:
            ends_at = asyncio.get_running_loop().time() + limit.seconds
        try:
            async with asyncio.timeout_at(ends_at):
                message: Any = await receive()
        except TimeoutError:
            raise RequestTimeout(headers={"Connection": "close"}) from None
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit.bytes:
            raise BodyTooLarge(headers={"Connection": "close"})
        whole = not message.get("more_body", False)
        return message  # type: ignore[no-any-return]

    return guarded


def body_limits(
    settings: Settings, larger: Callable[[str], BodyLimit | None] = lambda _path: None
) -> Callable[[str], BodyLimit]:
    """The limit of a path: what `larger` says for uploads, else BODY_LIMIT_BYTES and _SECONDS."""
    usual = BodyLimit(settings.body_limit_bytes, settings.body_seconds)
    return lambda path: larger(path) or usual


def _check_declared(headers: Any, limit: BodyLimit) -> None:
    for name, value in headers:
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise BadRequest(headers={"Connection": "close"})
            if int(value) > limit.bytes:
                raise BodyTooLarge(headers={"Connection": "close"})
        elif name == b"content-encoding" and value.strip().lower() not in {b"", b"identity"}:
            raise UnsupportedMediaType()
