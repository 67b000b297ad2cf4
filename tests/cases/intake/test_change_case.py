"""Drafts grow and go; corrections, withdrawal; who may see what."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.cases.decide_move import Move
from api.cases.intake.reactions import know_issued_certificate
from api.cases.move_case import move_case
from api.cases.schemas import Correction, WantedMaterial
from api.facts import CaseMoved
from api.kinds import new_id
from tests.cases.intake.builders import (
    ANSWERS,
    BIRTH,
    READER_CARD,
    RESIDENCE,
    Person,
    service_at,
    sign_in,
    state_of,
)
from tests.cases.intake.test_uploads import same_words

CANARY = "金丝雀路七百七十七号"


async def residence(person: Person, **more: Any) -> dict[str, Any]:
    """A residence permit asked for, with all it needs."""
    code = await service_at(person.client, RESIDENCE)
    files = [
        {"material_id": f"m{number}", "upload_id": await person.uploaded()} for number in (1, 2, 3)
    ]
    form = {**ANSWERS[RESIDENCE], "address": CANARY}
    answer = await person.apply(code, form, materials=files, **more)
    assert answer.status_code == 201, answer.text
    case: dict[str, Any] = answer.json()
    return case


async def test_a_draft_is_changed_by_whoever_has_seen_it_last(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person)
    path = f"/v1/cases/{case['case_no']}"
    first = await person.patch(path, {"form": {"address": "别处"}}, seen=case["version"])
    assert first.status_code == 200
    late = await person.patch(path, {"form": {"address": "晚了"}}, seen=f'"{case["version"]}"')
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    taken = await person.patch(path, {"form": {"address": None}, "materials": []})
    assert taken.json()["completeness_percent"] == 60
    shown = (await person.get(path)).json()
    assert "address" not in shown["form"]
    assert shown["materials"] == []


async def test_files_that_leave_a_draft_are_unused_again(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person)
    path = f"/v1/cases/{case['case_no']}"
    upload_id = (await person.get(path)).json()["materials"][0]["upload_id"]
    assert (await person.get(f"/v1/uploads/{upload_id}")).json()["case_no"] == case["case_no"]
    other = await residence(person)
    used = [{"material_id": "m1", "upload_id": upload_id}]
    refused = await person.patch(f"/v1/cases/{other['case_no']}", {"materials": used})
    assert refused.json()["errors"][0]["code"] == "upload_used"
    assert (await person.delete(path)).status_code == 204
    assert (await person.get(path)).status_code == 404
    assert (await person.get(f"/v1/uploads/{upload_id}")).json()["case_no"] is None


async def test_materials_are_of_the_guide_and_of_the_caller(client: httpx.AsyncClient) -> None:
    person, other = await sign_in(client), await sign_in(client)
    code = await service_at(client, RESIDENCE)
    foreign, own = await other.uploaded(), await person.uploaded()
    answer = await person.apply(
        code,
        materials=[
            {"material_id": "m1", "upload_id": foreign},
            {"material_id": "m99", "upload_id": own},
            {"material_id": "m2"},
            {"material_id": "m2", "upload_id": own},
            {"material_id": "m1", "upload_id": new_id()},
        ],
    )
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [
        ("materials[0].upload_id", "unknown_upload"),
        ("materials[1].material_id", "unknown_material"),
        ("materials[2]", "nothing_given"),
        ("materials[3].upload_id", "given_twice"),
        ("materials[4].upload_id", "unknown_upload"),
    ]


@pytest.mark.parametrize(
    ("about", "code"),
    [
        ({}, None),
        ({"valid_until": date.today() - timedelta(days=2)}, "certificate_expired"),
        ({"status": "revoked"}, "certificate_revoked"),
        ({"type": "营业执照"}, "certificate_wrong"),
        ({"citizen_id": "0" * 32}, "unknown_certificate"),
    ],
)
async def test_a_known_certificate_stands_for_a_material(
    client: httpx.AsyncClient, about: dict[str, Any], code: str | None
) -> None:
    person = await sign_in(client)
    certificate_id = f"1.2.156.3005.2.{new_id()}"
    row = {"citizen_id": person.citizen_id, "type": "居民身份证", "status": "valid", **about}
    async with state_of(client).database.transaction() as connection:
        await connection.execute(
            "insert into known_certificates"
            " (certificate_id, citizen_id, type, status, valid_until, issued_by)"
            " values ($1, $2, $3, $4, $5, 'platform:test')",
            certificate_id,
            row["citizen_id"],
            row["type"],
            row["status"],
            row.get("valid_until"),
        )
    given = [{"material_id": "m2", "certificate_id": certificate_id}]
    answer = await person.apply(await service_at(client, RESIDENCE), materials=given)
    if code is not None:
        assert answer.json()["errors"][0]["code"] == code
        assert answer.json()["errors"][0]["field"] == "materials[0].certificate_id"
        return
    kept = (await person.get(f"/v1/cases/{answer.json()['case_no']}")).json()["materials"][0]
    assert kept["certificate_id"] == certificate_id
    assert "居住证" in kept["purpose"]
    assert kept["consented_at"]


async def test_what_a_case_issued_is_known_as_a_certificate(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, READER_CARD)
    case_no = (await person.apply(code, ANSWERS[READER_CARD], submit=True)).json()["case_no"]
    draft_no = (await person.apply(code, ANSWERS[READER_CARD])).json()["case_no"]
    database = state_of(client).database
    for number in (case_no, case_no, draft_no):
        fact = CaseMoved(
            case_no=number,
            seq=1,
            event_type="completed",
            status="completed",
            version=1,
            service_code=code,
            region_code="440100000000",
            citizen_id=person.citizen_id,
            platform_id=None,
        )
        await know_issued_certificate(database)(fact)
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select certificate_id, type, status from known_certificates where citizen_id = $1",
            person.citizen_id,
        )
    assert [tuple(row) for row in rows] == [(case_no, "读者证", "valid")]


async def test_submitting_twice_is_submitting_once(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person)
    path = f"/v1/cases/{case['case_no']}"
    key = new_id()
    first = await person.post(f"{path}/submit", key=key)
    assert (first.status_code, first.json()["status"]) == (200, "submitted")
    assert (await person.post(f"{path}/submit", key=key)).content == first.content
    assert (await person.post(f"{path}/submit")).json() == first.json()
    async with state_of(client).database.connection() as connection:
        events = await connection.fetchval(
            "select count(*) from case_events where case_no = $1", case["case_no"]
        )
    assert events == 1
    for refused in (await person.patch(path, {"form": {}}), await person.delete(path)):
        assert (refused.status_code, refused.json()["code"]) == (409, "invalid_move")


async def test_a_correction_is_all_that_was_asked_and_nothing_else(
    client: httpx.AsyncClient,
) -> None:
    person = await sign_in(client)
    case = await residence(person, submit=True)
    path = f"/v1/cases/{case['case_no']}"
    early = await person.post(f"{path}/corrections", {"form": {}})
    assert early.json()["code"] == "invalid_move"
    await ask(client, case["case_no"], ["address"], ["m1"])
    asked = (await person.get(path)).json()["correction"]
    assert (asked["fields"], asked["materials"][0]["material_id"]) == (["address"], "m1")
    partly = await person.post(f"{path}/corrections", {"form": {"address": "新址"}})
    assert [e["field"] for e in partly.json()["errors"]] == ["materials.m1"]
    upload_id = await person.uploaded()
    whole = {
        "form": {"address": "新址"},
        "materials": [{"material_id": "m1", "upload_id": upload_id}],
    }
    more = {**whole, "form": {"address": "新址", "phone": "13800138001"}}
    refused = await person.post(f"{path}/corrections", more)
    assert [(e["field"], e["code"]) for e in refused.json()["errors"]] == [
        ("form.phone", "not_asked")
    ]
    done = await person.post(f"{path}/corrections", whole, key=new_id())
    assert (done.status_code, done.json()["status"]) == (200, "submitted")
    shown = (await person.get(path)).json()
    assert shown["form"]["address"] == "新址"
    assert [m["upload_id"] for m in shown["materials"] if m["material_id"] == "m1"] == [upload_id]
    assert shown["correction"] is None


async def test_a_case_is_withdrawn_with_a_reason(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person, submit=True)
    path = f"/v1/cases/{case['case_no']}/withdrawal"
    assert (await person.post(path, {})).status_code == 400
    done = await person.post(path, {"reason": "不办了，我的电话13800138000"})
    assert (done.status_code, done.json()["status"]) == (200, "withdrawn")
    assert (await person.post(path, {"reason": "再说一次"})).json()["status"] == "withdrawn"
    again = await person.post(f"/v1/cases/{case['case_no']}/submit")
    assert again.json()["code"] == "invalid_move"


async def test_somebody_elses_case_is_not_there(client: httpx.AsyncClient) -> None:
    owner, other = await sign_in(client), await sign_in(client)
    case = await residence(owner)
    missing = f"{case['case_no'][:-9]}999999999"
    acts: list[tuple[str, str, Any]] = [
        ("GET", "", None),
        ("PATCH", "", {"form": {}}),
        ("DELETE", "", None),
        ("POST", "/submit", None),
        ("POST", "/corrections", {"form": {}}),
        ("POST", "/withdrawal", {"reason": "x"}),
    ]
    for method, path, body in acts:
        answers = [
            await client.request(
                method, f"/v1/cases/{number}{path}", json=body, headers=other.headers
            )
            for number in (case["case_no"], missing)
        ]
        assert [a.status_code for a in answers] == [404, 404], (method, path)
        assert same_words(answers[0]) == same_words(answers[1])
    assert (await other.get("/v1/cases")).json()["items"] == []


async def test_the_list_is_paged_and_filtered(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, BIRTH)
    numbers = [(await person.apply(code)).json()["case_no"] for _ in range(3)]
    done = (await person.apply(code, ANSWERS[BIRTH], submit=True)).json()["case_no"]
    first = (await person.get("/v1/cases?limit=2")).json()
    second = (await person.get(f"/v1/cases?limit=2&cursor={first['next_cursor']}")).json()
    seen = [item["case_no"] for item in (*first["items"], *second["items"])]
    assert seen == [done, *reversed(numbers)]
    assert second["next_cursor"] is None
    drafts = (await person.get("/v1/cases?status=draft")).json()["items"]
    assert {item["status"] for item in drafts} == {"draft"}
    assert (await person.get("/v1/cases?status=unheard")).status_code == 400


async def test_the_reading_of_a_form_is_in_the_access_log(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person)
    await person.get(f"/v1/cases/{case['case_no']}")
    async with state_of(client).database.connection() as connection:
        rows = await connection.fetch(
            "select actor, purpose, what from access_log where citizen_id = $1", person.citizen_id
        )
    assert (f"citizen:{person.citizen_id}", "查看办件", "form") in [tuple(row) for row in rows]


async def test_an_agent_applies_within_the_authority(client: httpx.AsyncClient) -> None:
    principal, agent = await sign_in(client, name="委托人甲"), await sign_in(client)
    code = await service_at(client, RESIDENCE)
    acting = Person(
        principal.citizen_id,
        client,
        {**agent.headers, "X-On-Behalf-Of": principal.citizen_id},
    )
    assert (await acting.apply(code)).status_code == 403
    async with state_of(client).database.transaction() as connection:
        await connection.execute(
            "insert into agent_authorities (authority_id, principal_id, agent_id, scopes,"
            " service_codes, state, until, accepted_at)"
            " values ($1, $2, $3, '{apply}', $4, 'accepted', current_date + 9, now())",
            new_id(),
            principal.citizen_id,
            agent.citizen_id,
            [code],
        )
    case = (await acting.apply(code)).json()
    shown = (await principal.get(f"/v1/cases/{case['case_no']}")).json()
    assert (shown["agent_id"], shown["form"]["applicant_name"]) == (agent.citizen_id, "委托人甲")
    other = await service_at(client, BIRTH)
    assert (await acting.apply(other, ANSWERS[BIRTH])).status_code == 403
    assert (await agent.get(f"/v1/cases/{case['case_no']}")).status_code == 404


async def test_no_answer_stands_in_the_database_in_plain(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    case = await residence(person, submit=True)
    await ask(client, case["case_no"], ["address"], [])
    path = f"/v1/cases/{case['case_no']}"
    await person.post(f"{path}/corrections", {"form": {"address": CANARY * 2}}, key=new_id())
    found = []
    async with state_of(client).database.connection() as connection:
        tables = await connection.fetch(
            "select table_name from information_schema.tables where table_schema = 'public'"
            " and table_type = 'BASE TABLE'"
        )
        for (table,) in tables:
            hits = await connection.fetchval(
                f'select count(*) from "{table}" t where t::text like any ($1)',
                [f"%{CANARY}%", f"%{CANARY.encode().hex()}%"],
            )
            if hits:
                found.append(table)
    assert found == []


async def ask(
    client: httpx.AsyncClient, case_no: str, fields: list[str], materials: list[str]
) -> None:
    """What a clerk does who wants something corrected."""
    wanted = Correction(fields, [WantedMaterial(m, "看不清") for m in materials], "请补正")
    move = Move(event_type="correction_requested", actor="clerk:test", correction=wanted)
    async with state_of(client).database.transaction() as connection:
        await move_case(connection, case_no, move)
