"""Rights over one's own data: a whole export, a whole erasure, a log of who looked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from api.access_log import note_access
from api.database import open_connection, open_database
from api.settings import Settings
from api.vault import open_vault
from tests.citizens.builders import Person, identity_number, profile, sign_in, verify
from tests.gateways import SimulatedGateway


async def add_case(settings: Settings, person: Person, status: str, case_no: str) -> None:
    """A case of the person's, its form sealed as the service seals it."""
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    place = {"table": "cases", "column": "form_sealed", "row": case_no}
    async with database.connection() as connection:
        await connection.execute(
            "insert into cases (case_no, origin, citizen_id, service_code, service_version,"
            " service_name, department_code, region_code, status, form_sealed,"
            " query_password_hash) values"
            " ($1, 'online', $2, 'S', 1, '身份证补领', 'D', '440106000000', $3, $4, '\\x00')",
            case_no,
            person.citizen_id,
            status,
            vault.seal(json.dumps({"reason": "丢了"}), **place),
        )
    await vault.close()
    await database.close()


async def test_an_export_holds_everything_unmasked_and_is_noted(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    wechat_gateway: SimulatedGateway,
) -> None:
    number = identity_number()
    person = await sign_in(citizens_client, wechat_gateway, name="钱学森", id_number=number)
    await verify(citizens_client, person)
    await add_case(citizens_settings, person, "draft", f"E{person.citizen_id}")
    answer = await citizens_client.get("/v1/me/export", headers=person.headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["name"], body["id_number"]) == ("钱学森", number)
    assert body["links"][0]["open_id"] == person.open_id
    assert body["cases"][0]["form"] == {"reason": "丢了"}
    assert body["identity_checks"][0]["state"] == "passed"
    assert body["complete"] is True
    log = await citizens_client.get("/v1/me/access-log", headers=person.headers)
    [note] = log.json()["items"]
    assert (note["actor"], note["purpose"]) == (f"citizen:{person.citizen_id}", "export")


async def test_an_erased_citizen_is_gone_and_the_account_starts_anew(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(
        citizens_client, wechat_gateway, name="孙思邈", id_number=identity_number()
    )
    await verify(citizens_client, person)
    gone = await citizens_client.delete("/v1/me", headers=person.headers)
    assert gone.status_code == 204
    await asyncio.sleep(0.2)
    assert (await citizens_client.get("/v1/me", headers=person.headers)).status_code == 401
    async with open_connection(citizens_url) as connection:
        row = await connection.fetchrow(
            "select name_sealed, id_number_sealed, id_number_index, phone_sealed,"
            " erased_at is not null from citizens where citizen_id = $1",
            person.citizen_id,
        )
        links = await connection.fetchval(
            "select count(*) from channel_links where citizen_id = $1", person.citizen_id
        )
        told = await connection.fetchval(
            "select count(*) from pgqueuer where entrypoint = 'citizen.erased'"
            " and convert_from(payload, 'utf8')::json->>'citizen_id' = $1",
            person.citizen_id,
        )
    assert tuple(row) == (None, None, None, None, True)
    assert (links, told) == (0, 1)
    again = await sign_in(citizens_client, wechat_gateway, person.open_id)
    assert again.citizen_id != person.citizen_id


async def test_whoever_has_a_case_under_way_is_not_erased(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    wechat_gateway: SimulatedGateway,
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    await add_case(citizens_settings, person, "accepted", f"O{person.citizen_id}")
    answer = await citizens_client.delete("/v1/me", headers=person.headers)
    assert (answer.status_code, answer.json()["code"]) == (409, "open_cases")
    assert (await profile(citizens_client, person))["citizen_id"] == person.citizen_id


async def test_the_access_log_is_ones_own_and_in_pages(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    stranger = await sign_in(citizens_client, wechat_gateway)
    async with open_connection(citizens_url) as connection:
        for number in range(5):
            await note_access(connection, person.citizen_id, "clerk:wang", f"case {number}", "name")
    found: list[Any] = []
    address: str | None = "/v1/me/access-log?limit=2"
    while address:
        page = (await citizens_client.get(address, headers=person.headers)).json()
        found += [note["purpose"] for note in page["items"]]
        cursor = page["next_cursor"]
        address = f"/v1/me/access-log?limit=2&cursor={cursor}" if cursor else None
    assert found == [f"case {number}" for number in (4, 3, 2, 1, 0)]
    other = await citizens_client.get("/v1/me/access-log", headers=stranger.headers)
    assert other.json()["items"] == []
