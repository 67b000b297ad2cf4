"""A bill is paid: begun once, told by notice or asked, never twice."""

from __future__ import annotations

import asyncio

import pytest

from api.kinds import new_id
from tests.payments.conftest import FEE_FEN, Counter, until

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


@BOTH
async def test_a_payment_is_begun_confirmed_and_told(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    answer = await payer.begin(bill_no, channel)
    begun = answer.json()
    assert answer.status_code == 201, answer.text
    assert (begun["status"], begun["finished"], begun["amount_fen"]) == ("pending", False, FEE_FEN)
    wanted = {"wechat": {"timeStamp", "nonceStr", "package", "signType", "paySign"}}
    assert set(begun["client_parameters"]) == wanted.get(channel, {"tradeNO"})
    await payer.confirm(begun["payment_no"], channel)
    await counter.becomes(begun["payment_no"], "succeeded")
    paid = await payer.read(begun["payment_no"])
    assert paid["finished"]
    assert paid["paid_at"]
    assert paid["client_parameters"] is None
    bill = (await payer.get(f"/v1/bills/{bill_no}")).json()
    assert (bill["status"], bill["payment_no"]) == ("paid", begun["payment_no"])
    # Acknowledged: the gateway does not come again.
    [notice] = [n for n in counter.gateways[channel].all("notices") if n["kind"] == "payment"]
    await until(lambda: _accepted(counter, channel, notice["notice_id"]))


async def _accepted(counter: Counter, channel: str, notice_id: str) -> bool:
    notices = await asyncio.to_thread(counter.gateways[channel].all, "notices")
    return any(n["notice_id"] == notice_id and n["state"] == "accepted" for n in notices)


async def test_the_same_key_is_one_payment_and_one_answer(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no, key = await payer.owing(), new_id()
    answers = await asyncio.gather(*(payer.begin(bill_no, key=key) for _ in range(20)))
    bodies = {a.content for a in answers if a.status_code == 201}
    assert len(bodies) == 1
    assert {a.status_code for a in answers} <= {201, 409}
    assert len(counter.gateways["wechat"].all("payments")) == 1
    assert await counter.value("select count(*) from payments where bill_no = $1", bill_no) == 1
    other = await payer.post("/v1/payments", {"bill_no": bill_no, "channel": "alipay"}, key=key)
    assert other.json()["code"] == "idempotency_key_reused"
    missing = await payer.post("/v1/payments", {"bill_no": bill_no, "channel": "wechat"})
    assert missing.json()["code"] == "idempotency_key_missing"


@BOTH
async def test_another_key_finds_the_live_payment(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    first = (await payer.begin(bill_no, channel)).json()
    second = (await payer.begin(bill_no, channel)).json()
    assert first == second


async def test_who_has_not_the_app_cannot_pay_with_it(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    assert (await payer.begin(bill_no, "alipay")).json()["code"] == "payer_not_linked"
    assert (await payer.begin(bill_no, "nowhere")).status_code == 404


@BOTH
async def test_a_lost_reply_is_asked_again_under_the_same_number(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    gateway = counter.gateways[channel]
    gateway.faults(lose_reply=True, times=1)
    lost = await payer.begin(bill_no, channel)
    assert lost.status_code == 503, lost.text
    [payment_no] = [r["payment_no"] for r in await counter.rows("select payment_no from payments")]
    assert await counter.status(payment_no) == "unknown"
    again = await payer.begin(bill_no, channel)
    assert again.status_code == 201, again.text
    assert (again.json()["payment_no"], again.json()["status"]) == (payment_no, "pending")
    assert len(gateway.all("payments")) == 1


@BOTH
async def test_a_mute_gateway_is_asked(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    counter.gateways[channel].faults(mute=True)
    await payer.confirm(payment_no, channel)
    await counter.chase()
    assert await counter.status(payment_no) == "succeeded"


@BOTH
async def test_a_cancelled_payment_is_closed_at_the_channel(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    payment_no = await payer.begun(bill_no, channel)
    if channel == "alipay":
        # A trade is there once its cashier was opened.
        counter.gateways[channel].control("POST", f"/payments/{payment_no}/open")
    answer = await payer.post(f"/v1/payments/{payment_no}/cancellation")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled"), answer.text
    again = await payer.post(f"/v1/payments/{payment_no}/cancellation")
    assert again.json()["status"] == "cancelled"
    assert await payer.begun(bill_no, channel) != payment_no


@BOTH
async def test_a_cancelled_payment_may_turn_out_paid(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    payment_no = await payer.begun(bill_no, channel)
    counter.gateways[channel].faults(mute=True)
    await payer.confirm(payment_no, channel)
    answer = await payer.post(f"/v1/payments/{payment_no}/cancellation")
    assert answer.json()["status"] == "succeeded", answer.text


@BOTH
async def test_time_ends_what_nobody_pays(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    payment_no = await payer.begun(bill_no, channel)
    if channel == "alipay":
        counter.gateways[channel].control("POST", f"/payments/{payment_no}/open")
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set expires_at = now() - interval '1 minute'")
    await counter.chase()
    assert await counter.status(payment_no) == "expired"


async def test_a_foreign_payment_is_like_a_missing_one(counter: Counter) -> None:
    payer, stranger = await counter.citizen("wechat"), await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    for path in (f"/v1/payments/{payment_no}", f"/v1/payments/{new_id()}"):
        assert (await stranger.get(path)).status_code == 404
        assert (await stranger.post(f"{path}/cancellation")).status_code == 404
    assert await counter.status(payment_no) == "pending"


async def test_a_hanging_gateway_costs_three_seconds_and_nothing_else(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    counter.gateways["wechat"].faults(hang=True, times=1)
    began = asyncio.get_running_loop().time()
    answer = await payer.begin(bill_no)
    assert answer.status_code == 503
    assert asyncio.get_running_loop().time() - began < 4.5
    counter.gateways["wechat"].clear_faults()
    assert await payer.begun(bill_no)


async def test_an_order_sent_again_names_the_address_it_was_first_sent_with(
    counter: Counter,
) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    gateway = counter.gateways["wechat"]
    gateway.faults(status=500, times=1)
    assert (await payer.begin(bill_no)).status_code == 503
    async with counter.database.transaction() as connection:
        # As if the service had another public address then.
        await connection.execute("update payments set notice_base = 'http://127.0.0.1:9'")
    payment_no = await payer.begun(bill_no)
    [ordered] = gateway.all("payments")
    assert ordered["notice_url"] == "http://127.0.0.1:9/v1/notices/wechat/payments"
    assert await counter.status(payment_no) == "pending"
