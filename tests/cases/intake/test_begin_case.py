"""Applications: begun, completed, submitted, decided at once."""

from __future__ import annotations

import asyncio
import re
import time

import httpx

from api.cases.decide_move import Move
from api.cases.intake.reactions import go_on_when_paid
from api.cases.move_case import move_case
from api.facts import CaseMoved
from api.kinds import new_id
from tests.cases.intake.builders import (
    ALLOWANCE,
    ANSWERS,
    BIRTH,
    FIRST_CARD,
    LOST_REPORT,
    NO_RECORD,
    NUMBER,
    POLLUTION,
    READER_CARD,
    RESIDENCE,
    SOCIAL_CARD,
    service_at,
    sign_in,
    state_of,
)


async def test_three_items_are_decided_at_once_without_a_clerk(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    for basic_code in (BIRTH, LOST_REPORT, READER_CARD):
        code = await service_at(client, basic_code)
        began = time.monotonic()
        answer = await person.apply(code, ANSWERS[basic_code], submit=True)
        assert answer.status_code == 201, answer.text
        assert time.monotonic() - began < 1
        case = answer.json()
        assert (case["status"], case["completeness_percent"]) == ("completed", 100)
        shown = (await person.get(f"/v1/cases/{case['case_no']}")).json()
        assert shown["result"]["code"] == "0"


async def test_a_new_case_has_a_number_and_a_password_that_is_told_once(
    client: httpx.AsyncClient,
) -> None:
    person = await sign_in(client)
    code = await service_at(client, RESIDENCE)
    case = (await person.apply(code)).json()
    assert re.fullmatch(re.escape(code) + r"20[0-9]{15}", case["case_no"])
    assert len(case["query_password"]) * 5 >= 60
    assert case["status"] == "draft"
    again = (await person.get(f"/v1/cases/{case['case_no']}")).json()
    assert "query_password" not in again
    assert case["query_password"] not in str(again)


async def test_a_case_that_a_table_does_not_approve_waits_for_a_person(
    client: httpx.AsyncClient,
) -> None:
    person = await sign_in(client)
    code = await service_at(client, BIRTH)
    form = {**ANSWERS[BIRTH], "children": "more"}
    case = (await person.apply(code, form, submit=True)).json()
    assert case["status"] == "submitted"


async def test_a_fee_is_due_first_and_the_payment_brings_the_decision(
    client: httpx.AsyncClient,
) -> None:
    person = await sign_in(client)
    code = await service_at(client, SOCIAL_CARD)
    case = (await person.apply(code, ANSWERS[SOCIAL_CARD], submit=True)).json()
    assert (case["status"], case["fee_fen"]) == ("awaiting_payment", 1600)
    assert "16元" in case["fee_basis"]
    fact = await pay(client, case["case_no"])
    await go_on_when_paid(state_of(client).database)(fact)
    await go_on_when_paid(state_of(client).database)(fact)
    shown = (await person.get(f"/v1/cases/{case['case_no']}")).json()
    assert (shown["status"], shown["result"]["name"]) == ("completed", "社会保障卡")


async def test_the_fee_is_what_the_table_says_of_the_answers(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, SOCIAL_CARD)
    form = {**ANSWERS[SOCIAL_CARD], "reason": "quality"}
    case = (await person.apply(code, form, submit=True)).json()
    assert (case["status"], case["fee_fen"]) == ("submitted", 0)


async def test_what_the_profile_knows_need_not_be_typed(client: httpx.AsyncClient) -> None:
    person = await sign_in(client, name="王小明", id_number=NUMBER, phone="13900139000")
    code = await service_at(client, RESIDENCE)
    case = (await person.apply(code, {"phone": "13800138000"})).json()
    form = (await person.get(f"/v1/cases/{case['case_no']}")).json()["form"]
    assert form == {"applicant_name": "王小明", "id_number": NUMBER, "phone": "13800138000"}


async def test_completeness_counts_answers_and_materials_that_a_table_demands(
    client: httpx.AsyncClient,
) -> None:
    person = await sign_in(client)
    code = await service_at(client, RESIDENCE)
    case = (await person.apply(code, ANSWERS[RESIDENCE])).json()
    assert case["completeness_percent"] == 70
    assert [m["field"] for m in case["missing"]] == ["materials.m1", "materials.m2", "materials.m3"]
    path = f"/v1/cases/{case['case_no']}"
    changed = await person.patch(path, {"form": {"ground": "housing"}})
    assert [m["field"] for m in changed.json()["missing"]][-1] == "materials.m4"
    assert changed.json()["completeness_percent"] == 63
    files = [
        {"material_id": f"m{number}", "upload_id": await person.uploaded()}
        for number in range(1, 5)
    ]
    whole = (await person.patch(path, {"materials": files})).json()
    assert (whole["completeness_percent"], whole["missing"]) == (100, [])
    submitted = await person.post(f"{path}/submit")
    assert (submitted.status_code, submitted.json()["status"]) == (200, "submitted")


async def test_a_submission_names_all_that_is_missing(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, RESIDENCE)
    answer = await person.apply(code, {"ground": "employment"}, submit=True)
    assert answer.status_code == 400
    fields = [e["field"] for e in answer.json()["errors"]]
    assert fields[:2] == ["form.applicant_name", "form.id_number"]
    assert fields[-2:] == ["materials.m3", "materials.m5"]
    assert (await person.get("/v1/cases")).json()["items"] == []


async def test_a_draft_may_be_incomplete_but_not_wrong(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, RESIDENCE)
    wrong = {
        "id_number": "999000199001010016",
        "ground": "love",
        "residence_region": "999999999999",
        "resided_since": "2026-02-30",
        "phone": "12345",
        "address": 7,
        "shoe_size": 42,
    }
    answer = await person.apply(code, wrong)
    assert answer.status_code == 400
    assert {e["field"]: e["code"] for e in answer.json()["errors"]} == {
        "form.id_number": "wrong_format",
        "form.ground": "unknown_value",
        "form.residence_region": "unknown_region",
        "form.resided_since": "wrong_format",
        "form.phone": "wrong_format",
        "form.address": "wrong_type",
        "form.shoe_size": "unknown_field",
    }
    assert "999000199001010016" not in answer.text


async def test_who_is_not_eligible_hears_why(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, ALLOWANCE)
    files = [
        {"material_id": f"m{number}", "upload_id": await person.uploaded()} for number in (1, 2, 3)
    ]
    form = {**ANSWERS[ALLOWANCE], "birth_on": "1990-01-01"}
    refused = await person.apply(code, form, materials=files, submit=True)
    assert (refused.status_code, refused.json()["code"]) == (422, "not_eligible")
    assert "八十周岁" in refused.json()["detail"]
    taken = await person.apply(code, ANSWERS[ALLOWANCE], materials=files, submit=True)
    assert taken.status_code == 201, taken.text


async def test_a_process_may_ask_for_a_proven_identity(client: httpx.AsyncClient) -> None:
    code = await service_at(client, NO_RECORD)
    for level, expected in (("basic", 403), ("verified", 201)):
        person = await sign_in(client, level=level)
        files = [
            {"material_id": f"m{number}", "upload_id": await person.uploaded()} for number in (1, 2)
        ]
        answer = await person.apply(code, ANSWERS[NO_RECORD], materials=files, submit=True)
        assert answer.status_code == expected, answer.text
    assert (await person.get("/v1/cases")).json()["items"][0]["status"] == "submitted"


async def test_what_cannot_be_done_online_says_where_to_go(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    answer = await person.apply(await service_at(client, FIRST_CARD))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_online")
    assert "窗口" in answer.json()["detail"]
    missing = await person.apply("0" * 31)
    assert missing.status_code == 404


async def test_an_item_for_organisations_asks_for_one(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, POLLUTION)
    without = await person.apply(code)
    assert without.json()["errors"][0]["field"] == "organisation_id"
    foreign = await person.apply(code, organisation_id=await organisation(client, None))
    missing = await person.apply(code, organisation_id=new_id())
    assert foreign.json()["errors"] == missing.json()["errors"]
    own = await organisation(client, person.citizen_id)
    assert (await person.apply(code, organisation_id=own)).status_code == 201


async def test_one_key_makes_one_case_however_often_it_comes(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, BIRTH)
    body = {"service_code": code, "form": ANSWERS[BIRTH], "submit": True}
    key = new_id()
    answers = await asyncio.gather(*(person.post("/v1/cases", body, key=key) for _ in range(64)))
    kept = [a for a in answers if a.status_code == 201]
    assert kept
    # The others were told to come back; nobody was told of another case.
    assert {a.status_code for a in answers} <= {201, 409, 503}
    again = await person.post("/v1/cases", body, key=key)
    assert {a.content for a in kept} == {again.content}
    assert len((await person.get("/v1/cases")).json()["items"]) == 1
    other = await person.post("/v1/cases", {**body, "submit": False}, key=key)
    assert other.status_code == 422
    assert (await person.post("/v1/cases", body)).json()["code"] == "idempotency_key_missing"


async def test_fields_that_are_ours_cannot_be_set(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, BIRTH)
    for field in (
        *("case_no", "status", "citizen_id", "query_password", "fee_fen", "completeness_percent"),
        *("version", "created_at", "agent_id", "result", "guide_version"),
    ):
        answer = await person.apply(code, None, **{field: 1})
        assert answer.status_code == 400, field
        assert answer.json()["errors"][0]["code"] == "unknown_field", answer.text


async def test_nobody_applies_without_a_session(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/cases", json={"service_code": "0" * 31})
    assert answer.status_code == 401


async def pay(client: httpx.AsyncClient, case_no: str) -> CaseMoved:
    """What the payment will do: move the case, and tell."""
    async with state_of(client).database.transaction() as connection:
        moved = await move_case(connection, case_no, Move(event_type="paid", actor="system:test"))
    return CaseMoved(
        case_no=case_no,
        seq=moved.seq,
        event_type="paid",
        status=moved.status,
        version=moved.version,
        service_code=case_no[:31],
        region_code="440100000000",
        citizen_id=None,
        platform_id=None,
    )


async def organisation(client: httpx.AsyncClient, member: str | None) -> str:
    """A verified organisation, with a member."""
    key = new_id()
    async with state_of(client).database.transaction() as connection:
        await connection.execute(
            "insert into organisations (organisation_id, credit_code, name, state)"
            " values ($1, $2, '演示公司', 'verified')",
            key,
            key[:18].upper(),
        )
        if member:
            await connection.execute(
                "insert into organisation_members (organisation_id, citizen_id, role, state)"
                " values ($1, $2, 'handler', 'active')",
                key,
                member,
            )
    return key


async def test_the_query_password_is_kept_nowhere(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, BIRTH)
    key = new_id()
    body = {"service_code": code, "form": ANSWERS[BIRTH], "submit": True}
    first = await person.post("/v1/cases", body, key=key)
    password = first.json()["query_password"]
    assert (await person.post("/v1/cases", body, key=key)).content == first.content
    progress = await client.get(
        "/v1/progress", params={"case_no": first.json()["case_no"], "query_password": password}
    )
    assert progress.status_code == 200, progress.text
    async with state_of(client).database.connection() as connection:
        kept = await connection.fetchval(
            "select convert_from(body, 'utf8') from idempotency_keys where key = $1", key
        )
    assert first.json()["case_no"] in kept
    assert password not in kept
