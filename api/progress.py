"""Progress of long work: a bar on a terminal, a plain line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

_LINE_SECONDS = 5.0

console = Console(stderr=True, highlight=False)


class Advance(Protocol):
    """Told after each piece of work how much is done of how much."""

    def __call__(self, done: int, total: int, /) -> None: ...


@contextmanager
def progress(title: str) -> Iterator[Advance]:
    """Show how a piece of work gets on while the block lasts."""
    if not sys.stderr.isatty():
        with _plain_lines(title) as advance:
            yield advance
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _plain_lines(title: str) -> Iterator[Advance]:
    began = told = time.monotonic()
    last = (0, 0)

    def advance(done: int, total: int, /) -> None:
        nonlocal told, last
        last = (done, total)
        if time.monotonic() - told >= _LINE_SECONDS:
            told = time.monotonic()
            share = 100 * done // total if total else 0
            _say(f"{title}: {done:,} / {total:,} ({share} %)")

    yield advance
    seconds = time.monotonic() - began
    amount = f"{last[0]:,} " if last[1] else ""
    _say(f"{title}: {amount}done in {seconds:.1f} s")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
