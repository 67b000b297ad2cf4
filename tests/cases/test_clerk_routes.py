"""What clerks do with cases."""

from __future__ import annotations

import asyncio
import secrets
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from api.cases.sealed import Applicant, seal_applicant, seal_form
from api.database import Database
from api.settings import Settings
from api.vault import open_vault
from tests.cases.builders import GUIDED, add_case, add_guide, add_submitted, new_case_no
from tests.clerks.builders import clerk_named, headers_of

BODY = "91440106CLERKTEST0"
CODE = f"{BODY}4440799999000"


@pytest.fixture
async def headers(
    client: httpx.AsyncClient, town: Database, town_settings: Settings
) -> dict[str, str]:
    """A clerk who handles and supervises one body's cases in one province."""
    async with town.transaction() as connection:
        # Earlier tests' cases of the body.
        await connection.execute(
            "update cases set service_code = 'gone' where service_code = $1", CODE
        )
    clerk = await clerk_named(
        town_settings,
        f"clerk{secrets.token_hex(4)}",
        "handler",
        "supervisor",
        service_prefixes=[BODY],
        region_prefixes=["44"],
    )
    return await headers_of(client, clerk)


async def add_of_body(database: Database, **changed: Any) -> str:
    async with database.transaction() as connection:
        return await add_submitted(connection, service_code=CODE, **changed)


async def move(
    client: httpx.AsyncClient, headers: dict[str, str], case_no: str, kind: str, **said: Any
) -> httpx.Response:
    version = said.pop("version", None)
    if version is not None:
        headers = {**headers, "If-Match": version}
    return await client.post(
        f"/v1/clerk/cases/{case_no}/moves", json={"move": kind, **said}, headers=headers
    )


async def test_of_two_clerks_at_once_one_looks_again(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    case_no = await add_of_body(town)
    answers = await asyncio.gather(
        *(move(client, headers, case_no, "accepted", version='"2"') for _ in range(2))
    )
    assert sorted(a.status_code for a in answers) == [200, 412]
    failed = next(a for a in answers if a.status_code == 412)
    assert failed.json()["code"] == "precondition_failed"
    done = next(a for a in answers if a.status_code == 200)
    assert done.headers["etag"] == '"3"'
    assert (await move(client, headers, case_no, "reviewed", version="3")).status_code == 200


async def test_a_move_says_which_version_was_seen(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    case_no = await add_of_body(town)
    answer = await move(client, headers, case_no, "accepted")
    assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")
    for wrong in ('"1"', "1", '"x"'):
        answer = await move(client, headers, case_no, "accepted", version=wrong)
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")


async def test_the_tag_of_a_case_is_its_version(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    case_no = await add_of_body(town)
    shown = await client.get(f"/v1/clerk/cases/{case_no}", headers=headers)
    assert (shown.status_code, shown.headers["etag"]) == (200, '"2"')
    assert shown.json()["version"] == 2
    assert "accepted" in shown.json()["moves"]
    moved = await move(client, headers, case_no, "accepted", version=shown.headers["etag"])
    assert moved.status_code == 200
    known = {**headers, "If-None-Match": '"3"'}
    assert (await client.get(f"/v1/clerk/cases/{case_no}", headers=known)).status_code == 304


async def test_looking_at_a_person_needs_a_purpose_and_goes_on_record(
    client: httpx.AsyncClient, town: Database, town_settings: Settings, headers: dict[str, str]
) -> None:
    citizen_id, case_no = secrets.token_hex(16), new_case_no()
    vault = await open_vault(town_settings, town)
    try:
        form = seal_form(vault, case_no, {"reason": "遗失"})
        applicant = seal_applicant(vault, case_no, Applicant("测试甲"))
    finally:
        await vault.close()
    await add_of_body(
        town,
        case_no=case_no,
        citizen_id=citizen_id,
        form_sealed=form,
        applicant_sealed=applicant,
    )

    async def looks() -> list[Any]:
        async with town.connection() as connection:
            return await connection.fetch(
                "select actor, purpose, what from access_log where citizen_id = $1", citizen_id
            )

    plain = await client.get(f"/v1/clerk/cases/{case_no}", headers=headers)
    assert (plain.json()["form"], plain.json()["applicant"]) == (None, None)
    assert "测试甲" not in plain.text
    assert await looks() == []
    opened = await client.get(
        f"/v1/clerk/cases/{case_no}", params={"purpose": "审查材料"}, headers=headers
    )
    assert opened.json()["form"] == {"reason": "遗失"}
    assert opened.json()["applicant"]["name"] == "测试甲"
    (noted,) = await looks()
    assert noted["actor"].startswith("clerk:")
    assert noted["purpose"] == "审查材料"
    assert "测试甲" not in noted["what"]
    async with town.connection() as connection:
        assert await connection.fetchval(
            "select count(*) from audit_entries where action = 'case.revealed' and subject = $1",
            f"case:{case_no}",
        )


async def test_overdue_cases_come_first(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    today = date.today()
    late = await add_of_body(town)
    soon, later, undated = [await add_of_body(town) for _ in range(3)]
    async with town.transaction() as connection:
        for case_no, due in (
            (late, today - timedelta(days=30)),
            (soon, today + timedelta(days=3)),
            (later, today + timedelta(days=30)),
        ):
            await connection.execute(
                "update cases set due_on = $2, clock = 'running', status = 'accepted' "
                "where case_no = $1",
                case_no,
                due,
            )
    answer = await client.get("/v1/clerk/tasks", headers=headers)
    items = answer.json()["items"]
    assert [item["case_no"] for item in items] == [late, soon, later, undated]
    assert [item["overdue"] for item in items] == [True, False, False, False]
    assert items[0]["days_left"] < 0
    paged, cursor = [], None
    while True:
        page = await client.get(
            "/v1/clerk/tasks",
            params={"limit": 1, **({"cursor": cursor} if cursor else {})},
            headers=headers,
        )
        paged += [item["case_no"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert paged == [late, soon, later, undated]
    for query, found in (
        ({"overdue": "true"}, [late]),
        ({"overdue": "false"}, [soon, later, undated]),
        ({"status": "accepted"}, [late, soon, later]),
        ({"status": "submitted", "overdue": "false"}, [undated]),
        ({"status": "completed"}, []),
    ):
        answer = await client.get("/v1/clerk/tasks", params=query, headers=headers)
        assert [item["case_no"] for item in answer.json()["items"]] == found, query


async def test_finished_cases_are_listed_newest_first(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    numbers = [await add_of_body(town) for _ in range(3)]
    for case_no in numbers:
        answer = await move(
            client, headers, case_no, "completed", version="2", result={"code": "0"}
        )
        assert answer.json()["label"] == "待评价"
    found: list[str] = []
    cursor = None
    while len(found) < 3:
        query: dict[str, Any] = {
            "status": "completed",
            "limit": 1,
            **({"cursor": cursor} if cursor else {}),
        }
        page = await client.get("/v1/clerk/tasks", params=query, headers=headers)
        found += [item["case_no"] for item in page.json()["items"]]
        cursor = page.json()["next_cursor"]
    assert found == numbers[::-1]


async def test_cases_outside_ones_rights_are_not_there(
    client: httpx.AsyncClient, town: Database, headers: dict[str, str]
) -> None:
    async with town.transaction() as connection:
        foreign = [
            await add_submitted(connection),
            await add_submitted(connection, service_code=CODE, region_code="110101000000"),
            await add_case(connection, service_code=CODE),
        ]
    listed = await client.get("/v1/clerk/tasks", headers=headers)
    assert listed.json()["items"] == []
    for case_no in [*foreign, "nowhere"]:
        shown = await client.get(f"/v1/clerk/cases/{case_no}", headers=headers)
        assert shown.status_code == 404
        moved = await move(client, headers, case_no, "accepted", version="2")
        assert moved.status_code == 404


async def test_roles(client: httpx.AsyncClient, town: Database, town_settings: Settings) -> None:
    case_no = await add_of_body(town)
    auditor = await clerk_named(town_settings, f"auditor{secrets.token_hex(4)}", "auditor")
    handler = await clerk_named(town_settings, f"handler{secrets.token_hex(4)}", "handler")
    reading = await headers_of(client, auditor)
    for path in ("/v1/clerk/tasks", f"/v1/clerk/cases/{case_no}"):
        answer = await client.get(path, headers=reading)
        assert answer.status_code == 403
        assert (await client.get(path)).status_code == 401
    mine = await headers_of(client, handler)
    accepted = await move(client, mine, case_no, "accepted", version="2")
    assert accepted.status_code == 200
    # More time is for a supervisor to give.
    more = await move(client, mine, case_no, "extended", version="3", reason="复杂", days=5)
    assert more.status_code == 403


async def test_a_clerk_asks_for_corrections_all_at_once(
    client: httpx.AsyncClient, town: Database, town_settings: Settings
) -> None:
    async with town.transaction() as connection:
        await add_guide(connection)
        case_no = await add_submitted(connection, service_code=GUIDED)
    clerk = await clerk_named(town_settings, f"asker{secrets.token_hex(4)}", "handler")
    mine = await headers_of(client, clerk)
    wrong = await move(
        client,
        mine,
        case_no,
        "correction_requested",
        version="2",
        correction={"fields": ["shoe_size"]},
    )
    assert (wrong.status_code, wrong.json()["errors"][0]["code"]) == (400, "not_asked_for")
    right = await move(
        client,
        mine,
        case_no,
        "correction_requested",
        version="2",
        correction={"fields": ["reason"], "materials": [{"material_id": "photo"}]},
    )
    assert (right.status_code, right.json()["label"]) == (200, "待补正")
