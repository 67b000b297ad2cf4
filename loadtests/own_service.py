"""A service of the run's own: a free loopback port, its own data folder, and it always stops.

The folder stays between runs, so that only the first one plants the town.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psutil
from msgspec import Struct

from loadtests.gateways import CHANNELS

PROJECT = Path(__file__).resolve().parent.parent

_START_SECONDS = 600.0
_STOP_SECONDS = 60.0
# One address sends everything: the limits per address are not what is measured.
_NO_RATE_LIMITS = {
    "RATE_READS_PER_SECOND": "1000000",
    "RATE_SEARCHES_PER_SECOND": "1000000",
    "RATE_WRITES_PER_SECOND": "1000000",
    "RATE_PLATFORMS_PER_SECOND": "1000000",
    "RATE_NOTICES_PER_SECOND": "1000000",
    # Looking by query password is limited in any case: each phone says its own address.
    "TRUSTED_PROXIES": "127.0.0.1/32",
}
# One platform stands for all departments. Noted with the platform when it is first made.
_NO_QUOTA = {
    "PLATFORM_CALLS_PER_SECOND": "100000",
    "PLATFORM_CALLS_PER_DAY": "100000000",
}
_HIGHEST_PORT = 65_000
_MOST_PORTS = 50


class CannotStart(Exception):
    """The service did not come up; the text says where its lines are."""


class Running(Struct, frozen=True):
    """The running service: its address, its data folder and the process that keeps it up."""

    address: str
    data: Path
    pid: int

    @property
    def demonstration(self) -> Path:
        """The file with the platform's key."""
        return self.data / "demonstration.json"

    def kill_cache(self) -> None:
        """SIGKILL the Valkey of this data folder. Raises LookupError if there is none."""
        for process in psutil.Process(self.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(self.data / "valkey"):
                    process.send_signal(signal.SIGKILL)
                    return
        raise LookupError(f"no Valkey runs in {self.data / 'valkey'}")


@contextmanager
def running_service(data: Path, workers: int, say: Callable[[str], None]) -> Iterator[Running]:
    """Run it while the block lasts. Raises CannotStart."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(data):
        _forget_other_schema(data, _digest_makers())
        with _serve(data, workers, say) as service:
            yield service


@contextmanager
def _serve(data: Path, workers: int, say: Callable[[str], None]) -> Iterator[Running]:
    with (data / "service.log").open("wb") as log:
        port = _free_port()
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "up"],
            cwd=PROJECT,
            env=_environment(data, port, workers),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, address, data / "service.log", say)
            say(f"service ready at {address} after {time.monotonic() - began:.1f} s")
            yield Running(address, data, process.pid)
        finally:
            _stop(process)


def _environment(data: Path, port: int, workers: int) -> dict[str, str]:
    return {
        **os.environ,
        **_NO_RATE_LIMITS,
        **_NO_QUOTA,
        # Empty starts the embedded servers, whatever `.env` names.
        "DATABASE_URL": "",
        "REDIS_URL": "",
        "CHANNELS_FILE": "",
        "ENVIRONMENT": "demonstration",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(data),
        "WORKERS": str(workers),
        "LOG_LEVEL": "warning",
    }


def _forget_other_schema(data: Path, digest: str) -> None:
    """Empty a folder that other migrations made. One that no load run made is left alone."""
    mark = data / "made_by_loadtests"
    known = mark.read_text() if mark.exists() else None
    if known is None and any(path.name != "lock" for path in data.iterdir()):
        raise CannotStart(f"{data} holds something that is no load run's; give another --data")
    if known is not None and known != digest:
        for path in data.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
    mark.write_text(digest)


def _digest_makers() -> str:
    """Of all that decides what a new folder holds."""
    digest = hashlib.sha256(repr(sorted(_NO_QUOTA.items())).encode())
    for path in sorted((PROJECT / "sql" / "migrations").glob("*.sql")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _alone(data: Path) -> Iterator[None]:
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"another load run uses {data}; wait for it or give --data") from None
        yield


def _free_port() -> int:
    """A port that is free, and those of the gateways beside it too. Raises CannotStart."""
    for _ in range(_MOST_PORTS):
        with contextlib.ExitStack() as probes:
            port = _bind(probes, 0)
            if port > _HIGHEST_PORT:
                continue
            with contextlib.suppress(OSError):
                for offset in CHANNELS.values():
                    _bind(probes, port + offset)
                return port
    raise CannotStart("no free ports for the service and its gateways")


def _bind(probes: contextlib.ExitStack, port: int) -> int:
    probe = probes.enter_context(socket.socket())
    probe.bind(("127.0.0.1", port))
    return int(probe.getsockname()[1])


def _wait_until_ready(
    process: subprocess.Popen[bytes], address: str, log: Path, say: Callable[[str], None]
) -> None:
    began = told = time.monotonic()
    while time.monotonic() - began < _START_SECONDS:
        if process.poll() is not None:
            raise CannotStart(f"the service ended ({process.returncode}); its lines: {log}")
        if _is_ready(address):
            return
        if time.monotonic() - told > 10:
            told = time.monotonic()
            say(f"starting, {told - began:.0f} s; the first start plants the town (a minute)")
        time.sleep(0.2)
    raise CannotStart(f"the service was not ready after {_START_SECONDS:.0f} s; its lines: {log}")


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/health/ready", timeout=2):
            return True
    except OSError:
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    below = []
    with contextlib.suppress(psutil.Error):
        below = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        for child in [process, *below]:
            with contextlib.suppress(psutil.Error, ProcessLookupError):
                child.kill()
        process.wait()
