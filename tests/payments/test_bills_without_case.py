"""Bills that stand on no case: by letter, by identity number, by oneself; and taken back.

The catalogue's demonstration has an item that is only paid. Identity numbers are test data:
area 999000 is nobody's.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.cases.reactions import know_bill, move_when_paid
from api.facts import BillRaised, CitizensMerged, PaymentSettled
from api.kinds import new_id
from api.payments.bills.bill_services import OWN_BILLS_MOST
from api.payments.reactions import move_money
from api.platforms.tell_platforms import tell_of_payment
from api.settings import Settings
from tests.cases.builders import add_submitted
from tests.cases.intake.builders import NUMBER, TIANHE
from tests.payments.conftest import Counter, Payer
from tests.platforms.builders import Partner, new_partner

FINE = "440202005000"
LOST_CARD = "440701003000"
BASIS = "中华人民共和国道路交通安全法"


@pytest.fixture
def make_settings(
    make_settings: Callable[..., Settings], town_url: str, town_files: Path
) -> Callable[..., Settings]:
    """The counter stands in the town, where there are items to be paid."""
    town = {"database_url": town_url, "files_url": f"file://{town_files}"}
    return lambda **changed: make_settings(**{**town, **changed})


@pytest.fixture
async def counter(counter: Counter) -> Counter:
    """Nobody in the town has the number that tests use, nor tries left from another test."""
    async with counter.database.transaction() as connection:
        await connection.execute("update citizens set id_number_index = null")
    await counter.service.litestar.state.cache.empty()
    return counter


async def fine_of(counter: Counter) -> str:
    answer = await counter.client.get(f"/v1/services/{FINE}/at/{TIANHE}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["service_code"])


async def bill(counter: Counter, partner: Partner | None = None, **said: Any) -> httpx.Response:
    body = {"reference": new_id(), "amount_fen": 20000, "standard": "罚款200元", **said}
    if "service_code" not in body and "case_no" not in body:
        body["service_code"] = await fine_of(counter)
    who = partner or counter.partner
    return await who.call(counter.client, "POST", "/v1/platform/bills", body)


async def billed(counter: Counter, **said: Any) -> str:
    answer = await bill(counter, **said)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["bill_no"])


async def identify(counter: Counter, payer: Payer, number: str = NUMBER) -> None:
    """As after a real-name check."""
    async with counter.database.transaction() as connection:
        await connection.execute(
            "update citizens set id_number_index = $2, assurance_level = 'face'"
            " where citizen_id = $1",
            payer.citizen_id,
            counter.till.vault.index(number, purpose="id_number"),
        )


async def pay(counter: Counter, payer: Payer, bill_no: str) -> str:
    payment_no = await payer.begun(bill_no)
    await payer.confirm(payment_no)
    await counter.becomes(payment_no, "succeeded")
    return payment_no


async def test_a_fine_told_by_identity_number_is_found_and_paid(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await identify(counter, payer)
    bill_no = await billed(counter, id_number=NUMBER)
    [seen] = (await payer.get("/v1/bills")).json()["items"]
    assert (seen["bill_no"], seen["case_no"], seen["basis"]) == (bill_no, None, BASIS)
    assert (seen["amount_fen"], seen["standard"], seen["overdue"]) == (20000, "罚款200元", False)
    payment_no = await pay(counter, payer, bill_no)
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["status"] == "paid"
    shown = await counter.partner.call(counter.client, "GET", f"/v1/platform/payments/{payment_no}")
    assert (shown.status_code, shown.json()["case_no"]) == (200, None)


async def test_the_identity_number_is_kept_nowhere(counter: Counter) -> None:
    await billed(counter, id_number=NUMBER)
    for table in ("bills", "audit_entries", "idempotency_keys", "bill_claims"):
        rows = await counter.rows(f"select to_jsonb(t)::text as row from {table} t")
        assert [row for row in rows if NUMBER in row["row"]] == []


async def test_whether_somebody_is_known_is_not_told(counter: Counter) -> None:
    unknown = (await bill(counter, id_number=NUMBER)).json()
    await identify(counter, await counter.citizen("wechat"))
    known = (await bill(counter, id_number=NUMBER)).json()
    assert unknown.keys() == known.keys()
    varying = {"bill_no", "created_at"}
    assert {k: v for k, v in known.items() if k not in varying} == {
        k: v for k, v in unknown.items() if k not in varying
    }


async def test_the_holder_of_the_letter_pays_by_its_code(counter: Counter) -> None:
    bill_no = await billed(counter)
    payer = await counter.citizen("wechat")
    assert (await payer.begin(bill_no)).status_code == 404
    claimed = await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    assert claimed.status_code == 200, claimed.text
    assert claimed.json()["service_name"] == "道路交通违法罚款缴纳"
    assert (await payer.post("/v1/bills/claims", {"bill_no": bill_no})).json() == claimed.json()
    await pay(counter, payer, bill_no)
    [seen] = (await payer.get("/v1/bills")).json()["items"]
    assert (seen["bill_no"], seen["status"]) == (bill_no, "paid")


async def test_a_relative_pays_for_somebody_else_and_both_see_it_paid(counter: Counter) -> None:
    owner, relative = await counter.citizen("wechat"), await counter.citizen("wechat")
    await identify(counter, owner)
    bill_no = await billed(counter, id_number=NUMBER)
    claimed = await relative.post("/v1/bills/claims", {"bill_no": bill_no})
    assert owner.citizen_id not in claimed.text
    payment_no = await pay(counter, relative, bill_no)
    assert (await owner.get(f"/v1/bills/{bill_no}")).json()["status"] == "paid"
    assert (await owner.get(f"/v1/payments/{payment_no}")).status_code == 404
    owned = await counter.value("select citizen_id from bills where bill_no = $1", bill_no)
    assert owned == owner.citizen_id


async def test_two_who_hold_the_letter_pay_once(counter: Counter) -> None:
    bill_no = await billed(counter)
    payers = [await counter.citizen("wechat"), await counter.citizen("alipay")]
    for payer in payers:
        await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    first = await payers[0].begun(bill_no, "wechat")
    second = await payers[1].begun(bill_no, "alipay")
    await payers[0].confirm(first, "wechat")
    await counter.becomes(first, "succeeded")
    await counter.chase()
    assert await counter.status(second) in ("cancelled", "expired")


async def test_codes_are_not_guessed(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    said = set()
    for _ in range(20):
        guess = str(10**19 + secrets.randbelow(9 * 10**19))
        answer = await payer.post("/v1/bills/claims", {"bill_no": guess})
        said.add((answer.status_code, answer.json()["detail"]))
    assert said == {(404, "没有这张缴款单。")}
    # The right code is no exception: nobody learns from the answer which one it was.
    refused = await payer.post("/v1/bills/claims", {"bill_no": await billed(counter)})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) > 0


async def test_the_bill_of_somebodys_case_is_not_had_by_its_code(counter: Counter) -> None:
    owner, stranger = await counter.citizen("wechat"), await counter.citizen("wechat")
    bill_no = await owner.owing()
    foreign = await stranger.post("/v1/bills/claims", {"bill_no": bill_no})
    missing = await stranger.post("/v1/bills/claims", {"bill_no": "1" * 20})
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert (await owner.post("/v1/bills/claims", {"bill_no": bill_no})).status_code == 200


async def test_one_person_keeps_what_both_had_claimed(counter: Counter) -> None:
    kept, gone = await counter.citizen("wechat"), await counter.citizen("alipay")
    both, one = await billed(counter), await billed(counter)
    for who, bill_no in ((kept, both), (gone, both), (gone, one)):
        await who.post("/v1/bills/claims", {"bill_no": bill_no})
    await move_money(counter.database)(CitizensMerged(kept=kept.citizen_id, gone=gone.citizen_id))
    seen = {b["bill_no"] for b in (await kept.get("/v1/bills")).json()["items"]}
    assert seen == {both, one}
    assert (await gone.get("/v1/bills")).json()["items"] == []


async def test_a_bill_is_for_a_case_or_for_an_item(counter: Counter) -> None:
    code = await fine_of(counter)
    payer = await counter.citizen("wechat")
    async with counter.database.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=payer.citizen_id)
    for wrong in (
        {"service_code": code, "case_no": case_no},
        {"case_no": case_no, "id_number": NUMBER},
        {"service_code": code, "id_number": "999000199001010014"},
        {"service_code": code, "due_on": "2020-01-01"},
        {"service_code": None},
    ):
        assert (await bill(counter, **wrong)).status_code == 400, wrong
    assert (await bill(counter, service_code="9" * 31)).status_code == 404


async def test_a_platform_bills_only_items_of_its_rights(counter: Counter) -> None:
    settings = counter.service.settings
    other = await new_partner(settings, services=["99"], name=f"partner-{secrets.token_hex(6)}")
    code = await fine_of(counter)
    assert (await bill(counter, other, service_code=code)).status_code == 404


async def test_the_same_reference_is_the_same_bill(counter: Counter) -> None:
    reference = new_id()
    answers = await asyncio.gather(*(bill(counter, reference=reference) for _ in range(6)))
    assert {a.status_code for a in answers} == {201}, [a.text for a in answers]
    assert len({a.json()["bill_no"] for a in answers}) == 1
    other = await bill(counter, reference=reference, amount_fen=1)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_paid_without_a_case_moves_no_case_and_is_told_to_platforms(
    counter: Counter,
) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await billed(counter)
    await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    payment_no = await pay(counter, payer, bill_no)
    settled = PaymentSettled(payment_no=payment_no, bill_no=bill_no, case_no=None)
    cache = counter.service.litestar.state.cache
    before = await counter.value("select count(*) from case_events")
    await know_bill(counter.database, cache)(BillRaised(bill_no=bill_no, case_no=None))
    await move_when_paid(counter.database, cache)(settled)
    assert await counter.value("select count(*) from case_events") == before
    async with counter.database.transaction() as connection:
        await connection.execute(
            "insert into webhooks (webhook_id, platform_id, url, events, secret_sealed)"
            " select $1, platform_id, 'https://partner.example.gov.cn/', '{payment.succeeded}',"
            " '\\x00' from platform_keys where key_id = $2",
            new_id(),
            counter.partner.key.key_id,
        )
    await tell_of_payment(counter.database, settled)
    told = await counter.value(
        "select convert_from(body, 'utf8')::json -> 'data' ->> 'bill_no' from webhook_deliveries"
        " where subject = $1",
        f"payment.succeeded:{payment_no}",
    )
    assert told == bill_no


async def own(counter: Counter, payer: Payer, form: Any, key: str | None = None) -> httpx.Response:
    body = {"service_code": await fine_of(counter), "form": form}
    return await payer.post("/v1/bills", body, key=key or new_id())


@pytest.mark.parametrize(
    ("violation", "amount_fen"), [("red_light", 20000), ("parking", 15000), ("seat_belt", 5000)]
)
async def test_the_fee_of_an_item_that_is_only_paid_follows_the_answers(
    counter: Counter, violation: str, amount_fen: int
) -> None:
    payer = await counter.citizen("wechat")
    answer = await own(counter, payer, {"violation": violation})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"/v1/bills/{made['bill_no']}"
    assert (made["amount_fen"], made["basis"], made["case_no"]) == (amount_fen, BASIS, None)
    assert f"罚款{amount_fen // 100}元" in made["standard"]
    await pay(counter, payer, made["bill_no"])
    [seen] = (await payer.get("/v1/bills")).json()["items"]
    assert seen["status"] == "paid"


async def test_the_same_key_makes_one_bill(counter: Counter) -> None:
    payer, key = await counter.citizen("wechat"), new_id()
    answers = await asyncio.gather(
        *(own(counter, payer, {"violation": "parking"}, key) for _ in range(6))
    )
    assert len({a.content for a in answers}) == 1, [a.text for a in answers]
    assert len((await payer.get("/v1/bills")).json()["items"]) == 1
    without = await payer.post(
        "/v1/bills", {"service_code": await fine_of(counter), "form": {"violation": "parking"}}
    )
    assert without.json()["code"] == "idempotency_key_missing"


async def test_wrong_answers_are_told_by_name(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    for form, code in (
        ({}, "missing"),
        ({"violation": "speeding"}, "unknown_value"),
        ({"violation": True}, "unknown_value"),
        ({"violation": "parking", "amount_fen": 1}, "unknown_field"),
    ):
        answer = await own(counter, payer, form)
        assert answer.status_code == 400, form
        assert [e["code"] for e in answer.json()["errors"]] == [code]


async def test_what_must_be_applied_for_is_not_paid_alone_and_the_other_way_round(
    counter: Counter,
) -> None:
    payer = await counter.citizen("wechat")
    card = (await counter.client.get(f"/v1/services/{LOST_CARD}/at/{TIANHE}")).json()
    answer = await payer.post("/v1/bills", {"service_code": card["service_code"]}, key=new_id())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_paid_alone")
    applied = await payer.apply(await fine_of(counter), {"violation": "parking"})
    assert (applied.status_code, applied.json()["code"]) == (409, "not_online")
    missing = await payer.post("/v1/bills", {"service_code": "9" * 31}, key=new_id())
    assert missing.status_code == 404


async def test_nobody_makes_bills_without_end(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    for _ in range(OWN_BILLS_MOST - 2):
        assert (await own(counter, payer, {"violation": "parking"})).status_code == 201
    made = await asyncio.gather(*(own(counter, payer, {"violation": "parking"}) for _ in range(4)))
    assert sorted(a.status_code for a in made) == [201, 201, 409, 409]
    bill_no = next(a.json()["bill_no"] for a in made if a.status_code == 201)
    path = f"/v1/bills/{bill_no}/cancellation"
    cancelled = await payer.post(path, {"reason": "填错了"})
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert (await payer.post(path, {"reason": "填错了"})).json() == cancelled.json()
    assert (await own(counter, payer, {"violation": "parking"})).status_code == 201


async def test_nobody_takes_back_what_somebody_else_raised(counter: Counter) -> None:
    payer, stranger = await counter.citizen("wechat"), await counter.citizen("wechat")
    await identify(counter, payer)
    fined = await billed(counter, id_number=NUMBER)
    mine = (await own(counter, payer, {"violation": "parking"})).json()["bill_no"]
    reason = {"reason": "不想缴"}
    assert (await payer.post(f"/v1/bills/{fined}/cancellation", reason)).status_code == 404
    assert (await stranger.post(f"/v1/bills/{mine}/cancellation", reason)).status_code == 404
    name = f"partner-{secrets.token_hex(6)}"
    colleague = await new_partner(counter.service.settings, name=name)
    stranger_to_it = await new_partner(
        counter.service.settings, services=["99"], name=f"{name}-other"
    )
    path = f"/v1/platform/bills/{fined}/cancellation"
    said = await colleague.call(counter.client, "POST", path, reason)
    assert said.status_code == 403
    assert (await stranger_to_it.call(counter.client, "POST", path, reason)).status_code == 404


async def test_a_bill_taken_back_is_closed_at_the_channel(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await billed(counter)
    await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    payment_no = await payer.begun(bill_no)
    path = f"/v1/platform/bills/{bill_no}/cancellation"
    reason = {"reason": "处罚决定已撤销"}
    cancelled = await counter.partner.call(counter.client, "POST", path, reason)
    assert cancelled.status_code == 200, cancelled.text
    assert (cancelled.json()["status"], cancelled.json()["cancel_reason"]) == (
        "cancelled",
        "处罚决定已撤销",
    )
    again = await counter.partner.call(counter.client, "POST", path, reason)
    assert again.json() == cancelled.json()
    await counter.chase(everything=False)
    assert await counter.status(payment_no) in ("cancelled", "expired")
    shown = await counter.partner.call(counter.client, "GET", f"/v1/platform/bills/{bill_no}")
    assert shown.json() == cancelled.json()
    assert (await payer.begin(bill_no)).json()["code"] == "bill_not_payable"


async def test_money_that_comes_for_a_bill_taken_back_goes_back(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await billed(counter)
    await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    payment_no = await payer.begun(bill_no)
    path = f"/v1/platform/bills/{bill_no}/cancellation"
    await counter.partner.call(counter.client, "POST", path, {"reason": "重复开具"})
    await payer.confirm(payment_no)
    await counter.until_refunded(payment_no)
    [back] = counter.gateways["wechat"].all("refunds")
    assert back["amount_fen"] == 20000
    shown = await counter.partner.call(counter.client, "GET", f"/v1/platform/bills/{bill_no}")
    assert shown.json()["status"] == "cancelled"


async def test_a_paid_bill_is_not_taken_back(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await billed(counter)
    await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    await pay(counter, payer, bill_no)
    path = f"/v1/platform/bills/{bill_no}/cancellation"
    answer = await counter.partner.call(counter.client, "POST", path, {"reason": "错了"})
    assert (answer.status_code, answer.json()["code"]) == (409, "bill_not_cancellable")


async def test_an_overdue_bill_says_so_and_can_be_paid(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await billed(counter)
    await payer.post("/v1/bills/claims", {"bill_no": bill_no})
    async with counter.database.transaction() as connection:
        await connection.execute(
            "update bills set due_on = (now() at time zone 'Asia/Shanghai')::date - 1"
        )
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["overdue"] is True
    await pay(counter, payer, bill_no)
    assert (await payer.get(f"/v1/bills/{bill_no}")).json()["overdue"] is False
