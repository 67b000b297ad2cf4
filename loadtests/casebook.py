"""Every open case of one load process: who may move it, and what of it everybody must see.

Departments' systems take cases out of the book, push, and put them back, so that one
system at a time moves a case and knows what each answer must be. The citizen is not asked:
a withdrawal may come in between.
"""

from __future__ import annotations

import random
import time
from collections import deque
from datetime import datetime, timedelta, timezone

from msgspec import Struct

_CHINA = timezone(timedelta(hours=8), "UTC+8")
_STEP = timedelta(milliseconds=1)
_ENDS = (("completed",), ("delivered",))


class Row(Struct, frozen=True):
    """One event as a department pushes it; `occurred_at` as it is written."""

    event_id: str
    type: str
    occurred_at: str


class Case:
    """A case as this process knows it."""

    def __init__(self, case_no: str, query_password: str, plan: tuple[str, ...]) -> None:
        """`plan`: the events that the department is going to push."""
        self.case_no = case_no
        self.query_password = query_password
        self.plan = deque(plan)
        self.pushed: list[Row] = []
        self.withdrawing = False
        self.withdrawn = False
        self.in_hand = False
        self._finishes = plan[-1:] in _ENDS
        self._version = 0
        self._known: list[tuple[float, int]] = []
        self._last_at = datetime.min.replace(tzinfo=_CHINA)

    @property
    def is_finished(self) -> bool:
        """Whether the event that ends it was pushed, or is about to be."""
        return self._finishes and not self.plan

    @property
    def version(self) -> int:
        """The newest version that was acknowledged to anybody here."""
        return self._version

    def acknowledge(self, version: int) -> None:
        """Somebody was just told this version: from now on it must be seen."""
        if version > self._version:
            self._version = version
            self._known.append((time.monotonic(), version))

    def lag(self, version: int, asked_at: float) -> float:
        """For how many seconds, when somebody asked, there had been more than this version."""
        newer = [at for at, known in self._known if known > version and at <= asked_at]
        return asked_at - newer[0] if newer else 0.0

    def next_moment(self) -> datetime:
        """A time for the next event: now, but always after the last one."""
        self._last_at = max(datetime.now(_CHINA), self._last_at + _STEP)
        return self._last_at


class Casebook:
    """The cases that wait for their departments."""

    def __init__(self) -> None:
        self._waiting: deque[Case] = deque()
        self._seen: deque[Case] = deque(maxlen=500)

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, case: Case) -> None:
        """A case that was submitted."""
        self._seen.append(case)
        self.put_back(case)

    def take(self, most: int) -> list[Case]:
        """Up to so many cases, those first that have waited longest; nobody else has them."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        for case in taken:
            case.in_hand = True
        return taken

    def put_back(self, case: Case) -> None:
        """What is done, or withdrawn as everybody knows, does not come again."""
        case.in_hand = False
        if case.plan and not case.withdrawn:
            self._waiting.append(case)

    def any_case(self, chance: random.Random) -> Case | None:
        """Any of the last cases, open or not; for whoever holds its password."""
        return chance.choice(self._seen) if self._seen else None
