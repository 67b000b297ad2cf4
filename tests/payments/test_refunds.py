"""Money goes back as a department asks: seen first, once, and told when it has arrived."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api.kinds import new_id
from api.payments.send_refunds import MOST_NOT_PERMITTED
from tests.payments.conftest import FEE_FEN, Counter, Payer
from tests.platforms.builders import Signed, encode

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


async def paid(counter: Counter, payer: Payer, channel: str) -> str:
    payment_no = await payer.begun(await payer.owing(), channel)
    await payer.confirm(payment_no, channel)
    await counter.becomes(payment_no, "succeeded")
    return payment_no


async def ask_back(
    counter: Counter, payment_no: str, amount_fen: int, seen_fen: int, key: str | None = None
) -> httpx.Response:
    path = f"/v1/platform/payments/{payment_no}/refunds"
    body: dict[str, Any] = {
        "amount_fen": amount_fen,
        "refund_amount_available_fen": seen_fen,
        "reason": "不予许可，退费",
    }
    content = encode(body)
    url = f"{str(counter.client.base_url).rstrip('/')}{path}"
    headers = {
        "Content-Type": "application/json",
        "Idempotency-Key": key or new_id(),
        **counter.partner.headers(Signed("POST", url, content)),
    }
    return await counter.client.post(path, content=content, headers=headers)


@BOTH
async def test_a_part_and_then_the_rest_goes_back(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    payment_no = await paid(counter, payer, channel)
    first = await ask_back(counter, payment_no, 500, FEE_FEN)
    assert first.status_code == 201, first.text
    await _goes_back(counter, payment_no, "partially_refunded")
    assert (await payer.read(payment_no))["refunded_fen"] == 500
    second = await ask_back(counter, payment_no, FEE_FEN - 500, FEE_FEN - 500)
    assert second.status_code == 201, second.text
    await _goes_back(counter, payment_no, "refunded")
    back = [r["amount_fen"] for r in counter.gateways[channel].all("refunds")]
    assert sorted(back) == [500, FEE_FEN - 500]
    [bill] = (await payer.get("/v1/bills")).json()["items"]
    assert bill["status"] == "refunded"


async def _goes_back(counter: Counter, payment_no: str, status: str) -> None:
    async with asyncio.timeout(10):
        while await counter.status(payment_no) != status:
            await counter.refund_due()
            await asyncio.sleep(0.05)


async def test_who_saw_another_amount_refunds_nothing(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await paid(counter, payer, "wechat")
    asked = await asyncio.gather(*(ask_back(counter, payment_no, 1500, FEE_FEN) for _ in range(6)))
    assert sorted(a.status_code for a in asked) == [201, 412, 412, 412, 412, 412]
    more = await ask_back(counter, payment_no, 501, 500)
    assert more.status_code == 400
    assert await counter.value("select sum(amount_fen) from refunds") == 1500


async def test_the_same_key_is_one_refund(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no, key = await paid(counter, payer, "wechat"), new_id()
    first = await ask_back(counter, payment_no, 700, FEE_FEN, key)
    again = await ask_back(counter, payment_no, 700, FEE_FEN, key)
    assert first.content == again.content
    assert await counter.value("select count(*) from refunds") == 1


@BOTH
async def test_a_refund_whose_reply_is_lost_is_one_refund(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    payment_no = await paid(counter, payer, channel)
    assert (await ask_back(counter, payment_no, FEE_FEN, FEE_FEN)).status_code == 201
    counter.gateways[channel].faults(lose_reply=True, times=1)
    await _goes_back(counter, payment_no, "refunded")
    refunds = counter.gateways[channel].all("refunds")
    assert [r["amount_fen"] for r in refunds] == [FEE_FEN]


async def test_an_unpaid_payment_is_not_refunded(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    assert (await ask_back(counter, payment_no, 1, 1)).json()["code"] == "not_refundable"
    assert (await ask_back(counter, new_id(), 1, 1)).status_code == 404


async def test_what_the_contract_does_not_permit_is_not_asked_for_ever(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await paid(counter, payer, "wechat")
    assert (await ask_back(counter, payment_no, 500, FEE_FEN)).status_code == 201
    counter.gateways["wechat"].faults(status=403, code="NO_AUTH", only="refunds")
    await counter.refund_due()
    assert await counter.value("select status from refunds") == "asked"
    async with counter.database.transaction() as connection:
        await connection.execute("update refunds set queries = $1", MOST_NOT_PERMITTED - 1)
    await counter.refund_due()
    assert await counter.value("select status from refunds") == "failed"
    flag = "select flag from payments where payment_no = $1"
    assert await counter.value(flag, payment_no) == "refund_failed"
    assert await counter.status(payment_no) == "succeeded"
