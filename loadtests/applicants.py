"""Citizens with cases: they sign in through their app, apply, and look how it goes."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Mapping
from itertools import count
from typing import ClassVar, Literal
from urllib.parse import urlencode

import gevent
import msgspec
from gevent.event import Event
from locust import FastHttpUser, task
from locust.env import Environment

from loadtests.account import Account, Report
from loadtests.application import Application
from loadtests.case_answers import CaseAnswer, CaseList, CaseStands, Progress, Refusal
from loadtests.casebook import Case, Casebook
from loadtests.citizens import GLANCING, READING, TYPING
from loadtests.gateways import Gateway
from loadtests.offers import Offers
from loadtests.phone import Headers, Parcel, Phone, Sent, demand, new_key
from loadtests.plan_events import plan_case
from loadtests.request_names import BY_PASSWORD, LIST, PROGRESS, WITHDRAW
from loadtests.town import SEED

_LARGEST_PROGRESS_BYTES = 2048
_MOST_CASES = 3
_LOOKS = (2, 6)
_WITHDRAW, _BY_PASSWORD, _LIST, _SIGN_OUT = 0.08, 0.15, 0.3, 0.15
_TOO_LATE = frozenset({"decided", "completed", "delivered"})

_numbers = count(1)


class Applicant(FastHttpUser):
    """Somebody with WeChat or Alipay; what they do in one visit is for the classes below."""

    abstract = True
    network_timeout = 15.0
    connection_timeout = 15.0
    offers: ClassVar[Offers]
    gateways: ClassVar[tuple[Gateway, ...]]
    book: ClassVar[Casebook] = Casebook()
    # A worker is told to begin while it still reads what there is.
    all_is_known: ClassVar[Event] = Event()
    think_scale: ClassVar[float] = 1.0

    def on_start(self) -> None:
        """Move in: a county, an app, a phone with an address of its own."""
        self.all_is_known.wait()
        number = next(_numbers)
        self.chance = random.Random(SEED + number)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        self.phone = Phone(self.client, self.chance, gevent.sleep, address=address)
        self.county = self.offers.counties.pick(self.chance)
        gateway = self.chance.choice(self.gateways)
        self.report = report_to(self.environment)
        self.account = Account(self.phone, gateway, self.chance, self.report)
        self.cases: deque[Case] = deque(maxlen=_MOST_CASES)
        self.pause(READING)

    def apply(self, thinking_seconds: tuple[float, float], *, for_long: bool) -> None:
        """For something; `for_long`: that a department handles, moving it many times."""
        wanted = self.offers.handled(self.county) if for_long else self.offers.items(self.county)
        item = wanted.pick(self.chance)
        application = Application(
            self.phone, self.chance, self.county, item, lambda: self.pause(thinking_seconds)
        )
        handed_in = application.hand_in()
        if handed_in is None:
            return
        plan = plan_case(self.chance, handed_in.status, for_long=for_long)
        case = Case(handed_in.case_no, handed_in.query_password, plan)
        case.acknowledge(handed_in.version)
        self.cases.append(case)
        self.book.add(case)

    def watch(self, case: Case) -> None:
        """The progress of one's own case."""
        self._ask_progress(f"/v1/cases/{case.case_no}/progress", PROGRESS, case, "own")

    def watch_by_password(self, case: Case) -> None:
        """The same for whoever holds the receipt."""
        asked = {"case_no": case.case_no, "query_password": case.query_password}
        self._ask_progress(f"/v1/progress?{urlencode(asked)}", BY_PASSWORD, case, "holder")

    def _ask_progress(self, path: str, name: str, case: Case, of: Literal["own", "holder"]) -> None:
        def check(shown: Progress, _: Headers) -> None:
            demand(shown.case_no == case.case_no, "the progress of another case")
            demand(len(shown.steps) > 0, "no steps")
            numbers = [event.seq for event in shown.events]
            demand(numbers == sorted(set(numbers)), "events out of their order")

        self.phone.ask(
            path,
            name,
            Progress,
            check,
            may_change=True,
            of=of,
            lag=lambda shown, asked_at: case.lag(shown.version, asked_at),
            most_bytes=_LARGEST_PROGRESS_BYTES,
        )

    def list_cases(self) -> None:
        """All of one's own; those that were submitted lately are among them."""
        own = list(self.cases)

        def check(page: CaseList, _: Headers) -> None:
            listed = {stands.case_no for stands in page.items}
            demand(all(case.case_no in listed for case in own), "a case of mine is not listed")

        def lag(page: CaseList, asked_at: float) -> float:
            shown = {stands.case_no: stands for stands in page.items}
            return max((_lag_in(shown, case, asked_at) for case in own), default=0.0)

        self.phone.ask("/v1/cases", LIST, CaseList, check, may_change=True, of="own", lag=lag)

    def withdraw(self, case: Case) -> None:
        """Change one's mind; a decision may come in between."""
        pushes = len(case.pushed)
        case.withdrawing = True

        def check(sent: Sent) -> None:
            if sent.status == 200:
                demand(sent.found.status == "withdrawn", "withdrawn, and it is not")
            else:
                moved = case.in_hand or len(case.pushed) > pushes
                demand(moved and sent.found.code == "invalid_move", "refused without a reason")

        path = f"/v1/cases/{case.case_no}/withdrawal"
        body = msgspec.json.encode({"reason": "情况有变，不再申请"})
        parcel = Parcel("POST", path, WITHDRAW, body, key=new_key())
        sent = self.phone.send(parcel, {200: CaseAnswer, 409: Refusal}, check)
        if sent is not None and sent.status == 200:
            case.withdrawn = True
            case.acknowledge(sent.found.version)
        elif sent is not None:
            case.withdrawing = False

    def pause(self, between_seconds: tuple[float, float]) -> None:
        """As long as a person takes."""
        gevent.sleep(self.think_scale * self.chance.uniform(*between_seconds))


class ApplyingCitizen(Applicant):
    """Comes with something to apply for, looks how it goes, and sometimes thinks again."""

    @task
    def visit(self) -> None:
        """One visit."""
        if not self.account.sign_in():
            self.pause(READING)
            return
        self.pause(GLANCING)
        self.apply(READING, for_long=False)
        for _ in range(self.chance.randint(*_LOOKS)):
            self.pause(GLANCING)
            self._look()
        if self.chance.random() < _SIGN_OUT:
            self.account.sign_out()
        self.pause(READING)

    def _look(self) -> None:
        if not self.cases:
            return
        case = self.chance.choice(self.cases)
        what = self.chance.random()
        if what < _WITHDRAW and _may_withdraw(case):
            self.withdraw(case)
        elif what < _BY_PASSWORD:
            # Somebody's receipt, perhaps one from a counter.
            self.watch_by_password(self.book.any_case(self.chance) or case)
        elif what < _LIST:
            self.list_cases()
        else:
            self.watch(case)


class WaitingCitizen(Applicant):
    """Has applied, and looks again and again how it goes."""

    @task
    def visit(self) -> None:
        """Apply where nothing is under way, else look."""
        if not self.account.sign_in():
            self.pause(READING)
            return
        if not any(case.plan and not case.withdrawn for case in self.cases):
            self.apply(TYPING, for_long=True)
        for _ in range(_LOOKS[1]):
            self.pause(GLANCING)
            self._look()

    def _look(self) -> None:
        if not self.cases:
            return
        what = self.chance.random()
        if what < 0.05:
            self.watch_by_password(self.cases[-1])
        elif what < 0.1:
            self.list_cases()
        else:
            self.watch(self.cases[-1])


def report_to(environment: Environment) -> Report:
    """Lets the run know of what is no request."""

    def report(name: str, milliseconds: float, error: Exception | None) -> None:
        environment.events.request.fire(
            request_type="POST",
            name=name,
            response_time=milliseconds,
            response_length=0,
            response=None,
            context={},
            exception=error,
        )

    return report


def _may_withdraw(case: Case) -> bool:
    decided = any(row.type in _TOO_LATE for row in case.pushed)
    return bool(case.plan) and not decided and not case.withdrawing


def _lag_in(shown: Mapping[str, CaseStands], case: Case, asked_at: float) -> float:
    stands = shown.get(case.case_no)
    return case.lag(stands.version, asked_at) if stands else 0.0
