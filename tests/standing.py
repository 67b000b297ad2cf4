"""The whole product as a newcomer has it: `python -m api up` with both gateways beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from msgspec import Struct

from api.database import Database, open_connection, open_database
from api.settings import Settings
from tests.conftest import copy_database, database_named, drop_database, run
from tests.live import PROJECT, free_port

START_SECONDS = 90
OFFSETS = (0, 101, 102)


class Standing(Struct, frozen=True):
    """Where everything of a running `up` is; `demonstration` is the file it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path
    demonstration: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def wechat(self) -> str:
        return f"http://127.0.0.1:{self.port + 101}"

    @property
    def alipay(self) -> str:
        return f"http://127.0.0.1:{self.port + 102}"

    def known(self) -> Any:
        """What `demonstration.json` holds."""
        return msgspec.json.decode(self.demonstration.read_bytes())


@contextmanager
def standing_up(folder: Path, **environment: str) -> Iterator[Standing]:
    """Run `up` with these variables; told to stop when the block ends."""
    port = _free_ports()
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "up.log"
    with log.open("wb") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "up"],
            cwd=PROJECT,
            env={
                **os.environ,
                "PORT": str(port),
                "DATA_DIR": str(folder / "data"),
                **environment,
            },
            stdout=lines,
            stderr=lines,
        )
    standing = Standing(process, port, log, folder / "data" / "demonstration.json")
    try:
        until_ready(standing)
        yield standing
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=40)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def until_ready(standing: Standing) -> None:
    """Wait until the API says that it is ready, cache included."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and standing.process.poll() is None:
        try:
            ready = httpx.get(f"{standing.address}/health/ready", timeout=2).json()
        except httpx.HTTPError:
            time.sleep(0.2)
        else:
            assert ready == {"status": "ready", "database": "up", "cache": "up"}
            return
    ended = standing.process.poll()
    raise AssertionError(f"it did not come up ({ended}):\n{standing.log.read_text()[-4000:]}")


@pytest.fixture(scope="session")
def standing_url(town_url: str, worker_name: str) -> Iterator[str]:
    """A town of its own: its job worker would take the jobs of other tests."""
    name = f"zhangban_{worker_name}_standing"
    run(copy_database(town_url, f"zhangban_{worker_name}_town", name))
    url = database_named(town_url, name)
    run(forget_jobs(url))
    yield url
    run(drop_database(url, name))


async def forget_jobs(url: str) -> None:
    """What the copied town's tests left to be done is nobody's work here."""
    async with open_connection(url) as connection:
        await connection.execute("delete from pgqueuer")


@pytest.fixture
def standing_settings(town_settings: Settings, standing_url: str) -> Settings:
    """Settings that reach what the standing service keeps."""
    return msgspec.structs.replace(town_settings, database_url=standing_url)


@pytest.fixture
async def standing_database(standing_settings: Settings) -> AsyncIterator[Database]:
    """The pool on what the standing service keeps."""
    database = await open_database(standing_settings.database_url, standing_settings)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def standing(
    tmp_path_factory: pytest.TempPathFactory,
    standing_url: str,
    town_files: Path,
    keys_file: Path,
) -> Iterator[Standing]:
    """One `up` on a copy of the worker's planted town, for every flow of the session."""
    with standing_up(
        tmp_path_factory.mktemp("standing"),
        DATABASE_URL=standing_url,
        REDIS_URL="",
        FILES_URL=f"file://{town_files}",
        KEYS_FILE=str(keys_file),
    ) as standing:
        yield standing


def _free_ports() -> int:
    """A port that is free together with the gateways' ports."""
    for _ in range(100):
        port = free_port()
        if port <= 65000 and all(_is_free(port + offset) for offset in OFFSETS):
            return port
    raise AssertionError("no three free ports")


def _is_free(port: int) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{port}/", timeout=0.2)
    except httpx.ConnectError:
        return True
    except httpx.HTTPError:
        return False
    return False
