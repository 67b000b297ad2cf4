"""Made-up towns, figures and runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from loadtests.answers import Coded, Guide, Process
from loadtests.figures import Failure, Figures, Row, Sample
from loadtests.goals import GOALS, judge
from loadtests.machine import Machine, Usage
from loadtests.run_result import Mark, Run
from loadtests.town import NATION, PROVINCE, County, Item, Town

CITY = "440100000000"


def make_item(region: str, number: int) -> Item:
    """The item number so-and-so of a region."""
    return Item(f"11440106DM1GL9LR5844{number:05d}001000", f"事项{number}", region)


def make_town(counties: int = 40) -> Town:
    """Counties with ten items each, a city with five others, a province that repeats one."""
    codes = [f"4401{number:02d}000000" for number in range(1, counties + 1)]
    own = {code: tuple(make_item(code, number) for number in range(10)) for code in codes}
    own[CITY] = tuple(make_item(CITY, number) for number in range(5, 15))
    own[PROVINCE] = (make_item(PROVINCE, 3), make_item(PROVINCE, 99))
    places = [County(code, f"县{code[4:6]}", (code, CITY, PROVINCE, NATION)) for code in codes]
    return Town(places, own)


def make_guide(**changed: Any) -> Guide:
    """Of an item that a department handles online."""
    guide = Guide(
        service_code="1" * 31,
        name="事项",
        basic_code=None,
        version=1,
        status="in_force",
        department=Coded("1", "部门"),
        materials=[],
        person_themes=[],
        organisation_themes=[],
        conditions=[],
        audience=["natural_person"],
        online_depth="IV",
        process=Process([], instant_approval=False, assurance_level="basic"),
    )
    return msgspec.structs.replace(guide, **changed)


def make_row(name: str, **changed: float) -> Row:
    """A quick, right kind of request."""
    given: dict[str, float] = {
        "requests": 1000,
        "errors": 0,
        "refused": 0,
        "not_modified": 0,
        "per_second": 200.0,
        "p50_ms": 4.0,
        "p95_ms": 9.0,
        "p99_ms": 20.0,
        "worst_ms": 80.0,
        "bytes_per_answer": 900.0,
    }
    return Row(name=name, **{**given, **changed})  # type: ignore[arg-type]


def make_figures(
    total: Row | None = None,
    rows: tuple[Row, ...] | None = None,
    not_modified_percent: float = 95.0,
    refusal_p99_ms: float = 0.0,
) -> Figures:
    """Figures that reach every goal of the scenario `catalogue`, with some values changed."""
    names = GOALS["catalogue"].latencies
    return Figures(
        scenario="catalogue",
        seconds=60.0,
        most_users=400,
        total=total or make_row("all"),
        rows=tuple(make_row(name) for name in names) if rows is None else rows,
        samples=tuple(
            Sample(
                second=float(second),
                users=10 * second,
                per_second=20.0 * second,
                errors_per_second=0.0,
                refused_per_second=0.0,
                p50_ms=4.0,
                p95_ms=9.0,
                p99_ms=20.0,
            )
            for second in range(1, 61)
        ),
        failures=(Failure("GET /v1/home", "Wrong: <b>markup</b> in a reason", 3),),
        not_modified_percent=not_modified_percent,
        refusal_p99_ms=refusal_p99_ms,
    )


def make_run(figures: Figures) -> Run:
    """A finished run with those figures."""
    parts = {
        "service": 60.0,
        "jobs": 1.0,
        "postgres": 20.0,
        "valkey": 2.0,
        "gateways": 3.0,
        "load": 30.0,
        "others": 5.0,
    }
    return Run(
        about="试运行",
        started_at=datetime(2026, 11, 22, 9, 0, tzinfo=UTC),
        users=400,
        think_scale=0.4,
        workers=1,
        processes=1,
        machine=Machine(2, "a processor", 4.0, "Linux", {"python": "3.11"}, "abc1234"),
        figures=figures,
        verdicts=tuple(judge(figures, GOALS["catalogue"])),
        usage=tuple(Usage(float(second), parts, 180.0) for second in range(1, 61)),
        marks=(Mark(30.0, "SIGKILL Valkey"),),
    )
