"""A wrong answer is a failure, a right one is not, a refusal is neither."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import msgspec
import pytest

from loadtests.answers import Coded, FileLink
from loadtests.case_answers import Refusal
from loadtests.phone import (
    LAG_MS,
    PARTLY,
    REFUSED,
    WHOLLY,
    Headers,
    Parcel,
    Phone,
    Refused,
    Sent,
    demand,
)
from loadtests.request_names import AGAIN, REPEATED

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

    def request(self, method: str, url: str, **options: Any) -> FakeAnswer:
        self.asked.append({"method": method, "url": url, **options})
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
    assert refusal.request_meta["context"] == {REFUSED: WHOLLY}
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


class Always(random.Random):
    """Chance that is always the same."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self.value = value

    def random(self) -> float:
        return self.value


NEVER_AGAIN, ALWAYS_AGAIN = Always(0.99), Always(0.0)
POST = Parcel("POST", "/v1/places", "POST /v1/places", b'{"name": "x"}', key="k1")


def post(
    *answers: FakeAnswer, chance: random.Random = NEVER_AGAIN, parcel: Parcel = POST
) -> tuple[FakeClient, list[float], Sent | None]:
    client, slept = FakeClient(*answers), list[float]()
    phone = Phone(client, chance, slept.append, prove=lambda *_: {"Authorization": "Bearer t"})

    def check(sent: Sent) -> None:
        demand(sent.status != 201 or sent.found.code == "440106000000", "another place")

    return client, slept, phone.send(parcel, {201: Coded, 409: Refusal}, check)


def test_what_is_sent_carries_its_key_its_proof_and_its_type() -> None:
    client, _, sent = post(FakeAnswer(201, TOWN))
    assert sent is not None
    assert sent.found.name == "x"
    assert client.asked[0]["method"] == "POST"
    assert client.asked[0]["data"] == POST.body
    headers = client.asked[0]["headers"]
    assert headers["Idempotency-Key"] == "k1"
    assert headers["Authorization"] == "Bearer t"
    assert headers["Content-Type"] == "application/json"


def test_an_expected_refusal_is_an_answer() -> None:
    body = b'{"title": "t", "status": 409, "code": "invalid_move", "request_id": "r"}'
    answer = FakeAnswer(409, body)
    _, _, sent = post(answer)
    assert sent is not None
    assert sent.found.code == "invalid_move"
    assert answer.verdict == "right"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (FakeAnswer(200, TOWN), "Wrong: status 200"),
        (FakeAnswer(500, b'{"code": "internal_error"}'), "Wrong: status 500 internal_error"),
        (FakeAnswer(0), "Wrong: no answer"),
        (FakeAnswer(201, b"{}"), "ValidationError: "),
        (FakeAnswer(201, b'{"code": "1", "name": "x"}'), "Wrong: another place"),
        (FakeAnswer(503), "Wrong: 503 without Retry-After"),
    ],
)
def test_a_wrong_answer_to_what_was_sent_is_a_failure(answer: FakeAnswer, fault: str) -> None:
    later = [FakeAnswer(201, TOWN)]
    _, _, sent = post(answer, *later)
    assert answer.verdict is not None
    assert answer.verdict.startswith(fault)
    assert sent is None or answer.status_code == 503


def test_what_is_refused_is_sent_again_with_the_same_key() -> None:
    refused = FakeAnswer(503, retry_after="1")
    client, slept, sent = post(refused, FakeAnswer(201, TOWN))
    assert sent is not None
    assert sent.tries == 2
    assert refused.request_meta["context"] == {REFUSED: WHOLLY}
    assert len(slept) == 1
    assert [asked["headers"]["Idempotency-Key"] for asked in client.asked] == ["k1", "k1"]


def test_what_can_be_used_once_is_not_sent_again() -> None:
    parcel = msgspec.structs.replace(POST, once=True)
    client, slept, sent = post(FakeAnswer(503, retry_after="1"), parcel=parcel)
    assert sent is None
    assert (len(client.asked), len(slept)) == (1, 1)


def test_what_is_refused_in_part_is_sent_again_as_a_whole() -> None:
    answers = [FakeAnswer(201, TOWN), FakeAnswer(201, TOWN)]
    client, slept = FakeClient(*answers), list[float]()

    def check(sent: Sent) -> None:
        if sent.tries == 1:
            raise Refused

    sent = Phone(client, NEVER_AGAIN, slept.append).send(POST, {201: Coded}, check)
    assert sent is not None
    assert sent.tries == 2
    assert answers[0].request_meta["context"] == {REFUSED: PARTLY}
    assert [answer.verdict for answer in answers] == ["right", "right"]
    assert 1.0 <= slept[0] <= 1.5


def test_who_is_refused_again_and_again_gives_up() -> None:
    client, _, sent = post(*(FakeAnswer(429, retry_after="1") for _ in range(5)))
    assert sent is None
    assert len(client.asked) == 5


def test_the_same_key_must_get_the_same_answer() -> None:
    first, same = FakeAnswer(201, TOWN), FakeAnswer(201, TOWN)
    client, _, _ = post(first, same, chance=ALWAYS_AGAIN)
    assert same.verdict == "right"
    assert client.asked[1]["name"] == f"POST /v1/places{REPEATED}"
    assert client.asked[1]["data"] == client.asked[0]["data"]


@pytest.mark.parametrize(
    "other", [TOWN + b" ", b'{"code": "440106000000", "name": "y"}'], ids=["a blank", "a name"]
)
def test_another_answer_to_the_same_key_is_a_failure(other: bytes) -> None:
    second = FakeAnswer(201, other)
    post(FakeAnswer(201, TOWN), second, chance=ALWAYS_AGAIN)
    assert second.verdict == "Wrong: another answer to the same Idempotency-Key"


def test_what_has_no_key_is_not_repeated() -> None:
    parcel = Parcel("PUT", "/v1/places/1", "PUT /v1/places", b"{}")
    client, _, _ = post(FakeAnswer(201, TOWN), chance=ALWAYS_AGAIN, parcel=parcel)
    assert len(client.asked) == 1


def ask_own(*answers: FakeAnswer, lag_seconds: float = 0.0) -> FakeClient:
    client = FakeClient(*answers)
    phone = Phone(client, random.Random(1), lambda _: None, prove=lambda *_: {"X-Proof": "p"})
    for _ in answers:
        phone.ask(
            "/v1/mine",
            "GET /v1/mine",
            Coded,
            lambda *_: None,
            may_change=True,
            of="own",
            lag=lambda *_: lag_seconds,
        )
    return client


def private_answer(status: int = 200, content: bytes = TOWN) -> FakeAnswer:
    return FakeAnswer(status, content, etag='"a1"', cache_control="private, no-cache")


def test_ones_own_things_are_asked_for_with_a_proof_and_are_private() -> None:
    answer, public = private_answer(), right_answer()
    client = ask_own(answer)
    ask_own(public)
    assert answer.verdict == "right"
    assert client.asked[0]["headers"]["X-Proof"] == "p"
    assert public.verdict == "Wrong: not for private caches"


def test_an_answer_that_leaves_out_what_is_new_is_right_for_a_second() -> None:
    answer = private_answer()
    ask_own(answer, lag_seconds=0.99)
    assert answer.verdict == "right"
    assert answer.request_meta["context"] == {LAG_MS: 990.0}


def test_a_stale_answer_is_a_failure_also_with_304() -> None:
    first, again = private_answer(), private_answer(304, b"")
    ask_own(first, lag_seconds=1.0)
    assert first.verdict is not None
    assert first.verdict.startswith("Stale: ")
    client = FakeClient(private_answer(), again)
    phone = Phone(client, random.Random(1), lambda _: None)
    lags = [0.0, 3.0]
    for _ in range(2):
        phone.ask(
            "/v1/mine",
            "GET /v1/mine",
            Coded,
            lambda *_: None,
            may_change=True,
            of="holder",
            lag=lambda *_: lags.pop(0),
        )
    assert again.verdict is not None
    assert again.verdict.startswith("Stale: ")
    assert again.request_meta["context"] == {LAG_MS: 3000.0}


def test_an_answer_that_is_too_large_is_a_failure() -> None:
    answer = private_answer()
    phone = Phone(FakeClient(answer), random.Random(1), lambda _: None)
    phone.ask("/v1/m", "GET /v1/m", Coded, lambda *_: None, of="holder", most_bytes=10)
    assert answer.verdict == "Wrong: more than 10 bytes"
