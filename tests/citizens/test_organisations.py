"""Organisations: claimed with a right code, unverified until somebody has looked."""

from __future__ import annotations

import asyncio
import string
from typing import Any

import httpx
import pytest
from stdnum.cn import uscc

from api.citizens.claim_organisations import AlreadyConfirmed, decide_claim
from api.database import open_database
from api.errors import Conflict
from api.settings import Settings
from tests.citizens.builders import Person, identity_number, sign_in, verify
from tests.gateways import SimulatedGateway

CODE = "91350100M000100Y43"


def another_code(number: int) -> str:
    """An invented code with a right check character."""
    body = f"91990000MA{number:07d}"
    alphabet = string.digits + string.ascii_uppercase
    return next(body + last for last in alphabet if uscc.is_valid(body + last))


async def post(client: httpx.AsyncClient, person: Person, path: str, body: Any = None) -> Any:
    return await client.post(f"/v1/{path}", json=body or {}, headers=person.headers)


async def claim(client: httpx.AsyncClient, person: Person, **changed: Any) -> httpx.Response:
    body = {"credit_code": CODE, "name": "演示有限公司", **changed}
    answer: httpx.Response = await post(client, person, "organisations", body)
    return answer


@pytest.fixture
async def boss(citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway) -> Person:
    """Somebody who has been verified."""
    person = await sign_in(
        citizens_client, wechat_gateway, name="郑板桥", id_number=identity_number()
    )
    await verify(citizens_client, person)
    return person


async def test_a_claim_is_unverified_and_says_so(
    citizens_client: httpx.AsyncClient, boss: Person
) -> None:
    answer = await claim(citizens_client, boss)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["state"], body["role"], body["membership"]) == (
        "unverified",
        "legal_representative",
        "active",
    )
    listed = await citizens_client.get("/v1/organisations", headers=boss.headers)
    assert listed.json()["items"] == [body]


async def test_whoever_is_not_verified_claims_nothing(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    answer = await claim(citizens_client, person)
    assert (answer.status_code, answer.json()["code"]) == (403, "assurance_too_low")


@pytest.mark.parametrize("code", ["91350100M000100Y44", "9135", "91350100M000100YO3"])
async def test_an_impossible_code_is_refused(
    citizens_client: httpx.AsyncClient, boss: Person, code: str
) -> None:
    answer = await claim(citizens_client, boss, credit_code=code)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_somebody_invited_acts_once_they_have_accepted(
    citizens_client: httpx.AsyncClient, boss: Person, wechat_gateway: SimulatedGateway
) -> None:
    organisation = (await claim(citizens_client, boss)).json()["organisation_id"]
    handler = await sign_in(citizens_client, wechat_gateway)
    code = (await post(citizens_client, handler, "agents/invitations")).json()["code"]
    path = f"organisations/{organisation}"
    invited = await post(citizens_client, boss, f"{path}/members", {"invitation_code": code})
    assert invited.status_code == 201
    assert [m["membership"] for m in invited.json()["items"]] == ["active", "invited"]
    assert invited.json()["items"][0]["name"] == "郑**"
    accepted = await post(citizens_client, handler, f"{path}/acceptance")
    assert (accepted.json()["membership"], accepted.json()["role"]) == ("active", "handler")
    # A handler invites nobody, and lets nobody go.
    other = (await post(citizens_client, boss, "agents/invitations")).json()["code"]
    refused = await post(citizens_client, handler, f"{path}/members", {"invitation_code": other})
    assert refused.status_code == 403
    of = f"/v1/{path}/members"
    for person, member, status in (
        (handler, boss, 403),
        (boss, boss, 409),
        (boss, handler, 204),
        (boss, handler, 404),
        (boss, boss, 204),
    ):
        answer = await citizens_client.delete(f"{of}/{member.citizen_id}", headers=person.headers)
        assert answer.status_code == status


async def test_a_strangers_organisation_is_not_there(
    citizens_client: httpx.AsyncClient, boss: Person, wechat_gateway: SimulatedGateway
) -> None:
    organisation = (await claim(citizens_client, boss)).json()["organisation_id"]
    stranger = await sign_in(citizens_client, wechat_gateway)
    code = (await post(citizens_client, stranger, "agents/invitations")).json()["code"]
    for method, path, body in (
        ("GET", "members", None),
        ("POST", "members", {"invitation_code": code}),
        ("POST", "acceptance", {}),
        ("DELETE", f"members/{boss.citizen_id}", None),
    ):
        bodies = []
        for which in (organisation, "0" * 32):
            answer = await citizens_client.request(
                method, f"/v1/organisations/{which}/{path}", json=body, headers=stranger.headers
            )
            assert answer.status_code == 404, (method, path)
            bodies.append({**answer.json(), "request_id": None})
        assert bodies[0] == bodies[1]


async def test_of_several_claims_to_one_code_one_is_confirmed(
    citizens_client: httpx.AsyncClient, citizens_settings: Settings, boss: Person
) -> None:
    code = another_code(1)
    claims = [
        (await claim(citizens_client, boss, credit_code=code)).json()["organisation_id"]
        for _ in range(4)
    ]
    database = await open_database(citizens_settings.database_url, citizens_settings)
    outcomes = await asyncio.gather(
        *(decide_claim(database, "clerk:supervisor", which, True) for which in claims),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, AlreadyConfirmed) for outcome in outcomes) == 3
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    with pytest.raises(Conflict):
        await decide_claim(database, "clerk:supervisor", claims[0], False)
        await decide_claim(database, "clerk:supervisor", claims[0], False)
    await database.close()
    listed = await citizens_client.get("/v1/organisations", headers=boss.headers)
    states = [item["state"] for item in listed.json()["items"] if item["credit_code"] == code]
    assert states.count("verified") == 1
