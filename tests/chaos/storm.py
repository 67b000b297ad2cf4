"""A run: people pay while processes die, gateways lie and connections break; then the books.

The seed picks whims, faults and where dice fall; which process comes to which step first is
the machine's own.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import httpx
from msgspec import Struct

from api.failpoints import NAMES
from api.progress import Advance
from tests.chaos import trouble
from tests.chaos.compare import find_differences
from tests.chaos.people import Payer, call_signed, settle_in
from tests.chaos.settle import let_it_settle
from tests.chaos.world import HEARD, World, created

START_SECONDS = 60.0
_MOST_SHARE = 0.2
# A machine that has much else to do gets so much longer.
_SLOWNESS = 4.0


class Plan(Struct, frozen=True):
    """How much of it. It ends with `kills` at failpoints, for which `seconds` are meant.

    `share`: how likely a process dies at a step, more where it is late; `people` pay at once.
    """

    kills: int
    seconds: float
    seed: int
    share: float = 0.05
    people: int = 24
    servers: int = 8
    workers: int = 3


class Outcome(Struct, frozen=True):
    """What happened, and what is wrong; `left` and `differences` must be empty."""

    plan: Plan
    storm_seconds: float
    settle_seconds: float
    deaths: Counter[str]
    restart_ms: float
    answers: Counter[str]
    faults: Counter[str]
    payments: Counter[str]
    flags: Counter[str]
    errors: Counter[str]
    refunds: int
    acknowledged: int
    left: dict[str, int]
    differences: list[str]

    @property
    def kills(self) -> int:
        return sum(self.deaths[name] for name in NAMES)


async def run_storm(
    database_url: str, folder: Path, plan: Plan, advance: Advance | None = None
) -> Outcome:
    """All of it, over a migrated database of its own."""
    async with created(database_url, folder, plan.seed) as world:
        await open_world(world, servers=plan.servers, workers=plan.workers)
        payers = await settle_in(world, plan.people, plan.seed)
        began = time.monotonic()
        await _storm(world, payers, plan, advance)
        calm = time.monotonic()
        left = await let_it_settle(world)
        ended = time.monotonic()
        differences = await find_differences(world)
        statuses = await world.rows("select status, flag from payments")
        starts = sorted(world.fleet.restart_seconds)
        return Outcome(
            plan=plan,
            storm_seconds=calm - began,
            settle_seconds=ended - calm,
            deaths=world.fleet.deaths,
            restart_ms=1000 * starts[len(starts) // 2],
            answers=world.record.answers,
            faults=world.record.faults,
            payments=Counter(row["status"] for row in statuses),
            flags=Counter(row["flag"] for row in statuses if row["flag"]),
            errors=world.fleet.errors(),
            refunds=await world.value("select count(*) from refunds"),
            acknowledged=world.record.acknowledged,
            left=left,
            differences=differences,
        )


async def open_world(world: World, *, servers: int, workers: int) -> None:
    """Everything runs, nothing dies yet, and a platform listens."""
    world.fleet.place(servers=servers, workers=workers)
    async with asyncio.timeout(START_SECONDS):
        while not await _is_listening(world):  # noqa: ASYNC110 (what is waited for is a process)
            await asyncio.sleep(0.2)


async def _is_listening(world: World) -> bool:
    body = {"url": world.receiver.url, "events": list(HEARD)}
    try:
        answer = await call_signed(world, "POST", "/v1/platform/webhooks", body)
    except httpx.TransportError:
        return False
    return answer.status_code == 201


async def _storm(world: World, payers: list[Payer], plan: Plan, advance: Advance | None) -> None:
    is_over = asyncio.Event()
    _arm(world, plan.share)
    await world.fleet.renew(servers=plan.servers, workers=plan.workers)
    world.fleet.deaths.clear()
    world.front.cut_share = 0.02
    living = [asyncio.create_task(payer.live(is_over)) for payer in payers]
    making = [
        asyncio.create_task(
            trouble.make(world, act, seconds, random.Random(f"{plan.seed}/{act.__name__}"))
        )
        for act, seconds in trouble.TROUBLES
    ]
    try:
        await _until_enough(world, plan, [*living, *making], advance)
    except BaseException:
        for task in living:
            task.cancel()
        raise
    finally:
        is_over.set()
        world.fleet.failpoint = ""
        for task in making:
            task.cancel()
        await asyncio.gather(*making, return_exceptions=True)
    # They are told what became of what they began.
    await asyncio.gather(*living)


async def _until_enough(
    world: World, plan: Plan, tasks: list[asyncio.Task[None]], advance: Advance | None
) -> None:
    began = time.monotonic()
    share = plan.share
    while world.fleet.kills < plan.kills:
        elapsed = time.monotonic() - began
        if elapsed > _SLOWNESS * plan.seconds:
            return
        for task in tasks:
            if task.done():
                task.result()
        if advance is not None:
            advance(world.fleet.kills, plan.kills)
        is_late = world.fleet.kills < plan.kills * elapsed / plan.seconds
        share = min(share * 1.05, _MOST_SHARE) if is_late else max(share / 1.05, plan.share)
        _arm(world, share)
        await asyncio.sleep(0.2)


def _arm(world: World, share: float) -> None:
    world.fleet.failpoint = f"random:{share:.3f}:{{}}"
