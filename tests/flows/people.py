"""Who walks through the flows: people with both apps, a department, all over HTTP.

They use the standing service (`tests/standing.py`) as anybody would, and the gateways'
`/_control` for what a person does with the phone. Identity numbers are test data.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import msgspec
from msgspec import Struct

from api.database import CHINA
from api.kinds import new_id
from api.platforms.issue_key import IssuedKey
from tests.cases.intake.builders import PDF, Person
from tests.gateways import SimulatedGateway
from tests.platforms.builders import Partner
from tests.standing import Standing

# A message that a channel could not take at once is sent again after half a minute.
PATIENCE_SECONDS = 60.0


class Visitor(Person, frozen=True, kw_only=True):
    """A person who came by an app: who they are there."""

    gateway: SimulatedGateway
    open_id: str

    async def give_phone(self) -> str:
        """Press the phone button; gives the masked number."""
        body = {"channel": self.gateway.name, "code": self.gateway.phone_code(self.open_id)}
        answer = await self.post("/v1/me/phone", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["phone"])

    async def show_face(self, name: str, id_number: str) -> dict[str, Any]:
        """The whole real-name check, passed in the app; gives what is then said of it."""
        begun = await self.post("/v1/me/identity-checks", {"name": name, "id_number": id_number})
        assert begun.status_code == 201, begun.text
        check_id = begun.json()["check_id"]
        [check] = [c for c in self.gateway.all("identity-checks") if c["check_no"] == check_id]
        self.gateway.control("POST", f"/identity-checks/{check['check_id']}/pass")
        outcome: dict[str, Any] = await self.read(f"/v1/me/identity-checks/{check_id}")
        return outcome

    async def read(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def progress(self, case_no: str) -> Any:
        return await self.read(f"/v1/cases/{case_no}/progress")

    async def papers(self, *material_ids: str) -> list[dict[str, str]]:
        """A sheet of paper for each."""
        return [{"material_id": m, "upload_id": await self.uploaded(PDF)} for m in material_ids]

    async def submitted(self, service_code: str, form: dict[str, Any], *materials: str) -> str:
        """A case that was handed in whole; gives its number."""
        papers = await self.papers(*materials)
        answer = await self.apply(service_code, form, materials=papers, submit=True)
        assert answer.status_code == 201, answer.text
        assert answer.json()["status"] != "draft"
        return str(answer.json()["case_no"])

    async def messages(self, case_no: str) -> list[dict[str, Any]]:
        page = await self.read("/v1/me/messages?limit=100")
        return [message for message in page["items"] if message["case_no"] == case_no]

    async def told(self, case_no: str, title: str, *statuses: str) -> dict[str, Any]:
        """The one message with that title, once it has come so far."""
        seen: list[dict[str, Any]] = []

        async def look() -> dict[str, Any] | None:
            found = [m for m in await self.messages(case_no) if m["title"] == title]
            assert len(found) <= 1, found
            seen[:] = found
            return found[0] if found and found[0]["status"] in statuses else None

        message: dict[str, Any] = await until(look, seen=seen)
        return message


class Department(Struct, frozen=True):
    """A department's system with its key."""

    client: httpx.AsyncClient
    partner: Partner

    async def call(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return await self.partner.call(self.client, method, f"/v1/platform/{path}", body, **more)

    async def push(self, case_no: str, kind: str, **said: Any) -> httpx.Response:
        return await self.call("POST", f"cases/{case_no}/events", event(kind, **said))

    async def moved(self, case_no: str, kind: str, **said: Any) -> Any:
        """A push that is applied; gives its answer."""
        answer = await self.push(case_no, kind, **said)
        assert answer.status_code == 202, answer.text
        assert answer.json()["applied"] is True, answer.text
        return answer.json()

    async def counter_case(self, service_code: str, **said: Any) -> str:
        """A case taken at a window; gives its number."""
        minted = await self.call("POST", "case-numbers", {"service_code": service_code})
        assert minted.status_code == 201, minted.text
        case_no = str(minted.json()["case_no"])
        body = {"service_code": service_code, "applicant": {"name": "测试丙"}, **said}
        taken = await self.call("PUT", f"cases/{case_no}", body)
        assert taken.status_code == 201, taken.text
        return case_no


class Place(Struct, frozen=True):
    """Everything of the standing service."""

    standing: Standing
    client: httpx.AsyncClient
    wechat: SimulatedGateway
    alipay: SimulatedGateway
    department: Department

    @property
    def gateways(self) -> tuple[SimulatedGateway, SimulatedGateway]:
        return self.wechat, self.alipay

    async def arrive(self, gateway: SimulatedGateway, **known: Any) -> Visitor:
        """Somebody new with that app, signed in, whom messages may reach by day and night."""
        visitor = await self.sign_in(gateway, gateway.citizen(agrees=True, **known))
        answer = await visitor.patch("/v1/me", {"preferences": {"quiet_hours": "00-00"}})
        assert answer.status_code == 200, answer.text
        return visitor

    async def sign_in(self, gateway: SimulatedGateway, open_id: str) -> Visitor:
        answer = await self.post_session(gateway, open_id)
        assert answer.status_code == 201, answer.text
        body = answer.json()
        return Visitor(
            citizen_id=body["citizen"]["citizen_id"],
            client=self.client,
            headers={"Authorization": f"Bearer {body['token']}"},
            gateway=gateway,
            open_id=open_id,
        )

    async def post_session(self, gateway: SimulatedGateway, open_id: str) -> httpx.Response:
        body = {"channel": gateway.name, "code": gateway.login_code(open_id)}
        return await self.client.post("/v1/sessions", json=body)

    async def also_in(self, gateway: SimulatedGateway, visitor: Visitor) -> Visitor:
        """The same person in the other app, linked and signed in there too."""
        open_id = gateway.citizen(agrees=True)
        body = {"channel": gateway.name, "code": gateway.login_code(open_id)}
        linked = await visitor.post("/v1/me/channels", body)
        assert linked.status_code == 201, linked.text
        there = await self.sign_in(gateway, open_id)
        assert there.citizen_id == visitor.citizen_id
        return there

    def sent(self, visitor: Visitor, kind: str) -> int:
        """How many messages of a kind the app's gateway holds for somebody."""
        held = visitor.gateway.all("messages")
        return sum(1 for m in held if (m["open_id"], m["kind"]) == (visitor.open_id, kind))


@asynccontextmanager
async def placed(standing: Standing) -> AsyncIterator[Place]:
    """The standing service with a client of the test's own, and faultless gateways."""
    folder = standing.demonstration.parent
    wechat = SimulatedGateway("wechat", standing.wechat, folder / "wechat")
    alipay = SimulatedGateway("alipay", standing.alipay, folder / "alipay")
    key = msgspec.convert(standing.known()["platform"], IssuedKey)
    async with httpx.AsyncClient(base_url=standing.address, timeout=15) as client:
        department = Department(client, Partner(key))
        yield Place(standing, client, wechat, alipay, department)
    for gateway in (wechat, alipay):
        gateway.clear_faults()


async def until(
    look: Callable[[], Awaitable[Any]],
    seconds: float = PATIENCE_SECONDS,
    seen: Sequence[Any] = (),
) -> Any:
    """What is found, as soon as something is; it must be. `seen`: what is said where it is not."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found is not None:
            return found
        assert time.monotonic() < deadline, f"it did not happen in time: {seen}"
        await asyncio.sleep(0.1)


def event(kind: str, **said: Any) -> dict[str, Any]:
    """An event that happens now, under an id of its own."""
    return {"event_id": new_id(), "type": kind, "occurred_at": now(), **said}


def now() -> str:
    return datetime.now(CHINA).isoformat()


def open_number() -> str:
    """A phone number for one test alone."""
    return f"139{secrets.randbelow(10**8):08d}"


def without_id(answer: httpx.Response) -> Any:
    """Status and body, but for the request's own number."""
    body = {k: v for k, v in answer.json().items() if k != "request_id"}
    return answer.status_code, body
