"""The money desk: what went wrong arrives at a cashier, and is settled once."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Any, get_args

import httpx
import pytest
from msgspec import Struct

from adapters.contract import RefundOrder
from api import ledger
from api.clerks.make_clerk import make_clerk
from api.clerks.schemas import NewClerkBody, Role
from api.errors import ValidationFailed
from api.kinds import new_id
from api.payments.desk.count_waiting import WaitingMeasure
from api.payments.desk.words import ACTIONS, KINDS, Action, Kind
from api.payments.states import FLAGS
from tests.clerks.builders import clerk_named, headers_of
from tests.payments.conftest import FEE_FEN, Counter, Payer, until
from tests.payments.test_refunds import ask_back, paid

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


class Cashier(Struct, frozen=True):
    """Somebody at the desk."""

    client: httpx.AsyncClient
    headers: dict[str, str]

    async def waiting(self, query: str = "", **headers: str) -> list[dict[str, Any]]:
        answer = await self.client.get(
            f"/v1/clerk/payments{query}", headers={**self.headers, **headers}
        )
        assert answer.status_code == 200, answer.text
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    async def story(self, payment_no: str) -> Any:
        answer = await self.client.get(f"/v1/clerk/payments/{payment_no}", headers=self.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def settle(
        self, payment_no: str, matter: str, action: str, **said: Any
    ) -> httpx.Response:
        body = {"matter": matter, "action": action, "note": "已核对", **said}
        path = f"/v1/clerk/payments/{payment_no}/resolution"
        return await self.client.post(path, json=body, headers=self.headers)


async def cashier_of(counter: Counter, *roles: Role, **rights: list[str]) -> Cashier:
    user = f"cashier{secrets.token_hex(4)}"
    clerk = await clerk_named(counter.service.settings, user, *(roles or ("cashier",)), **rights)
    return Cashier(counter.client, await headers_of(counter.client, clerk))


@pytest.fixture
async def cashier(counter: Counter) -> Cashier:
    return await cashier_of(counter)


def refunds_end(counter: Counter, result: str) -> None:
    """How WeChat's refunds end from now on."""
    policy = {"refund_seconds": 0, "refund_result": result}
    counter.gateways["wechat"].control("PUT", "/policy", policy)


async def failed_refund(
    counter: Counter, payer: Payer, channel: str, amount_fen: int = FEE_FEN, result: str = "closed"
) -> tuple[str, str]:
    """A payment whose refund the channel could not make; its number and the refund's."""
    payment_no = await paid(counter, payer, channel)
    if channel == "wechat":
        refunds_end(counter, result)
    else:
        counter.gateways["alipay"].faults(
            code="ACQ.TRADE_STATUS_ERROR", only="refunds.order", times=1
        )
    assert (await ask_back(counter, payment_no, amount_fen, FEE_FEN)).status_code == 201

    async def failed() -> bool:
        await counter.refund_due()
        return bool(
            await counter.value(
                "select refund_no from refunds where payment_no = $1 and status = 'failed'",
                payment_no,
            )
        )

    await until(failed)
    refund_no = await counter.value("select refund_no from refunds where status = 'failed'")
    if channel == "wechat":
        refunds_end(counter, "succeeded")
    else:
        counter.gateways["alipay"].clear_faults()
    return payment_no, refund_no


OF_TIME = ("long_unknown", "refund_late", "refunded_twice")


def test_every_flag_and_every_action_has_its_words() -> None:
    assert set(KINDS) == set(get_args(Kind)) == {*FLAGS, *OF_TIME}
    assert set(ACTIONS) == set(get_args(Action))
    assert {action for matter in KINDS.values() for action in matter.actions} <= set(ACTIONS)
    assert all(matter.english.isascii() for matter in KINDS.values())


@pytest.mark.parametrize("result", ["closed", "abnormal"])
async def test_a_refund_that_wechat_cannot_make_arrives_at_the_desk(
    counter: Counter, cashier: Cashier, result: str
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(counter, payer, "wechat", result=result)
    [line] = await cashier.waiting()
    assert (line["payment_no"], line["channel"], line["paid_fen"]) == (
        payment_no,
        "wechat",
        FEE_FEN,
    )
    matter = line["matter"]
    assert (matter["kind"], matter["refund_no"], matter["amount_fen"]) == (
        "refund_failed",
        refund_no,
        FEE_FEN,
    )
    assert [a["action"] for a in matter["actions"]] == ["refund_again", "settled_outside"]
    assert "退" in matter["words"]
    [english] = await cashier.waiting("?flag=refund_failed", **{"Accept-Language": "en"})
    assert english["matter"]["words"].isascii()
    assert await cashier.waiting("?flag=wrong_amount") == []
    assert await cashier.waiting("?status=refunded") == []


async def test_a_refund_that_alipay_refuses_arrives_and_is_asked_again_under_its_number(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("alipay")
    payment_no, refund_no = await failed_refund(counter, payer, "alipay")
    [line] = await cashier.waiting()
    answer = await cashier.settle(payment_no, line["matter"]["matter"], "refund_again")
    assert answer.status_code == 200, answer.text
    await counter.until_refunded(payment_no)
    [back] = counter.gateways["alipay"].all("refunds")
    assert (back["refund_no"], back["amount_fen"]) == (refund_no, FEE_FEN)
    assert await cashier.waiting() == []


async def test_a_refund_closed_for_good_is_asked_for_under_a_new_number(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(counter, payer, "wechat")
    answer = await cashier.settle(payment_no, refund_no, "refund_again")
    assert answer.status_code == 200, answer.text
    [done] = answer.json()["resolutions"]
    assert done["action"] == "refund_again"
    assert done["new_refund_no"] not in (None, refund_no)
    await counter.until_refunded(payment_no)
    states = {r["refund_no"]: r["state"] for r in counter.gateways["wechat"].all("refunds")}
    assert states == {refund_no: "closed", done["new_refund_no"]: "succeeded"}
    assert await cashier.waiting() == []
    async with counter.database.connection() as connection:
        assert await ledger.compare_projection(connection) == []
    story = await cashier.story(payment_no)
    assert [r["status"] for r in story["refunds"]] == ["failed", "succeeded"]
    assert any(t["actor"].startswith("clerk:") for t in story["trail"])
    assert story["notices"]
    assert payer.citizen_id not in str({k: v for k, v in story.items() if k != "trail"})


async def test_a_refund_that_fails_again_waits_again(counter: Counter, cashier: Cashier) -> None:
    payer = await counter.citizen("alipay")
    payment_no, refund_no = await failed_refund(counter, payer, "alipay")
    gateway = counter.gateways["alipay"]
    gateway.faults(code="ACQ.TRADE_STATUS_ERROR", only="refunds.order", times=1)
    await cashier.settle(payment_no, refund_no, "refund_again")

    async def waits() -> bool:
        await counter.refund_due()
        return bool(await cashier.waiting())

    await until(waits)
    [line] = await cashier.waiting()
    assert line["matter"]["matter"] == f"{refund_no}/2"
    gateway.clear_faults()
    answer = await cashier.settle(payment_no, f"{refund_no}/2", "refund_again")
    assert answer.status_code == 200, answer.text
    await counter.until_refunded(payment_no)
    assert [r["amount_fen"] for r in gateway.all("refunds")] == [FEE_FEN]


async def test_an_abnormal_refund_is_never_asked_for_under_another_number(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(counter, payer, "wechat", result="abnormal")
    answer = await cashier.settle(payment_no, refund_no, "refund_again")
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_abnormal")
    assert await counter.value("select count(*) from refunds") == 1
    assert len(await cashier.waiting()) == 1


async def test_a_refund_that_arrived_after_all_is_counted_and_nothing_else_is_done(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("alipay")
    payment_no, refund_no = await failed_refund(counter, payer, "alipay")
    # It goes through under our number, and no notice of it comes.
    gateway = counter.gateways["alipay"]
    gateway.faults(mute=True)
    await counter.till.payments("alipay").refund(
        RefundOrder(refund_no, payment_no, FEE_FEN, FEE_FEN, "不予许可，退费")
    )
    answer = await cashier.settle(payment_no, refund_no, "settled_outside", reference="B-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "refund_arrived"), answer.text
    assert [r["amount_fen"] for r in gateway.all("refunds")] == [FEE_FEN]
    assert await counter.status(payment_no) == "refunded"
    assert await cashier.waiting() == []


async def test_money_handed_back_another_way_is_counted_once_everywhere(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(counter, payer, "wechat", result="abnormal")
    without = await cashier.settle(payment_no, refund_no, "settled_outside")
    assert (without.status_code, without.json()["errors"][0]["field"]) == (400, "reference")
    answer = await cashier.settle(payment_no, refund_no, "settled_outside", reference="B-2026-17")
    assert answer.status_code == 200, answer.text
    seen = await payer.read(payment_no)
    assert (seen["status"], seen["refunded_fen"]) == ("refunded", FEE_FEN)
    [bill] = (await payer.get("/v1/bills")).json()["items"]
    assert bill["status"] == "refunded"
    again = await ask_back(counter, payment_no, 1, 1)
    assert again.json()["code"] == "not_refundable"
    async with counter.database.connection() as connection:
        merchant = await connection.fetchval("select merchant_id from payments")
        bank = ledger.Account("bank", f"wechat/{merchant}")
        balance = await ledger.balance_of_subject(connection, bank, bill["bill_no"])
        assert balance == -FEE_FEN
        assert await ledger.sum_everything(connection) in (0, None)
        assert await ledger.compare_projection(connection) == []
    told = await counter.value(
        "select count(*) from refunds where by_hand and succeeded_at is not null"
    )
    assert told == 1


async def test_a_part_that_arrives_beside_the_hand_is_seen(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(
        counter, payer, "wechat", amount_fen=500, result="abnormal"
    )
    answer = await cashier.settle(payment_no, refund_no, "settled_outside", reference="B-3")
    assert answer.status_code == 200, answer.text
    assert (await payer.read(payment_no))["status"] == "partially_refunded"
    # The department's people had also mended it in the channel's console.
    async with counter.database.transaction() as connection:
        await connection.execute(
            "update refunds set status = 'succeeded', succeeded_at = now() where refund_no = $1",
            refund_no,
        )
    [line] = await cashier.waiting()
    assert line["matter"]["kind"] == "refunded_twice"
    seen = await cashier.settle(payment_no, line["matter"]["matter"], "seen")
    assert seen.status_code == 200, seen.text
    assert await cashier.waiting() == []


@BOTH
async def test_of_two_cashiers_at_once_one_settles(counter: Counter, channel: str) -> None:
    payer = await counter.citizen()
    payment_no, refund_no = await failed_refund(counter, payer, channel)
    desk = [await cashier_of(counter) for _ in range(4)]
    answers = await asyncio.gather(
        *(
            each.settle(payment_no, refund_no, "refund_again")
            if number % 2
            else each.settle(payment_no, refund_no, "settled_outside", reference=f"B-{number}")
            for number, each in enumerate(desk)
        )
    )
    assert sorted(a.status_code for a in answers) == [200, 409, 409, 409], [a.text for a in answers]
    refused = {a.json()["code"] for a in answers if a.status_code == 409}
    assert refused == {"nothing_waiting"}
    await counter.until_refunded(payment_no)
    back = await counter.value(
        "select sum(amount_fen) from refunds where status = 'succeeded' and payment_no = $1",
        payment_no,
    )
    assert back == FEE_FEN


async def test_a_second_payment_waits_until_somebody_has_seen_it(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen()
    bill_no = await payer.owing()
    first, second = await payer.begun(bill_no, "wechat"), await payer.begun(bill_no, "alipay")
    await asyncio.gather(payer.confirm(first, "wechat"), payer.confirm(second, "alipay"))

    async def waits() -> bool:
        return bool(await cashier.waiting())

    await until(waits)
    [line] = await cashier.waiting()
    assert line["matter"]["kind"] == "second_payment"
    unfit = await cashier.settle(line["payment_no"], "second_payment", "refund_again")
    assert (unfit.status_code, unfit.json()["code"]) == (409, "action_unfit")
    assert (await cashier.settle(line["payment_no"], "second_payment", "seen")).status_code == 200
    twice = await cashier.settle(line["payment_no"], "second_payment", "seen")
    assert (twice.status_code, twice.json()["code"]) == (409, "nothing_waiting")
    assert await cashier.waiting() == []


async def test_what_is_unknown_for_a_day_waits(counter: Counter, cashier: Cashier) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set status = 'unknown', query_at = null")
    assert await cashier.waiting() == []
    async with counter.database.transaction() as connection:
        await connection.execute(
            "update payments set created_at = now() - $1::interval", timedelta(days=1, minutes=1)
        )
    [line] = await cashier.waiting("?status=unknown")
    assert (line["payment_no"], line["matter"]["kind"]) == (payment_no, "long_unknown")


async def test_a_refund_that_wants_money_for_a_day_waits(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("alipay")
    payment_no = await paid(counter, payer, "alipay")
    counter.gateways["alipay"].faults(code="ACQ.SELLER_BALANCE_NOT_ENOUGH", only="refunds.order")
    assert (await ask_back(counter, payment_no, FEE_FEN, FEE_FEN)).status_code == 201
    await counter.refund_due()
    assert await cashier.waiting() == []
    async with counter.database.transaction() as connection:
        await connection.execute("update refunds set created_at = now() - interval '25 hours'")
    [line] = await cashier.waiting()
    assert (line["payment_no"], line["matter"]["kind"]) == (payment_no, "refund_late")
    counter.gateways["alipay"].clear_faults()
    await counter.refund_due()
    assert await cashier.waiting() == []


async def test_the_desk_is_for_cashiers_and_for_what_is_theirs(
    counter: Counter, cashier: Cashier
) -> None:
    payer = await counter.citizen("wechat")
    payment_no, refund_no = await failed_refund(counter, payer, "wechat")
    for other in ("handler", "supervisor", "auditor", "administrator"):
        clerk = await cashier_of(counter, other)
        for answer in (
            await clerk.client.get("/v1/clerk/payments", headers=clerk.headers),
            await clerk.client.get(f"/v1/clerk/payments/{payment_no}", headers=clerk.headers),
            await clerk.settle(payment_no, refund_no, "refund_again"),
        ):
            assert answer.status_code == 403, (other, answer.text)
    elsewhere = await cashier_of(counter, region_prefixes=["11"])
    assert await elsewhere.waiting() == []
    foreign = await elsewhere.settle(payment_no, refund_no, "refund_again")
    missing = await elsewhere.settle(new_id(), refund_no, "refund_again")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    path = f"/v1/clerk/payments/{payment_no}"
    assert (await counter.client.get(path, headers=elsewhere.headers)).status_code == 404
    assert (await counter.client.get(path)).status_code == 401


async def test_a_cashier_has_no_other_role(counter: Counter) -> None:
    body = NewClerkBody(
        "mixed.up", "测试员", "a clerk's passphrase for tests", ["cashier", "handler"], [""], [""]
    )
    with pytest.raises(ValidationFailed):
        await make_clerk(counter.database, counter.till.vault, body, actor="operator:test")


async def test_pages_of_the_desk_go_on(counter: Counter, cashier: Cashier) -> None:
    payer = await counter.citizen("wechat")
    for _ in range(3):
        await payer.begun(await payer.owing())
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set flag = 'wrong_amount'")
    seen: list[str] = []
    cursor = ""
    while True:
        path = f"/v1/clerk/payments?limit=1{cursor}"
        page = (await cashier.client.get(path, headers=cashier.headers)).json()
        seen += [item["payment_no"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == len(set(seen)) == 3


async def test_what_waits_is_counted_in_the_metrics(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await payer.begun(await payer.owing())
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set flag = 'wrong_amount'")
    await WaitingMeasure()(counter.database)
    text = (await counter.client.get("/metrics")).text
    assert 'zhangban_money_waiting{kind="wrong_amount"} 1.0' in text
    assert 'zhangban_money_waiting{kind="refund_failed"} 0.0' in text
