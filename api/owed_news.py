"""What a cache could not be told yet: told again until it hears it.

A write that must reach Redis may find it slow or gone for a moment. Its key waits here,
in memory, and is told anew every quarter of a second; of more keys than `MOST_OWED` only
that there are too many is kept, and everything is taken out instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

OWED_SECONDS = 0.25
MOST_OWED = 10_000

Tell = Callable[[str, int], Awaitable[bool]]
TakeOutAll = Callable[[], Awaitable[bool]]


class OwedNews:
    """Keys with the version to be told; `tell` and `take_out_all` say whether they were heard."""

    def __init__(self, tell: Tell, take_out_all: TakeOutAll) -> None:
        self._tell = tell
        self._take_out_all = take_out_all
        self._owed: dict[str, int] = {}
        self._telling: asyncio.Task[None] | None = None

    def owe(self, keys: Iterable[str], version: int) -> None:
        """Tell these soon, and until it is heard. Needs a running loop."""
        for key in keys:
            self._owed[key] = max(version, self._owed.get(key, 0))
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def close(self) -> None:
        """Stop telling."""
        if self._telling is not None:
            self._telling.cancel()
            await asyncio.gather(self._telling, return_exceptions=True)

    async def _tell_all(self) -> None:
        while self._owed:
            await asyncio.sleep(OWED_SECONDS)
            if len(self._owed) > MOST_OWED and await self._take_out_all():
                self._owed.clear()
            for key, version in list(self._owed.items()):
                if not await self._tell(key, version):
                    break
                # A newer version may have come meanwhile.
                if self._owed.get(key) == version:
                    del self._owed[key]
