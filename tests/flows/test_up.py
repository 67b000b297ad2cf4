"""`python -m api up`: everything comes up together and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from msgspec import Struct

from tests.live import PROJECT
from tests.standing import Standing, standing_up, until_ready


class Up(Struct, frozen=True):
    """A running `up` with everything it started."""

    standing: Standing
    family: list[psutil.Process]

    @property
    def process(self) -> subprocess.Popen[bytes]:
        return self.standing.process


@pytest.fixture
def up(tmp_path: Path, town_url: str, keys_file: Path) -> Iterator[Up]:
    """Up on the planted database, with a Valkey of its own."""
    with standing_up(
        tmp_path, DATABASE_URL=town_url, REDIS_URL="", KEYS_FILE=str(keys_file)
    ) as standing:
        yield Up(standing, psutil.Process(standing.process.pid).children(recursive=True))


def leaves_nothing(up: Up) -> bool:
    _, left = psutil.wait_procs(up.family, timeout=40)
    return not left


def test_sigterm_ends_everything_in_good_order(up: Up) -> None:
    assert len(up.family) >= 5
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(timeout=40) == 0
    assert leaves_nothing(up)


def test_a_killed_parent_takes_its_children_along(up: Up) -> None:
    up.process.kill()
    assert leaves_nothing(up)


@pytest.mark.parametrize("program", ["serve", "adapters.wechat.simulator"])
def test_what_dies_is_started_again(up: Up, program: str) -> None:
    dying = next(p for p in up.family if program in p.cmdline())
    dying.kill()
    psutil.wait_procs([dying], timeout=10)
    until_ready(up.standing)
    for _ in range(40):
        again = psutil.Process(up.process.pid).children(recursive=True)
        if any(program in p.cmdline() and p.pid != dying.pid for p in again):
            break
        psutil.wait_procs(again, timeout=0.5)
    else:
        raise AssertionError(f"{program} did not come back")


def test_the_gateways_run_beside_it(up: Up) -> None:
    for gateway in (up.standing.wechat, up.standing.alipay):
        assert httpx.get(f"{gateway}/_control/payments", timeout=5).status_code == 200
        page = httpx.get(f"{gateway}/", timeout=5)
        assert "text/html" in page.headers["content-type"]


def test_secrets_are_for_their_owner_alone(up: Up) -> None:
    folder = up.standing.demonstration.parent
    for name in ("demonstration.json", "channels.toml"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert set(up.standing.known()) == {"services", "clerk", "cashier", "platform"}
    assert set(up.standing.known()["services"]) == {
        "free_instant",
        "charged",
        "needs_correction",
        "appointment",
    }


def test_a_port_in_use_is_said_so(up: Up, tmp_path: Path) -> None:
    port = up.standing.port
    done = subprocess.run(
        [sys.executable, "-m", "api", "up"],
        cwd=PROJECT,
        env={**os.environ, "PORT": str(port), "DATA_DIR": str(tmp_path / "other")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert f"{port} is in use" in done.stderr
