"""What is owed: raised once, cancelled when nothing is owed any more, seen by its owner."""

from __future__ import annotations

import asyncio
from typing import Any

from api.cases.decide_move import Move
from api.cases.schemas import FeeDue
from api.kinds import new_id
from api.payments.reactions import bill_case
from tests.cases.builders import add_submitted
from tests.payments.conftest import FEE_FEN, Counter


async def test_a_case_that_waits_for_its_fee_has_one_bill(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    bill = (await payer.get(f"/v1/bills/{bill_no}")).json()
    assert len(bill_no) == 20
    assert bill_no.isdigit()
    assert (bill["status"], bill["amount_fen"], bill["basis"]) == ("unpaid", FEE_FEN, "收费依据")
    progress = (await payer.get(f"/v1/cases/{bill['case_no']}/progress")).json()
    assert progress["payment"] == {"bill_no": bill_no, "status": "unpaid", "amount_fen": FEE_FEN}


async def test_the_same_fact_told_at_once_and_again_raises_one_bill(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    case_no = await counter.value("select case_no from bills where bill_no = $1", bill_no)
    fact = await counter.moved(case_no, Move(event_type="payment_requested", actor="clerk:test"))
    await asyncio.gather(*(bill_case(counter.database)(fact) for _ in range(8)))
    bills = await counter.rows("select bill_no from bills where case_no = $1", case_no)
    assert [bill["bill_no"] for bill in bills] == [bill_no]


async def test_another_amount_voids_the_first_bill(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    first = await payer.owing()
    case_no = await counter.value("select case_no from bills where bill_no = $1", first)
    other = Move(event_type="payment_requested", actor="clerk:test", fee=FeeDue(3000))
    await counter.moved(case_no, other)
    bills = (await payer.get("/v1/bills")).json()["items"]
    assert [(b["status"], b["amount_fen"]) for b in bills] == [
        ("unpaid", 3000),
        ("cancelled", FEE_FEN),
    ]
    assert (await payer.begin(first)).json()["code"] == "bill_not_payable"


async def test_a_withdrawn_case_owes_nothing(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    case_no = await counter.value("select case_no from bills where bill_no = $1", bill_no)
    await counter.moved(case_no, Move(event_type="withdrawn", actor="citizen:test"))
    answer = await payer.get("/v1/bills?status=unpaid")
    assert answer.json()["items"] == []


async def test_a_foreign_bill_is_like_a_missing_one(counter: Counter) -> None:
    payer, stranger = await counter.citizen("wechat"), await counter.citizen("wechat")
    bill_no = await payer.owing()
    foreign = await stranger.get(f"/v1/bills/{bill_no}")
    missing = await stranger.get("/v1/bills/10000000000000000000")
    assert foreign.status_code == missing.status_code == 404
    assert foreign.json()["detail"] == missing.json()["detail"]
    assert (await stranger.begin(bill_no)).status_code == 404


async def test_a_department_bills_a_case_once_per_reference(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    async with counter.database.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=payer.citizen_id)
    body: dict[str, Any] = {"reference": new_id(), "case_no": case_no, "amount_fen": 500}
    body |= {"basis": "条例第三条", "standard": "每件5元"}
    first = await counter.partner.call(counter.client, "POST", "/v1/platform/bills", body)
    again = await counter.partner.call(counter.client, "POST", "/v1/platform/bills", body)
    assert first.status_code == again.status_code == 201, first.text
    assert first.json() == again.json()
    other = await counter.partner.call(
        counter.client, "POST", "/v1/platform/bills", {**body, "amount_fen": 501}
    )
    assert other.status_code == 422
    [bill] = (await payer.get("/v1/bills")).json()["items"]
    assert (bill["standard"], bill["amount_fen"]) == ("每件5元", 500)
