"""Changes of cases as they happen: one listening connection per process, many streams.

A trigger notifies in the very transaction that changes a case, so every process hears of
it when it commits, whoever wrote it and whatever became of them. A stream that is woken
asks for what is new of its own case; a lost connection therefore loses nothing. The same
news takes older progress out of the cache. No Redis is needed for any of it.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from api.cache import Cache
from api.cases import queries
from api.cases.rows import StreamRow
from api.cases.schemas import StreamedChange
from api.cases.show_progress import progress_key, say_time
from api.cases.states import EVENT_LABELS, label_of
from api.database import DATABASE_AWAY, Database, open_connection
from api.errors import DatabaseUnavailable, Overloaded, RateLimited
from api.protocol import AT_SHUTDOWN

log = structlog.get_logger()

CHANNEL = "case_changed"
STREAMS_PER_PROCESS = 2000
STREAMS_PER_CITIZEN = 6
AGE_SECONDS = 600.0
HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = 3000
_PAUSE_SECONDS = (0.2, 5.0)
_NEWS = msgspec.json.Decoder(tuple[str, int])


class Place:
    """A stream's place; given back when it ends, or is dropped before it began."""

    def __init__(self, streams: Streams, citizen_id: str, case_no: str) -> None:
        self.woken = asyncio.Event()
        self.case_no = case_no
        self.citizen_id = citizen_id
        self._streams: Streams | None = streams

    def leave(self) -> None:
        """Give it back; a second time does nothing."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams.leave(self)

    def __del__(self) -> None:
        self.leave()


class Streams:
    """The streams of one process, and its ear for changes."""

    def __init__(self, database_url: str, database: Database, cache: Cache) -> None:
        self.listening = False
        self._url = database_url
        self._database = database
        self._cache = cache
        self._count = 0
        self._of_citizen: Counter[str] = Counter()
        self._woken_by: dict[str, set[asyncio.Event]] = {}
        self._news: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._forgetting: asyncio.Task[None] | None = None
        self._going = asyncio.Event()

    @property
    def count(self) -> int:
        """Streams that are open."""
        return self._count

    def start(self) -> None:
        """Begin to listen; a database that is away is tried again and again."""
        AT_SHUTDOWN.add(self._going.set)
        self._task = asyncio.create_task(self._listen_for_ever())

    async def close(self) -> None:
        """Stop listening, and end every stream."""
        AT_SHUTDOWN.discard(self._going.set)
        self._going.set()
        tasks = [task for task in (self._task, self._forgetting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def take(self, citizen_id: str, case_no: str) -> Place:
        """A place for one more stream. Raises Overloaded, or RateLimited for one citizen's many."""
        if self._count >= STREAMS_PER_PROCESS:
            raise Overloaded(headers={"Retry-After": str(random.randint(2, 10))})
        if self._of_citizen[citizen_id] >= STREAMS_PER_CITIZEN:
            raise RateLimited(headers={"Retry-After": "10"})
        place = Place(self, citizen_id, case_no)
        self._count += 1
        self._of_citizen[citizen_id] += 1
        self._woken_by.setdefault(case_no, set()).add(place.woken)
        return place

    def leave(self, place: Place) -> None:
        """What `Place.leave` does."""
        self._count -= 1
        self._of_citizen[place.citizen_id] -= 1
        if self._of_citizen[place.citizen_id] <= 0:
            del self._of_citizen[place.citizen_id]
        waiting = self._woken_by.get(place.case_no, set())
        waiting.discard(place.woken)
        if not waiting:
            self._woken_by.pop(place.case_no, None)

    async def tell(self, place: Place, after: int) -> AsyncIterator[bytes]:
        """Every change after that number, as Server-Sent Events, until the stream is too old."""
        ends_at = time.monotonic() + AGE_SECONDS * random.uniform(0.9, 1.1)
        try:
            yield b"retry: %d\n\n" % RETRY_MILLISECONDS
            while not self._going.is_set() and time.monotonic() < ends_at:
                place.woken.clear()
                for row in await self._read(place, after):
                    after = row.seq
                    yield frame(row)
                if not await self._is_woken(place):
                    yield b": still here\n\n"
        except DatabaseUnavailable:
            # The client comes back with the last number it saw.
            return
        finally:
            place.leave()

    async def _is_woken(self, place: Place) -> bool:
        """Whether there is news, or an end, before it is time to say that we are still here."""
        ends = [asyncio.create_task(event.wait()) for event in (place.woken, self._going)]
        try:
            done, _ = await asyncio.wait(
                ends, timeout=HEARTBEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            return bool(done)
        finally:
            for end in ends:
                end.cancel()

    async def _read(self, place: Place, after: int) -> list[StreamRow]:
        return await self._database.read(
            lambda connection: queries.list_events_after(
                connection, case_no=place.case_no, citizen_id=place.citizen_id, after=after
            )
        )

    async def _listen_for_ever(self) -> None:
        pause, longest = _PAUSE_SECONDS
        while True:
            try:
                await self._listen()
                pause = _PAUSE_SECONDS[0]
            except DATABASE_AWAY as error:
                log.warning("case_listener_away", error=type(error).__name__)
            self.listening = False
            await asyncio.sleep(pause * random.uniform(0.5, 1))
            pause = min(longest, pause * 2)

    async def _listen(self) -> None:
        """Listen until the connection ends."""
        lost = asyncio.Event()
        async with open_connection(self._url) as connection:
            connection.add_termination_listener(lambda _connection: lost.set())
            await connection.add_listener(CHANNEL, self._hear)
            self.listening = True
            self._wake_all()
            while not lost.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(lost.wait(), timeout=HEARTBEAT_SECONDS)
                if not lost.is_set():
                    # A connection that died in silence is found out here.
                    await connection.execute("select 1", timeout=2)

    def _hear(self, _connection: Any, _process: int, _channel: str, payload: object) -> None:
        try:
            case_no, version = _NEWS.decode(str(payload))
        except msgspec.MsgspecError:
            return
        for woken in self._woken_by.get(case_no, ()):
            woken.set()
        self._news[case_no] = max(version, self._news.get(case_no, 0))
        if self._forgetting is None or self._forgetting.done():
            self._forgetting = asyncio.create_task(self._forget())

    async def _forget(self) -> None:
        while self._news:
            news, self._news = self._news, {}
            for case_no, version in news.items():
                await self._cache.forget([progress_key(case_no)], version)

    def _wake_all(self) -> None:
        for waiting in self._woken_by.values():
            for woken in waiting:
                woken.set()


def frame(row: StreamRow) -> bytes:
    """One change as an event of the stream; its id is the number to resume from."""
    status = row.to_status
    change = StreamedChange(
        seq=row.seq,
        type=row.type,
        label=EVENT_LABELS[row.type][0],
        at=say_time(row.occurred_at),
        note=row.note,
        applied=row.applied,
        status=status,
        status_label=label_of(status, evaluated=row.evaluated)[0] if status else None,
    )
    return b"id: %d\nevent: moved\ndata: %s\n\n" % (row.seq, msgspec.json.encode(change))
