"""Signing in through the real channels: one person, one record, and out again everywhere."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import structs

from api.database import open_connection
from api.rotate_keys import rotate_keys
from api.settings import Settings
from tests.citizens.builders import post_session, profile, sign_in
from tests.conftest import ValkeyServer
from tests.gateways import SimulatedGateway
from tests.kit.test_rotate_keys import watch
from tests.live import serving
from tests.town import running


async def test_a_first_sign_in_makes_a_citizen_and_the_next_finds_them(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen()
    answer = await post_session(citizens_client, "wechat", wechat_gateway.login_code(open_id))
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "private, no-cache"
    body = answer.json()
    assert body["citizen"] == {
        "citizen_id": body["citizen"]["citizen_id"],
        "name": None,
        "assurance_level": "basic",
        "channels": ["wechat"],
    }
    assert body["expires_at"].endswith("+08:00")
    again = await sign_in(citizens_client, wechat_gateway, open_id)
    assert again.citizen_id == body["citizen"]["citizen_id"]
    assert again.token != body["token"]


async def test_sixty_four_first_sign_ins_at_once_make_one_citizen(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen()
    codes = [wechat_gateway.login_code(open_id) for _ in range(64)]
    answers = await asyncio.gather(
        *(post_session(citizens_client, "wechat", code) for code in codes)
    )
    found = {a.json()["citizen"]["citizen_id"] for a in answers if a.status_code == 201}
    assert len(found) == 1
    assert {a.status_code for a in answers} <= {201, 503}
    assert sum(a.status_code == 201 for a in answers) > 32


async def test_alipay_signs_in_as_well(
    citizens_client: httpx.AsyncClient, alipay_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, alipay_gateway)
    assert (await profile(citizens_client, person))["channels"] == ["alipay"]


async def test_a_wrong_or_used_code_is_401_with_its_own_code(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    code = wechat_gateway.login_code(wechat_gateway.citizen())
    assert (await post_session(citizens_client, "wechat", code)).status_code == 201
    for wrong in (code, "no-such-code"):
        answer = await post_session(citizens_client, "wechat", wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "login_code_wrong")


async def test_an_unknown_channel_is_said_to_be_unknown(
    citizens_client: httpx.AsyncClient,
) -> None:
    answer = await post_session(citizens_client, "telegram", "code")
    assert (answer.status_code, answer.json()["code"]) == (404, "channel_unknown")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"channel": "wechat"},
        {"channel": "wechat", "code": ""},
        {"channel": "WeChat", "code": "x"},
        {"channel": "wechat", "code": "a b"},
        {"channel": "wechat", "code": "x" * 513},
        {"channel": "wechat", "code": "x\u0000"},
        {"channel": "wechat", "code": "x", "citizen_id": "0" * 32},
        {"channel": "wechat", "code": "x", "assurance_level": "face"},
    ],
)
async def test_a_careless_body_is_refused(
    citizens_client: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    answer = await citizens_client.post("/v1/sessions", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_gateway_that_hangs_is_503_in_time_and_holds_no_connection(
    citizens_settings: Settings, wechat_gateway: SimulatedGateway
) -> None:
    codes = [wechat_gateway.login_code(wechat_gateway.citizen()) for _ in range(20)]
    wechat_gateway.faults(hang=True)
    async with running(citizens_settings) as client:
        began = time.monotonic()
        signing = [asyncio.create_task(post_session(client, "wechat", code)) for code in codes]
        await asyncio.sleep(0.5)
        # More wait at the gateway than the pool has connections: others are served meanwhile.
        assert (await client.get("/v1/regions")).status_code == 200
        answers = await asyncio.gather(*signing)
        assert time.monotonic() - began < 4
    wechat_gateway.clear_faults()
    assert {a.status_code for a in answers} == {503}
    assert "channel_unavailable" in {a.json()["code"] for a in answers}


async def test_signing_out_ends_the_session(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    other = await sign_in(citizens_client, wechat_gateway, person.open_id)
    gone = await citizens_client.delete("/v1/sessions/current", headers=person.headers)
    assert gone.status_code == 204
    assert (await citizens_client.get("/v1/me", headers=person.headers)).status_code == 401
    assert (await citizens_client.get("/v1/me", headers=other.headers)).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer x",
        "Bearer a.b",
        "Basic YTpi",
        "Bearer " + "x" * 4000,
        "Bearer eyJhbGciOiJub25lIn0.e30.",
    ],
)
async def test_what_proves_nobody_is_401(citizens_client: httpx.AsyncClient, header: str) -> None:
    answer = await citizens_client.get("/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


async def test_signed_out_here_is_signed_out_in_another_process_also_without_the_cache(
    citizens_settings: Settings,
    wechat_gateway: SimulatedGateway,
    valkey_server: ValkeyServer,
    tmp_path: Path,
) -> None:
    environment = {
        "DATABASE_URL": citizens_settings.database_url,
        "KEYS_FILE": citizens_settings.keys_file,
        "CHANNELS_FILE": citizens_settings.channels_file,
        "REDIS_URL": valkey_server.url,
        "SECRET_KEY": citizens_settings.secret_key,
    }
    with serving(tmp_path / "other", **environment) as address:
        async with (
            running(citizens_settings) as here,
            httpx.AsyncClient(base_url=address, trust_env=False) as there,
        ):
            for stopped in (False, True):
                if stopped:
                    valkey_server.stop()
                person = await sign_in(here, wechat_gateway)
                assert (await there.get("/v1/me", headers=person.headers)).status_code == 200
                await here.delete("/v1/sessions/current", headers=person.headers)
                await asyncio.sleep(0.2)
                assert (await there.get("/v1/me", headers=person.headers)).status_code == 401


async def test_the_database_holds_no_open_id_in_plain_text(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    async with open_connection(citizens_url) as connection:
        found = await connection.fetchval(
            "select string_agg(l::text, '') from channel_links l where citizen_id = $1",
            person.citizen_id,
        )
    assert person.open_id not in found
    assert person.open_id.encode().hex() not in found


async def test_while_keys_rotate_everybody_stays_who_they_are(
    citizens_settings: Settings, clean_database_url: str, wechat_gateway: SimulatedGateway
) -> None:
    settings = structs.replace(citizens_settings, database_url=clean_database_url)
    async with running(settings) as client:
        people = [await sign_in(client, wechat_gateway) for _ in range(3)]
        newcomers = [wechat_gateway.citizen() for _ in range(3)]
        rotating = asyncio.create_task(rotate_keys(settings, watch, settle_seconds=1))
        known: dict[str, str] = {person.open_id: person.citizen_id for person in people}
        rounds = 0
        while not rotating.done() or rounds < 2:
            rounds += 1
            coming = [*{*known, *newcomers}, *newcomers]
            again = await asyncio.gather(*(sign_in(client, wechat_gateway, o) for o in coming))
            for person in again:
                assert known.setdefault(person.open_id, person.citizen_id) == person.citizen_id
        done = await rotating
    assert (done.broken, len(set(known.values()))) == (0, 6)
