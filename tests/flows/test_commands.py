"""The commands of `python -m api`, as somebody at a terminal runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from api.settings import draw_example
from tests.live import PROJECT


def api(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "140", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_lint_counts_findings_by_rule(town_url: str) -> None:
    done = api("lint", "--source", "掌办演示数据", DATABASE_URL=town_url)
    assert done.returncode == 0
    clean, whole = done.stderr.split(" items, ")[-1].split()[0], done.stderr.split(" items, ")[0]
    assert whole.split()[-1] == clean


def test_the_lint_lists_the_items_of_a_rule(town_url: str) -> None:
    done = api("lint", "--rule", "13", DATABASE_URL=town_url)
    assert done.returncode == 0
    assert "materials[" in done.stderr


def test_a_bad_line_of_an_import_is_named_and_fails_the_command(
    clean_database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.ndjson"
    path.write_text('{"service_code": "short"}\n')
    done = api("import", str(path), DATABASE_URL=clean_database_url)
    assert done.returncode == 1
    assert "1 lines, 0 kept, 1 refused" in done.stderr
    assert "line 1: " in done.stderr


def test_migrating_twice_is_well(clean_database_url: str) -> None:
    assert api("migrate", DATABASE_URL=clean_database_url).returncode == 0
    assert api("migrate", DATABASE_URL=clean_database_url).returncode == 0


def test_the_environment_is_printed_as_the_example() -> None:
    assert api("doctor", "--environment").stdout == draw_example()


def test_moves_are_drawn_as_a_state_diagram() -> None:
    drawn = api("diagram").stdout
    assert "stateDiagram-v2" in drawn
    assert "[*] --> in_force: published" in drawn


def test_a_wrong_variable_is_said_with_its_name() -> None:
    done = api("lint", PORT="http")
    assert done.returncode == 2
    assert "PORT" in done.stderr


def test_serving_without_a_database_says_what_to_do() -> None:
    done = api("serve", DATABASE_URL="")
    assert done.returncode == 2
    assert "make run" in done.stderr
