"""`python -m api platform-key` makes a platform's key, shown once, or revokes one."""

from __future__ import annotations

import argparse
import asyncio
import re
from datetime import datetime, timedelta

from rich.markup import escape

from api.commands.ground import database_of
from api.database import CHINA, open_connection, open_database
from api.platforms.issue_key import IssuedKey, Rights, issue_key, revoke_key
from api.progress import console
from api.settings import Settings, SettingsWrong
from api.vault import open_vault

_NAME = re.compile(r"\A[^\x00-\x1f]{1,100}\Z")
_SERVICES = re.compile(r"\A[0-9A-Z]{0,31}\Z")
_REGIONS = re.compile(r"\A[0-9]{0,12}\Z")


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument("name", help="the platform, such as 天河区政务数据局; made if it is new")
    command.add_argument(
        "--services",
        help="beginnings of service codes, comma separated, such as a body's 18 characters; '' all",
    )
    command.add_argument(
        "--regions", help="beginnings of region codes, comma separated, such as 4401; '' all"
    )
    command.add_argument(
        "--algorithm", choices=["hmac-sha256", "ed25519"], default="hmac-sha256", help="of the key"
    )
    command.add_argument("--days", type=int, help="the key ends after so many days; default: never")
    command.add_argument("--revoke", metavar="KEY_ID", help="end that key instead of making one")


def run_platform_key(settings: Settings, arguments: argparse.Namespace) -> int:
    """A new key's secret is shown this once. Exit status 1 where a key to revoke is not there."""
    if not _NAME.match(arguments.name):
        raise SettingsWrong("NAME: 1 to 100 visible characters")
    with database_of(settings) as url:
        if arguments.revoke:
            return asyncio.run(_revoke(url, arguments.name, arguments.revoke))
        issued = asyncio.run(_issue(settings, url, arguments))
    console.print(f"key_id     {issued.key_id}")
    console.print(f"algorithm  {issued.algorithm}")
    if issued.secret is not None:
        console.print(f"secret     {escape(issued.secret)}   (shown once)", soft_wrap=True)
    if issued.private_key_pem is not None:
        console.print(
            f"private key (shown once):\n{escape(issued.private_key_pem)}", soft_wrap=True
        )
    return 0


async def _issue(settings: Settings, url: str, arguments: argparse.Namespace) -> IssuedKey:
    rights = Rights(
        read_prefixes("--services", arguments.services, _SERVICES),
        read_prefixes("--regions", arguments.regions, _REGIONS),
    )
    ends_at = datetime.now(CHINA) + timedelta(days=arguments.days) if arguments.days else None
    database = await open_database(url, settings)
    vault = await open_vault(settings, database)
    try:
        async with database.transaction() as connection:
            return await issue_key(
                connection,
                vault,
                settings,
                arguments.name,
                rights,
                algorithm=arguments.algorithm,
                expires_at=ends_at,
            )
    finally:
        await vault.close()
        await database.close()


async def _revoke(url: str, name: str, key_id: str) -> int:
    async with open_connection(url) as connection, connection.transaction():
        revoked = await revoke_key(connection, name, key_id)
    console.print("Revoked; it counts everywhere within 5 s." if revoked else "No such key.")
    return 0 if revoked else 1


def read_prefixes(option: str, text: str | None, pattern: re.Pattern[str]) -> list[str] | None:
    """Prefixes between commas; an empty text is everything, none at all leaves what is there."""
    if text is None:
        return None
    prefixes = [part.strip() for part in text.split(",")]
    if not all(map(pattern.match, prefixes)):
        raise SettingsWrong(f"{option}: beginnings of codes between commas, not {text!r}")
    return prefixes
