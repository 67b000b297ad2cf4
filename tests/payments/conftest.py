"""A citizen with both apps, a case of theirs that waits for its fee, both gateways for real.

The service listens on a port of its own, so that the gateways' notices reach it.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from msgspec import Struct

from api.app import Service
from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.schemas import FeeDue
from api.channels import open_channels
from api.database import Database, open_database
from api.facts import CaseMoved
from api.kinds import new_id
from api.payments import Till, chase_payments, send_refunds
from api.payments.reactions import bill_case
from api.sessions import open_session
from api.settings import Settings
from api.vault import open_vault
from tests.cases.builders import add_submitted
from tests.cases.intake.builders import Person
from tests.gateways import SimulatedGateway
from tests.live import bound_socket
from tests.platforms.builders import Partner, new_partner

FEE_FEN = 2000


class Counter(Struct, frozen=True):
    """Where somebody pays: the service on its port, and the tools behind it."""

    client: httpx.AsyncClient
    till: Till
    gateways: dict[str, SimulatedGateway]
    service: Service
    partner: Partner

    @property
    def database(self) -> Database:
        return self.till.database

    async def citizen(self, *channels: str) -> Payer:
        """Somebody with these apps, by default with all."""
        citizen_id = new_id()
        state = self.service.litestar.state
        async with self.database.transaction() as connection:
            await connection.execute("insert into citizens (citizen_id) values ($1)", citizen_id)
            for channel in channels or tuple(self.gateways):
                link_id, open_id = new_id(), self.gateways[channel].citizen()
                await connection.execute(
                    """
                    insert into channel_links
                        (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed)
                    values ($1, $2, $3, $4, $5, $6)
                    """,
                    link_id,
                    citizen_id,
                    channel,
                    self.gateways[channel].section["app_id"],
                    self.till.vault.index(open_id, purpose=f"open_id:{channel}"),
                    self.till.vault.seal(
                        open_id, table="channel_links", column="open_id_sealed", row=link_id
                    ),
                )
            claims = await open_session(
                connection, kind="citizen", subject=citizen_id, seconds=3600
            )
        headers = {"Authorization": f"Bearer {state.tokens.sign(claims)}"}
        return Payer(citizen_id, self.client, headers, self)

    async def moved(self, case_no: str, move: Move) -> CaseMoved:
        """Move a case, and let its bill follow."""
        async with self.database.transaction() as connection:
            done = await move_case(connection, case_no, move)
            row = await connection.fetchrow(
                "select citizen_id, service_code, region_code from cases where case_no = $1",
                case_no,
            )
        fact = CaseMoved(
            case_no=case_no,
            seq=done.seq,
            event_type=move.event_type,
            status=done.status,
            version=done.version,
            service_code=row[1],
            region_code=row[2],
            citizen_id=row[0],
            platform_id=None,
        )
        await bill_case(self.database)(fact)
        return fact

    async def value(self, query: str, *given: Any) -> Any:
        async with self.database.connection() as connection:
            return await connection.fetchval(query, *given)

    async def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *given)]

    async def chase(self, *, everything: bool = True) -> None:
        """One round of the worker's questions."""
        if everything:
            async with self.database.transaction() as connection:
                await connection.execute("update payments set query_at = now()")
        await chase_payments(self.till)()

    async def refund_due(self) -> None:
        """One round of the worker's refunds."""
        async with self.database.transaction() as connection:
            await connection.execute("update refunds set query_at = now()")
        await send_refunds(self.till)()

    async def until_refunded(self, payment_no: str) -> None:
        async def back() -> bool:
            await self.refund_due()
            return await self.status(payment_no) == "refunded"

        await until(back)

    async def status(self, payment_no: str) -> str:
        found: str = await self.value(
            "select status from payments where payment_no = $1", payment_no
        )
        return found

    async def becomes(self, payment_no: str, status: str) -> None:
        async def is_there() -> bool:
            return await self.status(payment_no) == status

        await until(is_there)


class Payer(Person, frozen=True):
    """A citizen with apps."""

    counter: Counter

    async def owing(self, amount_fen: int = FEE_FEN) -> str:
        """A case of theirs that waits for its fee; gives the number of its bill."""
        async with self.counter.database.transaction() as connection:
            case_no = await add_submitted(connection, citizen_id=self.citizen_id)
            await move_case(connection, case_no, Move(event_type="accepted", actor="clerk:test"))
        fee = FeeDue(amount_fen, "收费依据")
        await self.counter.moved(
            case_no, Move(event_type="payment_requested", actor="clerk:test", fee=fee)
        )
        bills = (await self.get("/v1/bills")).json()["items"]
        return str(bills[0]["bill_no"])

    async def begin(
        self, bill_no: str, channel: str = "wechat", key: str | None = None
    ) -> httpx.Response:
        body = {"bill_no": bill_no, "channel": channel}
        return await self.post("/v1/payments", body, key=key or new_id())

    async def begun(self, bill_no: str, channel: str = "wechat") -> str:
        """The number of a payment that can be paid now."""
        answer = await self.begin(bill_no, channel)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["payment_no"])

    async def read(self, payment_no: str) -> Any:
        answer = await self.get(f"/v1/payments/{payment_no}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def confirm(self, payment_no: str, channel: str = "wechat") -> Awaitable[Any]:
        """Pay in the app; the gateway then tells us."""
        return asyncio.to_thread(self.counter.gateways[channel].confirm, payment_no)


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
    """Wait until it is true; it must become so."""
    async with asyncio.timeout(seconds):
        while not await true():  # noqa: ASYNC110 (what is waited for is in a database)
            await asyncio.sleep(0.05)


@pytest.fixture
async def counter(
    make_settings: Callable[..., Settings],
    tmp_path: Path,
    wechat_gateway: SimulatedGateway,
    alipay_gateway: SimulatedGateway,
) -> AsyncIterator[Counter]:
    gateways = {g.name: g for g in (wechat_gateway, alipay_gateway)}
    channels_file = tmp_path / "channels.toml"
    channels_file.write_text(
        "\n".join((g.folder / f"{g.name}.toml").read_text() for g in gateways.values())
    )
    bound = bound_socket()
    port = bound.getsockname()[1]
    settings = make_settings(channels_file=str(channels_file), quiet_hours="", port=port)
    service = Service(settings)
    server = uvicorn.Server(uvicorn.Config(service, port=port, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    while not server.started:  # noqa: ASYNC110 (uvicorn has no event for it)
        await asyncio.sleep(0.02)
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    channels = await open_channels(settings, database, vault)
    partner = await new_partner(settings, name=f"partner-{secrets.token_hex(6)}")
    # Payments of other tests are nobody's business here.
    async with database.transaction() as connection:
        await connection.execute("truncate payments, refunds, payment_notices, bills cascade")
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20
    ) as client:
        yield Counter(client, Till(settings, database, vault, channels), gateways, service, partner)
    server.should_exit = True
    await serving
    await channels.close()
    await vault.close()
    await database.close()
