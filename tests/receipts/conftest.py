"""The tools of receipts on a database of the test's own, so that its numbers begin at one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from api.database import open_database
from api.receipts.issue_receipts import open_issuer
from api.settings import Settings
from api.vault import open_vault
from tests.payments.conftest import counter
from tests.receipts.builders import DEPARTMENT, Desk

__all__ = ["counter"]


@pytest.fixture
async def desk(
    clean_database_url: str, make_settings: Callable[..., Settings]
) -> AsyncIterator[Desk]:
    settings = make_settings(
        database_url=clean_database_url,
        database_acquire_seconds=30,
        database_statement_seconds=20,
        database_lock_seconds=20,
    )
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    desk = Desk(database, vault, open_issuer(settings, vault))
    await desk.run(
        "insert into departments (code, name, region_code) values ($1, $2, '440106000000')",
        *(DEPARTMENT, "天河区公安局（演示）"),
    )
    await desk.run(
        "insert into regions (code, name, level) values ('440000000000', '广东省', 1)"
        " on conflict do nothing"
    )
    yield desk
    await vault.close()
    await database.close()
