"""Written authority: offered, accepted, in force within its bounds, ended by either."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.access import Caller
from api.citizens.prove_session import CitizenProver
from api.database import CHINA, open_connection, open_database
from api.errors import Forbidden
from api.sessions import Tokens, open_revocations
from api.settings import Settings
from tests.citizens.builders import Person, sign_in
from tests.gateways import SimulatedGateway

TODAY = datetime.now(CHINA).date()
UNTIL = str(TODAY + timedelta(days=30))


async def post(client: httpx.AsyncClient, person: Person, path: str, body: Any = None) -> Any:
    return await client.post(f"/v1/{path}", json=body or {}, headers=person.headers)


async def offer(
    client: httpx.AsyncClient, principal: Person, agent: Person, **changed: Any
) -> httpx.Response:
    body = {"agent_id": agent.citizen_id, "scopes": ["apply", "progress"], "until": UNTIL}
    answer: httpx.Response = await post(client, principal, "agents", {**body, **changed})
    return answer


@pytest.fixture
async def pair(
    citizens_client: httpx.AsyncClient, wechat_gateway: SimulatedGateway
) -> tuple[Person, Person]:
    """Somebody, and who is to act for them."""
    return (
        await sign_in(citizens_client, wechat_gateway),
        await sign_in(citizens_client, wechat_gateway),
    )


class Connection:
    """Of a request only its headers."""

    def __init__(self, agent: Person, principal_id: str) -> None:
        self.headers = {**{k.lower(): v for k, v in agent.headers.items()}}
        self.headers["x-on-behalf-of"] = principal_id


async def prove(settings: Settings, agent: Person, principal_id: str) -> Caller:
    database = await open_database(settings.database_url, settings)
    revocations = open_revocations(settings, database)
    prover = CitizenProver(database, Tokens(settings.secret_key.encode()), revocations)
    connection: Any = Connection(agent, principal_id)
    try:
        return await prover.prove(connection)
    finally:
        await revocations.close()
        await database.close()


async def test_an_accepted_authority_lets_the_agent_act(
    citizens_client: httpx.AsyncClient, citizens_settings: Settings, pair: tuple[Person, Person]
) -> None:
    principal, agent = pair
    offered = await offer(
        citizens_client, principal, agent, service_codes=["11440106DM1GL9LR584440701003000"]
    )
    assert offered.status_code == 201, offered.text
    body = offered.json()
    assert (body["role"], body["state"], body["in_force"]) == ("principal", "offered", False)
    with pytest.raises(Forbidden):
        await prove(citizens_settings, agent, principal.citizen_id)
    path = f"agents/{body['authority_id']}/acceptance"
    assert (await post(citizens_client, principal, path)).status_code == 404
    for _ in range(2):
        accepted = await post(citizens_client, agent, path)
        assert (accepted.status_code, accepted.json()["in_force"]) == (200, True)
    caller = await prove(citizens_settings, agent, principal.citizen_id)
    assert caller.owner == principal.citizen_id
    assert caller.actor == f"agent:{agent.citizen_id}"
    assert caller.authority is not None
    assert caller.authority.scopes == {"apply", "progress"}
    assert caller.authority.service_codes == {"11440106DM1GL9LR584440701003000"}


async def test_an_agent_does_not_act_where_only_the_citizen_may(
    citizens_client: httpx.AsyncClient, pair: tuple[Person, Person]
) -> None:
    principal, agent = pair
    authority = (await offer(citizens_client, principal, agent)).json()["authority_id"]
    await post(citizens_client, agent, f"agents/{authority}/acceptance")
    headers = {**agent.headers, "X-On-Behalf-Of": principal.citizen_id}
    answer = await citizens_client.get("/v1/me", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("principal_id", ["0" * 32, "x", "' or 1=1 --"])
async def test_an_unknown_principal_is_403(
    citizens_client: httpx.AsyncClient, pair: tuple[Person, Person], principal_id: str
) -> None:
    headers = {**pair[1].headers, "X-On-Behalf-Of": principal_id}
    assert (await citizens_client.get("/v1/me", headers=headers)).status_code == 403


async def test_an_authority_ends_with_its_last_day(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    citizens_url: str,
    pair: tuple[Person, Person],
) -> None:
    principal, agent = pair
    authority = (await offer(citizens_client, principal, agent)).json()["authority_id"]
    await post(citizens_client, agent, f"agents/{authority}/acceptance")
    async with open_connection(citizens_url) as connection:
        await connection.execute(
            "update agent_authorities set until = $2 where authority_id = $1",
            authority,
            TODAY - timedelta(days=1),
        )
    with pytest.raises(Forbidden):
        await prove(citizens_settings, agent, principal.citizen_id)
    [listed] = (await citizens_client.get("/v1/agents", headers=agent.headers)).json()["items"]
    assert (listed["state"], listed["in_force"]) == ("accepted", False)
    # What has run out is no obstacle to a new one.
    assert (await offer(citizens_client, principal, agent)).status_code == 201


@pytest.mark.parametrize("ender", [0, 1])
async def test_either_ends_it_at_once(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    pair: tuple[Person, Person],
    ender: int,
) -> None:
    principal, agent = pair
    authority = (await offer(citizens_client, principal, agent)).json()["authority_id"]
    await post(citizens_client, agent, f"agents/{authority}/acceptance")
    assert (await prove(citizens_settings, agent, principal.citizen_id)).authority
    path = f"/v1/agents/{authority}"
    assert (await citizens_client.delete(path, headers=pair[ender].headers)).status_code == 204
    with pytest.raises(Forbidden):
        await prove(citizens_settings, agent, principal.citizen_id)
    assert (await citizens_client.delete(path, headers=pair[ender].headers)).status_code == 404


async def test_two_offers_at_once_leave_one(
    citizens_client: httpx.AsyncClient, pair: tuple[Person, Person]
) -> None:
    answers = await asyncio.gather(*(offer(citizens_client, *pair) for _ in range(8)))
    assert sorted(a.status_code for a in answers) == [201] + [409] * 7
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"authority_exists"}


async def test_an_invitation_code_names_the_agent_once(
    citizens_client: httpx.AsyncClient,
    pair: tuple[Person, Person],
    wechat_gateway: SimulatedGateway,
) -> None:
    principal, agent = pair
    invitation = await post(citizens_client, agent, "agents/invitations")
    code = invitation.json()["code"]
    body = {"invitation_code": code, "scopes": ["pay"], "until": UNTIL}
    first = await post(citizens_client, principal, "agents", body)
    assert first.json()["agent_id"] == agent.citizen_id
    other = await sign_in(citizens_client, wechat_gateway)
    second = await post(citizens_client, other, "agents", body)
    assert (second.status_code, second.json()["code"]) == (404, "agent_unknown")


@pytest.mark.parametrize(
    "changed",
    [
        {"scopes": []},
        {"scopes": ["everything"]},
        {"until": str(TODAY - timedelta(days=1))},
        {"until": str(TODAY + timedelta(days=400))},
        {"until": "2026-02-30"},
        {"agent_id": None},
        {"invitation_code": "7KQ2M8XH4TRB"},
        {"service_codes": ["x"]},
        {"state": "accepted"},
        {"principal_id": "0" * 32},
    ],
)
async def test_a_careless_authority_is_refused(
    citizens_client: httpx.AsyncClient, pair: tuple[Person, Person], changed: dict[str, Any]
) -> None:
    answer = await offer(citizens_client, *pair, **changed)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_nobody_authorises_themselves_or_somebody_who_is_not_there(
    citizens_client: httpx.AsyncClient, pair: tuple[Person, Person]
) -> None:
    principal, _ = pair
    assert (await offer(citizens_client, principal, principal)).status_code == 400
    answer = await offer(citizens_client, *pair, agent_id="0" * 32)
    assert (answer.status_code, answer.json()["code"]) == (404, "agent_unknown")


async def test_a_strangers_authority_is_not_there(
    citizens_client: httpx.AsyncClient,
    pair: tuple[Person, Person],
    wechat_gateway: SimulatedGateway,
) -> None:
    authority = (await offer(citizens_client, *pair)).json()["authority_id"]
    stranger = await sign_in(citizens_client, wechat_gateway)
    for method, suffix in (("POST", "/acceptance"), ("DELETE", "")):
        bodies = []
        for which in (authority, "0" * 32):
            answer = await citizens_client.request(
                method, f"/v1/agents/{which}{suffix}", headers=stranger.headers
            )
            assert answer.status_code == 404
            bodies.append({**answer.json(), "request_id": None})
        assert bodies[0] == bodies[1]
    listed = await citizens_client.get("/v1/agents", headers=stranger.headers)
    assert listed.json() == {"items": [], "next_cursor": None}
