"""Departments' systems: they take cases at counters and tell how cases move, once or in bulk."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, ClassVar, Literal

import gevent
import msgspec
from locust import FastHttpUser, task

from loadtests.applicants import Applicant
from loadtests.case_answers import (
    BatchAnswer,
    CaseNumber,
    EventAnswer,
    EventOutcome,
    PlatformCase,
    Refusal,
)
from loadtests.casebook import Case, Casebook
from loadtests.offers import Offers
from loadtests.phone import Expected, Headers, Parcel, Phone, Refused, Sent, demand
from loadtests.plan_events import (
    Heard,
    Push,
    is_right,
    plan_batch,
    plan_case,
    plan_impossible,
    plan_push,
    plan_repeat,
    repeat_row,
)
from loadtests.request_names import BATCH, MINT, PUSH, SHOW, TAKE
from loadtests.sign_calls import PlatformKey, Signer
from loadtests.town import SEED

MOST_ROWS = 500
# Seconds between two acts of a program; think_scale is for people.
_WORKING = (0.05, 0.3)
_BETWEEN_BATCHES = (0.5, 3.0)
_COUNTER, _SMALL_BATCH = 0.1, 0.1
_TWICE, _IMPOSSIBLE, _SHOW = 0.08, 0.05, 0.05
_TAKEN_TWICE = 0.1
_ALL_TWICE = 0.1
_SMALL_ROWS = 20
_REFUSED_ROW = frozenset({"database_unavailable", "overloaded"})
_SIZES = (20, 50, 100, 200, MOST_ROWS)
# So many rows a long case gives on average.
_ROWS_OF_A_CASE = 10
_NEW_AT_ONCE = 30

_numbers = count(1)


class Department(FastHttpUser):
    """A department's system with the platform's key; what it does is for the classes below."""

    abstract = True
    network_timeout = 20.0
    connection_timeout = 20.0
    key: ClassVar[PlatformKey]

    def on_start(self) -> None:
        """Begin work."""
        Applicant.all_is_known.wait()
        self.chance = random.Random(-SEED - next(_numbers))
        signer = Signer(self.key, str(self.host))
        self.phone = Phone(self.client, self.chance, gevent.sleep, prove=signer)
        self.book: Casebook = Applicant.book
        self.offers: Offers = Applicant.offers
        self.pause(_WORKING)

    def take_counter_case(self, *, for_long: bool = False) -> Case | None:
        """A number, then the case; sometimes told twice, which changes nothing."""
        item = self.offers.items(self.offers.counties.pick(self.chance)).pick(self.chance)
        asked = {"service_code": item.service_code}
        minted = self._send("POST", "/v1/platform/case-numbers", MINT, asked, {201: CaseNumber})
        if minted is None:
            return None
        number = minted.found.case_no
        taken = self._put_case(number, asked, frozenset({200, 201}))
        if taken is None:
            return None
        plan = plan_case(self.chance, taken.status, for_long=for_long)
        case = Case(number, taken.query_password or "", plan)
        case.acknowledge(taken.version)
        if self.chance.random() < _TAKEN_TWICE:
            self._put_case(number, asked, frozenset({200}))
        return case

    def _put_case(
        self, number: str, asked: dict[str, str], statuses: frozenset[int]
    ) -> PlatformCase | None:
        def check(sent: Sent) -> None:
            found: PlatformCase = sent.found
            demand(found.case_no == number, "another case")
            demand(found.origin == "counter", "no case of a counter")
            demand(bool(found.query_password), "no query password for the receipt")

        body = {**asked, "applicant": {"name": "测试窗口申请人"}}
        shapes = dict.fromkeys(statuses, PlatformCase)
        path = f"/v1/platform/cases/{number}"
        sent = self._send("PUT", path, TAKE, body, shapes, check)
        return sent.found if sent else None

    def push(self, push: Push) -> bool:
        """One event; whether it was answered as it must be."""

        def check(sent: Sent) -> None:
            right = is_right(push, _hear(sent), uncertain=sent.tries > 1)
            demand(right, f"{push.row.type}: {_hear(sent)}, but {push.verdict} was right")
            if isinstance(sent.found, EventAnswer):
                demand(sent.found.event_id == push.row.event_id, "another event")
                demand(sent.found.version >= push.case.version, "an older version")

        path = f"/v1/platform/cases/{push.case.case_no}/events"
        shapes = {202: EventAnswer, 409: Refusal}
        sent = self._send("POST", path, PUSH, push.body, shapes, check)
        if sent is not None and isinstance(sent.found, EventAnswer):
            push.case.acknowledge(sent.found.version)
            if push.adds_version:
                push.case.pushed.append(push.row)
            plan = push.case.plan
            if sent.found.status == "awaiting_payment" and plan and plan[0] != "paid":
                plan.appendleft("paid")
        return sent is not None

    def push_batch(self, pushes: Sequence[Push]) -> bool:
        """Many events in one call; whether each was answered as it must be."""

        def check(sent: Sent) -> None:
            items = sent.found.items
            demand(len(items) == len(pushes), "another number of outcomes than of rows")
            refused = {o.case_no for o in items if o.error and o.error.code in _REFUSED_ROW}
            for push, outcome in zip(pushes, items, strict=True):
                # What follows a row that was not taken comes in another order than planned.
                if push.case.case_no not in refused:
                    _check_outcome(push, outcome, uncertain=sent.tries > 1)
            if refused:
                raise Refused

        versions = {push.case: push.case.version for push in pushes}
        body = {"events": [{**push.body, "case_no": push.case.case_no} for push in pushes]}
        sent = self._send("POST", "/v1/platform/events", BATCH, body, {202: BatchAnswer}, check)
        if sent is None:
            return False
        for push, outcome in zip(pushes, sent.found.items, strict=True):
            # An applied row adds a version at least; of the others it is not certain.
            versions[push.case] += outcome.applied is True
            if outcome.error is None and push.adds_version:
                push.case.pushed.append(push.row)
        for case, version in versions.items():
            case.acknowledge(version)
        return True

    def show(self, case: Case) -> None:
        """How it stands, as the department reads it."""

        def check(found: PlatformCase, _: Headers) -> None:
            demand(found.case_no == case.case_no, "another case")
            demand(found.query_password is None, "a password outside the receipt")

        self.phone.ask(
            f"/v1/platform/cases/{case.case_no}",
            SHOW,
            PlatformCase,
            check,
            may_change=True,
            of="own",
            lag=lambda found, asked_at: case.lag(found.version, asked_at),
        )

    def pause(self, between_seconds: tuple[float, float]) -> None:
        """Programs take their time too."""
        gevent.sleep(self.chance.uniform(*between_seconds))

    def _send(
        self,
        method: Literal["POST", "PUT"],
        path: str,
        name: str,
        said: dict[str, Any],
        shapes: Expected,
        check: Callable[[Sent], None] = lambda _: None,
    ) -> Sent | None:
        return self.phone.send(Parcel(method, path, name, msgspec.json.encode(said)), shapes, check)


class CaseSystem(Department):
    """A department's own system of cases: tells each move as it happens."""

    @task
    def work(self) -> None:
        """One thing after the other."""
        what = self.chance.random()
        taken = self.book.take(_SMALL_ROWS // 4 if what < _SMALL_BATCH else 1)
        if (what > 1 - _COUNTER or not taken) and (case := self.take_counter_case()):
            self.book.add(case)
        if what < _SMALL_BATCH and taken:
            self._push_some(taken)
        else:
            for case in taken:
                self._push_one(case)
        self.pause(_WORKING)

    def _push_one(self, case: Case) -> None:
        push = plan_push(case)
        if not self.push(push):
            return  # What it came to is not known: the case is left alone.
        if self.chance.random() < _TWICE and push.verdict == "applied":
            self.push(plan_repeat(push))
        if self.chance.random() < _IMPOSSIBLE and (wrong := plan_impossible(case, self.chance)):
            self.push(wrong)
        if self.chance.random() < _SHOW:
            self.show(case)
        self.book.put_back(case)

    def _push_some(self, cases: list[Case]) -> None:
        pushes = plan_batch(cases, self.chance, _SMALL_ROWS)
        if self.push_batch(pushes):
            for case in cases:
                self.book.put_back(case)


class BulkSystem(Department):
    """Collects what happened and tells it in bulk, up to 500 rows at once."""

    @task
    def work(self) -> None:
        """New cases from the counters, then a batch."""
        rows = self.chance.choice(_SIZES)
        cases = self.book.take(rows // _ROWS_OF_A_CASE)
        for _ in range(min(_NEW_AT_ONCE, rows // _ROWS_OF_A_CASE - len(cases))):
            if case := self.take_counter_case(for_long=True):
                cases.append(case)
        pushes = plan_batch(cases, self.chance, rows)
        if pushes and self.push_batch(pushes):
            if self.chance.random() < _ALL_TWICE:
                self.push_batch([repeat_row(push) for push in pushes])
            for case in cases:
                self.book.put_back(case)
        self.pause(_BETWEEN_BATCHES)


def _hear(sent: Sent) -> Heard:
    if isinstance(sent.found, Refusal):
        return sent.found.code  # type: ignore[return-value]
    return "applied" if sent.found.applied else "known"


def _check_outcome(push: Push, outcome: EventOutcome, *, uncertain: bool) -> None:
    demand(outcome.event_id == push.row.event_id, "another event's outcome")
    demand(outcome.case_no == push.case.case_no, "another case's outcome")
    heard = outcome.error.code if outcome.error else "applied" if outcome.applied else "known"
    right = is_right(push, heard, uncertain=uncertain)  # type: ignore[arg-type]
    demand(right, f"{push.row.type}: {heard}, but {push.verdict} was right")
