"""The OpenAPI document against the running service: nothing undocumented, nothing breaks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

EXAMPLES = "12"
HOOKS = str(Path(__file__).parent)


def test_schemathesis_finds_nothing(serve: Callable[..., Any], tmp_path: Path) -> None:
    with serve(RATE_SEARCHES_PER_SECOND="100000", RATE_WRITES_PER_SECOND="100000") as address:
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "schemathesis"),
                *("--config-file", f"{HOOKS}/schemathesis.toml"),
                "run",
                f"{address}/schema/openapi.json",
                *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all"),
                *("--max-examples", EXAMPLES, "--seed", "20261122", "--workers", "2"),
                *("--request-timeout", "10", "--no-color"),
            ],
            cwd=tmp_path,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": HOOKS},
            capture_output=True,
            text=True,
            timeout=400,
            check=False,
        )
    assert done.returncode == 0, _readable(done.stdout) + done.stderr[-2000:]


def _readable(report: str) -> str:
    """The failures alone, without the walls of zeros that long values make."""
    short = re.sub(r"(0{40})0+", r"\1…", report)
    return short[short.find("= FAILURES =") :][-8000:]
