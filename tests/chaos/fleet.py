"""The service's processes of a run: whatever dies is started again, and every death counted."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from api.embedded import end_with_parent
from api.failpoints import EXIT_STATUS, SAID
from tests.chaos.spawner import Begun, Ended, Start
from tests.live import PROJECT, free_port

_START_SECONDS = 60.0
_LAST_BYTES = 400
_SAID = ("event", "entry", "entrypoint", "error", "sqlstate", "where")


class Place(Struct, frozen=True):
    """Where a process stands in the fleet: a server at its port, or a job worker (port 0)."""

    name: str
    port: int

    @property
    def arguments(self) -> list[str]:
        return ["serve"] if self.port else ["work"]


class Fleet:
    """Servers and job workers over one database.

    `deaths` counts by step, or by what else ended a process. `failpoint` holds for every
    process that starts from now on; `{}` in it becomes a number of the process's own.
    """

    def __init__(self, spawner: asyncio.subprocess.Process, folder: Path, seed: int) -> None:
        self.failpoint = ""
        self.deaths: Counter[str] = Counter()
        self.restart_seconds: list[float] = []
        self._spawner = spawner
        self._folder = folder
        self._seed = seed
        self._pids: dict[str, int] = {}
        self._places: dict[str, Place] = {}
        self._started = 0
        self._asked_at: dict[str, float] = {}
        self._told_to_stop: set[str] = set()
        self._changed = asyncio.Event()

    @property
    def ports(self) -> list[int]:
        """Of the servers, dead or alive."""
        return [place.port for place in self._places.values() if place.port]

    @property
    def kills(self) -> int:
        """How many processes ended at a failpoint."""
        return sum(count for name, count in self.deaths.items() if "." in name)

    def place(self, *, servers: int, workers: int) -> None:
        """Start so many of each and keep them going."""
        places = [Place(f"serve-{number}", free_port()) for number in range(servers)]
        places += [Place(f"work-{number}", 0) for number in range(workers)]
        for place in places:
            self._places[place.name] = place
            self._start(place)

    def shoot(self, dice: random.Random) -> None:
        """kill -9 for one of them."""
        if self._pids:
            self._kill(dice.choice(sorted(self._pids)))

    async def renew(self, *, servers: int, workers: int) -> None:
        """kill -9 for all, at once; then so many start anew, with the failpoint of now."""
        self._places.clear()
        for name in list(self._pids):
            self._kill(name)
        while self._pids:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), 10)
        self.place(servers=servers, workers=workers)

    async def watch(self) -> None:
        """Hear of every death; for ever."""
        output = self._spawner.stdout
        assert output is not None
        async for line in output:
            event = msgspec.json.decode(line, type=Begun | Ended)
            if isinstance(event, Begun):
                self._pids[event.name] = event.pid
                self.restart_seconds.append(time.monotonic() - self._asked_at[event.name])
            else:
                self._bury(event)
            self._changed.set()

    def errors(self) -> Counter[str]:
        """What the processes logged as errors: event, kind of error and where."""
        found: Counter[str] = Counter()
        for log in self._folder.glob("*.log"):
            for line in log.read_text(errors="replace").splitlines():
                if '"level": "error"' in line:
                    said = msgspec.json.decode(line, type=dict[str, Any])
                    words = (said.get(name) for name in _SAID)
                    found[" ".join(str(word) for word in words if word)] += 1
        return found

    def _start(self, place: Place) -> None:
        self._started += 1
        environment = {
            "FAILPOINT": self.failpoint.format(f"{self._seed}-{self._started}"),
            "PORT": str(place.port or 1),
        }
        start = Start(place.name, place.arguments, environment, str(self._log(place.name)))
        self._asked_at[place.name] = time.monotonic()
        assert self._spawner.stdin is not None
        self._spawner.stdin.write(msgspec.json.encode(start) + b"\n")

    def _kill(self, name: str) -> None:
        self._told_to_stop.add(name)
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pids[name], signal.SIGKILL)

    def _bury(self, ended: Ended) -> None:
        del self._pids[ended.name]
        self.deaths[self._cause(ended)] += 1
        self._told_to_stop.discard(ended.name)
        place = self._places.get(ended.name)
        if place is not None:
            self._start(place)

    def _cause(self, ended: Ended) -> str:
        if ended.status == -signal.SIGKILL and ended.name in self._told_to_stop:
            return "kill -9"
        if ended.status == EXIT_STATUS:
            last = self._log(ended.name).read_bytes()[-_LAST_BYTES:].decode(errors="replace")
            return last.rsplit(SAID, 1)[-1].strip()
        return f"exit {ended.status}"

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"


@asynccontextmanager
async def spawning(folder: Path, environment: Mapping[str, str], seed: int) -> AsyncIterator[Fleet]:
    """A fleet without processes yet; every one of them is gone when the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "spawner.log").open("wb") as log:
        spawner = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.chaos.spawner"),
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    fleet = Fleet(spawner, folder, seed)
    watching = asyncio.create_task(fleet.watch())
    try:
        yield fleet
    finally:
        assert spawner.stdin is not None
        spawner.stdin.close()
        try:
            await asyncio.wait_for(spawner.wait(), _START_SECONDS)
        except TimeoutError:
            spawner.kill()
            await spawner.wait()
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
