"""Somebody pays in an app, holds a receipt, and others can see that it is genuine."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import httpx
import pytest
from pypdf import PdfReader

from api.facts import CitizensMerged
from api.fiscal.draw_receipt import DISCLAIMER
from api.kinds import new_id
from api.payments import move_money
from tests.payments.conftest import FEE_FEN, Counter, Payer, until
from tests.payments.test_refunds import ask_back, paid
from tests.worker import working

NAME = "测试甲"


async def named(counter: Counter, *channels: str) -> Payer:
    """Somebody whose name was verified."""
    payer = await counter.citizen(*channels)
    sealed = counter.till.vault.seal(
        NAME, table="citizens", column="name_sealed", row=payer.citizen_id
    )
    async with counter.database.transaction() as connection:
        await connection.execute(
            "update citizens set name_sealed = $2, assurance_level = 'verified'"
            " where citizen_id = $1",
            *(payer.citizen_id, sealed),
        )
    return payer


async def has_receipts(counter: Counter, payment_no: str, number: int) -> None:
    """The worker has issued so many."""

    async def are_there() -> bool:
        await counter.refund_due()
        found = await counter.value(
            "select count(*) from receipts where payment_no = $1", payment_no
        )
        return bool(found == number)

    await until(are_there, 20)


async def issued(counter: Counter, payer: Payer, channel: str = "wechat") -> str:
    """The number of a payment that has its receipt."""
    payment_no = await paid(counter, payer, channel)
    async with working(counter.till.settings):
        await has_receipts(counter, payment_no, 1)
    return payment_no


async def read(payer: Payer, payment_no: str, **headers: str) -> httpx.Response:
    answer: httpx.Response = await payer.client.get(
        f"/v1/payments/{payment_no}/receipt", headers={**payer.headers, **headers}
    )
    return answer


def said(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    assert page.headers["content-type"] == "application/pdf"
    assert page.headers["cache-control"] == "private, no-cache"
    return "".join(page.extract_text() for page in PdfReader(BytesIO(page.content)).pages)


def genuine(counter: Counter, receipt: dict[str, Any], check: str | None = None) -> Any:
    path = f"/v1/receipts/{receipt['code']}/{receipt['number']}"
    return counter.client.get(path, params={"check": check or receipt["check"]})


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
async def test_who_paid_gets_a_receipt_and_red_letters_for_what_goes_back(
    counter: Counter, channel: str
) -> None:
    payer = await named(counter)
    payment_no = await paid(counter, payer, channel)
    early = await read(payer, payment_no)
    assert (early.status_code, early.json()["code"]) == (409, "receipt_not_ready")
    assert int(early.headers["retry-after"]) > 0
    async with working(counter.till.settings):
        await has_receipts(counter, payment_no, 1)
        blue = (await read(payer, payment_no)).json()
        assert (blue["payer"], blue["amount_fen"], blue["net_amount_fen"]) == (
            "测**",
            FEE_FEN,
            FEE_FEN,
        )
        assert (blue["amount_capitals"], blue["red_letters"]) == ("贰拾元整", [])
        assert (blue["payment_no"], blue["basis"]) == (payment_no, "收费依据")
        for seen, part in ((FEE_FEN, 500), (FEE_FEN - 500, FEE_FEN - 500)):
            assert (await ask_back(counter, payment_no, part, seen)).status_code == 201
            await has_receipts(counter, payment_no, 2 if part == 500 else 3)
    whole = (await read(payer, payment_no)).json()
    assert [red["amount_fen"] for red in whole["red_letters"]] == [-500, 500 - FEE_FEN]
    assert whole["net_amount_fen"] == 0
    [_, red] = whole["red_letters"]
    page = said(await payer.get(red["pdf_url"]))
    assert all(
        told in page
        for told in ("红字", red["number"], whole["number"], "负壹拾伍元整", NAME, red["refund_no"])
    )
    proven = (await genuine(counter, whole)).json()
    assert (proven["amount_fen"], proven["reversed_fen"]) == (FEE_FEN, FEE_FEN)
    assert (await genuine(counter, red)).json()["kind"] == "red_letter"


async def test_the_page_says_what_the_receipt_says(counter: Counter) -> None:
    payer = await named(counter, "wechat")
    payment_no = await issued(counter, payer)
    data = (await read(payer, payment_no)).json()
    negotiated = await read(payer, payment_no, Accept="application/pdf")
    plain = await payer.get(f"/v1/payments/{payment_no}/receipt.pdf")
    assert negotiated.content == plain.content
    assert negotiated.headers["vary"] == "Accept, Accept-Encoding"
    page = said(plain)
    for told in (
        *(data["title"], data["code"], data["number"], data["check"], NAME, data["bill_no"]),
        *(data["item_name"], data["department_name"], "贰拾元整", "¥20.00", "收费依据"),
        DISCLAIMER,
    ):
        assert told in page, told
    assert "红字" not in page
    unchanged = await payer.client.get(
        f"/v1/payments/{payment_no}/receipt.pdf",
        headers={**payer.headers, "If-None-Match": plain.headers["etag"]},
    )
    assert unchanged.status_code == 304


async def test_json_is_what_comes_where_anything_is_accepted(counter: Counter) -> None:
    payer = await named(counter, "wechat")
    payment_no = await issued(counter, payer)
    for accept in ("*/*", "application/json", "application/json, application/pdf;q=0.5"):
        answer = await read(payer, payment_no, Accept=accept)
        assert answer.headers["content-type"].startswith("application/json"), accept


async def test_what_was_not_paid_has_no_receipt(counter: Counter) -> None:
    payer = await named(counter, "wechat")
    payment_no = await payer.begun(await payer.owing())
    for path in ("receipt", "receipt.pdf"):
        answer = await payer.get(f"/v1/payments/{payment_no}/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "receipt_none"), path


async def test_a_second_payment_of_a_bill_has_no_receipt(counter: Counter) -> None:
    payer = await named(counter)
    bill_no = await payer.owing()
    first, second = [await payer.begun(bill_no, channel) for channel in ("wechat", "alipay")]
    await asyncio.gather(payer.confirm(first), payer.confirm(second, "alipay"))

    async def both_known() -> bool:
        await counter.chase()
        return bool(
            await counter.value("select count(*) = 2 from payments where paid_at is not null")
        )

    await until(both_known)
    settled = await counter.value("select payment_no from bills where bill_no = $1", bill_no)
    [vain] = {first, second} - {settled}
    async with working(counter.till.settings):
        await counter.until_refunded(vain)
        await has_receipts(counter, settled, 1)
    answer = await read(payer, vain)
    assert (answer.status_code, answer.json()["code"]) == (404, "receipt_none")
    assert "原路退回" in answer.json()["detail"]
    assert await counter.value("select count(*) from receipts where payment_no = $1", vain) == 0


async def test_a_foreign_receipt_is_like_a_missing_one(counter: Counter) -> None:
    payer, stranger = await named(counter, "wechat"), await named(counter, "wechat")
    payment_no = await issued(counter, payer)
    for path in ("receipt", "receipt.pdf"):
        foreign = await stranger.get(f"/v1/payments/{payment_no}/{path}")
        missing = await stranger.get(f"/v1/payments/{new_id()}/{path}")
        bodies = [{**a.json(), "request_id": None} for a in (foreign, missing)]
        assert foreign.status_code == missing.status_code == 404
        assert bodies[0] == bodies[1]
    theirs = (await read(payer, payment_no)).json()
    own = await issued(counter, stranger)
    query = f"code={theirs['code']}&number={theirs['number']}"
    answer = await stranger.get(f"/v1/payments/{own}/receipt.pdf?{query}")
    assert answer.status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("pay", 200), ("progress", 403)])
async def test_an_agent_reads_it_where_the_authority_says_so(
    counter: Counter, scope: str, status: int
) -> None:
    payer, agent = await named(counter, "wechat"), await named(counter, "wechat")
    payment_no = await issued(counter, payer)
    until_day = str(date.today() + timedelta(days=30))
    body = {"agent_id": agent.citizen_id, "scopes": [scope], "until": until_day}
    authority_id = (await payer.post("/v1/agents", body)).json()["authority_id"]
    await agent.post(f"/v1/agents/{authority_id}/acceptance", {})
    headers = {**agent.headers, "X-On-Behalf-Of": payer.citizen_id}
    acting = Payer(payer.citizen_id, payer.client, headers, counter)
    assert (await read(acting, payment_no)).status_code == status
    page = await acting.get(f"/v1/payments/{payment_no}/receipt.pdf")
    assert page.status_code == status
    looks = await counter.rows(
        "select actor from access_log where citizen_id = $1 and purpose = '查看票据'",
        payer.citizen_id,
    )
    assert looks == [{"actor": f"agent:{agent.citizen_id}"}] * (status == 200)


async def test_whose_records_are_joined_keeps_the_receipts_of_both(counter: Counter) -> None:
    gone, kept = await named(counter, "wechat"), await named(counter, "wechat")
    payment_no = await issued(counter, gone)
    await move_money(counter.database)(CitizensMerged(kept=kept.citizen_id, gone=gone.citizen_id))
    assert (await read(kept, payment_no)).status_code == 200
    assert (await read(gone, payment_no)).status_code == 404


async def test_whoever_holds_a_receipt_sees_that_it_is_genuine(counter: Counter) -> None:
    payer = await named(counter, "wechat")
    receipt = (await read(payer, await issued(counter, payer))).json()
    answer = await genuine(counter, receipt, receipt["check"].lower())
    assert answer.json() == {
        "code": receipt["code"],
        "number": receipt["number"],
        "kind": "receipt",
        "department_name": receipt["department_name"],
        "amount_fen": FEE_FEN,
        "reversed_fen": 0,
        "issued_on": receipt["issued_at"][:10],
    }
    missing = {**receipt, "number": "9999999999"}
    answers = [
        await genuine(counter, receipt, "000000"),
        await genuine(counter, receipt, "校验码"),
        await genuine(counter, receipt, receipt["check"][:5]),
        await genuine(counter, missing),
        await genuine(counter, {**receipt, "number": "x"}),
        await genuine(counter, {**receipt, "code": "00000000"}),
        # What a missing one is compared with opens nothing.
        await genuine(counter, missing, "......"),
    ]
    assert {a.status_code for a in answers} == {404}
    bodies = [{**a.json(), "request_id": None} for a in answers]
    assert all(body == bodies[0] for body in bodies)


async def test_check_characters_are_not_guessed_at_leisure(counter: Counter) -> None:
    payer = await named(counter, "wechat")
    receipt = (await read(payer, await issued(counter, payer))).json()
    asked = [await genuine(counter, receipt, f"{n:06d}") for n in range(22)]
    limited = asked[-1]
    assert {a.status_code for a in asked[:20]} == {404}
    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert int(limited.headers["retry-after"]) > 0
    # Not even the right ones are answered then.
    assert (await genuine(counter, receipt)).status_code == 429
