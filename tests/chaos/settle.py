"""After the storm: no faults, nobody dies, time passes, and what was left undone is done."""

from __future__ import annotations

import asyncio
import time

from tests.chaos.world import World

QUIET_SECONDS = 60.0

# Hours go by: what waits for a time is due, what had an end is over. Gateways keep their
# clock, so an order is ended by being closed there, as it is in life.
TIME_PASSES = (
    "update payments set expires_at = expires_at - interval '3 hours'"
    " where status in ('pending', 'unknown') and expires_at > now()",
    "update payments set query_at = now() where status in ('pending', 'unknown')",
    "update refunds set query_at = now() where status in ('asked', 'processing')",
    "update pgqueuer set execute_after = now() where status = 'queued'",
    "update webhook_slots set busy_until = now() where busy_until > now()",
    "update webhook_deliveries set next_attempt_at = now(), claimed_until = null"
    " where status = 'pending'",
    "update webhooks set open_until = null",
)
# Of processes that are dead for sure.
HEARTBEATS_END = (
    "update pgqueuer set heartbeat = now() - interval '1 hour' where status = 'picked'",
    "update pgqueuer_schedules set heartbeat = now() - interval '1 hour' where status = 'picked'",
)
LEFT = {
    "payments not finished": "select count(*) from payments where status in"
    " ('pending', 'unknown', 'refunding')",
    "refunds not finished": "select count(*) from refunds where status in ('asked', 'processing')",
    "jobs": "select count(*) from pgqueuer",
    "webhooks not delivered": "select count(*) from webhook_deliveries where status = 'pending'",
}


async def let_it_settle(world: World) -> dict[str, int]:
    """Wait until nothing is left to do; gives what is left after `QUIET_SECONDS` all the same."""
    for channel in world.gateways:
        await world.control(channel, "DELETE", "/faults")
    world.fleet.failpoint = ""
    world.front.cut_share = 0.0
    await world.fleet.renew(servers=1, workers=2)
    for statement in HEARTBEATS_END:
        await world.execute(statement)
    ends_at = time.monotonic() + QUIET_SECONDS
    while True:
        for statement in TIME_PASSES:
            await world.execute(statement)
        left = {what: await world.value(count) for what, count in LEFT.items()}
        if not any(left.values()) or time.monotonic() > ends_at:
            return {what: count for what, count in left.items() if count}
        await asyncio.sleep(1.0)
