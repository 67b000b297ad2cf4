"""Processor time of running processes and their children, from `/proc` (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(pid: int) -> float:
    """What a process and all below it have used, those that ended included; 0 where unknown."""
    every = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            read = _read(folder)
            if read is not None:
                every[int(folder.name)] = read
    below = {pid}
    grows = True
    while grows:
        more = {child for child, (parent, _) in every.items() if parent in below} - below
        below |= more
        grows = bool(more)
    return sum(every[each][1] for each in below if each in every)


def children_of(pid: int) -> list[int]:
    """The processes it started that still run."""
    folders = [folder for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    reads = [(int(folder.name), _read(folder)) for folder in folders]
    return [child for child, read in reads if read is not None and read[0] == pid]


def _read(folder: Path) -> tuple[int, float] | None:
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1]), sum(map(int, fields[11:15])) / _TICKS
