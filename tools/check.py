"""Form, lint, types, arrows, SQL, and what is drawn from other files: `make check`.

One line for each check with its time; the whole output only of what failed.
Exit status 1 if anything did.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
TYPED = ("api", "adapters", "loadtests", "tools", "tests")
LIMIT_SECONDS = 300


class Check(NamedTuple):
    """A title and the command whose exit status answers it."""

    title: str
    command: tuple[str, ...]


class Outcome(NamedTuple):
    """How a check ended; `output` is what it said."""

    check: Check
    well: bool
    seconds: float
    output: str


def main() -> int:
    """Run every check, as many at once as there are processors."""
    began = time.monotonic()
    failed: list[Outcome] = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for running in as_completed([pool.submit(_run, check) for check in _checks()]):
            outcome = running.result()
            mark = "✓" if outcome.well else "✗"
            print(f"{mark} {outcome.check.title:<34} {outcome.seconds:5.1f} s", flush=True)
            if not outcome.well:
                failed.append(outcome)
    for outcome in failed:
        print(f"\n── {outcome.check.title}: {' '.join(outcome.check.command)}\n{outcome.output}")
    print(f"{len(failed)} failed, {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def _checks() -> tuple[Check, ...]:
    """The slow ones first."""
    migrations = sorted(str(path) for path in (PROJECT / "sql" / "migrations").glob("*.sql"))
    typed = [name for name in TYPED if any((PROJECT / name).rglob("*.py"))]
    draw = (sys.executable, "tools/draw_schema.py", "--check")
    return (
        Check("types (mypy --strict)", (_program("mypy"), "--strict", *typed)),
        Check("sql/schema.sql equals migrations", (*draw, "sql/schema.sql")),
        Check(".env.example equals settings", (*draw, ".env.example")),
        Check("lint (ruff check)", (_program("ruff"), "check", ".")),
        Check("form (ruff format)", (_program("ruff"), "format", "--check", ".")),
        Check("arrows (import-linter)", (_program("lint-imports"), "--no-logo")),
        Check("migrations (squawk)", (_program("squawk"), *migrations)),
    )


def _program(name: str) -> str:
    return str(PROGRAMS / name)


def _run(check: Check) -> Outcome:
    began = time.monotonic()
    try:
        done = subprocess.run(
            check.command,
            cwd=PROJECT,
            env={**os.environ, "NO_COLOR": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Outcome(check, well=False, seconds=time.monotonic() - began, output=str(error))
    seconds = time.monotonic() - began
    return Outcome(check, done.returncode == 0, seconds, done.stdout)


if __name__ == "__main__":
    sys.exit(main())
