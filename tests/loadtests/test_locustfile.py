"""Locust itself against a service that lies: the run fails and says why."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec import Struct

from loadtests.figures import Figures
from loadtests.own_service import PROJECT
from loadtests.request_names import MINT
from loadtests.town import PROVINCE
from tests.loadtests.builders import CITY, make_guide, make_item


class Liar(BaseHTTPRequestHandler):
    """Has a city and its items on its lists; every other answer is an empty object."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        self._answer(_lists(address.path, parse_qs(address.query)))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({})

    def _answer(self, found: dict[str, object]) -> None:
        body = json.dumps(found).encode()
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
        listed = [
            {
                "service_code": item.service_code,
                "name": item.name,
                "region": region,
                "online_depth": "IV",
                "handling_type": "promised",
            }
            for item in items
        ]
        return {"items": listed, "next_cursor": None}
    if re.fullmatch(r"/v1/services/[0-9A-Z]{31}", path) and not query:
        return msgspec.to_builtins(make_guide())  # type: ignore[no-any-return]
    return {}


class Done(Struct, frozen=True):
    """A finished run: how it ended, what it said, what it measured."""

    returncode: int
    said: str
    complained: str
    figures: Figures | None


@pytest.fixture(scope="module")
def liar() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def runs(liar: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """Two seconds of each scenario, all side by side: most of the time Locust waits."""
    names = ("catalogue", "platform-pushes", "payments", "notice-storm")
    folders = {name: tmp_path_factory.mktemp(name) for name in names}
    begun = {name: begin_locust(liar, folder, name) for name, folder in folders.items()}
    return {name: finish_locust(begun[name], folder) for name, folder in folders.items()}


def begin_locust(host: str, folder: Path, scenario: str) -> subprocess.Popen[str]:
    demonstration = folder / "demonstration.json"
    key = {"key_id": "pk_1", "algorithm": "hmac-sha256", "secret": "s"}
    demonstration.write_text(json.dumps({"platform": key}))
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "locust", "-f", "loadtests/locustfile.py", "--headless"),
            *("--only-summary", "--host", host, "--figures", str(folder / "figures.json")),
            *("--scenario", scenario, "--demonstration", str(demonstration)),
            *("--seconds", "2", "--most-users", "5", "--think-scale", "0.01"),
        ],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish_locust(run: subprocess.Popen[str], folder: Path) -> Done:
    try:
        said, complained = run.communicate(timeout=90)
    finally:
        run.kill()
    path = folder / "figures.json"
    figures = msgspec.json.decode(path.read_bytes(), type=Figures) if path.exists() else None
    return Done(run.returncode, said, complained, figures)


def measured(done: Done) -> Figures:
    assert done.figures is not None, done.complained
    return done.figures


def test_a_service_that_lies_fails_the_run(runs: dict[str, Done]) -> None:
    done = runs["catalogue"]
    figures = measured(done)
    assert done.returncode == 1
    assert "MISSED errors" in done.complained
    assert figures.total.requests == figures.total.errors > 0
    assert {failure.reason for failure in figures.failures} == {"Wrong: no strong ETag"}
    assert any(line.startswith('{"second"') for line in done.said.splitlines())


def test_a_lie_to_a_department_fails_the_run(runs: dict[str, Done]) -> None:
    figures = measured(runs["platform-pushes"])
    assert runs["platform-pushes"].returncode == 1
    assert figures.total.requests == figures.total.errors > 0
    assert {(f.name, f.reason) for f in figures.failures} == {(MINT, "Wrong: status 200")}


def test_an_app_that_does_not_answer_fails_the_run(runs: dict[str, Done]) -> None:
    figures = measured(runs["payments"])
    assert runs["payments"].returncode == 1
    names = {failure.name for failure in figures.failures}
    assert names & {"the wechat gateway", "the alipay gateway"}


def test_money_that_cannot_be_reckoned_fails_the_run(runs: dict[str, Done]) -> None:
    assert measured(runs["payments"]).reckoning is None
    assert "MISSED money reckoned" in runs["payments"].complained


def test_a_storm_of_notices_needs_the_gateways_keys(runs: dict[str, Done]) -> None:
    done = runs["notice-storm"]
    assert (done.returncode, done.figures) == (1, None)
    assert "no simulated gateways with their keys" in done.complained
