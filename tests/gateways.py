"""The gateways' simulators as they really run: each in a process of its own, on a free port.

The processes live for the session; what they hold is forgotten before each test.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from api.embedded import end_with_parent
from tests.live import PROJECT, free_port

START_SECONDS = 30
RETRY_SECONDS = "0.05,0.1,0.2,0.4"


class SimulatedGateway:
    """One gateway: where it is, the channel's section for it, and what a person does with it."""

    def __init__(self, name: str, address: str, folder: Path) -> None:
        self.name = name
        self.address = address
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=f"{address}/_control", trust_env=False, timeout=10)

    @property
    def section(self) -> dict[str, Any]:
        """The channel's section of a channels file, as the simulator wrote it."""
        text = (self.folder / f"{self.name}.toml").read_text(encoding="utf-8")
        section: dict[str, Any] = tomllib.loads(text)[self.name]
        return section

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Call `/_control` + path, whatever comes of it."""
        return self._client.request(method, path, json=body)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Call `/_control` + path; its answer must be good."""
        answer = self.ask(method, path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def citizen(self, **known: Any) -> str:
        """A new person with the app, who has agreed to no message yet; gives the open id."""
        open_id: str = self.control("POST", "/citizens", {"agrees": False, **known})["open_id"]
        return open_id

    def login_code(self, open_id: str) -> str:
        return self.code(open_id, "login")

    def phone_code(self, open_id: str) -> str:
        return self.code(open_id, "phone")

    def code(self, open_id: str, kind: str) -> str:
        """What the app hands out for that purpose."""
        code: str = self.control("POST", f"/citizens/{open_id}/{kind}-code")["code"]
        return code

    def subscribe(self, open_id: str, kind: str | None = None, count: int = 1) -> None:
        """Allow `count` more messages of a kind; of every kind where none is named."""
        self.control("POST", f"/citizens/{open_id}/subscriptions", {"kind": kind, "count": count})

    def confirm(self, number: str) -> dict[str, Any]:
        """The person pays the order of that number, the gateway's or ours."""
        paid: dict[str, Any] = self.control("POST", f"/payments/{number}/confirm")
        return paid

    def decline(self, number: str) -> None:
        self.control("POST", f"/payments/{number}/decline")

    def faults(self, **switches: Any) -> None:
        """One more fault, beside those in force."""
        self.control("POST", "/faults", switches)

    def clear_faults(self) -> None:
        self.control("DELETE", "/faults")

    def all(self, what: str) -> list[dict[str, Any]]:
        """What the gateway holds: payments, refunds, messages, notices, identity-checks."""
        items: list[dict[str, Any]] = self.control("GET", f"/{what}")["items"]
        return items

    def calls(self, operation: str) -> int:
        """How often an operation was called since the test began."""
        counts: dict[str, int] = self.control("GET", "/calls")["counts"]
        return counts.get(operation, 0)

    def reset(self) -> None:
        self.control("POST", "/reset")


@contextmanager
def simulating(name: str, folder: Path, *arguments: str) -> Iterator[SimulatedGateway]:
    """Run a channel's simulator while the block lasts."""
    port = free_port()
    command = [
        *(sys.executable, "-m", f"adapters.{name}.simulator"),
        *("--port", str(port), "--data-dir", str(folder), "--retry-seconds", RETRY_SECONDS),
        *arguments,
    ]
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "simulator.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,
        )
    gateway = SimulatedGateway(name, f"http://127.0.0.1:{port}", folder)
    gateway.process = process
    try:
        _wait_until_up(gateway, process)
        yield gateway
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_up(gateway: SimulatedGateway, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{gateway.address}/_control/clock", timeout=1, trust_env=False)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    log = (gateway.folder / "simulator.log").read_text()
    raise AssertionError(f"the simulator did not start:\n{log}")


class Received(Struct, frozen=True):
    """A request that came in; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


class NoticeReceiver:
    """A small server that writes down what comes and answers as it is told."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[tuple[int, bytes]] = []
        self.answer: tuple[int, bytes] = (200, b"success")
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                request = Received(self.command, self.path, headers, body, time.monotonic())
                receiver.received.append(request)
                status, said = receiver.answers.pop(0) if receiver.answers else receiver.answer
                self.send_response(status)
                self.send_header("content-length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = handle_any  # noqa: N815 (the names the server looks for)

            def log_message(self, *_: object) -> None:
                """Tests say what they need to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def wait_for(self, count: int, seconds: float = 5.0) -> list[Received]:
        """The first `count` requests, as soon as they are there."""
        wait_until(lambda: len(self.received) >= count, seconds)
        return self.received[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def wait_until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until it is true; it must become so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.fixture
def notice_receiver() -> Iterator[NoticeReceiver]:
    """Somewhere for a gateway to send its notices."""
    receiver = NoticeReceiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def wechat_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    with simulating("wechat", tmp_path_factory.mktemp("wechat-gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def alipay_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    with simulating("alipay", tmp_path_factory.mktemp("alipay-gateway")) as gateway:
        yield gateway


@pytest.fixture
def wechat_gateway(wechat_process: SimulatedGateway) -> SimulatedGateway:
    """WeChat's gateway, empty and faultless."""
    wechat_process.reset()
    return wechat_process


@pytest.fixture
def alipay_gateway(alipay_process: SimulatedGateway) -> SimulatedGateway:
    """Alipay's gateway, empty and faultless."""
    alipay_process.reset()
    return alipay_process
