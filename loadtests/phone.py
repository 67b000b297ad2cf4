"""Asks over HTTP, keeps answers, and looks closely at what it is given: a citizen's phone,
or the line of a department's system.

A wrong answer is a failure like no answer: another status, another shape, no strong tag,
a 304 without need, an answer about something else, one that shows less than what was
acknowledged a second before, another answer to the same Idempotency-Key. A refusal (429,
503) that says when to come back is counted apart, and the phone waits that long.
"""

from __future__ import annotations

import hashlib
import random
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeVar

import msgspec
from msgspec import Struct

from loadtests.answers import FileLink
from loadtests.request_names import AGAIN, REPEATED

T = TypeVar("T")
Headers = Mapping[str, str]
Check = Callable[[T, Headers], None]
Lag = Callable[[T, float], float]
"""For what an answer shows and when it was asked for (`time.monotonic()`): for how many
seconds something newer had been acknowledged then; 0 where it shows all."""
Prove = Callable[[str, str, bytes], Headers]
"""For a method, a path and a body: the headers that say who calls."""
Expected = Mapping[int, Any]
"""The statuses that are right, each with the shape of its answer; None: without a body."""
Client = Any
"""Locust's FastHttpSession; its typed keyword arguments fit no protocol of ours."""

REFUSALS = (429, 503)
REFUSED = "refused"
"""In a request's context: `WHOLLY`, at the door, or `PARTLY`."""
WHOLLY, PARTLY = "wholly", "partly"
LAG_MS = "lag_ms"
STALE_SECONDS = 1.0
"""What was acknowledged so long ago must be seen by everybody."""

JSON = "application/json"

_KEPT_ANSWERS = 30
_LONGEST_BACK_OFF_SECONDS = 30.0
_PARTLY_REFUSED_SECONDS = 1.0
_ENCODINGS = {"Accept-Encoding": "gzip"}
_REPEATS = 0.05
_MOST_TRIES = 5


class Answer(Protocol):
    """What Locust's client gives inside its `with` block."""

    headers: Any
    content: Any
    request_meta: dict[str, Any]

    @property
    def status_code(self) -> int: ...
    def success(self) -> Any: ...
    def failure(self, exc: str) -> Any: ...


class Wrong(Exception):
    """An answer that is not what was asked for; the text says in what."""


class Refused(Exception):
    """Part of what was sent was not taken for want of room, and the answer says so."""


class Stale(Wrong):
    """An answer that shows less than what had been acknowledged long before."""


class Sent(Struct, frozen=True):
    """What came back of something sent: the status, the answer in its shape, its bytes.

    After a refusal it is the second of the `tries`, or a later one.
    """

    status: int
    found: Any
    content: bytes
    tries: int


class Parcel(Struct, frozen=True):
    """Something to send. `key`: an Idempotency-Key goes with it. `once`: not even after a
    refusal may it be sent again, for what it holds can be used up by then."""

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    body: bytes = b""
    media_type: str = JSON
    key: str = ""
    once: bool = False


def demand(right: bool, otherwise: str) -> None:
    """Raises Wrong with the text."""
    if not right:
        raise Wrong(otherwise)


def header_of(answer: Answer, name: str) -> str:
    """The header's value; empty where it is missing or given twice."""
    value = answer.headers.get(name, "") if answer.headers else ""
    return value if isinstance(value, str) else ""


def new_key() -> str:
    """An Idempotency-Key."""
    return uuid.uuid4().hex


class Phone:
    """Asks for one user. Keeps the tags and contents of its last answers, as an app would."""

    def __init__(
        self,
        client: Client,
        chance: random.Random,
        sleep: Callable[[float], object],
        *,
        address: str = "",
        prove: Prove | None = None,
    ) -> None:
        """`sleep` takes seconds; it must let the other users go on. `address`: whose the phone
        is for a service that believes X-Forwarded-For."""
        self._client = client
        self._chance = chance
        self._sleep = sleep
        self._standing = {**_ENCODINGS, **({"X-Forwarded-For": address} if address else {})}
        self._kept: OrderedDict[str, tuple[str, object]] = OrderedDict()
        self.prove = prove

    def ask(
        self,
        path: str,
        name: str,
        shape: type[T],
        check: Check[T],
        *,
        may_change: bool = False,
        of: Literal["public", "own", "holder"] = "public",
        lag: Lag[T] | None = None,
        most_bytes: int = 1_000_000,
    ) -> T | None:
        """The checked answer, or None after a failure or a refusal.

        A path asked before goes out with If-None-Match and must give 304, unless the answer
        `may_change` while the run lasts. Answers `of` the caller's own things carry the proof
        of who calls, those for the holder of a password do not, and neither is for public
        caches. `lag` says how much an answer leaves out, a kept one with 304 too.
        """
        tag, kept = self._kept.get(path, ("", None))
        sent = {**self._standing, **({"If-None-Match": tag} if tag else {})}
        if of == "own":
            sent |= self._proof("GET", path, b"")
        began = time.monotonic()
        with self._client.request(
            "GET", path, name=name + AGAIN * bool(tag), headers=sent, catch_response=True
        ) as answer:
            if self._is_refused(answer):
                return None
            try:
                _demand_status(answer.status_code, again=bool(tag), may_change=may_change)
                new_tag = _demand_tag(answer, "public" if of == "public" else "private")
                if answer.status_code == 304:
                    demand(new_tag == tag, "304 with another tag")
                    demand(not answer.content, "304 with a body")
                    found = kept
                else:
                    demand(len(answer.content) <= most_bytes, f"more than {most_bytes} bytes")
                    found = msgspec.json.decode(answer.content, type=shape)
                    check(found, answer.headers)
                if lag is not None:
                    _demand_fresh(answer, lag(found, began))  # type: ignore[arg-type]
            except (Wrong, msgspec.MsgspecError) as error:
                answer.failure(f"{type(error).__name__}: {error}")
                return None
            answer.success()
        self._keep(path, new_tag, found)
        return found  # type: ignore[return-value]

    def send(
        self, parcel: Parcel, expected: Expected, check: Callable[[Sent], None] = lambda _: None
    ) -> Sent | None:
        """The checked answer, or None after a failure or too many refusals.

        What is refused goes out again after the wait. Now and then what carried a key is
        sent once more, and must be answered the same. `check` may raise Wrong, and Refused
        where the answer refuses a part.
        """
        for tries in range(1, _MOST_TRIES + 1):
            sent = self._send_once(parcel, expected, check, tries)
            if sent is None or (parcel.once and sent.status in REFUSALS):
                return None
            if sent.status not in REFUSALS:
                if parcel.key and sent.status < 300 and self._chance.random() < _REPEATS:
                    self._send_again(parcel, expected, sent)
                return sent
        return None

    def _send_again(self, parcel: Parcel, expected: Expected, first: Sent) -> None:
        def check(sent: Sent) -> None:
            same = (sent.status, sent.content) == (first.status, first.content)
            demand(same, "another answer to the same Idempotency-Key")

        again = msgspec.structs.replace(parcel, name=parcel.name + REPEATED)
        self._send_once(again, expected, check, first.tries + 1)

    def _send_once(
        self, parcel: Parcel, expected: Expected, check: Callable[[Sent], None], tries: int
    ) -> Sent | None:
        """A refusal is given as it is, after its wait."""
        headers = {**self._standing, **self._proof(parcel.method, parcel.path, parcel.body)}
        if parcel.body:
            headers["Content-Type"] = parcel.media_type
        if parcel.key:
            headers["Idempotency-Key"] = parcel.key
        with self._client.request(
            parcel.method,
            parcel.path,
            name=parcel.name,
            data=parcel.body or None,
            headers=headers,
            catch_response=True,
        ) as answer:
            if self._is_refused(answer):
                return Sent(answer.status_code, None, b"", tries)
            try:
                sent = _read_sent(answer, expected, tries)
                check(sent)
            except Refused:
                self._wait_out(answer, PARTLY, _PARTLY_REFUSED_SECONDS)
                return Sent(REFUSALS[-1], None, b"", tries)
            except (Wrong, msgspec.MsgspecError) as error:
                answer.failure(f"{type(error).__name__}: {error}")
                return None
            answer.success()
        return sent

    def download(self, file: FileLink, name: str) -> None:
        """Fetch a file; its bytes must be the announced ones."""
        with self._client.request(
            "GET", file.url, name=name, headers=self._standing, catch_response=True
        ) as answer:
            if self._is_refused(answer):
                return
            content = answer.content or b""
            media_type = header_of(answer, "content-type")
            if answer.status_code != 200:
                answer.failure(_say_status(answer.status_code))
            elif hashlib.sha256(content).hexdigest() != file.sha256:
                answer.failure("Wrong: the file is not the announced one")
            elif media_type != file.media_type:
                answer.failure(f"Wrong: the file is {media_type}, not {file.media_type}")
            else:
                answer.success()

    def _proof(self, method: str, path: str, body: bytes) -> Headers:
        return self.prove(method, path, body) if self.prove else {}

    def _is_refused(self, answer: Answer) -> bool:
        if answer.status_code not in REFUSALS:
            return False
        wait = header_of(answer, "retry-after")
        if not wait.isdigit():
            answer.failure(f"Wrong: {answer.status_code} without Retry-After")
            return True
        self._wait_out(answer, WHOLLY, float(wait))
        return True

    def _wait_out(self, answer: Answer, refused: str, seconds: float) -> None:
        answer.request_meta["context"] = {REFUSED: refused}
        answer.success()
        # All who were refused together must not come back together.
        longer = self._chance.uniform(1.0, 1.5)
        self._sleep(min(seconds, _LONGEST_BACK_OFF_SECONDS) * longer)

    def _keep(self, path: str, tag: str, found: object) -> None:
        self._kept[path] = (tag, found)
        self._kept.move_to_end(path)
        if len(self._kept) > _KEPT_ANSWERS:
            self._kept.popitem(last=False)


def _read_sent(answer: Answer, expected: Expected, tries: int) -> Sent:
    status, content = answer.status_code, answer.content or b""
    if status not in expected:
        raise Wrong(_say_status(status) + _say_code(content))
    shape = expected[status]
    if shape is None:
        demand(not content, f"{status} with a body")
        return Sent(status, None, content, tries)
    return Sent(status, msgspec.json.decode(content, type=shape), content, tries)


def _demand_fresh(answer: Answer, lag_seconds: float) -> None:
    answer.request_meta["context"] = {LAG_MS: 1000 * lag_seconds}
    if lag_seconds >= STALE_SECONDS:
        raise Stale("shows less than what had been acknowledged a second before")


def _demand_status(status: int, *, again: bool, may_change: bool) -> None:
    right = (304,) if again and not may_change else (200, 304) if again else (200,)
    if status not in right:
        raise Wrong(_say_status(status))


def _say_status(status: int) -> str:
    return f"status {status}" if status else "no answer: connection refused, lost or too slow"


class _Coded(Struct, frozen=True):
    code: str


def _say_code(content: bytes) -> str:
    try:
        return f" {msgspec.json.decode(content, type=_Coded).code}"
    except msgspec.MsgspecError:
        return ""


def _demand_tag(answer: Answer, audience: str) -> str:
    tag = header_of(answer, "etag")
    demand(len(tag) > 2 and tag[0] == tag[-1] == '"', "no strong ETag")
    kept_by = header_of(answer, "cache-control")
    demand(audience in kept_by, f"not for {audience} caches")
    return tag
