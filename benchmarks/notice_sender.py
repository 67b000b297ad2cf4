"""Sends requests that stand ready as bytes over kept-alive connections, and times the answers."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

# A channel comes again; so does this, a little later.
AGAIN_SECONDS = 0.2
_LENGTH = b"content-length: "


class Answers(Struct, frozen=True):
    """`seconds`: how long each answer took, sorted; `refused`: how many had to be sent again."""

    seconds: list[float]
    total_seconds: float
    refused: int

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.seconds) / self.total_seconds

    def quantile(self, share: float) -> float:
        """So long at most took this share of the answers."""
        return self.seconds[min(len(self.seconds) - 1, int(share * len(self.seconds)))]

    def most_seconds(self) -> float:
        """The slowest answer."""
        return self.seconds[-1]


async def send_all(address: str, requests: Sequence[bytes], connections: int) -> Answers:
    """Send each until it is answered 2xx; one at a time on every connection."""
    parts = urlsplit(address)
    waiting = deque(requests)
    seconds: list[float] = []
    refused = 0

    async def work() -> None:
        nonlocal refused
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while waiting:
            request = waiting.popleft()
            began = time.perf_counter()
            writer.write(request)
            status = await _read_status(reader)
            seconds.append(time.perf_counter() - began)
            if not 200 <= status < 300:
                refused += 1
                waiting.append(request)
                await asyncio.sleep(AGAIN_SECONDS)
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    total = time.perf_counter() - began
    return Answers(sorted(seconds), total, refused)


async def _read_status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    at = head.lower().find(_LENGTH)
    if at >= 0:
        end = head.index(b"\r\n", at)
        await reader.readexactly(int(head[at + len(_LENGTH) : end]))
    return int(head[9:12])
