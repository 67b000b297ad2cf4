"""Receivers of webhooks, on real sockets: good ones, and every bad kind."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from msgspec import Struct

Answer = Callable[["Received", asyncio.StreamWriter], Awaitable[None]]


class Received(Struct, frozen=True):
    """One request as it came."""

    line: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Listens on a loopback address; `answer` may be changed while it runs."""

    def __init__(self, answer: Answer | None = None, host: str = "127.0.0.1") -> None:
        self.answer = answer or status(204)
        self.host = host
        self.port = 0
        self.received: list[Received] = []
        self.came = asyncio.Event()
        self.at_once = 0
        self.most_at_once = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hook?from=zhangban"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            received = await read(reader)
            self.received.append(received)
            self.came.set()
            await self.answer(received, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()


async def read(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    values = dict(line.split(": ", 1) for line in head[1:] if line)
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(head[0], {name.lower(): value for name, value in values.items()}, body)


def status(code: int, *headers: str, body: bytes = b"") -> Answer:
    """Answers so at once."""

    async def answer(_received: Received, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {code} X", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return answer


async def hang(_received: Received, _writer: asyncio.StreamWriter) -> None:
    """Says nothing."""
    await asyncio.sleep(3600)


async def drip(_received: Received, writer: asyncio.StreamWriter) -> None:
    """Begins to answer and never ends."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(_received: Received, writer: asyncio.StreamWriter) -> None:
    """Answers without end, as fast as it can."""
    writer.write(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"4000\r\n" + bytes(0x4000) + b"\r\n")
        await writer.drain()


async def hang_up(_received: Received, writer: asyncio.StreamWriter) -> None:
    """Breaks the connection off."""
    writer.close()


async def babble(_received: Received, writer: asyncio.StreamWriter) -> None:
    """Speaks no HTTP."""
    writer.write(b"hello there\r\n\r\n")
    await writer.drain()


@asynccontextmanager
async def listening(
    receiver: Receiver, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """The receiver on a port of its own while the block lasts."""
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(receiver.handle(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, receiver.host, 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
