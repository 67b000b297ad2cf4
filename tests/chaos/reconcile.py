"""The service's own reconciliation, at the end of a run: each channel's day is clean."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from api.channels import open_channels
from api.database import CHINA
from api.payments import Till
from api.payments.reconciliation.reconcile_day import reconcile_day
from api.payments.reconciliation.reconcile_due import nobody_told
from tests.chaos.world import World


async def reconcile(world: World) -> list[str]:
    """What the days' reconciliations find open, in words."""
    channels = await open_channels(world.settings, world.database, world.vault)
    till = Till(world.settings, world.database, world.vault, channels)
    found: list[str] = []
    try:
        for channel in sorted(world.gateways):
            await _have_the_bill_ready(world, channel)
            for day in await _days(world):
                row = await reconcile_day(till, channel, day, nobody_told)
                if row.state != "clean" or row.ledger_gap_fen:
                    found.append(f"{channel} {day}: {row}")
    finally:
        await channels.close()
    open_ones = await world.rows("select * from reconciliation_differences where status = 'open'")
    return found + [f"{row['channel']} {row['payment_no']}: {row['cause']}" for row in open_ones]


async def _days(world: World) -> list[Any]:
    """A storm may pass midnight."""
    rows = await world.rows(
        "select distinct (coalesce(paid_at, created_at) at time zone 'Asia/Shanghai')::date as day"
        " from payments order by 1"
    )
    return [row["day"] for row in rows]


async def _have_the_bill_ready(world: World, channel: str) -> None:
    """WeChat's simulator has a switch for it, at Alipay's it becomes the next morning."""
    if channel == "wechat":
        await world.control(channel, "PUT", "/policy", {"bills": "at_once"})
        return
    now = datetime.now(CHINA)
    morning = datetime.combine(now.date() + timedelta(days=1), time(11), CHINA)
    skew = {"skew_seconds": (morning - now).total_seconds()}
    await world.control(channel, "PUT", "/clock", skew)
