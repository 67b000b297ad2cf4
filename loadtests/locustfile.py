"""The load as Locust runs it, by hand, distributed, or started by `loadtests.run`.

    locust -f loadtests/locustfile.py --scenario catalogue --host http://127.0.0.1:8000

With `--headless` the scenario's shape, length and goals apply, and a missed goal gives exit
code 1. Workers need the same `--scenario` as the master.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import msgspec
from locust import FastHttpUser, LoadTestShape, events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, WorkerRunner

from loadtests.applicants import Applicant, ApplyingCitizen, WaitingCitizen
from loadtests.channels import NoticeStorm
from loadtests.citizens import CatalogueCitizen
from loadtests.figures import Reckoning, Sample
from loadtests.gateways import find_gateways
from loadtests.goals import GOALS, check_goals
from loadtests.offers import read_offers
from loadtests.payers import PayingCitizen, RefundDesk
from loadtests.platforms import BulkSystem, CaseSystem, Department
from loadtests.reckon import reckon
from loadtests.record import Recorder
from loadtests.shapes import SCENARIOS, Scenario, users_at
from loadtests.sign_calls import Signer, read_key
from loadtests.sign_notices import open_pens
from loadtests.town import read_town

CALLERS: dict[str, type[FastHttpUser]] = {
    caller.__name__: caller
    for caller in (
        CatalogueCitizen,
        ApplyingCitizen,
        WaitingCitizen,
        CaseSystem,
        BulkSystem,
        PayingCitizen,
        RefundDesk,
        NoticeStorm,
    )
}


# Citizens whose department acts on the same line of the load.
_WITH_DEPARTMENT = (PayingCitizen, NoticeStorm)


@events.init_command_line_parser.add_listener
def add_arguments(parser: LocustArgumentParser) -> None:
    """Our own arguments beside Locust's."""
    group = parser.add_argument_group("Zhangban")
    group.add_argument("--scenario", choices=sorted(SCENARIOS), default="catalogue")
    group.add_argument("--most-users", type=int, default=0, help="0: the scenario's own")
    group.add_argument("--seconds", type=int, default=0, help="0: the scenario's own")
    group.add_argument("--think-scale", type=float, default=0.0, help="0: the scenario's own")
    group.add_argument(
        "--demonstration",
        default=".data/demonstration.json",
        help="the file with the platform's key, for scenarios with departments' systems",
    )
    group.add_argument("--figures", default="", help="write the figures there, samples to stdout")


class Curve(LoadTestShape):
    """The scenario's shape, stretched to the length and the number of users asked for."""

    def tick(self) -> tuple[int, float] | None:
        """Users wanted now and how many may come or go per second; None ends the run."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        scenario = SCENARIOS[options.scenario]
        seconds = options.seconds or scenario.seconds
        passed = self.get_run_time() / seconds
        if passed >= 1:
            return None
        users = users_at(scenario.shape, passed, options.most_users or scenario.users)
        return users, float(max(users, 100))


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Choose who comes, and let them know their town."""
    options = environment.parsed_options
    assert options is not None
    scenario = SCENARIOS[options.scenario]
    environment.user_classes[:] = [CALLERS[name] for name in scenario.callers]
    for name, share in scenario.callers.items():
        CALLERS[name].weight = share
    recorder = Recorder(environment, options.scenario)
    since = time.time()
    if options.figures:
        recorder.on_sample = _say
    environment.events.quitting.add_listener(
        lambda environment, **_: finish(environment, recorder, options, since)
    )
    if isinstance(environment.runner, MasterRunner):
        return
    host = environment.host or options.host
    if host is None:
        sys.exit("--host is missing: the address of the service, e.g. http://127.0.0.1:8000")
    _tell(scenario, host, options)


def _tell(scenario: Scenario, host: str, options: Namespace) -> None:
    """Everything that those who come must know before they begin."""
    town = read_town(host)
    think_scale = options.think_scale or scenario.think_scale
    CatalogueCitizen.town, CatalogueCitizen.think_scale = town, think_scale
    CatalogueCitizen.town_is_known.set()
    callers = [CALLERS[name] for name in scenario.callers]
    demonstration = Path(options.demonstration)
    if any(issubclass(caller, (Department, *_WITH_DEPARTMENT)) for caller in callers):
        Department.key = read_key(demonstration)
    if NoticeStorm in callers:
        _take_over_notices(host, demonstration.parent)
    if any(issubclass(caller, (Applicant, Department)) for caller in callers):
        Applicant.offers, Applicant.think_scale = read_offers(host, town), think_scale
        Applicant.gateways = find_gateways(host)
        Applicant.all_is_known.set()


def _take_over_notices(host: str, data: Path) -> None:
    """From now on the load alone tells of payments, with the gateways' own keys."""
    try:
        NoticeStorm.pens = open_pens(data)
        for gateway in find_gateways(host):
            gateway.tell_nothing()
    except OSError as error:
        sys.exit(f"no simulated gateways with their keys in {data}: {error}")


def finish(environment: Environment, recorder: Recorder, options: Namespace, since: float) -> None:
    """Judge the run where it was led; a missed goal gives exit code 1."""
    if isinstance(environment.runner, WorkerRunner):
        return
    figures = recorder.figures(_reckon(environment, options, since))
    path = options.figures
    if path:
        Path(path).write_bytes(msgspec.json.encode(figures))
    missed = check_goals(figures, figures.scenario)
    for miss in missed:
        measured, wanted = f"{miss.measured:,} {miss.unit}", f"{miss.wanted:,}"
        print(f"MISSED {miss.goal}: {measured}, wanted {wanted} (by {miss.by})", file=sys.stderr)
    environment.process_exit_code = 1 if missed else 0


def _reckon(environment: Environment, options: Namespace, since: float) -> Reckoning | None:
    """None: no money moves in the scenario, or nobody answers any more."""
    host = environment.host or options.host
    if not GOALS[options.scenario].least_paid or host is None:
        return None
    gateways = find_gateways(host)
    try:
        for gateway in gateways:
            gateway.tell_again()
        return reckon(host, gateways, Signer(read_key(Path(options.demonstration)), host), since)
    except OSError as error:
        print(f"the money could not be reckoned: {error}", file=sys.stderr)
        return None


def _say(sample: Sample) -> None:
    print(msgspec.json.encode(sample).decode(), flush=True)
