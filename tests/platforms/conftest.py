"""The service over an empty database, and a partner who may do everything."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from api.database import Database
from api.settings import Settings
from tests.platforms.builders import Partner, forget_partners, new_partner
from tests.town import running


@pytest.fixture
async def partners(database: Database) -> AsyncIterator[None]:
    """Whoever a test makes is gone afterwards."""
    yield
    await forget_partners(database)


@pytest.fixture
async def partner(settings: Settings, partners: None) -> Partner:
    return await new_partner(settings)


@pytest.fixture
async def service(settings: Settings, partners: None) -> AsyncIterator[httpx.AsyncClient]:
    """Calls the service over this worker's database."""
    async with running(settings) as client:
        yield client
