"""Where a case stands: for its owner, for nobody else, in 2 KB, without a statement."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import msgspec
import pytest

from api.app import Service, open_process
from api.cases import queries
from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.rows import ProgressRow
from api.cases.show_progress import LIMIT_BYTES, shape_progress
from api.cases.states import EVENTS, STATUSES
from api.database import CHINA, Database
from api.settings import Settings
from api.statements import Connection
from tests.cases.builders import PASSWORD, add_submitted, event, in_turn, new_case_no, tell
from tests.cases.conftest import Owner
from tests.platforms.builders import Partner


async def own_case(database: Database, owner: Owner, **changed: Any) -> str:
    async with database.transaction() as connection:
        return await add_submitted(connection, citizen_id=owner.citizen_id, **changed)


async def test_progress_is_what_the_contract_says(
    client: httpx.AsyncClient, town: Database, owner: Owner
) -> None:
    # An item of which no process is known has the standard steps.
    case_no = await own_case(town, owner, service_code="S" * 31)
    for body in in_turn("accepted", "reviewed"):
        await tell(town, case_no, body)
    answer = await client.get(f"/v1/cases/{case_no}/progress", headers=owner.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "private, no-cache"
    body = answer.json()
    assert list(body) == [
        "case_no",
        "service",
        "status",
        "label",
        "steps",
        "events",
        "due_on",
        "due_provisional",
        "clock",
        "payment",
        "updated_at",
        "version",
    ]
    assert body["service"]["name"] == "居民身份证丢失补领"
    assert (body["status"], body["label"], body["clock"]) == ("reviewed", "审批中", "running")
    assert [step["status"] for step in body["steps"]][:5] == [
        "done",
        "done",
        "current",
        "todo",
        "todo",
    ]
    assert body["steps"][0]["at"] == "2026-03-02T09:00:00+08:00"
    assert [e["seq"] for e in body["events"]] == [1, 2, 3]
    assert body["events"][1] == {
        "seq": 2,
        "type": "accepted",
        "label": "受理",
        "at": "2026-03-02T09:00:00+08:00",
        "note": None,
    }
    again = await client.get(
        f"/v1/cases/{case_no}/progress",
        headers={**owner.headers, "If-None-Match": answer.headers["etag"]},
    )
    assert again.status_code == 304


async def test_a_foreign_case_is_as_a_missing_one(
    client: httpx.AsyncClient, town: Database, owner: Owner, stranger: Owner
) -> None:
    case_no = await own_case(town, owner)

    async def ask(number: str, headers: dict[str, str]) -> tuple[int, Any]:
        answer = await client.get(f"/v1/cases/{number}/progress", headers=headers)
        body = answer.json()
        body.pop("request_id", None)
        return answer.status_code, body

    missing = await ask("nowhere", stranger.headers)
    assert missing[0] == 404
    # Before it is cached, once it is, and in the owner's hands.
    assert await ask(case_no, stranger.headers) == missing
    assert (await ask(case_no, owner.headers))[0] == 200
    assert await ask(case_no, stranger.headers) == missing
    assert (await ask(case_no, {}))[0] == 401


async def test_the_password_opens_the_same_body(
    client: httpx.AsyncClient, town: Database, owner: Owner
) -> None:
    case_no = await own_case(town, owner)
    mine = await client.get(f"/v1/cases/{case_no}/progress", headers=owner.headers)
    for spelled in (PASSWORD, "abcd 2345 efgh"):
        answer = await client.get(
            "/v1/progress", params={"case_no": case_no, "query_password": spelled}
        )
        assert answer.status_code == 200
        assert answer.content == mine.content


async def test_wrong_and_missing_are_answered_alike_and_not_without_end(
    client: httpx.AsyncClient, town: Database, owner: Owner
) -> None:
    case_no = await own_case(town, owner)

    async def guess(number: str) -> httpx.Response:
        return await client.get(
            "/v1/progress", params={"case_no": number, "query_password": "23456789ABCD"}
        )

    def without_id(answer: httpx.Response) -> Any:
        return {k: v for k, v in answer.json().items() if k != "request_id"}

    wrong, missing = await guess(case_no), await guess(f"T{secrets.token_hex(8)}")
    assert wrong.status_code == missing.status_code == 404
    assert without_id(wrong) == without_id(missing)
    assert set(wrong.headers) == set(missing.headers)
    statuses = [(await guess(case_no)).status_code for _ in range(21)]
    assert statuses[:19] == [404] * 19
    assert statuses[-1] == 429
    limited = await guess(case_no)
    assert 50 < int(limited.headers["retry-after"]) <= 60
    assert limited.json()["code"] == "rate_limited"
    # Another number from the same place is still answered, for a while.
    assert (await guess(f"T{secrets.token_hex(8)}")).status_code == 404
    for _ in range(45):
        last = await guess(f"T{secrets.token_hex(8)}")
    assert last.status_code == 429


class CountingDatabase(Database):
    """A database that keeps what it is asked."""

    sent: list[str]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with super().connection() as connection:
            proxy: Any = Asking(connection, self.sent)
            yield proxy


class Asking:
    """A connection that notes its statements."""

    def __init__(self, connection: Any, sent: list[str]) -> None:
        self._connection = connection
        self._sent = sent

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("fetch", "fetchrow", "fetchval", "execute"):
            return found

        def ask(statement: str, *arguments: Any) -> Any:
            self._sent.append(statement)
            return found(statement, *arguments)

        return ask


@pytest.mark.parametrize("redis", ["on", "off"])
async def test_a_hit_costs_no_statement_and_a_miss_one(
    town_settings: Settings, town: Database, owner: Owner, redis: str
) -> None:
    case_no = await own_case(town, owner)
    settings = town_settings
    if redis == "off":
        settings = msgspec.structs.replace(settings, redis_url="off")
    service = Service(settings)
    application: Any = service
    async with open_process(service.litestar, settings):
        state = service.litestar.state
        state.database = CountingDatabase(state.database._pool, settings)
        sent = state.database.sent = []
        transport = httpx.ASGITransport(app=application)
        async with httpx.AsyncClient(transport=transport, base_url="http://t.test") as client:
            for statements in (1, 0, 0):
                sent.clear()
                answer = await client.get(f"/v1/cases/{case_no}/progress", headers=owner.headers)
                assert answer.status_code == 200
                assert len(sent) == (1 if redis == "off" else statements)


def test_the_longest_case_of_every_status_fits_into_2_kb() -> None:
    now = datetime(2026, 11, 22, 3, 41, 30, 123456, CHINA)
    long_name, moment = "某" * 200, "2026-11-22T03:41:30+08:00"
    for status in STATUSES:
        row = ProgressRow(
            case_no="号" * 50,
            citizen_id="a" * 32,
            service_code="1" * 31,
            service_name="某" * 1000,
            status=status,
            resume_status="decided",
            version=2_000_000_000,
            clock="running",
            due_on=now.date(),
            due_provisional=False,
            fee_fen=10_000_000_000,
            evaluated_at=None,
            submitted_at=now,
            updated_at=now,
            steps=msgspec.json.encode(
                [{"name": long_name, "stage": "decision", "limit_days": 365}] * 12
            ).decode(),
            reached=msgspec.json.encode(
                dict.fromkeys(EVENTS, "2026-11-22T03:41:30+08:00")
            ).decode(),
            events=msgspec.json.encode(
                [
                    {
                        "seq": 1_000_000 + number,
                        "type": "correction_requested",
                        "at": moment,
                        "note": '"\\' * 250,
                    }
                    for number in range(10)
                ]
            ).decode(),
            bill_no="9" * 20,
            bill_status="partially_refunded",
            bill_fen=10**10,
        )
        body = shape_progress(row)
        assert len(body) <= LIMIT_BYTES, (status, len(body))
        shown = msgspec.json.decode(body)
        assert len(shown["steps"]) == 12
        assert shown["events"][-1]["seq"] == 1_000_000


async def test_an_ordinary_case_is_shown_whole(town: Database, owner: Owner) -> None:
    case_no = await own_case(town, owner)
    for body in in_turn("pre_checked", "accepted", "reviewed", "decided", "completed"):
        await tell(town, case_no, msgspec.structs.replace(body, note="材料齐全，符合条件。"))
    async with town.connection() as connection:
        row = await queries.find_progress(connection, case_no=case_no)
    assert row is not None
    body = msgspec.json.decode(shape_progress(row))
    assert body["service"]["name"] == "居民身份证丢失补领"
    assert [e["note"] for e in body["events"]][1:] == ["材料齐全，符合条件。"] * 5
    assert body["label"] == "待评价"


async def test_a_fee_that_is_waited_for_is_shown(
    client: httpx.AsyncClient, town: Database, owner: Owner, partner: Partner
) -> None:
    case_no = await own_case(town, owner)
    path = f"/v1/cases/{case_no}/progress"
    assert (await client.get(path, headers=owner.headers)).json()["payment"] is None
    asked = msgspec.to_builtins(event("payment_requested", fee={"amount_fen": 2000}))
    told = {name: value for name, value in asked.items() if value is not None}
    await partner.call(client, "POST", f"/v1/platform/cases/{case_no}/events", told)
    shown = (await client.get(path, headers=owner.headers)).json()
    assert (shown["status"], shown["label"], shown["clock"]) == (
        "awaiting_payment",
        "待缴费",
        "paused",
    )
    assert shown["payment"] == {"bill_no": None, "status": "unpaid", "amount_fen": 2000}
    assert shown["due_on"] is None


async def test_steps_of_a_withdrawn_case_are_skipped(town: Database, owner: Owner) -> None:
    case_no = await own_case(town, owner)
    await tell(town, case_no, in_turn("accepted")[0])
    async with town.transaction() as connection:
        await move_case(connection, case_no, Move(event_type="withdrawn", actor="citizen:x"))
        row = await queries.find_progress(connection, case_no=case_no)
    assert row is not None
    shown = msgspec.json.decode(shape_progress(row))
    assert shown["label"] == "已撤回"
    assert {step["status"] for step in shown["steps"][1:]} == {"skipped"}


async def test_a_number_that_was_asked_for_too_early_is_shown_once_it_is_there(
    client: httpx.AsyncClient, town: Database, owner: Owner
) -> None:
    case_no = new_case_no()
    path = f"/v1/cases/{case_no}/progress"
    assert (await client.get(path, headers=owner.headers)).status_code == 404
    await own_case(town, owner, case_no=case_no)
    # Nobody told the cache but the database itself.
    for _ in range(20):
        answer = await client.get(path, headers=owner.headers)
        if answer.status_code == 200:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(answer.text)


async def test_an_agent_sees_it_only_where_the_authority_says_so(
    client: httpx.AsyncClient, town: Database, owner: Owner, stranger: Owner
) -> None:
    case_no = await own_case(town, owner)
    headers = {**stranger.headers, "X-On-Behalf-Of": owner.citizen_id}
    answer = await client.get(f"/v1/cases/{case_no}/progress", headers=headers)
    assert answer.status_code == 403
