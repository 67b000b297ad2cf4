"""PostgreSQL is killed under people who pay: every write that was acknowledged is there."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
from pathlib import Path

import psutil

from api.embedded import start_postgres, stop_postgres
from api.migrations import migrate
from tests.chaos.compare import find_differences
from tests.chaos.people import settle_in
from tests.chaos.settle import let_it_settle
from tests.chaos.storm import open_world
from tests.chaos.world import created

PEOPLE, DEATHS = 8, 2
# Enough answers between two deaths to have something to lose.
ANSWERS = 12


async def test_what_was_acknowledged_survives_the_death_of_the_database(tmp_path: Path) -> None:
    seed = secrets.randbelow(10**6)
    folder = tmp_path / "postgres"
    url = await asyncio.to_thread(start_postgres, folder, "chaos")
    try:
        await asyncio.to_thread(migrate, url)
        async with created(url, tmp_path / "world", seed) as world:
            await open_world(world, servers=2, workers=1)
            payers = await settle_in(world, PEOPLE, seed)
            is_over = asyncio.Event()
            living = [asyncio.create_task(payer.live(is_over)) for payer in payers]
            for death in range(1, DEATHS + 1):
                async with asyncio.timeout(60):
                    while world.record.acknowledged < death * ANSWERS:  # noqa: ASYNC110 (people)
                        await asyncio.sleep(0.05)
                await asyncio.to_thread(kill_postgres, folder)
                # Whoever asks meanwhile is told so.
                await asyncio.sleep(0.5)
                assert await asyncio.to_thread(start_postgres, folder, "chaos") == url
            is_over.set()
            await asyncio.gather(*living)
            left = await let_it_settle(world)
            assert (left, await find_differences(world)) == ({}, []), seed
            assert world.record.acknowledged >= DEATHS * ANSWERS
            assert world.record.answers["503 database_unavailable"] > 0, world.record.answers
    finally:
        await asyncio.to_thread(stop_postgres, folder)


def kill_postgres(folder: Path) -> None:
    """kill -9 for the server with all its processes: nothing of its memory is written."""
    pid = int((folder / "postmaster.pid").read_text().splitlines()[0])
    server = psutil.Process(pid)
    family = [server, *server.children(recursive=True)]
    # Stopped first, so that nobody tidies up after the others.
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    for process in family:
        process.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert alive == []
