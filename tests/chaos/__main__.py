"""python -m tests.chaos: a long storm by hand, with what died where and what the books say."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

from rich.table import Table

from api.embedded import embedded_servers
from api.failpoints import NAMES
from api.migrations import migrate
from api.progress import console, progress
from tests.chaos.storm import Outcome, Plan, run_storm


def main() -> int:
    """Run it on a PostgreSQL of its own; 1 where anything differs."""
    plan = _read_plan()
    console.print(f"seed {plan.seed}: --seed {plan.seed} picks the same whims again")
    with tempfile.TemporaryDirectory(prefix="zhangban-chaos-", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o755)
        with embedded_servers(folder, valkey=False, database="chaos") as servers:
            migrate(servers.database_url)
            with progress("kills") as advance:
                outcome = asyncio.run(
                    run_storm(servers.database_url, folder / "world", plan, advance)
                )
    show(outcome)
    return 1 if outcome.differences or outcome.left or outcome.kills < plan.kills else 0


def _read_plan() -> Plan:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    usual = Plan(kills=200, seconds=90, seed=secrets.randbelow(10**6))
    parser.add_argument("--kills", type=int, default=usual.kills, help="deaths at failpoints")
    parser.add_argument(
        "--seconds", type=float, default=usual.seconds, help="in how long; four times that at most"
    )
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--share", type=float, default=usual.share, help="of steps that are fatal")
    parser.add_argument("--people", type=int, default=usual.people, help="who pay at once")
    given = parser.parse_args()
    return Plan(given.kills, given.seconds, given.seed, given.share, given.people)


def show(outcome: Outcome) -> None:
    """The table of deaths, and the rest in lines."""
    table = Table("what died", "times")
    for name in (*NAMES, *sorted(outcome.deaths.keys() - set(NAMES))):
        table.add_row(name, str(outcome.deaths[name]))
    console.print(table)
    lines = {
        "at failpoints": outcome.kills,
        "storm, seconds": f"{outcome.storm_seconds:.1f}",
        "until quiet, seconds": f"{outcome.settle_seconds:.1f}",
        "a restart, ms": f"{outcome.restart_ms:.0f}",
        "faults of gateways": _spell(outcome.faults),
        "answers": _spell(outcome.answers),
        "payments": _spell(outcome.payments),
        "flags": _spell(outcome.flags),
        "errors logged": _spell(outcome.errors) or "none",
        "refunds": outcome.refunds,
        "writes answered 2xx": outcome.acknowledged,
        "left undone": outcome.left or "nothing",
        "differences": len(outcome.differences) or "none",
    }
    for name, value in lines.items():
        console.print(f"{name}: {value}")
    for difference in outcome.differences:
        console.print(f"[red]{difference}")


def _spell(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


if __name__ == "__main__":
    sys.exit(main())
