"""Locust itself against a service that lies: the run fails and says why."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from loadtests.figures import Figures
from loadtests.own_service import PROJECT
from loadtests.town import PROVINCE
from tests.loadtests.builders import CITY, make_item


class Liar(BaseHTTPRequestHandler):
    """Has a city and its items on its lists; every other answer is an empty object."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        body = json.dumps(_lists(address.path, parse_qs(address.query))).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence."""


def _lists(path: str, query: dict[str, list[str]]) -> dict[str, object]:
    if path == "/v1/regions":
        city = {"code": CITY, "name": "市", "level": "city", "path": [{"code": PROVINCE}]}
        found = [city] if query.get("parent") == [PROVINCE] else []
        return {"items": found, "next_cursor": None}
    if path == "/v1/services" and query.get("limit") == ["100"]:
        region = {"code": query["region"][0]}
        items = [make_item(region["code"], number) for number in range(5)]
        listed = [{"service_code": i.service_code, "name": i.name, "region": region} for i in items]
        return {"items": listed, "next_cursor": None}
    return {}


@pytest.fixture
def liar() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_service_that_lies_fails_the_run(liar: str, tmp_path: Path) -> None:
    figures_path = tmp_path / "figures.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"),
            *("--only-summary", "--host", liar, "--figures", str(figures_path)),
            *("--seconds", "3", "--most-users", "5", "--think-scale", "0.02"),
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    figures = msgspec.json.decode(figures_path.read_bytes(), type=Figures)
    assert done.returncode == 1
    assert "MISSED errors" in done.stderr
    assert figures.total.requests == figures.total.errors > 0
    assert {failure.reason for failure in figures.failures} == {"Wrong: no strong ETag"}
    assert any(line.startswith('{"second"') for line in done.stdout.splitlines())
