"""A run on the terminal: a bar and live figures there, plain lines elsewhere, and its summary."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from loadtests.figures import Sample
from loadtests.goals import Verdict
from loadtests.machine import Usage
from loadtests.run_result import Run

_LINE_SECONDS = 5.0
_MOST_FAILURES = 5


class Show:
    """Shows samples as they come."""

    def __init__(self, asked: argparse.Namespace, console: Console) -> None:
        self._title = str(asked.scenario)
        self._seconds = int(asked.seconds)
        self._console = console
        self._told = -_LINE_SECONDS
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[figures]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(self._title, total=self._seconds, figures="moving in …")

    def __enter__(self) -> Show:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def sample(self, sample: Sample, usage: Usage) -> None:
        """Show one."""
        line = (
            f"{sample.users:,} users {sample.per_second:,.0f}/s "
            f"p50 {sample.p50_ms:.0f} p95 {sample.p95_ms:.0f} p99 {sample.p99_ms:.0f} ms "
            f"errors {sample.errors_per_second:.0f}/s refused {sample.refused_per_second:.0f}/s "
            f"server {usage.percent['service']:.0f} %"
        )
        if self._console.is_terminal:
            self._bar.update(self._task, completed=sample.second, figures=line)
        elif sample.second - self._told >= _LINE_SECONDS:
            self._told = sample.second
            self._console.print(f"{self._title} {sample.second:.0f}/{self._seconds} s: {line}")


def show_summary(run: Run, report: Path, console: Console) -> None:
    """One screen: the goals first, then the requests, then where the report is."""
    figures = run.figures
    verdict = "[green]every goal reached" if run.passed else "[red]goals missed"
    console.print(
        Panel(
            f"{verdict}[/]\n{figures.total.requests:,} requests in {figures.seconds:.0f} s "
            f"({figures.total.per_second:,.1f}/s) from up to {figures.most_users:,} users, "
            f"{figures.total.errors:,} errors, {figures.total.refused:,} refused, "
            f"{figures.not_modified_percent:.0f} % of asked again unchanged (304)",
            title=figures.scenario,
            expand=False,
        )
    )
    console.print(_goals(run.verdicts))
    console.print(_requests(run))
    for failure in figures.failures[:_MOST_FAILURES]:
        console.print(f"[red]{failure.times:,} ×[/] {failure.name}: {failure.reason}", markup=True)
    if run.is_disturbed:
        share = f"{run.others_percent:.0f} % of a processor"
        console.print(f"[yellow]disturbed:[/] other programs used {share}; run again when quiet")
    console.print(f"report {report}")


def _goals(verdicts: tuple[Verdict, ...]) -> Table:
    table = Table("", "goal", box=None, pad_edge=False)
    for heading in ("wanted", "measured", "missed by"):
        table.add_column(heading, justify="right")
    for verdict in verdicts:
        sign = "≤" if verdict.at_most else "≥"
        by = "" if verdict.reached else f"{abs(verdict.measured - verdict.wanted):,.1f}"
        table.add_row(
            "[green]✓[/]" if verdict.reached else "[red]✗[/]",
            verdict.goal,
            f"{sign} {verdict.wanted:,g} {verdict.unit}",
            f"{verdict.measured:,.1f} {verdict.unit}",
            f"[red]{by}",
        )
    return table


def _requests(run: Run) -> Table:
    table = Table("request", box=None, pad_edge=False)
    for heading in ("count", "/s", "p50", "p95", "p99 ms", "errors", "bytes"):
        table.add_column(heading, justify="right")
    for row in (*run.figures.rows, run.figures.total):
        table.add_row(
            row.name,
            f"{row.requests:,}",
            f"{row.per_second:,.1f}",
            f"{row.p50_ms:.1f}",
            f"{row.p95_ms:.1f}",
            f"{row.p99_ms:.1f}",
            f"{row.errors:,}",
            f"{row.bytes_per_answer:,.0f}",
        )
    return table
