"""Logs: one line a request, and nothing personal in any line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from api.logs import describe_error
from tests.live import PROJECT

IDENTITY = "11010519491231002X"
PHONE = "13800001234"
SCRIPT = f"""
import logging, structlog
from api.logs import configure_logs
from api.settings import Settings
configure_logs(Settings(log_format="json"))
structlog.get_logger().warning("seen", who="{IDENTITY}", phone="tel {PHONE}")
try:
    raise ValueError("key (phone)=({PHONE}) exists for somebody")
except ValueError:
    logging.getLogger("asyncio").exception("a callback failed for %s", "{IDENTITY}")
"""


def test_lines_of_ours_and_of_libraries_hold_nothing_personal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    ours, *theirs = done.stderr.splitlines()
    assert json.loads(ours)["phone"] == "tel 138****1234"
    assert theirs == ["ERROR asyncio: a callback failed for 1****************X", "ValueError"]
    assert IDENTITY not in done.stderr
    assert PHONE not in done.stderr


def test_an_error_is_described_without_its_text() -> None:
    try:
        raise ValueError(IDENTITY)
    except ValueError as error:
        described = describe_error(error)
    assert described["error"] == "ValueError"
    assert IDENTITY not in str(described)
    assert __file__ in str(described["where"])


def test_a_request_is_one_line_without_what_was_typed(
    serve: Callable[..., Any], tmp_path: Path
) -> None:
    with serve() as address:
        httpx.get(f"{address}/v1/services", params={"q": IDENTITY})
        httpx.get(f"{address}/v1/services/{IDENTITY}")
    text = (tmp_path / "live" / "server.log").read_text()
    found = [json.loads(line) for line in text.splitlines()]
    requests = [(line["route"], line["status"]) for line in found if line["event"] == "request"]
    assert requests[-2:] == [("/v1/services", 200), ("/v1/services/{service_code}", 404)]
    assert IDENTITY not in text
