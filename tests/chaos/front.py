"""One address before several servers, as a proxy in production is; now and then it cuts a line.

A connection goes to the next server that listens; where that server dies, so does the
connection. Nothing is sent twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

_CHUNK = 65536
# How long somebody waits while no server listens.
_TRIES, _TRY_SECONDS = 20, 0.05


class Front:
    """`cut_share` of connections are cut once the server has begun to answer."""

    def __init__(self, ports: Callable[[], Sequence[int]], dice: random.Random) -> None:
        self.cut_share = 0.0
        self.cuts = 0
        self._ports = ports
        self._dice = dice
        self._turn = 0

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection to its end."""
        server = await self._connect()
        if server is not None:
            answers, asks = server
            await asyncio.gather(_pour(reader, asks), self._answer(answers, writer))
            asks.close()
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        for _ in range(_TRIES):
            for _ in range(len(self._ports())):
                self._turn += 1
                port = self._ports()[self._turn % len(self._ports())]
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(_TRY_SECONDS)
        return None

    async def _answer(self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        is_cut = self._dice.random() < self.cut_share
        if is_cut:
            # The answer is there, and nobody hears it.
            with contextlib.suppress(OSError):
                await answers.read(_CHUNK)
            self.cuts += 1
        else:
            await _pour(answers, writer)
        writer.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await source.read(_CHUNK):
            target.write(chunk)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


@asynccontextmanager
async def fronting(
    ports: Callable[[], Sequence[int]], port: int, dice: random.Random
) -> AsyncIterator[Front]:
    """Listen at `port` while the block lasts."""
    front = Front(ports, dice)
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(front.take(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", port)
    try:
        yield front
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
