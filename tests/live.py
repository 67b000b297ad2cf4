"""The service as it really runs: `python -m api serve` in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

PROJECT = Path(__file__).resolve().parents[1]
START_SECONDS = 60
SECRET_KEY = "a live test's key, at least 32 characters"


@contextmanager
def serving(folder: Path, **environment: str) -> Iterator[str]:
    """Run the server with these variables while the block lasts; gives its address."""
    port = free_port()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve"],
            cwd=PROJECT,
            env={
                **os.environ,
                "PORT": str(port),
                "DATA_DIR": str(folder),
                "SECRET_KEY": SECRET_KEY,
                "LOG_FORMAT": "json",
                **environment,
            },
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process, folder / "server.log")
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def bound_socket() -> socket.socket:
    """A loopback port that is ours from now on, for a server of this process."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{address}/health/live", timeout=1)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


@pytest.fixture
def serve(
    tmp_path: Path, town_url: str, town_files: Path, keys_file: Path, redis_url: str
) -> Callable[..., Any]:
    """`serving` over the planted town; variables given win."""

    def start(**environment: str) -> Any:
        given = {
            "DATABASE_URL": town_url,
            "REDIS_URL": redis_url,
            "FILES_URL": f"file://{town_files}",
            "KEYS_FILE": str(keys_file),
        }
        return serving(tmp_path / "live", **{**given, **environment})

    return start
