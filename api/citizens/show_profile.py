"""The masked profile, and what a citizen changes in it by themselves."""

from __future__ import annotations

import msgspec

from adapters.contract import Phone
from api.channels import Channels, able
from api.citizens import queries
from api.citizens.ask_channel import ask_channel
from api.citizens.link_channels import demand_citizen
from api.citizens.note_own import note_own
from api.citizens.schemas import (
    LinkedChannel,
    MaskedPhone,
    PhoneBody,
    Preferences,
    Profile,
    ProfilePatch,
)
from api.citizens.sealed import masked_name, open_id_number, open_phone, seal_phone
from api.database import Database
from api.errors import Unauthorized
from api.privacy import mask_identity_number, mask_phone
from api.statements import Connection
from api.vault import Vault


async def show_profile(connection: Connection, vault: Vault, citizen_id: str) -> Profile:
    """Raises Unauthorized where the record has gone since the token was made."""
    row = await demand_citizen(connection, citizen_id)
    links = await queries.list_links(connection, citizen_id=citizen_id)
    number = open_id_number(vault, citizen_id, row.id_number_sealed)
    phone = open_phone(vault, citizen_id, row.phone_sealed)
    return Profile(
        citizen_id=citizen_id,
        name=masked_name(vault, citizen_id, row.name_sealed),
        id_number=None if number is None else mask_identity_number(number),
        phone=None if phone is None else mask_phone(phone),
        assurance_level=row.assurance_level,  # type: ignore[arg-type]
        verified_at=row.verified_at,
        channels=row.channels,
        links=[LinkedChannel(link.channel, link.linked_at) for link in links],
        preferences=msgspec.json.decode(row.preferences, type=Preferences),
        elder_view=row.elder_view,
        created_at=row.created_at,
    )


async def change_profile(
    database: Database, vault: Vault, citizen_id: str, patch: ProfilePatch
) -> Profile:
    """Change what the patch names; the rest stays."""

    async def decide(connection: Connection) -> Profile:
        kept = await queries.find_preferences(connection, citizen_id=citizen_id)
        if kept is None:
            raise Unauthorized()
        preferences = msgspec.json.decode(kept, type=Preferences)
        if patch.preferences is not None:
            wanted = msgspec.structs.asdict(patch.preferences)
            changed = {name: value for name, value in wanted.items() if value is not None}
            preferences = msgspec.structs.replace(preferences, **changed)
        await queries.store_preferences(
            connection,
            citizen_id=citizen_id,
            elder_view=patch.elder_view,
            preferences=msgspec.json.encode(preferences).decode(),
        )
        await note_own(connection, citizen_id, "preferences_changed")
        return await show_profile(connection, vault, citizen_id)

    return await database.decide(decide)


async def take_phone(
    database: Database, vault: Vault, channels: Channels, citizen_id: str, body: PhoneBody
) -> MaskedPhone:
    """The number that the person let the channel hand over replaces the one we had."""
    channel = channels.named(body.channel)
    phone: Phone = await ask_channel(able(channel.sign_in).phone(body.code))
    async with database.transaction() as connection:
        stored = await queries.store_phone(
            connection,
            citizen_id=citizen_id,
            phone_sealed=seal_phone(vault, citizen_id, phone.number),
        )
        if not stored:
            raise Unauthorized()
        await note_own(connection, citizen_id, "phone_changed", channel=body.channel)
    return MaskedPhone(mask_phone(phone.number))
