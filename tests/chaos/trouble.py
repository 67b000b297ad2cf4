"""What goes wrong from outside while people pay: each kind at random moments, for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from tests.chaos.world import World

# `times` keeps each from becoming the normal state.
FAULTS: tuple[dict[str, Any], ...] = (
    {"duplicate": 2, "times": 4},
    {"concurrent": 3, "times": 4},
    {"late_ms": 1500, "times": 4},
    {"out_of_order": True, "times": 4},
    {"mute": True, "times": 3},
    {"probe": True, "times": 3},
    {"wrong_signature": True, "only": "notice", "times": 3},
    {"wrong_amount": True, "times": 2},
    {"lose_reply": True, "times": 3},
    {"status_after": 500, "times": 3},
    {"status": 500, "times": 3},
    {"wrong_signature": True, "only": "payments", "times": 2},
    {"latency_ms": 400, "times": 10},
    {"reply_late_ms": 1200, "times": 4},
    {"hang": True, "times": 1},
)

Act = Callable[[World, random.Random], Awaitable[None]]


async def break_gateways(world: World, dice: random.Random) -> None:
    """One more fault at one of the gateways."""
    channel = dice.choice(sorted(world.gateways))
    fault = dice.choice(FAULTS)
    world.record.faults[next(iter(fault))] += 1
    await world.control(channel, "POST", "/faults", fault)


async def kill_process(world: World, dice: random.Random) -> None:
    """kill -9, wherever it happens to be."""
    world.fleet.shoot(dice)


async def end_connections(world: World, dice: random.Random) -> None:
    """Some of the service's database connections end under it, ours among them."""
    pids = await world.rows(
        "select pid from pg_stat_activity where datname = current_database()"
        " and backend_type = 'client backend' and pid <> pg_backend_pid()"
    )
    for row in dice.sample(pids, min(3, len(pids))):
        world.fleet.deaths["connection ended"] += 1
        await world.execute("select pg_terminate_backend($1)", row["pid"])


async def restart_valkey(world: World, dice: random.Random) -> None:
    """The cache is away for a moment, and empty afterwards."""
    world.fleet.deaths["Valkey restarted"] += 1
    await asyncio.to_thread(world.valkey.stop)
    await asyncio.sleep(dice.uniform(0.0, 1.0))
    await asyncio.to_thread(world.valkey.start)


async def let_heartbeats_age(world: World, dice: random.Random) -> None:
    """An entry of the timetable whose worker died is waited for half a minute: let that pass.

    Jobs wait for theirs: each time that one is picked counts as a try of it.
    """
    await world.execute(
        "update pgqueuer_schedules set heartbeat = heartbeat - interval '31 seconds'"
        " where status = 'picked' and heartbeat < now() - interval '3 seconds'"
    )


# Every act with the seconds between two of its kind, on average.
TROUBLES: tuple[tuple[Act, float], ...] = (
    (break_gateways, 0.7),
    (kill_process, 4.0),
    (end_connections, 5.0),
    (restart_valkey, 11.0),
    (let_heartbeats_age, 2.0),
)


async def make(world: World, act: Act, seconds: float, dice: random.Random) -> None:
    """Again and again, until cancelled."""
    while True:
        await asyncio.sleep(dice.uniform(0, 2 * seconds))
        try:
            await act(world, dice)
        except httpx.TransportError:
            # A gateway that hangs does not take orders either.
            continue
