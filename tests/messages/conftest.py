"""A citizen with WeChat, a case of theirs, and WeChat's gateway for real."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from msgspec import Struct

from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.channels import Channels, open_channels
from api.database import Database, open_database
from api.facts import CaseMoved, MessageAsked
from api.kinds import new_id
from api.messages.send_message import send_message
from api.messages.tell_citizen import tell_citizen
from api.settings import Settings
from api.vault import Vault, open_vault
from tests.cases.builders import add_submitted
from tests.gateways import SimulatedGateway


class Desk(Struct, frozen=True):
    """What messages are made and sent with."""

    settings: Settings
    database: Database
    vault: Vault
    channels: Channels
    gateway: SimulatedGateway

    async def citizen(self, *, linked: bool = True, agrees: bool = True) -> str:
        """A citizen who came by WeChat; gives their id."""
        citizen_id, link_id = new_id(), new_id()
        open_id = self.gateway.citizen(agrees=agrees)
        async with self.database.transaction() as connection:
            await connection.execute("insert into citizens (citizen_id) values ($1)", citizen_id)
            if linked:
                await connection.execute(
                    """
                    insert into channel_links
                        (link_id, citizen_id, channel, app_id, open_id_index, open_id_sealed)
                    values ($1, $2, 'wechat', $3, $4, $5)
                    """,
                    link_id,
                    citizen_id,
                    self.gateway.section["app_id"],
                    self.vault.index(open_id, purpose="open_id:wechat"),
                    self.vault.seal(
                        open_id, table="channel_links", column="open_id_sealed", row=link_id
                    ),
                )
        return citizen_id

    async def wish(self, citizen_id: str, preferences: str) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                "update citizens set preferences = $2 where citizen_id = $1",
                citizen_id,
                preferences,
            )

    async def moved(self, citizen_id: str, event_type: str = "accepted") -> CaseMoved:
        """A case of theirs that has just moved, as the fact says it."""
        async with self.database.transaction() as connection:
            case_no = await add_submitted(connection, citizen_id=citizen_id)
            done = await move_case(
                connection, case_no, Move(event_type=event_type, actor="clerk:test")
            )
        return CaseMoved(
            case_no=case_no,
            seq=done.seq,
            event_type=event_type,
            status=done.status,
            version=done.version,
            service_code="x",
            region_code="440106000000",
            citizen_id=citizen_id,
            platform_id=None,
        )

    async def tell(self, fact: CaseMoved) -> None:
        await tell_citizen(self.database, self.settings)(fact)

    async def send(self, message_id: str) -> None:
        await send_message(self.database, self.vault, self.channels)(
            MessageAsked(message_id=message_id)
        )

    async def message(self, fact: CaseMoved) -> dict[str, object]:
        """The one message of a move."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(
                "select * from messages where case_no = $1 and seq = $2", fact.case_no, fact.seq
            )
        assert len(rows) == 1
        return dict(rows[0])

    async def sent(self, fact: CaseMoved) -> dict[str, object]:
        """The message of a move after one try to send it."""
        await self.tell(fact)
        await self.send(str((await self.message(fact))["message_id"]))
        return await self.message(fact)


@pytest.fixture
async def desk(
    make_settings: Callable[..., Settings], tmp_path: Path, wechat_gateway: SimulatedGateway
) -> AsyncIterator[Desk]:
    channels_file = tmp_path / "channels.toml"
    channels_file.write_text((wechat_gateway.folder / "wechat.toml").read_text())
    settings = make_settings(channels_file=str(channels_file), quiet_hours="")
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    channels = await open_channels(settings, database, vault)
    yield Desk(settings, database, vault, channels, wechat_gateway)
    await channels.close()
    await vault.close()
    await database.close()
