"""Gateways that are mute, hang, lie, fail and repeat themselves, while a real fee is paid.

Whatever they do, the fee is counted once, the case goes on once, and nothing is believed that
is not proven.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.settings import Settings
from tests.flows.paying import FEE_FEN, Shop, becomes, open_shop, pay, until_status
from tests.flows.people import until
from tests.flows.test_pay_wechat import goes_on, money_notices
from tests.gateways import SimulatedGateway

Gateways = dict[str, SimulatedGateway]
BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


@pytest.fixture
def gateways(wechat_gateway: SimulatedGateway, alipay_gateway: SimulatedGateway) -> Gateways:
    return {gateway.name: gateway for gateway in (wechat_gateway, alipay_gateway)}


@pytest.fixture
async def shop(
    paying_settings: Settings, tmp_path: Path, gateways: Gateways
) -> AsyncIterator[Shop]:
    sections = {name: gateway.section for name, gateway in gateways.items()}
    async with open_shop(paying_settings, tmp_path, sections) as shop:
        yield shop


def kept_fen(gateways: Gateways) -> int:
    """What all gateways together took and did not give back."""
    taken: int = sum(p["amount_fen"] for g in gateways.values() for p in paid_at(g))
    back: int = sum(r["amount_fen"] for g in gateways.values() for r in g.all("refunds"))
    return taken - back


def paid_at(gateway: SimulatedGateway) -> list[dict[str, Any]]:
    return [payment for payment in gateway.all("payments") if payment["state"] == "paid"]


async def test_paid_in_both_apps_at_once_one_counts_and_the_other_goes_back(
    shop: Shop, gateways: Gateways
) -> None:
    payer = await shop.arrive(*gateways.values())
    owing = await payer.owing()
    numbers = {c: (await payer.begun(owing.bill_no, c))["payment_no"] for c in gateways}
    await asyncio.gather(*(pay(gateways[c], number) for c, number in numbers.items()))
    await goes_on(payer, owing.case_no)

    async def settled() -> Any:
        await shop.send_refunds()
        rows = [await shop.payment(number) for number in numbers.values()]
        stand = sorted(row["status"] for row in rows)
        return rows if stand == ["refunded", "succeeded"] else None

    rows = await until(settled, 20)
    flags = {row["status"]: row["flag"] for row in rows}
    assert flags == {"succeeded": None, "refunded": "second_payment"}
    assert kept_fen(gateways) == FEE_FEN
    [counted] = [row["payment_no"] for row in rows if row["status"] == "succeeded"]
    assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["payment_no"] == counted
    await shop.hears("payment.succeeded", counted)
    assert [said["payment_no"] for said in shop.told("payment.succeeded")] == [counted]
    events = await shop.value(
        "select count(*) from case_events where case_no = $1 and type = 'paid'", owing.case_no
    )
    assert events == 1


@BOTH
async def test_a_mute_gateway_is_asked_and_the_case_goes_on(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    begun = await payer.begun(owing.bill_no, channel)
    gateways[channel].faults(mute=True)
    await pay(gateways[channel], begun["payment_no"])
    await until_status(shop, begun["payment_no"], "succeeded", shop.chase)
    await goes_on(payer, owing.case_no)
    # A refund that nobody tells of is asked after as well.
    assert (await shop.refund(begun["payment_no"], FEE_FEN, FEE_FEN)).status_code == 201
    await until_status(shop, begun["payment_no"], "refunded", shop.send_refunds)
    assert kept_fen(gateways) == 0


@BOTH
async def test_an_answer_that_is_too_late_leaves_one_order_that_is_found_again(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    """The order was handled at once; its answer comes after anybody's patience."""
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    gateways[channel].faults(reply_late_ms=6000, only="payments.order", times=1)
    began = asyncio.get_running_loop().time()
    late = await payer.begin(owing.bill_no, channel)
    assert (late.status_code, late.json()["code"]) == (503, "channel_unavailable")
    assert asyncio.get_running_loop().time() - began < 4.5
    assert int(late.headers["retry-after"]) >= 1
    [row] = await shop.rows("select payment_no, status from payments")
    assert row["status"] == "unknown"
    # Paid by somebody who has the order from elsewhere: what happened is found out.
    gateways[channel].faults(mute=True)
    await pay(gateways[channel], row["payment_no"])
    await until_status(shop, row["payment_no"], "succeeded", shop.chase)
    assert len(gateways[channel].all("payments")) == 1


@BOTH
@pytest.mark.parametrize(
    "fault",
    [{"lose_reply": True}, {"status_after": 500}, {"status": 500}, {"quota": 0}, {"hang": True}],
    ids=lambda fault: next(iter(fault)),
)
async def test_an_order_without_an_answer_is_sent_again_under_its_number(
    shop: Shop, gateways: Gateways, channel: str, fault: dict[str, Any]
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    gateways[channel].faults(**fault, only="payments.order", times=1)
    refused = await payer.begin(owing.bill_no, channel)
    assert refused.status_code == 503, refused.text
    again = await payer.begun(owing.bill_no, channel)
    await pay(gateways[channel], again["payment_no"])
    await payer.sees(again["payment_no"], "succeeded")
    assert len(gateways[channel].all("payments")) == 1
    assert await shop.value("select count(*) from payments") == 1


@BOTH
async def test_what_is_not_signed_by_the_channel_is_not_believed(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    gateway = gateways[channel]
    gateway.faults(wrong_signature=True)
    lied = await payer.begin(owing.bill_no, channel)
    assert (lied.status_code, lied.json()["code"]) == (503, "channel_unavailable")
    [row] = await shop.rows("select payment_no, status, client_parameters from payments")
    assert (row["status"], row["client_parameters"]) == ("unknown", None)
    await pay(gateway, row["payment_no"])
    for _ in range(3):
        await shop.chase()
        assert (await shop.payment(row["payment_no"]))["status"] == "unknown"
    assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["status"] == "unpaid"
    gateway.clear_faults()
    await until_status(shop, row["payment_no"], "succeeded", shop.chase)


@BOTH
async def test_a_proven_answer_with_another_amount_is_flagged_and_settles_nothing(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    begun = await payer.begun(owing.bill_no, channel)
    gateways[channel].faults(mute=True)
    gateways[channel].faults(wrong_amount_answered=True)
    await pay(gateways[channel], begun["payment_no"])

    async def flagged() -> bool | None:
        await shop.chase()
        row = await shop.payment(begun["payment_no"])
        return True if row["flag"] == "wrong_amount" else None

    await until(flagged, 20)
    # What the channel really holds for us is at most owed back: it pays no bill.
    assert (await shop.payment(begun["payment_no"]))["status"] in ("unknown", "refunding")
    assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["status"] == "unpaid"
    assert shop.told("payment.succeeded") == []


@BOTH
async def test_a_notice_that_comes_before_the_orders_own_answer_counts(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    gateways[channel].faults(reply_late_ms=1800, only="payments.order", times=1)
    beginning = asyncio.create_task(payer.begin(owing.bill_no, channel))

    async def ordered() -> str | None:
        held = await asyncio.to_thread(gateways[channel].all, "payments")
        return held[0]["merchant_no"] if held else None

    number = await until(ordered)
    await pay(gateways[channel], number)
    await becomes(shop, number, "succeeded")
    answer = await beginning
    assert answer.status_code == 201, answer.text
    begun = answer.json()
    assert (begun["payment_no"], begun["status"]) == (number, "succeeded")
    assert begun["client_parameters"] is None
    await goes_on(payer, owing.case_no)


@BOTH
async def test_a_refund_told_before_its_payment_leaves_the_money_given_back(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    begun = await payer.begun(owing.bill_no, channel)
    gateway = gateways[channel]
    gateway.faults(out_of_order=True, only="notice.payment", times=1)
    await pay(gateway, begun["payment_no"])
    await until_status(shop, begun["payment_no"], "succeeded", shop.chase)
    assert (await shop.refund(begun["payment_no"], FEE_FEN, FEE_FEN)).status_code == 201
    await until_status(shop, begun["payment_no"], "refunded", shop.send_refunds)

    async def all_told() -> Any:
        notices = await asyncio.to_thread(money_notices, gateway)
        told = {notice["kind"]: notice["state"] for notice in notices}
        return told if set(told.values()) == {"accepted"} and len(told) == 2 else None

    assert set(await until(all_told, 20)) == {"payment", "refund"}
    assert (await shop.payment(begun["payment_no"]))["status"] == "refunded"
    assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["status"] == "refunded"
    assert kept_fen(gateways) == 0


@BOTH
async def test_repeated_late_and_simultaneous_notices_count_once(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    begun = await payer.begun(owing.bill_no, channel)
    gateways[channel].faults(duplicate=3, concurrent=3, late_ms=300, only="notice.payment")
    await pay(gateways[channel], begun["payment_no"])
    await shop.chase()
    await payer.sees(begun["payment_no"], "succeeded")
    await goes_on(payer, owing.case_no)
    await shop.hears("payment.succeeded", begun["payment_no"])
    await asyncio.sleep(1)
    assert len(shop.told("payment.succeeded")) == 1
    assert await shop.value("select count(*) from refunds") == 0
    [notice] = [n for n in money_notices(gateways[channel]) if n["kind"] == "payment"]
    assert len(notice["attempts"]) >= 4


@BOTH
async def test_a_person_who_turns_away_at_the_cashier_pays_later(
    shop: Shop, gateways: Gateways, channel: str
) -> None:
    payer = await shop.arrive(gateways[channel])
    owing = await payer.owing()
    begun = await payer.begun(owing.bill_no, channel)
    gateways[channel].decline(begun["payment_no"])
    await shop.chase()
    assert (await payer.read(f"/v1/payments/{begun['payment_no']}"))["status"] == "pending"
    again = await payer.begun(owing.bill_no, channel)
    assert again["payment_no"] == begun["payment_no"]
    await pay(gateways[channel], again["payment_no"])
    await payer.sees(begun["payment_no"], "succeeded")
