"""A town of its own where people pay: the service, its worker and both gateways, for real.

The service listens on a port, so that the gateways' notices reach it, and runs the channels'
sections that a test gives it: key modes and partner modes are sections.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import msgspec
import standardwebhooks
import uvicorn
from msgspec import Struct

from adapters.simulation.keys import draw_toml
from api.app import Service
from api.channels import open_channels
from api.database import Database, open_database
from api.kinds import new_id
from api.payments import Till, chase_payments, send_refunds
from api.settings import Settings
from api.vault import open_vault
from tests.cases.intake.builders import ANSWERS, SOCIAL_CARD, Person, service_at
from tests.flows.people import until
from tests.gateways import SimulatedGateway
from tests.live import bound_socket
from tests.platforms.builders import Partner, Signed, encode, new_partner
from tests.platforms.receivers import Receiver, listening
from tests.worker import working

FEE_FEN = 1600
"""What the social card costs that was lost."""


class Shop(Struct, frozen=True):
    """Where people pay: the service on its port, its department, and the tools behind it."""

    client: httpx.AsyncClient
    till: Till
    service: Service
    partner: Partner
    hook: Receiver
    secret: str

    @property
    def database(self) -> Database:
        return self.till.database

    async def arrive(self, *gateways: SimulatedGateway) -> Payer:
        """Somebody new, signed in through the first of these apps and linked in the others."""
        first, *others = gateways
        open_id = first.citizen(agrees=True)

        async def sign_in() -> httpx.Response:
            body = {"channel": first.name, "code": first.login_code(open_id)}
            return await self.client.post("/v1/sessions", json=body)

        answer = await patiently(sign_in)
        assert answer.status_code == 201, answer.text
        said = answer.json()
        headers = {"Authorization": f"Bearer {said['token']}"}
        payer = Payer(said["citizen"]["citizen_id"], self.client, headers, self)
        for gateway in others:
            linked = await patiently(partial(_link, payer, gateway, gateway.citizen(agrees=True)))
            assert linked.status_code == 201, linked.text
        return payer

    async def refund(self, payment_no: str, amount_fen: int, seen_fen: int) -> httpx.Response:
        """The department gives money back."""
        path = f"/v1/platform/payments/{payment_no}/refunds"
        content = encode(
            {
                "amount_fen": amount_fen,
                "refund_amount_available_fen": seen_fen,
                "reason": "不予许可，退费",
            }
        )
        url = f"{str(self.client.base_url).rstrip('/')}{path}"
        signed = self.partner.headers(Signed("POST", url, content))
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_id(), **signed}
        return await self.client.post(path, content=content, headers=headers)

    async def value(self, query: str, *given: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *given)

    async def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *given)]

    async def chase(self) -> None:
        """One round of the questions that the timetable has asked, about everything."""
        async with self.database.transaction() as connection:
            await connection.execute("update payments set query_at = now()")
        await chase_payments(self.till)()

    async def send_refunds(self) -> None:
        """One round of the refunds that are due."""
        async with self.database.transaction() as connection:
            await connection.execute("update refunds set query_at = now()")
        await send_refunds(self.till)()

    def told(self, kind: str) -> list[dict[str, Any]]:
        """The webhooks of that kind, their signatures checked by the standard's own library."""
        verifier = standardwebhooks.Webhook(self.secret)
        said = [verifier.verify(r.body, r.headers) for r in self.hook.received]
        return [one["data"] for one in said if one["type"] == kind]

    async def hears(self, kind: str, payment_no: str) -> dict[str, Any]:
        """What the department is told of a payment, once it is."""

        async def look() -> dict[str, Any] | None:
            found = [one for one in self.told(kind) if one["payment_no"] == payment_no]
            return found[0] if found else None

        heard: dict[str, Any] = await until(look, 20)
        return heard

    async def payment(self, payment_no: str) -> dict[str, Any]:
        """Its row."""
        [row] = await self.rows("select * from payments where payment_no = $1", payment_no)
        return row


class Payer(Person, frozen=True):
    """A citizen who owes something."""

    shop: Shop

    async def read(self, path: str) -> Any:
        answer = await self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def owing(self) -> Owing:
        """Apply for a card that costs something; gives case and bill."""
        code = await service_at(self.client, SOCIAL_CARD)
        applied = await self.apply(code, ANSWERS[SOCIAL_CARD], submit=True)
        assert applied.status_code == 201, applied.text
        case = applied.json()
        assert (case["status"], case["fee_fen"]) == ("awaiting_payment", FEE_FEN)

        async def bill() -> Any:
            asked = (await self.read(f"/v1/cases/{case['case_no']}/progress"))["payment"]
            return asked if asked["bill_no"] else None

        billed = await until(bill)
        assert (billed["status"], billed["amount_fen"]) == ("unpaid", FEE_FEN)
        return Owing(case["case_no"], billed["bill_no"])

    async def begin(self, bill_no: str, channel: str, key: str | None = None) -> httpx.Response:
        body = {"bill_no": bill_no, "channel": channel}
        return await self.post("/v1/payments", body, key=key or new_id())

    async def begun(self, bill_no: str, channel: str) -> dict[str, Any]:
        """A payment that can be paid now."""
        answer = await self.begin(bill_no, channel)
        assert answer.status_code == 201, answer.text
        begun: dict[str, Any] = answer.json()
        return begun

    async def sees(self, payment_no: str, *statuses: str) -> dict[str, Any]:
        """The payment as its payer sees it, once it stands there."""
        seen: list[str] = []

        async def look() -> Any:
            payment = await self.read(f"/v1/payments/{payment_no}")
            seen[:] = [payment["status"]]
            return payment if payment["status"] in statuses else None

        payment: dict[str, Any] = await until(look, 20, seen)
        return payment


class Owing(Struct, frozen=True):
    """A case that waits for its fee."""

    case_no: str
    bill_no: str


async def patiently(ask: Callable[[], Awaitable[httpx.Response]]) -> httpx.Response:
    """Try again where the app's gateway was too slow for a moment, as a person would."""
    for _ in range(4):
        answer = await ask()
        if answer.status_code != 503:
            break
        await asyncio.sleep(1)
    return answer


async def _link(payer: Payer, gateway: SimulatedGateway, open_id: str) -> httpx.Response:
    body = {"channel": gateway.name, "code": gateway.login_code(open_id)}
    return await payer.post("/v1/me/channels", body)


async def pay(gateway: SimulatedGateway, number: str, **said: Any) -> Any:
    """The person pays at the cashier, while the service goes on."""
    return await asyncio.to_thread(
        gateway.control, "POST", f"/payments/{number}/confirm", said or None
    )


@asynccontextmanager
async def open_shop(
    settings: Settings, folder: Path, sections: dict[str, dict[str, Any]], **changed: Any
) -> AsyncIterator[Shop]:
    """The service with these sections, and its worker at work, while the block lasts.

    The timetable does not run: a test asks for a round of it where it means one.
    """
    channels_file = folder / "channels.toml"
    channels_file.write_text("\n".join(draw_toml(n, s) for n, s in sections.items()))
    bound = bound_socket()
    port = bound.getsockname()[1]
    settings = msgspec.structs.replace(
        settings,
        channels_file=str(channels_file),
        port=port,
        webhook_private_networks="127.0.0.0/8",
        **changed,
    )
    service = Service(settings)
    server = uvicorn.Server(uvicorn.Config(service, port=port, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    await _while_not(lambda: server.started)
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    channels = await open_channels(settings, database, vault)
    assert not channels.faults, channels.faults
    await _forget_money(database)
    partner = await new_partner(settings)
    address = f"http://127.0.0.1:{port}"
    try:
        async with (
            httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client,
            listening(Receiver()) as hook,
            working(settings),
        ):
            events = ["case.moved", "payment.succeeded", "payment.refunded"]
            made = await partner.call(
                client, "POST", "/v1/platform/webhooks", {"url": hook.url, "events": events}
            )
            assert made.status_code == 201, made.text
            till = Till(settings, database, vault, channels)
            yield Shop(client, till, service, partner, hook, made.json()["secret"])
    finally:
        server.should_exit = True
        await serving
        await channels.close()
        await vault.close()
        await database.close()


async def _forget_money(database: Database) -> None:
    """What another test left unfinished is nobody's business here."""
    async with database.transaction() as connection:
        await connection.execute("truncate payments, refunds, payment_notices, bills cascade")
        await connection.execute("truncate webhooks, webhook_slots, webhook_deliveries")


async def _while_not(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.02)


async def becomes(shop: Shop, payment_no: str, status: str, seconds: float = 15.0) -> None:
    """Wait until the payment's row stands there; it must come to."""
    seen: list[str] = []

    async def look() -> bool | None:
        row = await shop.payment(payment_no)
        seen[:] = [f"{row['status']} {row['flag']}"]
        return True if row["status"] == status else None

    await until(look, seconds, seen)


Step = Callable[[], Awaitable[None]]


async def until_status(shop: Shop, payment_no: str, status: str, step: Step) -> None:
    """Do a round of the timetable again and again, until the payment stands there."""

    async def look() -> bool | None:
        await step()
        return True if (await shop.payment(payment_no))["status"] == status else None

    await until(look, 20)
