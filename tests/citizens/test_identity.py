"""Real-name checks by the real channels: raised, never lowered; one person, one record."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from msgspec import structs

from api.database import open_connection
from tests.citizens.builders import (
    Person,
    begin_check,
    identity_number,
    profile,
    sign_in,
    verify,
)
from tests.gateways import SimulatedGateway


async def somebody(client: httpx.AsyncClient, gateway: SimulatedGateway) -> Person:
    return await sign_in(client, gateway, name="张三丰", id_number=identity_number())


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
async def test_a_passed_face_check_raises_the_assurance(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
    channel: str,
) -> None:
    gateway = {"wechat": wechat_gateway, "alipay": alipay_gateway}[channel]
    person = await somebody(citizens_client, gateway)
    begun = await begin_check(citizens_client, person)
    assert begun.status_code == 201, begun.text
    body = begun.json()
    assert (body["state"], body["assurance_level"], body["channel"]) == (
        "pending",
        "basic",
        channel,
    )
    assert body["client_parameters"]
    done = await verify(citizens_client, person)
    assert (done["state"], done["assurance_level"]) == ("passed", "face")
    me = await profile(citizens_client, person)
    assert person.id_number is not None
    assert me["name"] == "张**"
    assert me["id_number"] == person.id_number[0] + "*" * 16 + person.id_number[-1]
    assert me["verified_at"] is not None


async def test_a_failed_check_raises_nothing_and_says_why(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    check_id = (await begin_check(citizens_client, person)).json()["check_id"]
    [check] = [c for c in wechat_gateway.all("identity-checks") if c["check_no"] == check_id]
    wechat_gateway.control("POST", f"/identity-checks/{check['check_id']}/fail")
    answer = await citizens_client.get(f"/v1/me/identity-checks/{check_id}", headers=person.headers)
    body = answer.json()
    assert (body["state"], body["assurance_level"]) == ("failed", "basic")
    assert body["reason"]
    assert (await profile(citizens_client, person))["name"] is None


async def test_the_name_of_a_finished_check_is_forgotten(
    citizens_client: httpx.AsyncClient, citizens_url: str, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    await verify(citizens_client, person)
    async with open_connection(citizens_url) as connection:
        row = await connection.fetchrow(
            "select name_sealed, id_number_sealed, state from identity_checks"
            " where citizen_id = $1",
            person.citizen_id,
        )
    assert tuple(row) == (None, None, "passed")


@pytest.mark.parametrize(
    "changed",
    [
        {"id_number": "11010519491231002Y"},
        {"id_number": "110105194912310021"},
        {"id_number": "11010519491331002X"},
        {"name": "三"},
        {"name": "<script>"},
        {"state": "passed"},
        {"assurance_level": "face"},
    ],
)
async def test_an_impossible_name_or_number_is_refused_before_anybody_is_asked(
    citizens_client: httpx.AsyncClient,
    wechat_gateway: SimulatedGateway,
    changed: dict[str, str],
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    answer = await begin_check(citizens_client, person, **changed)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert wechat_gateway.all("identity-checks") == []


async def test_checks_end_for_the_day_after_ten(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    statuses = [(await begin_check(citizens_client, person)).status_code for _ in range(11)]
    assert statuses == [201] * 10 + [429]


async def test_the_same_person_by_two_channels_is_one_citizen_after_two_checks(
    citizens_client: httpx.AsyncClient,
    citizens_url: str,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    number = identity_number()
    first = await sign_in(citizens_client, wechat_gateway, name="李四光", id_number=number)
    second = await sign_in(citizens_client, alipay_gateway, name="李四光", id_number=number)
    await verify(citizens_client, first)
    done = await verify(citizens_client, second)
    assert (done["state"], done["merged"]) == ("passed", True)
    me = await profile(citizens_client, second)
    assert (me["citizen_id"], me["channels"]) == (second.citizen_id, ["alipay", "wechat"])
    # The record that is gone signs nobody in any more; its account finds the kept one.
    await asyncio.sleep(0.2)
    assert (await citizens_client.get("/v1/me", headers=first.headers)).status_code == 401
    again = await sign_in(citizens_client, wechat_gateway, first.open_id)
    assert again.citizen_id == second.citizen_id
    async with open_connection(citizens_url) as connection:
        gone = await connection.fetchrow(
            "select merged_into, name_sealed, id_number_index from citizens where citizen_id = $1",
            first.citizen_id,
        )
        facts = await connection.fetch(
            "select payload from pgqueuer where entrypoint = 'citizen.merged'"
        )
    assert tuple(gone) == (second.citizen_id, None, None)
    told = f'{{"kept":"{second.citizen_id}","gone":"{first.citizen_id}"}}'.encode()
    assert told in [fact["payload"] for fact in facts]


async def test_two_checks_of_one_person_at_once_leave_one_verified_record(
    citizens_client: httpx.AsyncClient,
    citizens_url: str,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> None:
    number = identity_number()
    people = [
        await sign_in(citizens_client, gateway, name="王二小", id_number=number)
        for gateway in (wechat_gateway, alipay_gateway, wechat_gateway)
    ]
    await asyncio.gather(*(verify(citizens_client, p) for p in people), return_exceptions=True)
    ids = [person.citizen_id for person in people]
    async with open_connection(citizens_url) as connection:
        verified = await connection.fetchval(
            "select count(*) from citizens where citizen_id = any($1)"
            " and id_number_index is not null",
            ids,
        )
    assert verified == 1


async def test_somebody_elses_number_does_not_replace_a_verified_one(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    # Of this person the gateway knows nothing: it lets pass whatever is asked.
    somebody = await sign_in(citizens_client, wechat_gateway)
    person = structs.replace(somebody, name="真的人", id_number=identity_number())
    await verify(citizens_client, person)
    before = await profile(citizens_client, person)
    other = structs.replace(person, name="别的人", id_number=identity_number("20000101"))
    done = await verify(citizens_client, other)
    assert (done["state"], done["reason"]) == ("failed", "another_person")
    assert await profile(citizens_client, person) == before


async def test_another_persons_check_is_not_there(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    stranger = await somebody(citizens_client, wechat_gateway)
    check_id = (await begin_check(citizens_client, person)).json()["check_id"]
    answers = [
        await citizens_client.get(f"/v1/me/identity-checks/{which}", headers=stranger.headers)
        for which in (check_id, "0" * 32, "nonsense")
    ]
    bodies = [{**a.json(), "request_id": None} for a in answers]
    assert [a.status_code for a in answers] == [404, 404, 404]
    assert bodies[0] == bodies[1] == bodies[2]


async def test_a_gateway_that_hangs_leaves_a_check_that_is_worth_nothing(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    wechat_gateway.faults(hang=True)
    answer = await begin_check(citizens_client, person)
    wechat_gateway.clear_faults()
    assert (answer.status_code, answer.json()["code"]) == (503, "channel_unavailable")
    assert (await profile(citizens_client, person))["assurance_level"] == "basic"


async def test_a_consent_to_the_real_name_record_verifies_at_once_and_a_face_goes_further(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await somebody(citizens_client, wechat_gateway)
    proof = wechat_gateway.code(person.open_id, "realname")
    wrong = await begin_check(citizens_client, person, name="李三丰", proof=proof)
    assert (wrong.status_code, wrong.json()["state"]) == (201, "failed")
    proof = wechat_gateway.code(person.open_id, "realname")
    done = await begin_check(citizens_client, person, proof=proof)
    assert done.status_code == 201, done.text
    assert (done.json()["state"], done.json()["assurance_level"]) == ("passed", "verified")
    assert (await verify(citizens_client, person))["assurance_level"] == "face"
    proof = wechat_gateway.code(person.open_id, "realname")
    again = await begin_check(citizens_client, person, proof=proof)
    assert again.json()["assurance_level"] == "face", "never lowered"
    used = await begin_check(citizens_client, person, proof=proof)
    assert (used.status_code, used.json()["code"]) == (401, "login_code_wrong")
