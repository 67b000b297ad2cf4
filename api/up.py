"""`python -m api up`: everything on one machine, with one command.

Starts the embedded servers that no variable replaces, migrates, plants the
seeds, then keeps a server and a job worker running until it is told to stop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

import msgspec
from rich.panel import Panel

from api.app import SEEDS
from api.database import open_connection
from api.demonstrate import write_demonstration
from api.embedded import Servers, embedded_servers, end_with_parent
from api.files import open_files
from api.migrations import migrate
from api.progress import console
from api.seeding import Ground, plant_seeds
from api.settings import PROJECT, Settings, secret_key
from api.simulate import (
    NotStarted,
    collect_sections,
    gateway_pages,
    gateway_ports,
    gateways,
    simulates,
)

_STOP_SECONDS = 35.0
_RESPAWN_SECONDS = 1.0


class CannotStart(Exception):
    """Something on this machine is in the way; the text says what and how to mend it."""


def up(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM. Raises CannotStart."""
    began = time.monotonic()
    _demand_free_ports(settings)
    # Until the service runs, being told to stop unwinds what has been started so far.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    settings.data_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    secret_key(settings)
    with embedded_servers(
        settings.data_path, postgres=not settings.database_url, valkey=not settings.redis_url
    ) as servers:
        reached = Servers(
            settings.database_url or servers.database_url, settings.redis_url or servers.redis_url
        )
        migrate(reached.database_url)
        asyncio.run(prepare(settings, reached.database_url))
        stopping = _listen_for_stop()
        children = _Children(settings, reached)
        try:
            if simulates(settings):
                children.start(gateways(settings))
                _collect_sections(settings, children, stopping)
            children.start({"serve": ["-m", "api", "serve"], "work": ["-m", "api", "work"]})
            _wait_until_ready(settings, children, stopping)
            _greet(settings, time.monotonic() - began)
            while not stopping.is_set():
                children.respawn()
                time.sleep(_RESPAWN_SECONDS / 4)
        finally:
            children.stop()


async def prepare(settings: Settings, database_url: str) -> None:
    """Plant what the database lacks, and write down how to try it."""
    async with open_connection(database_url) as connection:
        ground = Ground(connection, open_files(settings.files_address))
        await plant_seeds(ground, SEEDS, say=console.print)
    if settings.environment == "demonstration":
        await write_demonstration(settings, database_url)


def _demand_free_ports(settings: Settings) -> None:
    for port in (settings.port, *(gateway_ports(settings) if simulates(settings) else ())):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((settings.host, port))
            except OSError:
                raise CannotStart(
                    f"{settings.host}:{port} is in use. Stop what runs there, "
                    f"or choose other ports: PORT=9000 make run takes 9000, 9101 and 9102"
                ) from None


class _Stopping:
    """Set by SIGINT or SIGTERM."""

    def __init__(self) -> None:
        self._stop = False

    def set(self, *_: object) -> None:
        self._stop = True

    def is_set(self) -> bool:
        return self._stop


def _listen_for_stop() -> _Stopping:
    stopping = _Stopping()
    signal.signal(signal.SIGINT, stopping.set)
    signal.signal(signal.SIGTERM, stopping.set)
    return stopping


def _webhook_networks(settings: Settings) -> str:
    """In the demonstration a partner's receiver may be on this machine."""
    allowed = settings.webhook_private_networks
    return allowed or ("127.0.0.0/8" if settings.environment == "demonstration" else "")


class _Children:
    """The gateways, the server and the job worker; one that dies is started again."""

    def __init__(self, settings: Settings, servers: Servers) -> None:
        self._environment = {
            **os.environ,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "PORT": str(settings.port),
            "HOST": settings.host,
            "DATA_DIR": str(settings.data_path),
            "WEBHOOK_PRIVATE_NETWORKS": _webhook_networks(settings),
        }
        self._commands: dict[str, Sequence[str]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, commands: Mapping[str, Sequence[str]]) -> None:
        """Start Python programs by name, beside those that run already."""
        for name, arguments in commands.items():
            self._commands[name] = arguments
            self._running[name] = self._spawn(arguments)

    def respawn(self) -> None:
        for name, process in list(self._running.items()):
            if process.poll() is not None:
                console.print(f"[yellow]{name} ended ({process.returncode}); starting it again")
                time.sleep(_RESPAWN_SECONDS)
                self._running[name] = self._spawn(self._commands[name])

    def _spawn(self, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 (this program itself)
            [sys.executable, *arguments],
            env=self._environment,
            cwd=PROJECT,
            # Ctrl-C goes to the whole group: this process alone decides when they stop.
            start_new_session=True,
            preexec_fn=end_with_parent,
        )

    def stop(self) -> None:
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self._running.values():
            try:
                process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _collect_sections(settings: Settings, children: _Children, stopping: _Stopping) -> None:
    try:
        collect_sections(settings, children.respawn, stopping.is_set)
    except NotStarted as error:
        raise CannotStart(str(error)) from None


def _wait_until_ready(settings: Settings, children: _Children, stopping: _Stopping) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not stopping.is_set():
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((settings.host, settings.port)) == 0:
                return
        children.respawn()
        time.sleep(0.1)
    if not stopping.is_set():
        raise CannotStart("The server did not open its port within 30 s; its lines stand above.")


def _greet(settings: Settings, seconds: float) -> None:
    address = settings.public_address
    codes = msgspec.json.decode((settings.data_path / "demonstration.json").read_bytes())
    page = codes["services"].get("needs_correction", "")
    lines: Sequence[str] = (
        f"掌办 is up after {seconds:.1f} s. Ctrl-C stops it.",
        "",
        f"API and its documents   {address}/schema",
        f"a service's page        {address}/services/{page}",
        f"first screen            {address}/v1/home?region=440106000000",
        *(f"{name:<24}{place}" for name, place in gateway_pages(settings)),
    )
    console.print(Panel("\n".join(lines), expand=False))
    # Outside the frame and unbroken, so that they can be copied.
    for line in (
        f"codes worth trying: {settings.data_path / 'demonstration.json'}",
        "try: "
        f"curl -G {address}/v1/services --data-urlencode 'q=身份证丢了' -d region=440106000000",
    ):
        console.print(line, soft_wrap=True)
