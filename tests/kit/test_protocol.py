"""The wire's edge: Chinese in an address as typed, and refusals in our own form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import uvicorn
from litestar.types import Receive, Scope, Send

from api.protocol import Protocol


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the query string it was given."""
    assert scope["type"] == "http"
    body = scope["query_string"]
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", str(len(body)).encode())],
        }
    )
    await send({"type": "http.response.body", "body": body, "more_body": False})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    config = uvicorn.Config(
        echo, port=0, http=Protocol, lifespan="off", log_level="critical", access_log=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await serving


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), timeout=5)
    writer.close()
    return answer


async def test_chinese_in_an_address_is_read_as_it_was_typed(port: int) -> None:
    request = "GET /v1/services?q=身份证 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = await ask(port, request.encode())
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"q=%E8%BA%AB%E4%BB%BD%E8%AF%81")


async def test_an_encoded_address_is_left_as_it_is(port: int) -> None:
    request = b"GET /?q=%E8%BA%AB&x=%2B+1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert (await ask(port, request)).endswith(b"q=%E8%BA%AB&x=%2B+1")


async def test_what_the_parser_refuses_is_answered_as_a_problem(port: int) -> None:
    answer = await ask(port, b"NOT HTTP AT ALL\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "bad_request"
