"""Where a run takes place: a database, both gateways, a department, one public address."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
from msgspec import Struct

from api.database import Database, open_database
from api.errors import DatabaseUnavailable
from api.facts import CaseMoved
from api.kinds import new_id
from api.payments.bills.raise_bills import follow_case
from api.sessions import Tokens, open_session
from api.settings import Settings, secret_key
from api.statements import Connection
from api.vault import Vault, open_vault
from tests.cases.builders import REGION, SERVICE, add_case
from tests.chaos.fleet import Fleet, spawning
from tests.chaos.front import Front, fronting
from tests.chaos.record import Record
from tests.conftest import ValkeyServer
from tests.gateways import SimulatedGateway, simulating
from tests.live import free_port
from tests.platforms.builders import Partner, new_partner
from tests.platforms.receivers import Receiver, listening

HEARD = ("payment.succeeded", "payment.refunded", "case.moved")
_PATIENCE_SECONDS = 60.0

Found = TypeVar("Found")


class World(Struct, frozen=True):
    """`client` calls the service as people do: one connection a request, no retries."""

    settings: Settings
    database: Database
    vault: Vault
    gateways: dict[str, SimulatedGateway]
    valkey: ValkeyServer
    partner: Partner
    receiver: Receiver
    client: httpx.AsyncClient
    phones: httpx.AsyncClient
    fleet: Fleet
    front: Front
    record: Record

    async def control(self, channel: str, method: str, path: str, body: Any = None) -> Any:
        """What a person does with the phone; None where the gateway says that it cannot be."""
        address = self.gateways[channel].address
        answer = await self.phones.request(method, f"{address}/_control{path}", json=body)
        return answer.json() if answer.status_code == 200 else None

    async def held(self, channel: str, what: str) -> list[dict[str, Any]]:
        """What a gateway's books hold."""
        items: list[dict[str, Any]] = (await self.control(channel, "GET", f"/{what}"))["items"]
        return items

    async def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        async def read(connection: Connection) -> list[dict[str, Any]]:
            return [dict(row) for row in await connection.fetch(query, *given)]

        return await self.patiently(read)

    async def value(self, query: str, *given: Any) -> Any:
        [row] = await self.rows(query, *given)
        return next(iter(row.values()))

    async def execute(self, query: str, *given: Any) -> None:
        async def write(connection: Connection) -> None:
            await connection.execute(query, *given)

        await self.patiently(write)

    async def patiently(self, work: Callable[[Connection], Awaitable[Found]]) -> Found:
        """A transaction of ours, which goes on when its connection was shot."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                try:
                    return await self.database.decide(work)
                except DatabaseUnavailable:
                    await asyncio.sleep(0.1)


class Citizen(Struct, frozen=True):
    """Somebody with both apps, signed in."""

    citizen_id: str
    headers: dict[str, str]


async def new_citizen(world: World) -> Citizen:
    """As a sign-in with each app and a link between them leave it."""
    citizen_id = new_id()
    open_ids = {
        channel: (await world.control(channel, "POST", "/citizens", {"agrees": False}))["open_id"]
        for channel in world.gateways
    }

    async def add(connection: Connection) -> str:
        await connection.execute("insert into citizens (citizen_id) values ($1)", citizen_id)
        for channel, open_id in open_ids.items():
            await _add_link(connection, world, citizen_id, channel, open_id)
        claims = await open_session(connection, kind="citizen", subject=citizen_id, seconds=3600)
        return Tokens(secret_key(world.settings)).sign(claims)

    token = await world.patiently(add)
    return Citizen(citizen_id, {"Authorization": f"Bearer {token}"})


async def _add_link(
    connection: Connection, world: World, citizen_id: str, channel: str, open_id: str
) -> None:
    link_id = new_id()
    await connection.execute(
        "insert into channel_links"
        " (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed)"
        " values ($1, $2, $3, $4, $5, $6)",
        link_id,
        citizen_id,
        channel,
        world.gateways[channel].section["app_id"],
        world.vault.index(open_id, purpose=f"open_id:{channel}"),
        world.vault.seal(open_id, table="channel_links", column="open_id_sealed", row=link_id),
    )


async def add_waiting_case(world: World, citizen: Citizen, fee_fen: int, *, billed: bool) -> str:
    """A case that waits for its fee; billed by the case itself where wished."""

    async def add(connection: Connection) -> str:
        case_no = await add_case(
            connection,
            citizen_id=citizen.citizen_id,
            status="awaiting_payment",
            resume_status="accepted",
            last_seq=1,
            fee_fen=fee_fen,
            fee_basis="收费依据",
        )
        if billed:
            await follow_case(connection, _asked(case_no, citizen))
        return case_no

    return await world.patiently(add)


def _asked(case_no: str, citizen: Citizen) -> CaseMoved:
    return CaseMoved(
        case_no=case_no,
        seq=1,
        event_type="payment_requested",
        status="awaiting_payment",
        version=1,
        service_code=SERVICE,
        region_code=REGION,
        citizen_id=citizen.citizen_id,
        platform_id=None,
    )


@asynccontextmanager
async def created(database_url: str, folder: Path, seed: int) -> AsyncIterator[World]:
    """A world over a migrated database of its own. No process of the service runs yet."""
    dice = random.Random(seed)
    with _gateways(folder) as gateways, _valkey(folder) as valkey:
        settings = _settings(database_url, folder, gateways, valkey, free_port())
        database = await open_database(database_url, settings)
        vault = await open_vault(settings, database)
        partner = await new_partner(settings, name=f"partner-{secrets.token_hex(6)}")
        async with (
            spawning(folder / "fleet", _environment(settings), seed) as fleet,
            fronting(lambda: fleet.ports, settings.port, dice) as front,
            listening(Receiver()) as receiver,
            _calling(settings.public_address) as client,
            _calling() as phones,
        ):
            yield World(
                settings=settings,
                database=database,
                vault=vault,
                gateways={gateway.name: gateway for gateway in gateways},
                valkey=valkey,
                partner=partner,
                receiver=receiver,
                client=client,
                phones=phones,
                fleet=fleet,
                front=front,
                record=Record(),
            )
        await vault.close()
        await database.close()


def _calling(address: str = "") -> httpx.AsyncClient:
    """A client with a connection for every request, so that none is stale."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(base_url=address, trust_env=False, timeout=20, limits=limits)


@contextmanager
def _gateways(folder: Path) -> Iterator[list[SimulatedGateway]]:
    with (
        simulating("wechat", folder / "wechat") as wechat,
        simulating("alipay", folder / "alipay") as alipay,
    ):
        channels = "\n".join((g.folder / f"{g.name}.toml").read_text() for g in (wechat, alipay))
        (folder / "channels.toml").write_text(channels)
        yield [wechat, alipay]


@contextmanager
def _valkey(folder: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(folder / "valkey")
    try:
        yield server
    finally:
        server.stop()


def _settings(
    database_url: str,
    folder: Path,
    gateways: list[SimulatedGateway],
    valkey: ValkeyServer,
    port: int,
) -> Settings:
    return Settings(
        database_url=database_url,
        redis_url=valkey.url,
        data_dir=str(folder / "data"),
        keys_file=str(folder / "keys.json"),
        channels_file=str(folder / "channels.toml"),
        secret_key=secrets.token_hex(32),
        port=port,
        public_url=f"http://127.0.0.1:{port}",
        docs_enabled=False,
        log_level="warning",
        log_format="json",
        quiet_hours="00-00",
        webhook_private_networks="127.0.0.0/8",
        # Two cores carry everything: what is late for that reason is no finding.
        database_acquire_seconds=3.0,
        database_lock_seconds=2.0,
        database_pool_size=6,
        redis_timeout_seconds=0.5,
        rate_writes_per_second=10_000,
        rate_platforms_per_second=10_000,
        rate_notices_per_second=10_000,
        platform_calls_per_second=10_000,
        # A key whose process died is free again after twice this.
        app_deadline_seconds=4.0,
    )


def _environment(settings: Settings) -> dict[str, str]:
    defaults = Settings()
    return {
        name.upper(): str(value)
        for name, value in msgspec.structs.asdict(settings).items()
        if value != getattr(defaults, name)
    }
