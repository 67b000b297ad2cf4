"""Everything about one finished run: what the report shows and the JSON keeps."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from loadtests.figures import Figures
from loadtests.goals import Verdict
from loadtests.machine import OTHERS, Machine, Usage

# Percent of each processor.
_DISTURBING_PERCENT = 15.0


class Mark(Struct, frozen=True):
    """Something that was done to the service, `second` after the start."""

    second: float
    label: str


class Run(Struct, frozen=True, kw_only=True):
    """A run: what was asked for, where it ran, what was measured, what it was held against."""

    about: str
    started_at: datetime
    users: int
    think_scale: float
    workers: int
    processes: int
    machine: Machine
    figures: Figures
    verdicts: tuple[Verdict, ...]
    usage: tuple[Usage, ...]
    marks: tuple[Mark, ...]

    @property
    def others_percent(self) -> float:
        """What programs that are no part of the run used on average, percent of one processor."""
        if not self.usage:
            return 0.0
        return sum(usage.percent.get(OTHERS, 0.0) for usage in self.usage) / len(self.usage)

    @property
    def is_disturbed(self) -> bool:
        """Whether others took so much of the machine that the figures say little."""
        return self.others_percent > _DISTURBING_PERCENT * self.machine.processors

    @property
    def passed(self) -> bool:
        """Whether every goal was reached."""
        return all(verdict.reached for verdict in self.verdicts)
