"""`python -m api clerk` makes a clerk; `python -m api audit verify` walks the audit trail."""

from __future__ import annotations

import argparse
import asyncio
import secrets

import msgspec
import segno
from rich.markup import escape

from api import audit
from api.clerks.make_clerk import make_clerk
from api.clerks.schemas import ROLE_WORDS, NewClerk, NewClerkBody
from api.commands.ground import database_of
from api.database import open_connection, open_database
from api.errors import Problem
from api.progress import console, progress
from api.settings import Settings, SettingsWrong
from api.vault import open_vault


def add_arguments(clerk: argparse.ArgumentParser, trail: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    clerk.add_argument("user", help="user name: a-z, 0-9, '.', '_', '-'")
    clerk.add_argument("--name", required=True, help="what colleagues call them")
    roles = "; ".join(f"{role}: {words}" for role, words in ROLE_WORDS.items())
    clerk.add_argument("--roles", required=True, help=f"comma separated. {roles}")
    clerk.add_argument(
        "--services",
        default="",
        help="beginnings of service codes, comma separated, such as a body's 18 characters",
    )
    clerk.add_argument(
        "--regions", default="", help="beginnings of region codes, comma separated; none: all"
    )
    trail.add_argument("what", choices=["verify"], help="walk the whole chain and name every fault")


def run_clerk(settings: Settings, arguments: argparse.Namespace) -> None:
    """Make a clerk with a password of our choice; both secrets are shown once."""
    password = secrets.token_urlsafe(15)
    body = read_body(
        {
            "user": arguments.user,
            "name": arguments.name,
            "password": password,
            "roles": arguments.roles.split(","),
            "service_prefixes": arguments.services.split(","),
            "region_prefixes": arguments.regions.split(","),
        }
    )
    with database_of(settings) as url:
        made = asyncio.run(_make(settings, url, body))
    console.print(f"user      {made.clerk.user}")
    console.print(f"password  {escape(password)}")
    console.print(f"TOTP      {made.totp_secret}   (shown once: scan it into an authenticator)")
    segno.make(made.totp_address).terminal(compact=True)


def run_audit(settings: Settings, _arguments: argparse.Namespace) -> int:
    """Exit status 1 where a fault was found."""
    with database_of(settings) as url:
        verified = asyncio.run(_verify(url))
    for fault in verified.faults:
        console.print(f"[red]link {fault.seal_no}, entry {fault.entry_id}: {fault.reason}")
    console.print(
        f"{verified.entries:,} links, {len(verified.faults)} faults. The last seal is "
        f"{verified.last_seal.hex()}: compare it with the log's last `audit_chained`."
    )
    return 1 if verified.faults else 0


def read_body(given: dict[str, object]) -> NewClerkBody:
    """Raises SettingsWrong with the wrong part's name."""
    try:
        return msgspec.convert(given, NewClerkBody)
    except msgspec.ValidationError as error:
        raise SettingsWrong(str(error)) from None


async def _make(settings: Settings, url: str, body: NewClerkBody) -> NewClerk:
    database = await open_database(url, settings)
    try:
        vault = await open_vault(settings, database)
        return await make_clerk(database, vault, body, actor="operator:command")
    except Problem as problem:
        raise SettingsWrong(problem.detail_english or problem.english) from None
    finally:
        await database.close()


async def _verify(url: str) -> audit.Verified:
    async with open_connection(url) as connection:
        whole = await audit.count_chain(connection) or 0
        with progress("audit chain") as advance:
            return await audit.verify_chain(connection, lambda done: advance(done, whole))
