"""What departments' systems call."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
import msgspec

from api.cases.sealed import open_applicant
from api.database import CHINA, Database
from api.settings import Settings
from api.vault import open_vault
from tests.cases.builders import PASSWORD, SERVICE, add_case, add_submitted, event
from tests.platforms.builders import Partner, new_partner

COUNTER = {
    "service_code": SERVICE,
    # An invented person.
    "applicant": {"name": "测试甲", "phone": "13900000000"},
}


def said(kind: str, **changed: Any) -> dict[str, Any]:
    """An event as it goes over the wire."""
    body = msgspec.to_builtins(event(kind, **changed))
    return {name: value for name, value in body.items() if value is not None}


async def submitted(database: Database, **changed: Any) -> str:
    async with database.transaction() as connection:
        return await add_submitted(connection, **changed)


async def test_an_event_moves_a_case(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    case_no = await submitted(town)
    path = f"/v1/platform/cases/{case_no}/events"
    body = said("accepted", note="材料齐全")
    first = await partner.call(client, "POST", path, body)
    assert first.status_code == 202, first.text
    assert first.json() == {
        "applied": True,
        "case_no": case_no,
        "event_id": body["event_id"],
        "status": "accepted",
        "version": 3,
    }
    again = await partner.call(client, "POST", path, body)
    assert (again.status_code, again.json()["applied"]) == (202, False)
    changed = await partner.call(client, "POST", path, {**body, "note": "别的"})
    assert (changed.status_code, changed.json()["code"]) == (409, "event_id_reused")
    case = await partner.call(client, "GET", f"/v1/platform/cases/{case_no}")
    assert (case.json()["status"], case.json()["seq"]) == ("accepted", 2)


async def test_an_impossible_event_says_from_where_to_where(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    case_no = await submitted(town)
    path = f"/v1/platform/cases/{case_no}/events"
    earlier = datetime.now(CHINA) - timedelta(minutes=1)
    await partner.call(client, "POST", path, said("completed", occurred_at=earlier))
    answer = await partner.call(client, "POST", path, said("accepted"))
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_move")
    assert answer.json()["detail"] == "办件现在是“已办结”，不能做“受理”。"
    late = said("reviewed", occurred_at=earlier - timedelta(hours=1))
    answer = await partner.call(client, "POST", path, late)
    assert (answer.status_code, answer.json()["applied"]) == (202, False)


async def test_a_case_outside_ones_rights_is_not_there(
    client: httpx.AsyncClient, town: Database, town_settings: Settings
) -> None:
    case_no = await submitted(town)
    elsewhere = await new_partner(town_settings, regions=["4403"])
    foreign = await elsewhere.call(
        client, "POST", f"/v1/platform/cases/{case_no}/events", said("accepted")
    )
    missing = await elsewhere.call(
        client, "POST", "/v1/platform/cases/nowhere/events", said("accepted")
    )
    assert foreign.status_code == missing.status_code == 404
    for answer in (foreign, missing):
        assert answer.json()["code"] == "not_found"
    assert foreign.json()["detail"] == missing.json()["detail"]
    shown = await elsewhere.call(client, "GET", f"/v1/platform/cases/{case_no}")
    assert shown.status_code == 404
    number = await elsewhere.call(
        client, "POST", "/v1/platform/case-numbers", {"service_code": SERVICE}
    )
    assert number.status_code == 403


async def test_a_draft_is_its_writers_alone(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    async with town.transaction() as connection:
        case_no = await add_case(connection)
    answer = await partner.call(
        client, "POST", f"/v1/platform/cases/{case_no}/events", said("accepted")
    )
    assert answer.status_code == 404


async def test_a_case_is_taken_at_a_counter_once(
    client: httpx.AsyncClient, town: Database, town_settings: Settings, partner: Partner
) -> None:
    number = await partner.call(
        client, "POST", "/v1/platform/case-numbers", {"service_code": SERVICE}
    )
    assert number.status_code == 201
    case_no = number.json()["case_no"]
    assert len(case_no) == 48
    assert case_no.startswith(SERVICE + datetime.now(CHINA).strftime("%Y%m%d"))
    first = await partner.call(client, "PUT", f"/v1/platform/cases/{case_no}", COUNTER)
    assert first.status_code == 201, first.text
    again = await partner.call(client, "PUT", f"/v1/platform/cases/{case_no}", COUNTER)
    assert again.status_code == 200
    assert again.json() == first.json()
    assert first.json()["status"] == "submitted"
    progress = await client.get(
        "/v1/progress",
        params={"case_no": case_no, "query_password": first.json()["query_password"]},
    )
    assert (progress.status_code, progress.json()["status"]) == (200, "submitted")
    async with town.connection() as connection:
        sealed = await connection.fetchval(
            "select applicant_sealed from cases where case_no = $1", case_no
        )
    assert "测试甲".encode() not in sealed
    vault = await open_vault(town_settings, town)
    try:
        assert open_applicant(vault, case_no, sealed).name == "测试甲"
    finally:
        await vault.close()


async def test_numbers_at_counters(
    client: httpx.AsyncClient, town_settings: Settings, partner: Partner
) -> None:
    other = await new_partner(town_settings)
    # A department's own number is opaque.
    own = f"粤穗办〔2026〕{datetime.now().timestamp()}号"
    taken = await partner.call(client, "PUT", f"/v1/platform/cases/{httpx.URL(own)}", COUNTER)
    assert taken.status_code == 201, taken.text
    answer = await other.call(client, "PUT", f"/v1/platform/cases/{httpx.URL(own)}", COUNTER)
    assert (answer.status_code, answer.json()["code"]) == (409, "case_no_taken")
    # One that looks like ours must be ours.
    invented = f"{SERVICE}20260101000000001"
    answer = await partner.call(client, "PUT", f"/v1/platform/cases/{invented}", COUNTER)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "not_minted"
    too_long = await partner.call(client, "PUT", f"/v1/platform/cases/{'9' * 51}", COUNTER)
    assert too_long.status_code == 404


async def test_a_poison_row_harms_no_other(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    one, two = await submitted(town), await submitted(town)
    began = datetime.now(CHINA) - timedelta(hours=1)

    def row(case_no: str, kind: str, minutes: int, **changed: Any) -> dict[str, Any]:
        at = began + timedelta(minutes=minutes)
        return {"case_no": case_no, **said(kind, at=at, **changed)}

    events: list[Any] = [
        row(one, "accepted", 1),
        {"case_no": one, "event_id": "bad", "type": "explode", "occurred_at": "yesterday"},
        row(two, "accepted", 1),
        row("nowhere", "accepted", 1),
        row(one, "reviewed", 2),
        row(two, "pre_checked", 3),
        {"surprise": True, "event_id": 7},
        row(one, "decided", 3),
    ]
    answer = await partner.call(client, "POST", "/v1/platform/events", {"events": events})
    assert answer.status_code == 202, answer.text
    outcomes = answer.json()["items"]
    assert [o["applied"] for o in outcomes] == [True, None, True, None, True, None, None, True]
    codes = [o["error"]["code"] if o["error"] else None for o in outcomes]
    assert codes == [
        None,
        "validation_failed",
        None,
        "not_found",
        None,
        "invalid_move",
        "validation_failed",
        None,
    ]
    assert [o["event_id"] for o in outcomes[:2]] == [events[0]["event_id"], "bad"]
    assert "yesterday" not in answer.text
    again = await partner.call(client, "POST", "/v1/platform/events", {"events": events})
    assert {o["applied"] for o in again.json()["items"]} == {False, None}


async def test_a_whole_batch_of_500_is_taken(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    async with town.transaction() as connection:
        numbers = [await add_submitted(connection) for _ in range(20)]
    kinds = ("accepted", "extended", "transferred", "suspended", "resumed")
    began = datetime.now(CHINA) - timedelta(days=2)
    events = []
    for number in range(500):
        kind = kinds[(number // 20) % 5] if number < 100 else "transferred"
        body = said(kind, at=began + timedelta(minutes=number), note="说明" * 200)
        events.append({"case_no": numbers[number % 20], **body})
    answer = await partner.call(client, "POST", "/v1/platform/events", {"events": events})
    assert answer.status_code == 202, answer.text[:300]
    assert [o["error"] for o in answer.json()["items"]] == [None] * 500
    too_many = await partner.call(
        client, "POST", "/v1/platform/events", {"events": [*events, events[0]]}
    )
    assert too_many.status_code == 400


async def test_unsigned_calls_are_refused(client: httpx.AsyncClient, town: Database) -> None:
    case_no = await submitted(town)
    for method, path in (
        ("POST", f"/v1/platform/cases/{case_no}/events"),
        ("POST", "/v1/platform/events"),
        ("GET", f"/v1/platform/cases/{case_no}"),
        ("PUT", f"/v1/platform/cases/{case_no}"),
        ("POST", "/v1/platform/case-numbers"),
    ):
        answer = await client.request(method, path, json={})
        assert answer.status_code == 401, path
    assert PASSWORD not in answer.text


async def test_times_that_cannot_be_are_refused(
    client: httpx.AsyncClient, town: Database, partner: Partner
) -> None:
    case_no = await submitted(town)
    for time in ("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-03-02T09:00:00"):
        body = {**said("accepted"), "occurred_at": time}
        answer = await partner.call(client, "POST", f"/v1/platform/cases/{case_no}/events", body)
        assert answer.status_code == 400, time
        assert answer.json()["errors"][0]["field"] == "occurred_at"
        batch = {"events": [{**body, "case_no": case_no}]}
        answer = await partner.call(client, "POST", "/v1/platform/events", batch)
        assert answer.json()["items"][0]["error"]["code"] == "validation_failed"
