"""One citizen, several channels: linked, joined, and the last one kept."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import httpx

from api.database import CHINA
from tests.citizens.builders import Person, identity_number, profile, sign_in, verify
from tests.gateways import SimulatedGateway


async def link(
    client: httpx.AsyncClient, person: Person, gateway: SimulatedGateway, open_id: str
) -> httpx.Response:
    body = {"channel": gateway.name, "code": gateway.login_code(open_id)}
    return await client.post("/v1/me/channels", json=body, headers=person.headers)


async def test_a_linked_account_signs_the_same_citizen_in(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    open_id = alipay_gateway.citizen()
    answer = await link(citizens_client, person, alipay_gateway, open_id)
    assert answer.status_code == 201
    assert answer.json()["channels"] == ["alipay", "wechat"]
    again = await link(citizens_client, person, alipay_gateway, open_id)
    assert again.json() == answer.json()
    other = await sign_in(citizens_client, alipay_gateway, open_id)
    assert other.citizen_id == person.citizen_id


async def test_an_account_with_a_record_of_its_own_is_joined(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    other = await sign_in(citizens_client, alipay_gateway)
    assert other.citizen_id != person.citizen_id
    answer = await link(citizens_client, person, alipay_gateway, other.open_id)
    assert answer.json()["citizen_id"] == person.citizen_id
    await asyncio.sleep(0.2)
    assert (await citizens_client.get("/v1/me", headers=other.headers)).status_code == 401
    again = await sign_in(citizens_client, alipay_gateway, other.open_id)
    assert again.citizen_id == person.citizen_id


async def test_a_verified_strangers_account_is_not_joined(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    other = await sign_in(
        citizens_client, alipay_gateway, name="赵钱孙", id_number=identity_number()
    )
    await verify(citizens_client, other)
    person = await sign_in(
        citizens_client, wechat_gateway, name="周吴郑", id_number=identity_number()
    )
    unverified = await link(citizens_client, person, alipay_gateway, other.open_id)
    assert (unverified.status_code, unverified.json()["code"]) == (409, "channel_taken")
    await verify(citizens_client, person)
    verified = await link(citizens_client, person, alipay_gateway, other.open_id)
    assert (verified.status_code, verified.json()["code"]) == (409, "citizens_differ")
    assert (await profile(citizens_client, other))["channels"] == ["alipay"]


async def test_a_second_account_of_the_same_channel_waits_for_the_first_to_go(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    answer = await link(citizens_client, person, wechat_gateway, wechat_gateway.citizen())
    assert (answer.status_code, answer.json()["code"]) == (409, "channel_linked")


async def test_an_unlinked_account_is_a_strangers_and_its_sessions_end(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    open_id = alipay_gateway.citizen()
    await link(citizens_client, person, alipay_gateway, open_id)
    by_alipay = await sign_in(citizens_client, alipay_gateway, open_id)
    gone = await citizens_client.delete("/v1/me/channels/alipay", headers=person.headers)
    assert gone.status_code == 204
    await asyncio.sleep(0.2)
    assert (await citizens_client.get("/v1/me", headers=by_alipay.headers)).status_code == 401
    assert (await profile(citizens_client, person))["channels"] == ["wechat"]
    again = await sign_in(citizens_client, alipay_gateway, open_id)
    assert again.citizen_id != person.citizen_id


async def test_the_last_channel_stays(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    last = await citizens_client.delete("/v1/me/channels/wechat", headers=person.headers)
    assert (last.status_code, last.json()["code"]) == (409, "last_channel")
    missing = await citizens_client.delete("/v1/me/channels/alipay", headers=person.headers)
    assert missing.status_code == 404


async def test_what_the_joined_record_had_is_the_kept_ones(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    until = str(datetime.now(CHINA).date() + timedelta(days=3))
    kept = await sign_in(citizens_client, wechat_gateway)
    gone = await sign_in(citizens_client, alipay_gateway, phone="13700001111")
    friend = await sign_in(citizens_client, wechat_gateway)
    phone = {"channel": "alipay", "code": alipay_gateway.phone_code(gone.open_id)}
    await citizens_client.post("/v1/me/phone", json=phone, headers=gone.headers)
    for principal, agent in ((kept, friend), (gone, friend), (gone, kept), (friend, gone)):
        body = {"agent_id": agent.citizen_id, "scopes": ["apply"], "until": until}
        answer = await citizens_client.post("/v1/agents", json=body, headers=principal.headers)
        assert answer.status_code == 201
    answer = await link(citizens_client, kept, alipay_gateway, gone.open_id)
    assert answer.status_code == 201, answer.text
    assert (await profile(citizens_client, kept))["phone"] == "137****1111"
    listed = await citizens_client.get("/v1/agents", headers=kept.headers)
    living = [
        (item["principal_id"], item["agent_id"])
        for item in listed.json()["items"]
        if item["state"] != "ended"
    ]
    assert sorted(living) == sorted(
        [(kept.citizen_id, friend.citizen_id), (friend.citizen_id, kept.citizen_id)]
    )
