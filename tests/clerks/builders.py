"""Clerks to test with: made as the command makes them, signed in as they would."""

from __future__ import annotations

from typing import Any

import httpx
import pyotp
from msgspec import Struct

from api.clerks.make_clerk import make_clerk
from api.clerks.schemas import NewClerkBody, Role
from api.database import open_database
from api.settings import Settings
from api.vault import open_vault

PASSWORD = "a clerk's passphrase for tests"


class TestClerk(Struct, frozen=True):
    """A clerk with what they sign in with."""

    __test__ = False

    user: str
    totp: pyotp.TOTP

    def body(self, **changed: Any) -> dict[str, Any]:
        """A sign-in that is right, with some values changed."""
        return {"user": self.user, "password": PASSWORD, "totp": self.totp.now(), **changed}


async def clerk_named(
    settings: Settings,
    user: str,
    *roles: Role,
    service_prefixes: list[str] | None = None,
    region_prefixes: list[str] | None = None,
) -> TestClerk:
    """Make a clerk; without prefixes they may touch everything."""
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    try:
        body = NewClerkBody(
            user,
            "测试员",
            PASSWORD,
            list(roles),
            [""] if service_prefixes is None else service_prefixes,
            [""] if region_prefixes is None else region_prefixes,
        )
        made = await make_clerk(database, vault, body, actor="operator:test")
    finally:
        await vault.close()
        await database.close()
    return TestClerk(user, pyotp.TOTP(made.totp_secret))


async def headers_of(client: httpx.AsyncClient, clerk: TestClerk) -> dict[str, str]:
    """Sign in; gives the header of the calls that follow."""
    answer = await client.post("/v1/clerk/sessions", json=clerk.body())
    assert answer.status_code == 201, answer.text
    return {"Authorization": f"Bearer {answer.json()['token']}"}
