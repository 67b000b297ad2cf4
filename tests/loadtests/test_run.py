"""The run: bounded in users and time, a shape that stretches, and one real short run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from api.simulate import SIMULATED
from loadtests.gateways import find_gateways
from loadtests.own_service import PROJECT, CannotStart, _forget_other_schema, _free_port
from loadtests.run import read_arguments
from loadtests.shapes import CALM, MORNING, SCENARIOS, SURGE, users_at


def test_a_shape_stretches_to_any_number_of_users() -> None:
    assert [users_at(MORNING, part, 400) for part in (0, 0.2, 0.4, 1)] == [40, 220, 400, 400]
    assert {users_at(CALM, part / 10, 7) for part in range(11)} == {7}
    assert users_at(MORNING, 0, 1) == 1


@pytest.mark.parametrize("shape", [CALM, MORNING, SURGE])
def test_every_shape_covers_the_whole_run_once(shape: tuple[tuple[float, float], ...]) -> None:
    times = [time for time, _ in shape]
    assert (times[0], times[-1]) == (0.0, 1.0)
    assert times == sorted(set(times))
    assert max(share for _, share in shape) == 1.0


@pytest.mark.parametrize("value", ["0", "100000000", "many", "-5"])
@pytest.mark.parametrize("name", ["--users", "--seconds"])
def test_users_and_time_are_bounded(name: str, value: str) -> None:
    with pytest.raises(SystemExit):
        read_arguments(["catalogue", f"{name}={value}"])


def test_a_scenario_brings_its_own_users_and_time() -> None:
    asked = read_arguments(["catalogue"])
    assert (asked.users, asked.seconds) == (SCENARIOS["catalogue"].users, 60)
    assert read_arguments(["catalogue", "--users", "5"]).users == 5


def test_only_the_load_process_is_changed_by_gevent() -> None:
    """Locust alters sockets and threads of the process that imports it."""
    program = "import sys, loadtests.run; sys.exit('gevent' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, timeout=60, check=False)
    assert done.returncode == 0


def test_the_gateways_have_their_ports_beside_the_service() -> None:
    port = _free_port()
    assert port <= 65_000
    for gateway, offset in zip(
        find_gateways(f"http://127.0.0.1:{port}"), SIMULATED.items(), strict=True
    ):
        assert (gateway.channel, gateway.address) == (
            offset[0],
            f"http://127.0.0.1:{port + offset[1]}",
        )


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    with pytest.raises(CannotStart, match="another --data"):
        _forget_other_schema(tmp_path, "a")
    assert (tmp_path / "postgres").exists()


def test_a_folder_made_by_other_migrations_is_planted_anew(tmp_path: Path) -> None:
    _forget_other_schema(tmp_path, "a")
    (tmp_path / "postgres").mkdir()
    _forget_other_schema(tmp_path, "a")
    assert (tmp_path / "postgres").exists()
    _forget_other_schema(tmp_path, "b")
    assert not (tmp_path / "postgres").exists()
