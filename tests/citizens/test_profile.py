"""The profile: masked outside, sealed inside, changed only where a citizen may change it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.database import open_connection
from tests.citizens.builders import identity_number, profile, sign_in, verify
from tests.gateways import SimulatedGateway


async def patch(client: httpx.AsyncClient, person: Any, body: Any) -> httpx.Response:
    return await client.patch("/v1/me", json=body, headers=person.headers)


async def test_a_new_citizen_has_an_empty_profile(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    answer = await citizens_client.get("/v1/me", headers=person.headers)
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["etag"].startswith('"')
    body = answer.json()
    [link] = body.pop("links")
    assert link["channel"] == "wechat"
    assert body.pop("created_at").endswith("+08:00")
    assert body == {
        "citizen_id": person.citizen_id,
        "name": None,
        "id_number": None,
        "phone": None,
        "assurance_level": "basic",
        "verified_at": None,
        "channels": ["wechat"],
        "preferences": {
            "language": "zh",
            "quiet_hours": None,
            "muted_kinds": [],
            "recommendations": True,
        },
        "elder_view": False,
    }


async def test_the_phone_comes_from_the_channel_and_goes_out_masked(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    for gateway in (wechat_gateway, alipay_gateway):
        person = await sign_in(citizens_client, gateway, phone="13812341234")
        code = gateway.phone_code(person.open_id)
        answer = await citizens_client.post(
            "/v1/me/phone", json={"channel": gateway.name, "code": code}, headers=person.headers
        )
        assert answer.status_code == 200, answer.text
        assert answer.json() == {"phone": "138****1234"}
        assert (await profile(citizens_client, person))["phone"] == "138****1234"


async def test_what_is_named_changes_and_the_rest_stays(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    first = await patch(
        citizens_client,
        person,
        {"elder_view": True, "preferences": {"quiet_hours": "21-07", "muted_kinds": ["progress"]}},
    )
    assert first.status_code == 200
    second = await patch(citizens_client, person, {"preferences": {"recommendations": False}})
    body = second.json()
    assert body["elder_view"] is True
    assert body["preferences"] == {
        "language": "zh",
        "quiet_hours": "21-07",
        "muted_kinds": ["progress"],
        "recommendations": False,
    }
    assert await profile(citizens_client, person) == body


@pytest.mark.parametrize(
    "field",
    [
        "citizen_id",
        "name",
        "id_number",
        "phone",
        "assurance_level",
        "verified_at",
        "channels",
        "links",
        "created_at",
        "merged_into",
        "erased_at",
    ],
)
async def test_what_is_not_for_the_citizen_to_change_is_refused(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway, field: str
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    answer = await patch(citizens_client, person, {field: "face"})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


@pytest.mark.parametrize(
    "preferences",
    [
        {"quiet_hours": "25-07"},
        {"quiet_hours": "22-08\n"},
        {"language": "fr"},
        {"muted_kinds": ["x" * 41]},
        {"muted_kinds": ["ok"] * 41},
        {"unknown": 1},
    ],
)
async def test_careless_preferences_are_refused(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    preferences: dict[str, Any],
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    answer = await patch(citizens_client, person, {"preferences": preferences})
    assert answer.status_code == 400


async def test_nothing_personal_stands_in_the_database_in_plain_text(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    number = identity_number()
    person = await sign_in(
        citizens_client,
        wechat_gateway,
        name="欧阳金丝雀",
        id_number=number,
        phone="13987654321",
    )
    await verify(citizens_client, person)
    code = wechat_gateway.phone_code(person.open_id)
    await citizens_client.post(
        "/v1/me/phone", json={"channel": "wechat", "code": code}, headers=person.headers
    )
    canaries = [number, "欧阳金丝雀", "13987654321", person.open_id]
    spelled = canaries + [canary.encode().hex() for canary in canaries]
    async with open_connection(citizens_url) as connection:
        tables = await connection.fetch(
            "select tablename from pg_tables where schemaname = 'public'"
        )
        for [table] in tables:
            # Every value of the row as text, bytes in hexadecimal.
            found = await connection.fetchval(
                f'select count(*) from "{table}" t'
                " where exists (select from unnest($1::text[]) canary"
                " where position(canary in t::text) > 0)",
                spelled,
            )
            assert found == 0, table


async def test_sealed_values_swapped_between_two_people_do_not_open(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    people = []
    for phone in ("13811110001", "13811110002"):
        person = await sign_in(citizens_client, wechat_gateway, phone=phone)
        code = wechat_gateway.phone_code(person.open_id)
        await citizens_client.post(
            "/v1/me/phone", json={"channel": "wechat", "code": code}, headers=person.headers
        )
        people.append(person)
    async with open_connection(citizens_url) as connection:
        await connection.execute(
            "update citizens set phone_sealed ="
            " (select phone_sealed from citizens where citizen_id = $1) where citizen_id = $2",
            people[0].citizen_id,
            people[1].citizen_id,
        )
    answer = await citizens_client.get("/v1/me", headers=people[1].headers)
    assert answer.status_code == 500
    assert "0001" not in answer.text
