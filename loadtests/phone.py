"""A citizen's phone: asks over HTTP, keeps answers, and looks closely at what it is given.

A wrong answer is a failure like no answer: another status, another shape, no strong tag,
a 304 without need, an answer about something else. A refusal (429, 503) that says when to
come back is counted apart, and the phone waits that long.
"""

from __future__ import annotations

import hashlib
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeVar

import msgspec

from loadtests.answers import FileLink

T = TypeVar("T")
Headers = Mapping[str, str]
Check = Callable[[T, Headers], None]
Client = Any
"""Locust's FastHttpSession; its typed keyword arguments fit no protocol of ours."""

REFUSALS = (429, 503)
AGAIN = " · If-None-Match"
REFUSED = "refused"

_KEPT_ANSWERS = 30
_LONGEST_BACK_OFF_SECONDS = 30.0
_ENCODINGS = {"Accept-Encoding": "gzip"}


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


def demand(right: bool, otherwise: str) -> None:
    """Raises Wrong with the text."""
    if not right:
        raise Wrong(otherwise)


def header_of(answer: Answer, name: str) -> str:
    """The header's value; empty where it is missing or given twice."""
    value = answer.headers.get(name, "") if answer.headers else ""
    return value if isinstance(value, str) else ""


class Phone:
    """Asks for one user. Keeps the tags and contents of its last answers, as an app would."""

    def __init__(
        self, client: Client, chance: random.Random, sleep: Callable[[float], object]
    ) -> None:
        """`sleep` takes seconds; it must let the other users go on."""
        self._client = client
        self._chance = chance
        self._sleep = sleep
        self._kept: OrderedDict[str, tuple[str, object]] = OrderedDict()

    def ask(
        self,
        path: str,
        name: str,
        shape: type[T],
        check: Check[T],
        *,
        may_change: bool = False,
    ) -> T | None:
        """The checked answer, or None after a failure or a refusal.

        A path asked before goes out with If-None-Match and must give 304, unless the answer
        `may_change` while the run lasts.
        """
        tag, kept = self._kept.get(path, ("", None))
        sent = {**_ENCODINGS, "If-None-Match": tag} if tag else _ENCODINGS
        with self._client.get(
            path, name=name + AGAIN * bool(tag), headers=sent, catch_response=True
        ) as answer:
            if self._is_refused(answer):
                return None
            try:
                _demand_status(answer.status_code, again=bool(tag), may_change=may_change)
                new_tag = _demand_tag(answer)
                if answer.status_code == 304:
                    demand(new_tag == tag, "304 with another tag")
                    demand(not answer.content, "304 with a body")
                    found = kept
                else:
                    found = msgspec.json.decode(answer.content, type=shape)
                    check(found, answer.headers)
            except (Wrong, msgspec.MsgspecError) as error:
                answer.failure(f"{type(error).__name__}: {error}")
                return None
            answer.success()
        self._keep(path, new_tag, found)
        return found  # type: ignore[return-value]

    def download(self, file: FileLink, name: str) -> None:
        """Fetch a file; its bytes must be the announced ones."""
        with self._client.get(
            file.url, name=name, headers=_ENCODINGS, catch_response=True
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

    def _is_refused(self, answer: Answer) -> bool:
        if answer.status_code not in REFUSALS:
            return False
        wait = header_of(answer, "retry-after")
        if not wait.isdigit():
            answer.failure(f"Wrong: {answer.status_code} without Retry-After")
            return True
        answer.request_meta["context"] = {REFUSED: True}
        answer.success()
        seconds = min(float(wait), _LONGEST_BACK_OFF_SECONDS)
        # All who were refused together must not come back together.
        self._sleep(seconds * self._chance.uniform(1.0, 1.5))
        return True

    def _keep(self, path: str, tag: str, found: object) -> None:
        self._kept[path] = (tag, found)
        self._kept.move_to_end(path)
        if len(self._kept) > _KEPT_ANSWERS:
            self._kept.popitem(last=False)


def _demand_status(status: int, *, again: bool, may_change: bool) -> None:
    right = (304,) if again and not may_change else (200, 304) if again else (200,)
    if status not in right:
        raise Wrong(_say_status(status))


def _say_status(status: int) -> str:
    return f"status {status}" if status else "no answer: connection refused, lost or too slow"


def _demand_tag(answer: Answer) -> str:
    tag = header_of(answer, "etag")
    demand(len(tag) > 2 and tag[0] == tag[-1] == '"', "no strong ETag")
    demand("public" in header_of(answer, "cache-control"), "not for public caches")
    return tag
