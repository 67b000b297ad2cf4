"""Notices as gateways send them: twice, at once, late, wrong, forged; and money in vain."""

from __future__ import annotations

import asyncio

import pytest

from tests.payments.conftest import FEE_FEN, Counter, until

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


async def settled_facts(counter: Counter, payment_no: str) -> int:
    found: int = await counter.value(
        "select count(*) from pgqueuer where entrypoint = 'payment.settled'"
        " and convert_from(payload, 'utf8')::json ->> 'payment_no' = $1",
        payment_no,
    )
    return found


@BOTH
@pytest.mark.parametrize(
    "fault", [{"duplicate": 3}, {"concurrent": 4}, {"late_ms": 300}], ids=lambda f: next(iter(f))
)
async def test_a_notice_counts_once(counter: Counter, channel: str, fault: dict[str, int]) -> None:
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    counter.gateways[channel].faults(**fault)
    await payer.confirm(payment_no, channel)
    await counter.becomes(payment_no, "succeeded")
    await counter.chase()
    await asyncio.sleep(0.5)
    assert await settled_facts(counter, payment_no) == 1
    assert await counter.value("select count(*) from refunds") == 0


@BOTH
async def test_a_wrong_amount_is_flagged_and_not_settled(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    payment_no = await payer.begun(bill_no, channel)
    counter.gateways[channel].faults(wrong_amount=True)
    await payer.confirm(payment_no, channel)

    async def is_flagged() -> bool:
        query = "select flag = 'wrong_amount' from payments where payment_no = $1"
        return bool(await counter.value(query, payment_no))

    await until(is_flagged)
    assert await counter.status(payment_no) == "unknown"
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["status"] == "unpaid"
    outcomes = await counter.rows("select outcome from payment_notices")
    assert {row["outcome"] for row in outcomes} == {"flagged"}
    # The channel is asked what it really has.
    counter.gateways[channel].clear_faults()

    async def is_settled() -> bool:
        await counter.chase()
        return await counter.status(payment_no) == "succeeded"

    await until(is_settled)


@BOTH
async def test_a_forged_notice_is_refused_and_changes_nothing(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    gateway = counter.gateways[channel]
    gateway.faults(wrong_signature=True, only="notice.payment")
    await payer.confirm(payment_no, channel)
    await asyncio.sleep(1)
    assert await counter.status(payment_no) == "pending"
    assert await counter.value("select count(*) from payment_notices") == 0
    path = "/v1/notices/alipay" if channel == "alipay" else f"/v1/notices/{channel}/payments"
    answer = await counter.client.post(
        path, content=b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 401
    assert answer.text == "fail" or answer.json()["code"] == "FAIL"
    assert (await counter.client.post("/v1/notices/nobody/payments", json={})).status_code == 404


async def test_a_probe_is_answered_4xx_and_the_real_notice_counts(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    counter.gateways["wechat"].faults(probe=True, times=1)
    await payer.confirm(payment_no)
    await counter.becomes(payment_no, "succeeded")


@BOTH
async def test_a_notice_of_an_unknown_order_is_kept_and_not_acknowledged(
    counter: Counter, channel: str
) -> None:
    payer = await counter.citizen()
    payment_no = await payer.begun(await payer.owing(), channel)
    async with counter.database.transaction() as connection:
        await connection.execute("delete from payments")
    await payer.confirm(payment_no, channel)

    async def is_kept() -> bool:
        return bool(
            await counter.value(
                "select times >= 2 from payment_notices"
                " where payment_no = $1 and outcome = 'unknown_order'",
                payment_no,
            )
        )

    await until(is_kept)


async def test_the_second_charge_of_a_bill_goes_back(counter: Counter) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    numbers = {c: await payer.begun(bill_no, c) for c in ("wechat", "alipay")}
    await asyncio.gather(*(payer.confirm(number, c) for c, number in numbers.items()))

    async def both_told() -> bool:
        return not await counter.value(
            "select exists (select from payments where status in ('pending', 'unknown'))"
        )

    await until(both_told)
    [second] = await counter.rows("select payment_no from payments where flag = 'second_payment'")
    await counter.until_refunded(second["payment_no"])
    kept = await counter.rows(
        "select amount_fen, refunded_fen from payments where status = 'succeeded'"
    )
    assert kept == [{"amount_fen": FEE_FEN, "refunded_fen": 0}]
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["status"] == "paid"
    taken = sum(
        p["amount_fen"] - sum(r["amount_fen"] for r in g.all("refunds") if r["state"] != "closed")
        for g in counter.gateways.values()
        for p in g.all("payments")
    )
    assert taken == FEE_FEN


@BOTH
async def test_what_is_paid_after_its_end_goes_back(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    payment_no = await payer.begun(bill_no, channel)
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set status = 'expired'")
    await payer.confirm(payment_no, channel)
    await counter.until_refunded(payment_no)
    assert (
        await counter.value("select flag from payments where payment_no = $1", payment_no)
        == "paid_after_end"
    )
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["status"] == "unpaid"


async def test_gateway_messages_are_taken_at_the_one_address_too(counter: Counter) -> None:
    answer = await counter.client.post(
        "/v1/notices/alipay",
        content=b"msg_method=alipay.open.mini.message&sign=x",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 401
    assert answer.json()["code"] == "notice_unproven"
