"""Signing in through a channel: the person is found, or made, exactly once."""

from __future__ import annotations

from datetime import datetime

from adapters.contract import ChannelIdentity
from api.channels import Channels, able
from api.citizens import queries
from api.citizens.ask_channel import ask_channel
from api.citizens.note_own import note_own
from api.citizens.rows import CitizenRow
from api.citizens.schemas import Citizen, SignedIn, SignInBody
from api.citizens.sealed import (
    hold_person,
    masked_name,
    open_id_purpose,
    seal_open_id,
    seal_union_id,
)
from api.database import CHINA, Database
from api.kinds import new_id
from api.sessions import TokenClaims, Tokens, open_session
from api.settings import Settings
from api.statements import Connection
from api.vault import Vault

_DAY_SECONDS = 86_400


async def sign_in(
    database: Database,
    vault: Vault,
    channels: Channels,
    tokens: Tokens,
    settings: Settings,
    body: SignInBody,
) -> SignedIn:
    """The channel proves who it is, then one transaction finds or makes the citizen.

    Raises ChannelUnknown, ChannelCannot, ChannelUnavailable, ChannelRefused, LoginCodeWrong.
    """
    channel = channels.named(body.channel)
    identity = await ask_channel(able(channel.sign_in).sign_in(body.code))

    async def decide(connection: Connection) -> tuple[CitizenRow, TokenClaims]:
        citizen_id = await _find_or_make(connection, vault, body.channel, identity)
        claims = await open_session(
            connection,
            kind="citizen",
            subject=citizen_id,
            seconds=settings.session_days * _DAY_SECONDS,
            channel=body.channel,
        )
        row = await queries.find_citizen(connection, citizen_id=citizen_id)
        if row is None:
            raise LookupError("a linked citizen is a living one")
        return row, claims

    row, claims = await database.decide(decide)
    return SignedIn(
        tokens.sign(claims),
        datetime.fromtimestamp(claims.expires_at, CHINA),
        shape_citizen(row, vault),
    )


def shape_citizen(row: CitizenRow, vault: Vault) -> Citizen:
    """The citizen as the sign-in answers."""
    return Citizen(
        row.citizen_id,
        masked_name(vault, row.citizen_id, row.name_sealed),
        row.assurance_level,  # type: ignore[arg-type]
        row.channels,
    )


async def _find_or_make(
    connection: Connection, vault: Vault, channel: str, identity: ChannelIdentity
) -> str:
    indexes = await hold_person(connection, vault, identity.open_id, open_id_purpose(channel))
    link = await queries.find_link(
        connection, channel=channel, app_id=identity.app_id, indexes=indexes
    )
    if link is not None:
        await queries.share_citizen(connection, citizen_id=link.citizen_id)
        return link.citizen_id
    citizen_id = new_id()
    await queries.add_citizen(connection, citizen_id=citizen_id)
    await add_link(connection, vault, citizen_id, channel, identity)
    return citizen_id


async def add_link(
    connection: Connection, vault: Vault, citizen_id: str, channel: str, identity: ChannelIdentity
) -> None:
    """Note that the account is this citizen's; the caller holds the person."""
    link_id = new_id()
    union_id = identity.union_id
    await note_own(connection, citizen_id, "channel_linked", channel=channel)
    await queries.add_link(
        connection,
        link_id=link_id,
        citizen_id=citizen_id,
        channel=channel,
        app_id=identity.app_id,
        open_id_index=vault.index(identity.open_id, purpose=open_id_purpose(channel)),
        open_id_sealed=seal_open_id(vault, link_id, identity.open_id),
        union_id_sealed=seal_union_id(vault, link_id, union_id) if union_id else None,
    )
