"""A few seconds of the scenarios with money against the standing service: nothing goes wrong.

How quick it is does not count here; that every answer is right and every fen is found does.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loadtests.figures import Figures
from loadtests.own_service import PROJECT
from loadtests.request_names import FORGED, NOTICE, PAID_SEEN, PAY
from tests.standing import Standing

SECONDS = 6


def run_locust(standing: Standing, folder: Path, scenario: str) -> Figures:
    """Some seconds of a scenario; what it measured."""
    path = folder / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"),
            *("--only-summary", "--host", standing.address, "--figures", str(path)),
            *("--scenario", scenario, "--demonstration", str(standing.demonstration)),
            *("--seconds", str(SECONDS), "--most-users", "4", "--think-scale", "0.01"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert path.exists(), done.stderr[-2000:]
    return msgspec.json.decode(path.read_bytes(), type=Figures)


@pytest.mark.parametrize(
    ("scenario", "wanted"), [("payments", {PAY, PAID_SEEN}), ("notice-storm", {NOTICE, FORGED})]
)
def test_nothing_is_wrong_and_every_fen_is_found(
    standing: Standing, tmp_path: Path, scenario: str, wanted: set[str]
) -> None:
    figures = run_locust(standing, tmp_path, scenario)
    assert figures.failures == ()
    assert wanted <= {row.name for row in figures.rows}
    money = figures.reckoning
    assert money is not None
    assert money.paid > 0
    assert money.astray == 0, money.examples
    assert money.paid_by_service_fen == money.paid_by_gateways_fen > 0
    assert money.refunded_by_service_fen == money.refunded_by_gateways_fen
