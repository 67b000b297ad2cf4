"""A wrong answer is a failure, a right one is not, a refusal is neither."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec
import pytest

from loadtests.answers import Coded, FileLink
from loadtests.phone import AGAIN, REFUSED, Headers, Phone, demand

PUBLIC = {"etag": '"a1"', "cache-control": "public, max-age=60"}
TOWN = b'{"code": "440106000000", "name": "x"}'


class FakeAnswer:
    """An answer that remembers what was thought of it."""

    def __init__(self, status: int, content: bytes = b"", **headers: str) -> None:
        self.status_code = status
        self.content = content
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.request_meta: dict[str, Any] = {"context": {}}
        self.verdict: str | None = None

    def __enter__(self) -> FakeAnswer:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def success(self) -> None:
        self.verdict = "right"

    def failure(self, exc: str) -> None:
        self.verdict = exc


class FakeClient:
    """Gives prepared answers and remembers what was asked."""

    def __init__(self, *answers: FakeAnswer) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def get(self, url: str, **options: Any) -> FakeAnswer:
        self.asked.append({"url": url, **options})
        return self._answers.pop(0)


def right_answer(content: bytes = TOWN, etag: str = '"a1"') -> FakeAnswer:
    return FakeAnswer(200, content, etag=etag, cache_control="public, max-age=60")


def ask(*answers: FakeAnswer, may_change: bool = False) -> tuple[FakeClient, list[float]]:
    """Ask for the same thing as often as there are answers."""
    client, slept = FakeClient(*answers), list[float]()
    phone = Phone(client, random.Random(1), slept.append)

    def check(place: Coded, _: Headers) -> None:
        demand(place.code == "440106000000", "another place")

    for _ in answers:
        phone.ask("/v1/place", "GET /v1/place", Coded, check, may_change=may_change)
    return client, slept


def test_a_right_answer_is_right() -> None:
    answer = right_answer()
    ask(answer)
    assert answer.verdict == "right"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (FakeAnswer(500, b"{}"), "Wrong: status 500"),
        (FakeAnswer(0), "Wrong: no answer: connection refused, lost or too slow"),
        (FakeAnswer(200, TOWN, cache_control="public"), "Wrong: no strong ETag"),
        (right_answer(etag='W/"a1"'), "Wrong: no strong ETag"),
        (FakeAnswer(200, TOWN, etag='"a"', cache_control="no-store"), "Wrong: not for public"),
        (right_answer(b'{"code": "440106000000"}'), "ValidationError: "),
        (right_answer(b"<html>"), "DecodeError: "),
        (right_answer(b'{"code": "1", "name": "x"}'), "Wrong: another place"),
        (FakeAnswer(304, etag='"a"', cache_control="public"), "Wrong: status 304"),
        (FakeAnswer(503), "Wrong: 503 without Retry-After"),
    ],
)
def test_a_wrong_answer_is_a_failure(answer: FakeAnswer, fault: str) -> None:
    ask(answer)
    assert answer.verdict is not None
    assert answer.verdict.startswith(fault)


def test_what_the_phone_has_is_asked_again_with_its_tag() -> None:
    again = FakeAnswer(304, etag='"a1"', cache_control="public")
    client, _ = ask(right_answer(), again)
    assert again.verdict == "right"
    assert client.asked[1]["headers"]["If-None-Match"] == '"a1"'
    assert client.asked[1]["name"] == f"GET /v1/place{AGAIN}"


def test_a_full_answer_to_a_phone_that_has_it_is_a_failure() -> None:
    again = right_answer()
    ask(right_answer(), again)
    assert again.verdict == "Wrong: status 200"


def test_a_full_answer_is_right_where_it_may_have_changed() -> None:
    again = right_answer(etag='"b2"')
    ask(right_answer(), again, may_change=True)
    assert again.verdict == "right"


def test_a_304_with_another_tag_is_a_failure() -> None:
    again = FakeAnswer(304, etag='"b2"', cache_control="public")
    ask(right_answer(), again)
    assert again.verdict == "Wrong: 304 with another tag"


def test_a_polite_refusal_is_counted_apart_and_waited_out() -> None:
    refusal = FakeAnswer(429, retry_after="2")
    _, slept = ask(refusal)
    assert refusal.verdict == "right"
    assert refusal.request_meta["context"] == {REFUSED: True}
    assert 2.0 <= slept[0] <= 3.0


@pytest.mark.parametrize(
    ("content", "media_type", "right"),
    [
        (b"form", "application/pdf", True),
        (b"from", "application/pdf", False),
        (b"form", "text/html", False),
    ],
)
def test_a_downloaded_form_is_the_announced_one(
    content: bytes, media_type: str, right: bool
) -> None:
    answer = FakeAnswer(200, content, content_type=media_type)
    file = FileLink("application/pdf", 4, hashlib.sha256(b"form").hexdigest(), "/form")
    Phone(FakeClient(answer), random.Random(1), lambda _: None).download(file, "GET /form")
    assert (answer.verdict == "right") is right


def test_the_shapes_allow_new_fields() -> None:
    found = msgspec.json.decode(b'{"code": "1", "name": "x", "new": 1}', type=Coded)
    assert found == Coded("1", "x")
