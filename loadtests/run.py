"""`python -m loadtests.run catalogue`: a service of its own, the load, the goals, a report.

Exit code 0 where every goal is reached, 1 where one is missed, 2 where nothing could be
measured. The load goes to the loopback, is bounded in users and time, and stops by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

import msgspec
from rich.console import Console

from loadtests.draw_report import draw_report
from loadtests.figures import Figures, Sample
from loadtests.goals import GOALS, judge
from loadtests.machine import Usage, Watch, read_machine
from loadtests.own_service import PROJECT, CannotStart, Running, running_service
from loadtests.run_result import Mark, Run
from loadtests.shapes import SCENARIOS
from loadtests.show_run import Show, show_summary

REPORTS = PROJECT / "loadtests" / "reports"

_CHINA = timezone(timedelta(hours=8), "UTC+8")
_MOST_USERS = 20_000
_MOST_SECONDS = 3600
# Reading the town, stopping the users, writing the figures.
_SPARE_SECONDS = 120


def main(arguments: list[str]) -> int:
    """Run one scenario."""
    asked = read_arguments(arguments)
    console = Console(stderr=True, highlight=False)
    signal.signal(signal.SIGTERM, _leave)
    try:
        with running_service(asked.data, asked.workers, console.print) as service:
            run = measure(service, asked, console)
    except (CannotStart, NothingMeasured) as error:
        console.print(f"[red]{error}")
        return 2
    except KeyboardInterrupt:
        console.print("stopped; nothing was written")
        return 130
    json_path, html_path = write_run(run, asked.reports)
    show_summary(run, html_path, Console(highlight=False))
    console.print(f"figures {json_path}")
    return 0 if run.passed else 1


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    """The command line, with the scenario's own values where none is given."""
    parser = argparse.ArgumentParser(prog="python -m loadtests.run", description=__doc__)
    parser.add_argument("scenario", choices=sorted(SCENARIOS), nargs="?", default="catalogue")
    parser.add_argument("--users", type=_between(1, _MOST_USERS), help="the most at once")
    parser.add_argument("--seconds", type=_between(3, _MOST_SECONDS), help="length of the load")
    parser.add_argument("--think-scale", type=float, help="1.0: a person's pauses; 0.1: a tenth")
    parser.add_argument("--processes", type=_between(1, 64), default=1, help="load processes")
    parser.add_argument("--workers", type=_between(1, 64), default=1, help="server processes")
    parser.add_argument("--data", type=Path, default=PROJECT / ".data" / "load")
    parser.add_argument("--reports", type=Path, default=REPORTS)
    asked = parser.parse_args(arguments)
    scenario = SCENARIOS[asked.scenario]
    asked.users = asked.users or scenario.users
    asked.seconds = asked.seconds or scenario.seconds
    asked.think_scale = asked.think_scale or scenario.think_scale
    asked.data = asked.data.resolve()
    return asked


def _between(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdigit() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"must be a number from {least} to {most:,}")
        return int(text)

    return read


class NothingMeasured(Exception):
    """The load ended without figures; the text says where its lines are."""


def measure(service: Running, asked: argparse.Namespace, console: Console) -> Run:
    """Send the citizens and gather what happened. Raises NothingMeasured."""
    scenario = SCENARIOS[asked.scenario]
    figures_path = service.data / "figures.json"
    figures_path.unlink(missing_ok=True)
    usage: list[Usage] = []
    marks: list[Mark] = []
    started_at = datetime.now(_CHINA)
    with _load(service, asked, figures_path) as load, Show(asked, console) as show:
        watch = Watch(service, load.pid)
        for sample in _samples(load):
            usage.append(watch.look(sample.second))
            show.sample(sample, usage[-1])
            if scenario.fault == "kill_cache" and not marks and sample.second >= asked.seconds / 2:
                service.kill_cache()
                marks.append(Mark(sample.second, "SIGKILL Valkey"))
    if not figures_path.exists():
        raise NothingMeasured(f"the load gave no figures; its lines: {service.data / 'locust.log'}")
    figures = msgspec.json.decode(figures_path.read_bytes(), type=Figures)
    return Run(
        about=scenario.about,
        started_at=started_at,
        users=asked.users,
        think_scale=asked.think_scale,
        workers=asked.workers,
        processes=asked.processes,
        machine=read_machine(),
        figures=figures,
        verdicts=tuple(judge(figures, GOALS[asked.scenario])),
        usage=tuple(usage),
        marks=tuple(marks),
    )


@contextmanager
def _load(
    service: Running, asked: argparse.Namespace, figures_path: Path
) -> Iterator[subprocess.Popen[str]]:
    """Locust in a process of its own; killed where it outlives its time or the block."""
    command = [sys.executable, "-m", "locust", "-f", str(PROJECT / "loadtests" / "locustfile.py")]
    command += ["--headless", "--only-summary", "--loglevel", "WARNING", "--host", service.address]
    command += ["--scenario", asked.scenario, "--figures", str(figures_path)]
    command += ["--most-users", str(asked.users), "--seconds", str(asked.seconds)]
    command += ["--think-scale", str(asked.think_scale)]
    command += ["--demonstration", str(service.demonstration)]
    if asked.processes > 1:
        command += ["--processes", str(asked.processes)]
    with (service.data / "locust.log").open("wb") as log:
        load = subprocess.Popen(
            command,
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    timer = threading.Timer(asked.seconds + _SPARE_SECONDS, _kill_group, [load.pid])
    timer.start()
    try:
        yield load
        with contextlib.suppress(subprocess.TimeoutExpired):
            load.wait(timeout=30)
    finally:
        timer.cancel()
        if load.poll() is None:
            _kill_group(load.pid)
        load.wait()


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _samples(load: subprocess.Popen[str]) -> Iterator[Sample]:
    assert load.stdout is not None
    for line in load.stdout:
        if line.startswith("{"):
            yield msgspec.json.decode(line, type=Sample)


def write_run(run: Run, folder: Path) -> tuple[Path, Path]:
    """Write the figures as JSON and the report as one HTML file."""
    folder.mkdir(parents=True, exist_ok=True)
    json_path = folder / f"{run.figures.scenario}.json"
    html_path = folder / f"{run.figures.scenario}.html"
    json_path.write_bytes(msgspec.json.encode(run) + b"\n")
    html_path.write_text(draw_report(run), encoding="utf-8")
    return json_path, html_path


def _leave(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
