"""Manners on the wire that every answer keeps, whatever it is about."""

from __future__ import annotations

import asyncio
import gzip
import re
from typing import Any

import brotli
import httpx
import msgspec
import pytest
import zstandard

from api.answers import choose_encoding
from api.errors import ProblemAnswer
from tests.town import running

PATH = "/v1/regions?limit=20"
DECODERS = {
    "br": brotli.decompress,
    "gzip": gzip.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompress(body),
}


async def raw(client: httpx.AsyncClient, encoding: str) -> httpx.Response:
    """An answer whose bytes are left as they came."""
    request = client.build_request("GET", PATH, headers={"Accept-Encoding": encoding})
    answer = await client.send(request, stream=True)
    answer.extensions["raw"] = b"".join([chunk async for chunk in answer.aiter_raw()])
    return answer


async def test_every_encoding_holds_the_same_bytes_under_a_tag_of_its_own(
    client: httpx.AsyncClient,
) -> None:
    plain = await raw(client, "identity")
    tags = {plain.headers["etag"]}
    for encoding, decode in DECODERS.items():
        answer = await raw(client, encoding)
        assert answer.headers["content-encoding"] == encoding
        assert decode(answer.extensions["raw"]) == plain.extensions["raw"]
        assert "Accept-Encoding" in answer.headers["vary"]
        assert int(answer.headers["content-length"]) == len(answer.extensions["raw"])
        tags.add(answer.headers["etag"])
    assert len(tags) == 4
    assert not any(tag.startswith("W/") for tag in tags)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (b"gzip, deflate, br, zstd", b"br"),
        (b"gzip, zstd", b"zstd"),
        (b"gzip;q=1.0, br;q=0.5", b"gzip"),
        (b"br;q=0, gzip", b"gzip"),
        (b"identity", None),
        (b"", None),
        (b"*", b"br"),
        (b"*;q=0", None),
        (b"identity;q=1, gzip;q=0.5", None),
        (b"gzip;q=nonsense", None),
        (b"deflate", None),
    ],
)
def test_the_clients_weights_choose_the_encoding(accept: bytes, chosen: bytes | None) -> None:
    assert choose_encoding(accept) == chosen


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip", "zstd"])
async def test_a_known_tag_gives_304_without_a_body(
    client: httpx.AsyncClient, encoding: str
) -> None:
    first = await raw(client, encoding)
    again = await client.get(
        PATH, headers={"Accept-Encoding": encoding, "If-None-Match": first.headers["etag"]}
    )
    assert again.status_code == 304
    assert again.content == b""
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["cache-control"] == first.headers["cache-control"]


@pytest.mark.parametrize("known", ['"other"', 'W/"other"', "nonsense"])
async def test_an_unknown_tag_gives_the_answer(client: httpx.AsyncClient, known: str) -> None:
    assert (await client.get(PATH, headers={"If-None-Match": known})).status_code == 200


async def test_a_weak_or_listed_tag_is_recognised(client: httpx.AsyncClient) -> None:
    etag = (await client.get(PATH)).headers["etag"]
    for known in (f"W/{etag}", f'"x", {etag}', "*"):
        assert (await client.get(PATH, headers={"If-None-Match": known})).status_code == 304


async def test_head_gives_the_headers_of_get(client: httpx.AsyncClient) -> None:
    got = await client.get(PATH)
    head = await client.head(PATH)
    assert head.status_code == 200
    assert head.content == b""
    for name in ("etag", "content-length", "cache-control", "content-type"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/v1/regions/999999999999", 404, "not_found"),
        ("POST", "/v1/regions", 405, "method_not_allowed"),
        ("DELETE", "/v1/services", 405, "method_not_allowed"),
        ("GET", "/v1/services?limit=1000", 400, "validation_failed"),
        ("GET", "/" + "x" * 9000, 414, "uri_too_long"),
    ],
)
async def test_every_refusal_is_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    problem = msgspec.json.decode(answer.content, type=ProblemAnswer)
    assert (problem.status, problem.code) == (status, code)
    assert problem.request_id == answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    explained = await client.get(problem.type)
    assert explained.json()["code"] == code


async def test_a_method_that_is_not_allowed_says_which_are(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/regions")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"x" * 70_000, 413),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, b"{}", 415),
    ],
)
async def test_a_body_that_is_too_large_or_of_another_kind_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = await client.post("/v1/regions", headers=headers, content=content)
    assert answer.status_code == status


async def test_words_are_chinese_unless_english_is_asked_for(client: httpx.AsyncClient) -> None:
    async def detail(language: str) -> str:
        answer = await client.get("/nowhere", headers={"Accept-Language": language})
        return str(answer.json()["detail"])

    assert not (await detail("")).isascii()
    assert not (await detail("zh-CN,zh;q=0.9,en;q=0.8")).isascii()
    assert (await detail("en-US,en;q=0.9,zh;q=0.8")).isascii()


async def test_a_request_id_is_echoed_or_made(client: httpx.AsyncClient) -> None:
    given = await client.get(PATH, headers={"X-Request-Id": "from-the-caller"})
    assert given.headers["x-request-id"] == "from-the-caller"
    assert len((await client.get(PATH)).headers["x-request-id"]) == 32
    odd = await client.get(PATH, headers={"X-Request-Id": "two words"})
    assert odd.headers["x-request-id"] != "two words"


async def test_security_headers_are_on_every_answer(client: httpx.AsyncClient) -> None:
    for path in (PATH, "/nowhere", "/health/live"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]


async def test_limits_are_told_and_held(
    make_settings: Any, town_settings: Any, town_files: Any
) -> None:
    from_town = {"database_url": town_settings.database_url, "redis_url": "off"}
    settings = make_settings(**from_town, rate_reads_per_second=5)
    async with running(settings) as client:
        answers = [await client.get("/v1/regions/440000000000") for _ in range(14)]
    assert [a.status_code for a in answers].count(200) in (10, 11)
    refused = answers[-1]
    assert refused.status_code == 429
    assert refused.json()["code"] == "rate_limited"
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["ratelimit-policy"] == '"read";q=10;w=2'


async def test_overload_is_refused_at_once_with_a_time_to_come_back(
    make_settings: Any, town_settings: Any
) -> None:
    settings = make_settings(
        database_url=town_settings.database_url,
        redis_url="off",
        in_flight_limit=2,
        queue_limit=0,
        queue_seconds=0.0,
    )
    async with running(settings) as client:
        answers = await asyncio.gather(*(client.get(PATH) for _ in range(40)))
    statuses = {answer.status_code for answer in answers}
    assert statuses == {200, 503}
    refused = next(a for a in answers if a.status_code == 503)
    assert refused.json()["code"] == "overloaded"
    assert int(refused.headers["retry-after"]) >= 1


async def test_only_configured_origins_may_call_from_a_browser(
    make_settings: Any, town_settings: Any
) -> None:
    settings = make_settings(
        database_url=town_settings.database_url, cors_origins="https://city.example"
    )
    async with running(settings) as client:
        ours = await client.get("/health/live", headers={"Origin": "https://city.example"})
        others = await client.get("/health/live", headers={"Origin": "https://evil.example"})
    assert ours.headers["access-control-allow-origin"] == "https://city.example"
    assert "access-control-allow-origin" not in others.headers


async def test_the_page_of_the_documents_may_load_its_own_scripts_and_no_others(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/schema")
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy
    assert "<script>" not in page.text
    for source in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        found = await client.get(source)
        assert source.startswith("/schema/")
        assert found.status_code == 200, source


async def test_the_bare_address_leads_to_the_documents(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 302
    assert answer.headers["location"] == "/schema"
