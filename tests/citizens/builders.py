"""People for tests of citizens: on the real simulators' phones, with invented numbers."""

from __future__ import annotations

from itertools import count
from typing import Any

import httpx
from msgspec import Struct

from tests.gateways import SimulatedGateway

_serials = count(1)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def identity_number(born: str = "19900101") -> str:
    """A number nobody has: area 999000 does not exist, the check character is right."""
    digits = f"999000{born}{next(_serials) % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return digits + "10X98765432"[total % 11]


class Person(Struct, frozen=True):
    """Somebody who has signed in; `headers` go with each of their calls."""

    citizen_id: str
    open_id: str
    token: str
    gateway: SimulatedGateway
    name: str | None = None
    id_number: str | None = None
    phone: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


async def sign_in(
    client: httpx.AsyncClient, gateway: SimulatedGateway, open_id: str | None = None, **known: Any
) -> Person:
    """A new person with the app, or the one of that open id, signed in."""
    open_id = open_id or gateway.citizen(**known)
    answer = await post_session(client, gateway.name, gateway.login_code(open_id))
    assert answer.status_code == 201, answer.text
    body = answer.json()
    return Person(body["citizen"]["citizen_id"], open_id, body["token"], gateway, **known)


async def post_session(client: httpx.AsyncClient, channel: str, code: str) -> httpx.Response:
    return await client.post("/v1/sessions", json={"channel": channel, "code": code})


async def begin_check(client: httpx.AsyncClient, person: Person, **changed: Any) -> httpx.Response:
    body = {"name": person.name, "id_number": person.id_number, **changed}
    return await client.post("/v1/me/identity-checks", json=body, headers=person.headers)


async def verify(client: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    """The whole face check, passed; gives the last answer."""
    begun = await begin_check(client, person)
    assert begun.status_code == 201, begun.text
    check_id = begun.json()["check_id"]
    [check] = [c for c in person.gateway.all("identity-checks") if c["check_no"] == check_id]
    person.gateway.control("POST", f"/identity-checks/{check['check_id']}/pass")
    answer = await client.get(f"/v1/me/identity-checks/{check_id}", headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def profile(client: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    answer = await client.get("/v1/me", headers=person.headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
