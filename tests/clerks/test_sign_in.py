"""Clerks: two factors, a lock after five failures, an end after half an hour of nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api.clerks.sign_in import FAILURES_MOST
from api.database import Database
from api.kinds import new_id
from api.settings import Settings
from tests.clerks.builders import TestClerk, clerk_named, headers_of
from tests.town import running


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with running(settings) as client:
        yield client


@pytest.fixture
async def handler(settings: Settings) -> TestClerk:
    return await clerk_named(settings, _user(), "handler")


def _user() -> str:
    return f"u{new_id()[-12:]}"


async def sign_in(client: httpx.AsyncClient, body: dict[str, str]) -> httpx.Response:
    return await client.post("/v1/clerk/sessions", json=body)


async def test_a_clerk_signs_in_with_password_and_code(
    client: httpx.AsyncClient, handler: TestClerk
) -> None:
    answer = await sign_in(client, handler.body())
    assert answer.status_code == 201
    assert answer.json()["clerk"]["roles"] == ["handler"]
    headers = {"Authorization": f"Bearer {answer.json()['token']}"}
    me = await client.get("/v1/clerk/me", headers=headers)
    assert me.json()["user"] == handler.user


@pytest.mark.parametrize("wrong", [{"password": "not it"}, {"totp": "000000"}, {"user": "nobody"}])
async def test_what_was_wrong_is_not_said(
    client: httpx.AsyncClient, handler: TestClerk, wrong: dict[str, str]
) -> None:
    answer = await sign_in(client, handler.body(**wrong))
    assert answer.status_code == 401
    assert answer.json()["code"] == "sign_in_wrong"


async def test_a_code_counts_once(client: httpx.AsyncClient, handler: TestClerk) -> None:
    body = handler.body()
    answers = await asyncio.gather(*(sign_in(client, body) for _ in range(4)))
    assert sorted(a.status_code for a in answers) == [201, 401, 401, 401]


async def test_five_failures_lock_even_the_right_password_out(
    client: httpx.AsyncClient, handler: TestClerk
) -> None:
    for _ in range(FAILURES_MOST):
        assert (await sign_in(client, handler.body(password="not it"))).status_code == 401
    answer = await sign_in(client, handler.body())
    assert answer.status_code == 401
    assert answer.json()["code"] == "clerk_locked"
    assert answer.headers["retry-after"]


async def test_a_lock_ends_and_the_count_begins_anew(
    client: httpx.AsyncClient, handler: TestClerk, database: Database
) -> None:
    for _ in range(FAILURES_MOST):
        await sign_in(client, handler.body(password="not it"))
    async with database.connection() as connection:
        await connection.execute(
            "update clerks set locked_until = now() - interval '1 second' where user_name = $1",
            handler.user,
        )
    assert (await sign_in(client, handler.body(password="not it"))).json()["code"] == (
        "sign_in_wrong"
    )
    assert (await sign_in(client, handler.body())).status_code == 201


async def test_a_signed_out_token_is_worth_nothing(
    client: httpx.AsyncClient, handler: TestClerk
) -> None:
    headers = await headers_of(client, handler)
    assert (await client.delete("/v1/clerk/sessions/current", headers=headers)).status_code == 204
    assert (await client.get("/v1/clerk/me", headers=headers)).status_code == 401


async def test_an_idle_session_ends(
    client: httpx.AsyncClient, handler: TestClerk, database: Database, settings: Settings
) -> None:
    headers = await headers_of(client, handler)
    async with database.connection() as connection:
        await connection.execute(
            """
            update clerk_sessions k set seen_at = now() - make_interval(mins => $2)
            from sessions s where s.session_id = k.session_id and s.subject = $1
            """,
            handler.user,
            settings.clerk_idle_minutes + 1,
        )
    assert (await client.get("/v1/clerk/me", headers=headers)).status_code == 401


async def test_no_secret_of_a_clerk_lies_open_in_the_database(
    handler: TestClerk, database: Database
) -> None:
    async with database.connection() as connection:
        row = await connection.fetchval(
            "select clerks::text from clerks where user_name = $1", handler.user
        )
    assert handler.totp.secret not in row
    assert handler.totp.secret.encode().hex() not in row
    assert "argon2id" in row


async def test_an_administrator_makes_and_disables_clerks_but_sees_no_trail(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    headers = await headers_of(client, await clerk_named(settings, _user(), "administrator"))
    made = _user()
    body = {
        "user": made,
        "name": "新人",
        "password": "a long enough passphrase",
        "roles": ["handler"],
        "service_prefixes": [""],
        "region_prefixes": ["4401"],
    }
    answer = await client.post("/v1/clerk/clerks", json=body, headers=headers)
    assert answer.status_code == 201
    assert answer.json()["totp_address"].startswith("otpauth://totp/")
    again = await client.post("/v1/clerk/clerks", json=body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "clerk_exists")
    assert (await client.delete(f"/v1/clerk/clerks/{made}", headers=headers)).status_code == 204
    assert (await client.delete(f"/v1/clerk/clerks/{made}", headers=headers)).status_code == 404
    assert (await client.get("/v1/clerk/audit", headers=headers)).status_code == 403


async def test_administration_goes_with_no_other_role(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    headers = await headers_of(client, await clerk_named(settings, _user(), "administrator"))
    body = {
        "user": _user(),
        "name": "新人",
        "password": "a long enough passphrase",
        "roles": ["administrator", "handler"],
        "service_prefixes": [""],
        "region_prefixes": [""],
    }
    answer = await client.post("/v1/clerk/clerks", json=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["code"] == "roles_apart"


async def test_a_disabled_clerk_is_out_at_once(
    client: httpx.AsyncClient, settings: Settings, handler: TestClerk
) -> None:
    theirs = await headers_of(client, handler)
    headers = await headers_of(client, await clerk_named(settings, _user(), "administrator"))
    await client.delete(f"/v1/clerk/clerks/{handler.user}", headers=headers)
    assert (await client.get("/v1/clerk/me", headers=theirs)).status_code == 401
    assert (await sign_in(client, handler.body())).status_code == 401


async def test_an_auditor_reads_who_signed_in(
    client: httpx.AsyncClient, settings: Settings, handler: TestClerk
) -> None:
    await headers_of(client, handler)
    headers = await headers_of(client, await clerk_named(settings, _user(), "auditor"))
    answer = await client.get(
        "/v1/clerk/audit", params={"subject": f"clerk:{handler.user}"}, headers=headers
    )
    assert [line["action"] for line in answer.json()["items"]] == ["clerk.signed_in", "clerk.made"]
