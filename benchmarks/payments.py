"""How many payments a second one server process can begin while its gateway takes its time.

    python -m benchmarks.payments [--rounds 3] [--seconds 6] [--gateway-ms 50]

The server is the real one (`python -m api serve`, one process) on an embedded PostgreSQL of
its own without Redis. The gateway answers an order after so many milliseconds; it speaks
WeChat Pay's wire, proves the signature of each order and signs its answer, and does nothing
else (the simulator keeps books and a journal, and would be what is measured). It has a
process of its own. Requests are built beforehand, each a bill of its own, and go over
connections that are kept.

Every round measures, one after the other: the bare gateway; creations one at a time; many
at once; many at once with two database connections. A service that held a connection while
it waits could begin no more than connections / gateway time.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import psutil
import uvloop
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from adapters.simulation.keys import KeyRing, draw_toml
from adapters.wechat.simulator.account import Account
from api.database import open_connection
from api.embedded import end_with_parent, start_postgres, stop_postgres
from api.migrations import migrate
from api.settings import Settings, load_settings
from benchmarks.build_creations import creations, make_person, orders
from benchmarks.play_gateway import play_gateway
from loadtests.own_service import PROJECT

AT_ONCE = 32
FEW_CONNECTIONS = 2
_WARM_UP = 40
_SAMPLE_SECONDS = 0.01
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: (\d+)")


class Peer(Struct, frozen=True):
    """Who is asked: its port, and the process that answers."""

    port: int
    pid: int


class Measured(Struct, frozen=True):
    """One stretch of requests, those answered 503 left out of all but `refused`. `most_used`
    connections were busy at once; `longest_ms` is how old the oldest transaction was that
    anybody saw open."""

    count: int
    refused: int
    seconds: float
    p50_ms: float
    p99_ms: float
    most_used: int
    longest_ms: float
    cpu_ms: float
    """Of the answering process and its children, for each answer."""

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


def main() -> int:
    """Run the rounds and print the table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--gateway-ms", type=int, default=50)
    asked = parser.parse_args()
    uvloop.install()
    with tempfile.TemporaryDirectory(prefix="payments-") as folder:
        data = Path(folder)
        try:
            url = start_postgres(data / "postgres", "payments")
            migrate(url)
            found = run(asked, data, url)
        finally:
            stop_postgres(data / "postgres")
    show(asked, found)
    return 0


def run(asked: argparse.Namespace, data: Path, url: str) -> dict[str, list[Measured]]:
    """Every stretch of every round by its name."""
    keys = KeyRing(data / "keys")
    port = free_port()
    channels = data / "channels.toml"
    channels.write_text(draw_toml("wechat", Account(keys).section(f"http://127.0.0.1:{port}")))
    settings = make_settings(data, url, channels)
    with ExitStack() as stack:
        gateway = stack.enter_context(playing(data, port, asked.gateway_ms / 1000))
        many = stack.enter_context(serving(data, settings, free_port()))
        few = msgspec.structs.replace(settings, database_pool_size=FEW_CONNECTIONS)
        scarce = stack.enter_context(serving(data, few, free_port()))
        return asyncio.run(measure_all(asked, settings, keys, gateway, many, scarce))


async def measure_all(
    asked: argparse.Namespace,
    settings: Settings,
    keys: KeyRing,
    gateway: Peer,
    many: Peer,
    scarce: Peer,
) -> dict[str, list[Measured]]:
    """Every stretch, round after round; `scarce` has but a few database connections."""
    stretches: dict[str, tuple[Peer, int]] = {
        "bare gateway, one at a time": (gateway, 1),
        "creations, one at a time": (many, 1),
        f"creations, {AT_ONCE} at once": (many, AT_ONCE),
        f"the same, {FEW_CONNECTIONS} database connections": (scarce, AT_ONCE),
    }
    found: dict[str, list[Measured]] = {name: [] for name in stretches}
    person = await make_person(settings)
    for peer in (many, scarce):
        wanted = await creations(settings, person, peer.port, _WARM_UP)
        await measure(settings, wanted, peer, 4, 60)
    for _ in range(asked.rounds):
        for name, (peer, at_once) in stretches.items():
            most = int(asked.seconds * (40 if at_once == 1 else 1200))
            if peer is gateway:
                wanted = orders(keys, peer.port, most)
            else:
                wanted = await creations(settings, person, peer.port, most)
            found[name].append(await measure(settings, wanted, peer, at_once, asked.seconds))
    return found


# ── Asking and measuring ────────────────────────────────────────────────────────────────


async def measure(
    settings: Settings, wanted: list[bytes], peer: Peer, at_once: int, seconds: float
) -> Measured:
    """Send them over so many kept connections until the time or they are over."""
    times: list[float] = []
    refused: list[float] = []
    waiting = iter(wanted)
    cpu_before = _cpu_seconds(peer.pid)
    began = time.perf_counter()
    async with watched(settings) as watch:
        await asyncio.gather(
            *(_send_on(peer.port, waiting, began + seconds, times, refused) for _ in range(at_once))
        )
        took = time.perf_counter() - began
    ordered = sorted(times)
    return Measured(
        len(ordered),
        len(refused),
        took,
        1000 * statistics.median(ordered),
        1000 * ordered[int(len(ordered) * 0.99) - 1],
        watch["most_used"],
        watch["longest_ms"],
        1000 * (_cpu_seconds(peer.pid) - cpu_before) / max(1, len(ordered) + len(refused)),
    )


def _cpu_seconds(pid: int) -> float:
    process = psutil.Process(pid)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(spent.user + spent.system for spent in times))


async def _send_on(
    port: int,
    waiting: Iterator[bytes],
    ends_at: float,
    times: list[float],
    refused: list[float],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for request in waiting:
            began = time.perf_counter()
            if began > ends_at:
                return
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            found = _LENGTH.search(head)
            body = await reader.readexactly(int(found[1]) if found else 0)
            if head[9:12] not in (b"200", b"201", b"503"):
                raise SystemExit(f"answered {head[9:12]!r}: {body[:300]!r}")
            took = time.perf_counter() - began
            (refused if head[9:12] == b"503" else times).append(took)
    finally:
        writer.close()


@asynccontextmanager
async def watched(settings: Settings) -> AsyncIterator[dict[str, Any]]:
    """Looks at the server's connections a hundred times a second."""
    seen: dict[str, Any] = {"most_used": 0, "longest_ms": 0.0}
    async with open_connection(settings.database_url) as connection:
        watching = asyncio.create_task(_watch(connection, seen))
        try:
            yield seen
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


USED = """
select count(*)::int,
    coalesce(max(extract(epoch from clock_timestamp() - xact_start)) * 1000, 0)::float
from pg_stat_activity
where application_name = 'zhangban' and backend_type = 'client backend' and xact_start is not null
"""


async def _watch(connection: asyncpg.Connection[Any], seen: dict[str, Any]) -> None:
    while True:
        used, longest_ms = await connection.fetchrow(USED)
        seen["most_used"] = max(seen["most_used"], used)
        seen["longest_ms"] = max(seen["longest_ms"], longest_ms)
        await asyncio.sleep(_SAMPLE_SECONDS)


# ── Who answers ─────────────────────────────────────────────────────────────────────────


def make_settings(data: Path, url: str, channels: Path) -> Settings:
    """One process, no Redis, no rate limit that one caller could meet."""
    return load_settings(
        {
            "DATABASE_URL": url,
            "REDIS_URL": "off",
            "DATA_DIR": str(data),
            "CHANNELS_FILE": str(channels),
            "SECRET_KEY": "a benchmark's key, at least 32 characters",
            "RATE_WRITES_PER_SECOND": "1000000",
            "WORKERS": "1",
            "LOG_LEVEL": "warning",
        }
    )


@contextmanager
def serving(data: Path, settings: Settings, port: int) -> Iterator[Peer]:
    """The real server."""
    environment = {
        name.upper(): str(getattr(settings, name))
        for name in Settings.__struct_fields__
        if getattr(settings, name) != getattr(Settings(), name)
    }
    with (data / f"server-{port}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve"],
            cwd=PROJECT,
            env={**os.environ, **environment, "PORT": str(port)},
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    try:
        _wait_until_up(port)
        yield Peer(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def playing(data: Path, port: int, seconds: float) -> Iterator[Peer]:
    """The gateway, in a process of its own."""
    process = multiprocessing.get_context("spawn").Process(
        target=play_gateway, args=(data / "keys", port, seconds), daemon=True
    )
    process.start()
    try:
        _wait_until_up(port)
        yield Peer(port, process.pid or 0)
    finally:
        process.terminate()
        process.join()


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(port: int) -> None:
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("it did not come up")


def show(asked: argparse.Namespace, found: dict[str, list[Measured]]) -> None:
    """Medians of the rounds."""
    table = Table(
        *("gateway answers in " + f"{asked.gateway_ms} ms", "per second", "p50 ms", "p99 ms"),
        *("503", "connections used", "oldest transaction ms", "CPU ms each"),
    )
    for name, rounds in found.items():
        table.add_row(
            name,
            *(f"{_median(rounds, pick):,.1f}" for pick in _COLUMNS),
        )
    console = Console()
    console.print(table)
    bare, one = (found[name] for name in list(found)[:2])
    ratio = _median(one, _COLUMNS[1]) / _median(bare, _COLUMNS[1])
    console.print(f"one creation takes {ratio:.2f} × a bare round trip to the gateway")


_COLUMNS: tuple[Callable[[Measured], float], ...] = (
    lambda m: m.per_second,
    lambda m: m.p50_ms,
    lambda m: m.p99_ms,
    lambda m: float(m.refused),
    lambda m: float(m.most_used),
    lambda m: m.longest_ms,
    lambda m: m.cpu_ms,
)


def _median(rounds: list[Measured], pick: Callable[[Measured], float]) -> float:
    return statistics.median(pick(measured) for measured in rounds)


if __name__ == "__main__":
    sys.exit(main())
