"""`demonstration.json`: what a newcomer needs to try everything, written by `make run`.

Secrets are made once and kept: a section whose owner still stands in the database is
left as it is. The file has mode 0600 and exists in the demonstration only.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

import msgspec

from api.catalogue import queries
from api.clerks.make_clerk import ClerkExists, make_clerk
from api.clerks.schemas import NewClerkBody, Role
from api.database import Database, open_database
from api.platforms.issue_key import IssuedKey, demonstration_key
from api.settings import Settings
from api.vault import Vault, open_vault

CLERK, CASHIER = "demonstration", "demonstration.cashier"
_ROLES: list[Role] = ["handler", "supervisor", "auditor"]


def demonstration_path(settings: Settings) -> Path:
    """Where the file is."""
    return settings.data_path / "demonstration.json"


async def write_demonstration(settings: Settings, database_url: str) -> None:
    """Make whatever of the demonstration is missing, and write down how to use it."""
    database = await open_database(database_url, settings)
    vault = await open_vault(settings, database)
    try:
        known = _read(demonstration_path(settings))
        sections = {
            "services": await _services(database),
            "clerk": await _clerk(database, vault, known.get("clerk"), CLERK, _ROLES),
            "cashier": await _clerk(database, vault, known.get("cashier"), CASHIER, ["cashier"]),
            "platform": await _platform(database, vault, settings),
        }
    finally:
        await vault.close()
        await database.close()
    _write(demonstration_path(settings), sections)


async def _services(database: Database) -> dict[str, str]:
    examples = await database.read(queries.list_examples)
    return {example.first: example.second for example in examples}


async def _platform(database: Database, vault: Vault, settings: Settings) -> IssuedKey:
    async with database.transaction() as connection:
        return await demonstration_key(connection, vault, settings)


async def _clerk(
    database: Database, vault: Vault, known: Any, wanted: str, roles: list[Role]
) -> Any:
    password = secrets.token_urlsafe(18)
    user = wanted
    while True:
        body = NewClerkBody(user, "演示工作人员", password, roles, [""], [""])
        try:
            made = await make_clerk(database, vault, body, actor="operator:demonstration")
        except ClerkExists:
            if known:
                return known
            # The file was lost, and with it the password: another clerk takes over.
            user = f"{wanted}-{secrets.token_hex(3)}"
        else:
            return {"user": user, "password": password, "totp_secret": made.totp_secret}


def _read(path: Path) -> dict[str, Any]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _write(path: Path, sections: dict[str, Any]) -> None:
    text = msgspec.json.format(msgspec.json.encode(sections), indent=2)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
