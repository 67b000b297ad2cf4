"""Today as a day to reconcile: gateways that give its bill before it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from api.database import CHINA
from api.payments.reconciliation import reconcile_day
from api.payments.reconciliation.reconcile_due import nobody_told
from api.payments.reconciliation.rows import DayRow
from tests.gateways import SimulatedGateway
from tests.payments.conftest import Counter, Payer


def today() -> date:
    return datetime.now(CHINA).date()


@contextmanager
def bills_ready(gateway: SimulatedGateway) -> Iterator[None]:
    """WeChat's gives a bill at once; Alipay's believes that it is tomorrow morning."""
    if gateway.name == "wechat":
        gateway.control("PUT", "/policy", {"bills": "at_once"})
        yield
        return
    now = datetime.now(CHINA)
    morning = now.replace(hour=9, minute=15) + timedelta(days=1)
    gateway.control("PUT", "/clock", {"skew_seconds": (morning - now).total_seconds()})
    try:
        yield
    finally:
        gateway.control("PUT", "/clock", {"skew_seconds": 0})


async def reconcile(counter: Counter, channel: str, day: date | None = None) -> DayRow:
    """One run of today."""
    with bills_ready(counter.gateways[channel]):
        return await reconcile_day(counter.till, channel, day or today(), nobody_told)


async def paid(counter: Counter, payer: Payer, channel: str) -> str:
    """A payment that has arrived here."""
    payment_no = await payer.begun(await payer.owing(), channel)
    await payer.confirm(payment_no, channel)
    await counter.becomes(payment_no, "succeeded")
    return payment_no


async def paid_in_silence(counter: Counter, payer: Payer, channel: str) -> str:
    """A payment that the channel has taken and nobody told us of."""
    payment_no = await payer.begun(await payer.owing(), channel)
    counter.gateways[channel].faults(mute=True)
    await payer.confirm(payment_no, channel)
    counter.gateways[channel].clear_faults()
    return payment_no


async def change(counter: Counter, query: str, *given: object) -> None:
    async with counter.database.transaction() as connection:
        await connection.execute(query, *given)


async def found(counter: Counter) -> list[tuple[str, str, int]]:
    """Cause, status and gap of every difference there is."""
    rows = await counter.rows(
        "select cause, status, gap_fen from reconciliation_differences order by difference_id"
    )
    return [(row["cause"], row["status"], row["gap_fen"]) for row in rows]
