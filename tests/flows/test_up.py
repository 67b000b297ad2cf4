"""`python -m api up`: everything comes up together and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from msgspec import Struct

from tests.live import PROJECT, free_port

START_SECONDS = 90


class Up(Struct, frozen=True):
    """A running `up`: its process, its port, everything it started."""

    process: subprocess.Popen[bytes]
    port: int
    family: list[psutil.Process]


@pytest.fixture
def up(tmp_path: Path, town_url: str) -> Iterator[Up]:
    """Up on the planted database, with a Valkey of its own."""
    port = free_port()
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "up"],
            cwd=PROJECT,
            env={
                **os.environ,
                "PORT": str(port),
                "DATA_DIR": str(tmp_path / "data"),
                "DATABASE_URL": town_url,
                "REDIS_URL": "",
            },
            stdout=log,
            stderr=log,
        )
    until_ready(port, process, tmp_path / "up.log")
    family = psutil.Process(process.pid).children(recursive=True)
    yield Up(process, port, family)
    process.kill()
    process.wait()


def until_ready(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            ready = httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=2).json()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            assert ready == {"status": "ready", "database": "up", "cache": "up"}
            return
    raise AssertionError(f"it did not come up ({process.poll()}):\n{log.read_text()[-4000:]}")


def leaves_nothing(up: Up) -> bool:
    _, left = psutil.wait_procs(up.family, timeout=40)
    return not left


def test_sigterm_ends_everything_in_good_order(up: Up) -> None:
    assert len(up.family) >= 3
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=40) == 0
    assert leaves_nothing(up)


def test_a_killed_parent_takes_its_children_along(up: Up) -> None:
    up.process.kill()
    assert leaves_nothing(up)


def test_a_dead_server_is_started_again(up: Up, tmp_path: Path) -> None:
    server = next(p for p in up.family if "serve" in p.cmdline())
    server.kill()
    psutil.wait_procs([server], timeout=10)
    until_ready(up.port, up.process, tmp_path / "up.log")
    assert psutil.Process(up.process.pid).is_running()


def test_a_port_in_use_is_said_so(up: Up, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api", "up"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(up.port), "DATA_DIR": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{up.port} is in use" in done.stderr
