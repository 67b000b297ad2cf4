"""Makes what is secret or random plain and the same in every recording, in its own shape.

Keys become numbered keys, case numbers numbered case numbers, times the seconds of one
morning; what only one call knows (a token, a code, a password) is named by the walks.
"""

from __future__ import annotations

import re
from bisect import bisect
from datetime import date, datetime, time, timedelta, timezone
from time import sleep
from typing import Any

CHINA = timezone(timedelta(hours=8))
MORNING = datetime(2026, 11, 23, 10, tzinfo=CHINA)
LIST_ITEMS = 2
_STEP = timedelta(minutes=5)

_KEY = re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
_CASE_NO = re.compile(r"(?<![0-9A-Z])([0-9A-Z]{31})20[0-9]{6}[0-9]{9}(?![0-9])")
_TIME = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+08:00|Z)")
_DAY = re.compile(r"20\d\d-\d\d-\d\d")
# Days that are counted from the day of the recording.
_COUNTED = {"due_on", "until", "accepted_on", "issued_on", "assured_on", "published_on"}
_BY_NAME = {"next_cursor": "eyJhZnRlciI6MTIzfQ.c2VhbA", "seal": "5ea1" * 16}


class PlainValues:
    """Remembers what stands for what."""

    def __init__(self) -> None:
        self._began = datetime.now(CHINA)
        self._acts: list[datetime] = []
        self._shown: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self._cases: dict[str, str] = {}

    def show(self, real: str, instead: str) -> None:
        """Wherever that value turns up, the other one is shown."""
        self._shown[real] = instead

    def tick(self) -> None:
        """An act begins, at a second of its own: times without fractions tell acts apart, too."""
        sleep(1 - datetime.now(CHINA).microsecond / 1_000_000)
        self._acts.append(datetime.now(CHINA).replace(microsecond=0))

    def plain(self, told: Any) -> Any:
        """The same thing without what is secret or random."""
        return self._node("", told)

    def _node(self, name: str, node: Any) -> Any:
        if isinstance(node, dict):
            return {key: self._node(key, value) for key, value in node.items()}
        if isinstance(node, list):
            return [self._node(name, item) for item in node]
        if not isinstance(node, str):
            return node
        if name in _BY_NAME:
            return _BY_NAME[name]
        if name in _COUNTED and _DAY.fullmatch(node):
            return str(date.fromisoformat(node) + self._weeks())
        return self._text(node)

    def _text(self, text: str) -> str:
        for real, instead in self._shown.items():
            text = text.replace(real, instead)
        text = _TIME.sub(self._time, text)
        text = _CASE_NO.sub(self._case_no, text)
        return _KEY.sub(self._key, text)

    def _time(self, found: re.Match[str]) -> str:
        """What is past: one second an act. What is to come: as far away. Midnight: midnight."""
        at = datetime.fromisoformat(found[0]).astimezone(CHINA)
        if at < self._began - timedelta(days=1):
            return found[0]
        if at.time() == time():
            plain = at + (MORNING.date() - self._began.date())
        elif at > datetime.now(CHINA):
            plain = MORNING + timedelta(minutes=round((at - self._began) / _STEP) * 5)
        else:
            plain = MORNING + timedelta(seconds=bisect(self._acts, at))
        return plain.isoformat(timespec="seconds")

    def _weeks(self) -> timedelta:
        """From the day of the recording to the morning, so that weekdays stay weekdays."""
        return timedelta(weeks=round((MORNING - self._began) / timedelta(weeks=1)))

    def _key(self, found: re.Match[str]) -> str:
        return self._keys.setdefault(found[0], f"0193bd00{len(self._keys) + 1:024x}")

    def _case_no(self, found: re.Match[str]) -> str:
        number = f"{found[1]}{MORNING:%Y%m%d}{len(self._cases) + 1:09d}"
        return self._cases.setdefault(found[0], number)


def shorten(value: Any) -> Any:
    """Lists of things cut to what a reader needs to see."""
    if isinstance(value, list):
        most = LIST_ITEMS if any(isinstance(item, dict) for item in value) else len(value)
        return [shorten(item) for item in value[:most]]
    if isinstance(value, dict):
        return {name: shorten(item) for name, item in value.items()}
    return value


def days_ahead(days: int) -> str:
    """A day that far from today."""
    return str(datetime.now(CHINA).date() + timedelta(days=days))
