"""People of a case: its owner with a session, a department's system, a clerk."""

from __future__ import annotations

import secrets

import pytest
from msgspec import Struct

from api.database import Database, open_database
from api.sessions import Tokens, open_session
from api.settings import Settings, secret_key
from tests.platforms.builders import Partner, new_partner


class Owner(Struct, frozen=True):
    """A citizen with the header of their calls."""

    citizen_id: str
    headers: dict[str, str]


async def new_owner(settings: Settings) -> Owner:
    """A citizen who has signed in."""
    citizen_id = secrets.token_hex(16)
    database = await open_database(settings.database_url, settings)
    try:
        async with database.transaction() as connection:
            claims = await open_session(
                connection, kind="citizen", subject=citizen_id, seconds=3600
            )
    finally:
        await database.close()
    token = Tokens(secret_key(settings)).sign(claims)
    return Owner(citizen_id, {"Authorization": f"Bearer {token}"})


@pytest.fixture
async def owner(town_settings: Settings, town: Database) -> Owner:
    return await new_owner(town_settings)


@pytest.fixture
async def stranger(town_settings: Settings, town: Database) -> Owner:
    return await new_owner(town_settings)


@pytest.fixture
async def partner(town_settings: Settings, town: Database) -> Partner:
    """A department's system with every right."""
    return await new_partner(town_settings)
