"""Notices that come together are applied together, and none of them hurts another."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from adapters.contract import PaymentReport
from api.channels import open_channels
from api.database import Database
from api.errors import DatabaseUnavailable, Overloaded
from api.kinds import new_id
from api.ledger import LedgerRefused
from api.payments import Till
from api.payments.notices import gather_notices
from api.payments.notices.gather_notices import KeptNotice, NoticeGatherer
from api.payments.reports.books import Told
from api.settings import Settings
from api.vault import open_vault
from tests.payments.conftest import Counter
from tests.payments.money import AMOUNT_FEN, demand_agreement, plant


@pytest.fixture
async def gatherer(
    clean_database: Database, make_settings: Callable[..., Settings], clean_database_url: str
) -> AsyncIterator[NoticeGatherer]:
    settings = make_settings(database_url=clean_database_url)
    vault = await open_vault(settings, clean_database)
    channels = await open_channels(settings, clean_database, vault)
    yield NoticeGatherer(Till(settings, clean_database, vault, channels))
    await channels.close()
    await vault.close()


def paid(number: str, notice_id: str | None = None, **changed: Any) -> KeptNotice:
    """The notice that a payment was made."""
    notice_id = notice_id or new_id()
    report = PaymentReport(number, "paid", amount_fen=AMOUNT_FEN, **changed)
    told = Told("wechat", report, None)
    return KeptNotice(f"wechat/{notice_id}", notice_id, "paid", b"sealed", told)


async def planted(database: Database, count: int, *, is_assessed: bool = True) -> list[str]:
    async with database.transaction() as connection:
        return [n for [n] in await plant(connection, count, is_assessed=is_assessed)]


async def commits(database: Database) -> int:
    async with database.connection() as connection:
        found: int = await connection.fetchval(
            "select count(distinct xmin::text) from payments where status = 'succeeded'"
        )
        return found


async def test_a_crowd_shares_few_transactions(gatherer: NoticeGatherer) -> None:
    database = gatherer.till.database
    numbers = await planted(database, 100)
    outcomes = await asyncio.gather(*(gatherer.take(paid(number)) for number in numbers))
    assert outcomes == ["applied"] * 100
    # Those that came while the first was applied went together.
    assert await commits(database) <= 4
    async with database.connection() as connection:
        await demand_agreement(connection)


async def test_the_same_notice_many_times_at_once_counts_once(gatherer: NoticeGatherer) -> None:
    database = gatherer.till.database
    [number] = await planted(database, 1)
    notice = paid(number)
    outcomes = await asyncio.gather(*(gatherer.take(notice) for _ in range(40)))
    assert sorted(outcomes) == ["applied", *["repeated"] * 39]
    async with database.connection() as connection:
        assert await connection.fetchval("select times from payment_notices") == 40
        await demand_agreement(connection)


async def test_one_that_cannot_be_applied_hurts_only_itself(gatherer: NoticeGatherer) -> None:
    database = gatherer.till.database
    good = await planted(database, 12)
    # Of a bill that the ledger does not know nothing can be paid.
    [bad] = await planted(database, 1, is_assessed=False)
    numbers = [*good[:6], bad, *good[6:]]
    outcomes = await asyncio.gather(
        *(gatherer.take(paid(number)) for number in numbers), return_exceptions=True
    )
    assert isinstance(outcomes.pop(6), LedgerRefused)
    assert outcomes == ["applied"] * 12
    async with database.connection() as connection:
        left = await connection.fetchval("select status from payments where payment_no = $1", bad)
        assert left == "pending"


async def test_one_whose_bill_is_held_by_somebody_holds_up_nobody(
    gatherer: NoticeGatherer,
) -> None:
    database = gatherer.till.database
    held, *others = await planted(database, 9)
    async with database.transaction() as connection:
        await connection.execute(
            "select 1 from bills where bill_no ="
            " (select bill_no from payments where payment_no = $1) for update",
            held,
        )
        outcomes = await asyncio.gather(
            *(gatherer.take(paid(number)) for number in (held, *others)), return_exceptions=True
        )
    assert isinstance(outcomes.pop(0), DatabaseUnavailable)
    assert outcomes == ["applied"] * 8
    assert await gatherer.take(paid(held)) == "applied"


async def test_nobody_hears_yes_before_the_commit(gatherer: NoticeGatherer) -> None:
    database = gatherer.till.database
    [number] = await planted(database, 1)
    async with database.transaction() as connection:
        await connection.execute("lock table payment_notices in exclusive mode")
        taking = asyncio.create_task(gatherer.take(paid(number)))
        await asyncio.sleep(0.2)
        assert not taking.done()
    assert await taking == "applied"


async def test_beyond_its_room_none_is_taken_in(
    gatherer: NoticeGatherer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gather_notices, "MOST_WAITING", 10)
    numbers = await planted(gatherer.till.database, 30)
    outcomes = await asyncio.gather(
        *(gatherer.take(paid(number)) for number in numbers), return_exceptions=True
    )
    refused = [o for o in outcomes if isinstance(o, Overloaded)]
    assert outcomes.count("applied") == 30 - len(refused)
    assert refused
    # What was not acknowledged comes again.
    again = await asyncio.gather(*(gatherer.take(paid(n)) for n in numbers[:5]))
    assert set(again) <= {"applied", "repeated"}


async def test_without_a_database_every_caller_hears_so(gatherer: NoticeGatherer) -> None:
    numbers = await planted(gatherer.till.database, 20)
    await gatherer.till.database.close()
    outcomes = await asyncio.gather(
        *(gatherer.take(paid(number)) for number in numbers), return_exceptions=True
    )
    assert all(isinstance(outcome, DatabaseUnavailable) for outcome in outcomes)


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
async def test_a_notice_is_kept_whole_and_sealed(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    await payer.confirm(payment_no, channel)
    await counter.becomes(payment_no, "succeeded")
    [kept] = await counter.rows("select notice_key, content_sealed from payment_notices")
    assert payment_no.encode() not in kept["content_sealed"]
    content = counter.till.vault.open_text(
        kept["content_sealed"],
        table="payment_notices",
        column="content_sealed",
        row=kept["notice_key"],
    )
    assert payment_no in content
    # Also what nobody reads here.
    if channel == "wechat":
        assert json.loads(content)["trade_type"] == "JSAPI"
    else:
        assert "invoice_amount=" in content or "receipt_amount=" in content
