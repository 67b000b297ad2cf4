"""The worked example of a third channel: installed as a package, found, opened, used."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import importlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from adapters import registry
from adapters.contract import (
    Channel,
    ConfigurationWrong,
    Inbound,
    Message,
    NoticeRefused,
    Refusal,
    Unreachable,
)
from api.settings import PROJECT
from tests.adapters.wechat.builders import MemoryTokens

EXAMPLE = PROJECT / "docs" / "channels" / "cityapp"
SECRET = b"the secret of both sides, 32 characters"
APP = "zhangban"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package in a folder of its own, installed as a newcomer would, without a network."""
    folder = tmp_path_factory.mktemp("example")
    source = folder / "source"
    # Building leaves traces beside the sources.
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__", "build"))
    pip = next((PROJECT / "tools").glob("pip-*.whl")) / "pip"
    command = [
        *(sys.executable, str(pip), "install", "--quiet", "--disable-pip-version-check"),
        *("--no-deps", "--no-build-isolation", "--no-index", "--root-user-action", "ignore"),
        *("--target", str(folder / "target"), str(source)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    sys.path.insert(0, str(folder / "target"))
    importlib.invalidate_caches()
    yield folder / "target"
    sys.path.remove(str(folder / "target"))
    for name in [name for name in sys.modules if name.startswith("zhangban_cityapp")]:
        del sys.modules[name]


def signature(about: str, body: bytes, *, at: float | None = None, secret: bytes = SECRET) -> str:
    stamp = str(int(at if at is not None else time.time()))
    text = f"{stamp}\n{about}\n".encode() + body
    return f"t={stamp},v1={hmac.new(secret, text, hashlib.sha256).hexdigest()}"


class CityServer:
    """The city app's server: it holds the secret, some people and their codes."""

    def __init__(self) -> None:
        self.used: set[str] = set()
        self.messages: dict[str, dict[str, Any]] = {}
        self.blocking: set[str] = set()
        self.calls: list[str] = []
        self.forging = False
        self.address = ""

    def code(self, person: str, *, app: str = APP, age: int = 0, secret: bytes = SECRET) -> str:
        inside = {
            "app": app,
            "person": person,
            "issued_at": int(time.time()) - age,
            "number": str(time.perf_counter_ns()),
        }
        payload = base64.urlsafe_b64encode(json.dumps(inside).encode()).decode().rstrip("=")
        mark = hmac.digest(secret, payload.encode(), "sha256")
        return f"{payload}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        path = lines[0].split(" ")[1]
        headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines[1:])}
        body = await reader.readexactly(int(headers["content-length"]))
        self.calls.append(path)
        at = float(headers["x-cityapp-signature"].split(",")[0][2:])
        status, said = 403, {"error": "signature"}
        if headers["x-cityapp-signature"] == signature(f"POST {path}", body, at=at):
            status, said = self.serve(path, json.loads(body))
        out = json.dumps(said).encode()
        proof = signature(str(status), out, secret=b"forged" if self.forging else SECRET)
        writer.write(
            f"HTTP/1.1 {status} X\r\ncontent-length: {len(out)}\r\nconnection: close\r\n"
            f"x-cityapp-signature: {proof}\r\n\r\n".encode()
            + out
        )
        await writer.drain()
        writer.close()

    def serve(self, path: str, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if path == "/v1/codes/redeem":
            if asked["code"] in self.used:
                return 409, {"error": "code_used"}
            self.used.add(asked["code"])
            payload = asked["code"].split(".")[0]
            inside = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
            return 200, {"person": inside["person"]}
        if path == "/v1/phones":
            return 200, {"number": "13800138000"}
        if path == "/v1/messages":
            if asked["person"] in self.blocking:
                return 409, {"error": "person_blocks"}
            self.messages[asked["number"]] = asked
            return 200, {"message": f"m-{asked['number']}"}
        return 200, {"link": f"https://c.example/{asked['page']}"}


@pytest.fixture
async def city() -> AsyncIterator[CityServer]:
    city = CityServer()
    server = await asyncio.start_server(city.answer, "127.0.0.1", 0)
    city.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield city


@pytest.fixture
async def channel(installed: Path, city: CityServer) -> AsyncIterator[Channel]:
    section = {
        "app_id": APP,
        "secret": SECRET.decode(),
        "url": city.address,
        "kinds": {"case_moved": "progress-v2"},
    }
    channel = registry.open_channel("cityapp", section, MemoryTokens())
    yield channel
    await channel.close()


def test_the_package_is_found_by_its_entry_point(installed: Path) -> None:
    assert "cityapp" in registry.known_adapters()
    assert registry.broken_entries() == {}


async def test_it_offers_what_it_can_and_none_for_the_rest(channel: Channel) -> None:
    assert (channel.name, channel.title) == ("cityapp", "城市通")
    assert channel.payments is None
    assert channel.identity is None
    assert channel.real_names is None


def test_a_wrong_section_is_named_and_not_quoted(installed: Path) -> None:
    with pytest.raises(ConfigurationWrong) as raised:
        registry.open_channel("cityapp", {"app_id": APP, "secret": "S3CRET"}, MemoryTokens())
    assert "secret" in str(raised.value)
    assert "S3CRET" not in str(raised.value)


async def test_a_person_signs_in_once_by_a_signed_code(channel: Channel, city: CityServer) -> None:
    assert channel.sign_in is not None
    code = city.code("p1")
    identity = await channel.sign_in.sign_in(code)
    assert (identity.app_id, identity.open_id) == (APP, "p1")
    with pytest.raises(Refusal, match="code_wrong"):
        await channel.sign_in.sign_in(code)


async def test_a_forged_stale_or_foreign_code_is_refused_without_a_call(
    channel: Channel, city: CityServer
) -> None:
    assert channel.sign_in is not None
    wrong = [
        city.code("p1", secret=b"another"),
        city.code("p1", age=121),
        city.code("p1", age=-60),
        city.code("p1", app="another"),
        city.code("p1") + "A",
        "nonsense",
        "a.b.c",
        "",
        "é.é",
    ]
    for code in wrong:
        with pytest.raises(Refusal, match="code_wrong"):
            await channel.sign_in.sign_in(code)
    assert city.calls == []


async def test_an_answer_anybody_could_have_written_is_not_believed(
    channel: Channel, city: CityServer
) -> None:
    assert channel.sign_in is not None
    city.forging = True
    with pytest.raises(Unreachable, match="answer_unproven"):
        await channel.sign_in.sign_in(city.code("p1"))


async def test_the_phone_number_comes_for_its_code(channel: Channel) -> None:
    assert channel.sign_in is not None
    assert (await channel.sign_in.phone("code")).number == "13800138000"


def message(kind: str = "case_moved", person: str = "p1") -> Message:
    return Message(kind, person, {"service": "身份证换领"}, "pages/case?no=1", "n1")


async def test_a_message_is_sent_once_however_often_it_is_asked_for(
    channel: Channel, city: CityServer
) -> None:
    assert channel.messages is not None
    states = [await channel.messages.send(message()) for _ in range(2)]
    assert {(state.state, state.channel_message_id) for state in states} == {("accepted", "m-n1")}
    assert [sent["template"] for sent in city.messages.values()] == ["progress-v2"]


async def test_a_person_who_blocks_messages_is_told_apart(
    channel: Channel, city: CityServer
) -> None:
    assert channel.messages is not None
    city.blocking.add("p1")
    state = await channel.messages.send(message())
    assert (state.state, state.reason) == ("failed", "user_refused")
    with pytest.raises(Refusal, match="parameter_wrong"):
        await channel.messages.send(message("unheard_of"))


async def test_what_is_pushed_is_read_when_proven(channel: Channel) -> None:
    assert channel.messages is not None
    body = json.dumps(
        {"person": "p1", "template": "progress-v2", "happened": "delivered", "message": "m-n1"}
    ).encode()
    headers = {"x-cityapp-signature": signature("POST", body)}
    (news,), reply = channel.messages.read_push(Inbound("POST", "", headers, body))
    assert (news.kind, news.event, news.channel_message_id) == ("case_moved", "delivered", "m-n1")
    assert reply.status == 200
    for wrong, code in (
        ({}, "signature_wrong"),
        ({"x-cityapp-signature": signature("POST", b"{}")}, "signature_wrong"),
        ({"x-cityapp-signature": signature("POST", body, at=time.time() - 301)}, "stale"),
    ):
        with pytest.raises(NoticeRefused, match=code):
            channel.messages.read_push(Inbound("POST", "", wrong, body))
    junk = {"x-cityapp-signature": signature("POST", b"[")}
    with pytest.raises(NoticeRefused, match="malformed"):
        channel.messages.read_push(Inbound("POST", "", junk, b"["))


async def test_links_lead_into_the_app(channel: Channel) -> None:
    assert channel.links is not None
    link = channel.links.deep_link("/pages/case", {"no": "1&2"})
    assert link == "cityapp://zhangban/open?page=pages%2Fcase&query=no%3D1%25262"
    assert await channel.links.url_link("pages/case", {"no": "1"}) == "https://c.example/pages/case"
    picture = await channel.links.code_image("pages/case", {"no": "1"}, "扫码")
    assert picture.startswith(b"\x89PNG")


async def test_a_server_that_is_gone_is_unreachable_and_nothing_was_sent(
    installed: Path,
) -> None:
    section = {"app_id": APP, "secret": SECRET.decode(), "url": "http://127.0.0.1:1"}
    channel = registry.open_channel("cityapp", section, MemoryTokens())
    assert channel.messages is None
    assert channel.links is not None
    with pytest.raises(Unreachable) as raised:
        await channel.links.url_link("pages/case", {})
    assert (raised.value.code, raised.value.sent) == ("connection_failed", False)
    await channel.close()
