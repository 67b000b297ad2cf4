"""The way out against a real server that hangs, resets, floods, trickles and recovers."""

from __future__ import annotations

import asyncio
import gzip
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from structlog.testing import capture_logs

from adapters.contract import Unreachable
from adapters.http import Call, Client, Limits, draw_shape

Conduct = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

QUICK = Limits(
    budget_seconds=0.6,
    connect_seconds=0.3,
    body_bytes=10_000,
    failures=3,
    window_seconds=5,
    open_seconds=0.3,
)


class Server:
    """Answers each request as the next conduct in its list says; the last one stays."""

    def __init__(self) -> None:
        self.conducts: list[Conduct] = [answer(200, b"well")]
        self.requests: list[bytes] = []
        self._server: asyncio.Server | None = None
        self._at_work: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    @property
    def address(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._at_work.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = 0
                for line in head.split(b"\r\n"):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                self.requests.append(head + await reader.readexactly(length))
                conduct = self.conducts.pop(0) if len(self.conducts) > 1 else self.conducts[0]
                await conduct(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._at_work.discard(task)
            writer.close()

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in tuple(self._at_work):
            task.cancel()
        await asyncio.gather(*self._at_work, return_exceptions=True)


def answer(status: int, body: bytes, *headers: str) -> Conduct:
    async def conduct(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        extra = "".join(f"{header}\r\n" for header in headers)
        head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n{extra}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return conduct


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()
    raise ConnectionError


async def trickle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Never idle for long, never done."""
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
    for _count in range(1000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"this is no HTTP\r\n\r\n")
    await writer.drain()


async def break_off(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf")
    await writer.drain()
    raise ConnectionError


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client("test", QUICK)
    yield client
    await client.close()


def to(server: Server, *, safe: bool = False, operation: str = "ask") -> Call:
    return Call(operation, "POST", f"{server.address}/x?access_token=SECRET", body=b"{}", safe=safe)


async def failure_of(client: Client, call: Call) -> Unreachable:
    with pytest.raises(Unreachable) as raised:
        await client.call(call)
    return raised.value


async def test_an_answer_comes_whole_with_its_headers_in_lower_case(
    server: Server, client: Client
) -> None:
    server.conducts = [answer(404, b"no", "X-Trace: 7")]
    found = await client.call(to(server))
    assert (found.status, found.body, found.headers["x-trace"]) == (404, b"no", "7")


@pytest.mark.parametrize(
    ("conduct", "code"),
    [
        (hang, "timeout"),
        (trickle, "timeout"),
        (reset, "connection_failed"),
        (break_off, "connection_failed"),
        (babble, "connection_failed"),
        (answer(200, b"x" * 20_000), "answer_unreadable"),
        (answer(302, b"", "location: http://127.0.0.1:1/"), "answer_unreadable"),
        (answer(200, gzip.compress(b"x" * 9000), "content-encoding: gzip"), "answer_unreadable"),
    ],
    ids=["hang", "trickle", "reset", "break off", "babble", "flood", "redirect", "compressed"],
)
async def test_what_is_no_answer_is_unreachable_within_the_budget(
    server: Server, client: Client, conduct: Conduct, code: str
) -> None:
    server.conducts = [conduct]
    began = time.monotonic()
    failure = await failure_of(client, to(server))
    assert (failure.code, failure.sent) == (code, True)
    assert time.monotonic() - began < QUICK.budget_seconds + 0.4


async def test_what_never_left_is_said_not_to_have_been_sent(client: Client) -> None:
    failure = await failure_of(client, Call("ask", "GET", "http://127.0.0.1:1/"))
    assert (failure.code, failure.sent) == ("connection_failed", False)


async def test_a_safe_call_is_made_twice_and_any_other_once(server: Server, client: Client) -> None:
    server.conducts = [reset, answer(200, b"well")]
    assert (await client.call(to(server, safe=True))).body == b"well"
    assert len(server.requests) == 2
    server.conducts = [reset, answer(200, b"well")]
    await failure_of(client, to(server))
    assert len(server.requests) == 3


async def test_a_safe_call_is_repeated_after_a_server_error(server: Server, client: Client) -> None:
    server.conducts = [answer(502, b""), answer(200, b"well")]
    assert (await client.call(to(server, safe=True))).status == 200
    server.conducts = [answer(502, b"")]
    assert (await client.call(to(server, safe=True))).status == 502


async def test_two_tries_share_one_budget(server: Server, client: Client) -> None:
    server.conducts = [hang]
    began = time.monotonic()
    failure = await failure_of(client, to(server, safe=True))
    assert failure.code == "timeout"
    assert len(server.requests) == 2
    assert time.monotonic() - began < QUICK.budget_seconds + 0.4


async def test_the_circuit_opens_and_closes(server: Server, client: Client) -> None:
    server.conducts = [answer(500, b"")]
    for _ in range(3):
        assert (await client.call(to(server))).status == 500
    failure = await failure_of(client, to(server))
    assert (failure.code, failure.sent) == ("circuit_open", False)
    assert len(server.requests) == 3

    # Another operation of the same host has a circuit of its own.
    assert (await client.call(to(server, operation="other"))).status == 500

    await asyncio.sleep(QUICK.open_seconds + 0.05)
    assert (await client.call(to(server))).status == 500
    assert (await failure_of(client, to(server))).code == "circuit_open"

    await asyncio.sleep(QUICK.open_seconds + 0.05)
    server.conducts = [answer(200, b"well")]
    assert (await client.call(to(server))).status == 200
    assert (await client.call(to(server))).status == 200


async def test_a_half_open_circuit_lets_one_call_try(server: Server, client: Client) -> None:
    server.conducts = [answer(500, b"")]
    for _ in range(3):
        await client.call(to(server))
    await asyncio.sleep(QUICK.open_seconds + 0.05)
    before = len(server.requests)
    server.conducts = [hang]
    failures = await asyncio.gather(*(failure_of(client, to(server)) for _ in range(5)))
    assert sorted(failure.code for failure in failures) == ["circuit_open"] * 4 + ["timeout"]
    assert len(server.requests) == before + 1


async def test_a_cancelled_try_leaves_the_half_open_circuit_to_others(
    server: Server, client: Client
) -> None:
    server.conducts = [answer(500, b"")]
    for _ in range(3):
        await client.call(to(server))
    await asyncio.sleep(QUICK.open_seconds + 0.05)
    server.conducts = [hang]
    task = asyncio.create_task(client.call(to(server)))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.conducts = [answer(200, b"well")]
    assert (await client.call(to(server))).status == 200


async def test_a_four_hundred_is_no_failure_of_the_host(server: Server, client: Client) -> None:
    server.conducts = [answer(429, b"{}")]
    for _ in range(6):
        assert (await client.call(to(server))).status == 429


async def test_a_download_is_bounded_in_length_and_idle_time(
    server: Server, client: Client
) -> None:
    async def read(idle_seconds: float, total_bytes: int) -> bytes:
        call = Call("file", "GET", f"{server.address}/file", budget_seconds=5)
        found = bytearray()
        async with client.download(call, idle_seconds=idle_seconds, total_bytes=total_bytes) as (
            status,
            chunks,
        ):
            assert status == 200
            async for chunk in chunks:
                found += chunk
        return bytes(found)

    server.conducts = [answer(200, b"x" * 50_000)]
    assert len(await read(1, 100_000)) == 50_000
    with pytest.raises(Unreachable, match="answer_unreadable"):
        await read(1, 10_000)
    server.conducts = [hang]
    with pytest.raises(Unreachable, match="timeout"):
        await read(0.2, 10_000)


async def test_proxies_of_the_environment_are_not_taken(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = Client("test", QUICK)
    assert (await client.call(to(server))).status == 200
    await client.close()


async def test_no_log_line_holds_an_address_or_a_value(
    server: Server, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    said = b'{"errcode":40001,"openid":"oSECRET","session_key":"SECRET"}'
    server.conducts = [answer(200, said), reset]
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        await client.call(to(server))
        failure = await failure_of(client, to(server))
    written = f"{lines}{caplog.text}{failure!r}"
    assert "SECRET" not in written
    assert "access_token" not in written
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == ["channel_call"] * 2
    transcript = next(line for line in lines if line["event"] == "channel_transcript")
    assert transcript["answered"] == {"errcode": 40001, "openid": "(7)", "session_key": "(6)"}
    # What the caller's error was raised from would quote the address.
    assert failure.__cause__ is None
    assert failure.__suppress_context__


def test_a_shape_shows_keys_and_no_values() -> None:
    body = b'{"code":"OK","payer":{"openid":"o1"},"list":[{"cert_no":"1","n":2}],"x":null}'
    assert draw_shape(body) == {
        "code": "OK",
        "payer": {"openid": "(2)"},
        "list": [{"cert_no": "(1)", "n": "int"}],
        "x": "NoneType",
    }
    assert draw_shape(b"\x89PNG") == "4 bytes"
