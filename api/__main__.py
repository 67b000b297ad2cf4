"""python -m api COMMAND: run the service and look after it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from datetime import date
from pathlib import Path

import msgspec
import uvicorn
from rich.table import Table

from api import app
from api.catalogue import queries
from api.catalogue.demonstration.cross_services import cross_services
from api.catalogue.import_services import import_file
from api.catalogue.lint_guide import Finding
from api.catalogue.lint_words import RULE_TITLES
from api.catalogue.rows import Linted
from api.commands import clerks as clerk_commands
from api.commands import platforms as platform_commands
from api.commands import reconcile as reconcile_commands
from api.commands.ground import database_of
from api.database import open_connection
from api.diagrams import draw_moves
from api.doctor import draw_checks, examine
from api.files import open_files
from api.jobs import work
from api.key_provider import make_keys_file
from api.logs import configure_logs
from api.migrations import MigrationFailed, migrate
from api.progress import console, progress
from api.rotate_keys import rotate_keys
from api.seeding import Ground, plant_seeds
from api.settings import Settings, SettingsWrong, draw_example, load_settings
from api.statements import Connection
from api.up import CannotStart, up


def main() -> int:
    """Read the command line and run one command; gives the exit status."""
    arguments = _parser().parse_args()
    try:
        settings = load_settings()
        return int(arguments.run(settings, arguments) or 0)
    except (SettingsWrong, CannotStart, MigrationFailed) as error:
        console.print(f"[red]{error}")
        console.print("`python -m api doctor` looks at this machine and its configuration.")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, run: object, words: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=words, description=words)
        command.set_defaults(run=run)
        return command

    add("up", _up, "everything on this machine: servers, migrations, seeds, API, jobs")
    serve = add("serve", _serve, "the API alone; DATABASE_URL names its PostgreSQL")
    serve.add_argument("--workers", type=int, help="processes; default: WORKERS")
    add("work", _work, "the job worker alone")
    add("migrate", _migrate, "bring the database's schema to this version")
    seed = add("seed", _seed, "plant regions, items and the demonstration; or a town of any size")
    seed.add_argument(
        "--services", type=int, help="cross real names with counties to so many items"
    )
    load = add("import", _import, "import items from NDJSON files; goes on where it was stopped")
    load.add_argument("files", nargs="+", type=Path, metavar="FILE")
    lint = add("lint", _lint, "a table of what the guide lint found")
    lint.add_argument("--source", help="only items of this source")
    lint.add_argument("--rule", type=int, help="list the items that break this rule")
    doctor = add("doctor", _doctor, "what is wrong with this machine, and how to mend it")
    doctor.add_argument("--environment", action="store_true", help="print .env.example")
    rotate = add("rotate-keys", _rotate_keys, "new keys; all that is sealed is sealed anew")
    rotate.add_argument("--kek", action="store_true", help="a new key-encryption key as well")
    new_keys = add("new-keys", _new_keys, "make a file of keys for KEYS_FILE")
    new_keys.add_argument("file", type=Path, metavar="FILE")
    add("diagram", _diagram, "draw every table of moves (Mermaid)")
    clerk_commands.add_arguments(
        add("clerk", clerk_commands.run_clerk, "make a clerk, with password and authenticator"),
        add("audit", clerk_commands.run_audit, "walk the audit trail's chain: any tampering shows"),
    )
    platform_commands.add_arguments(
        add("platform-key", platform_commands.run_platform_key, "make or revoke a platform's key")
    )
    reconcile_commands.add_arguments(
        add(
            "reconcile",
            _reconcile,
            "hold a day's books against the channels' bills; 0 clean, 1 open, 2 cannot",
        )
    )
    return parser


def _up(settings: Settings, _arguments: argparse.Namespace) -> None:
    up(settings)


def _serve(settings: Settings, arguments: argparse.Namespace) -> None:
    _demand_database(settings)
    workers = arguments.workers or settings.workers
    if workers > 1:
        # Must be set before the workers import prometheus_client.
        os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", tempfile.mkdtemp(prefix="zhangban-"))
    uvicorn.run(
        "api.app:create",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=workers,
        loop="uvloop",
        http="api.protocol:Protocol",
        ws="none",
        access_log=False,
        log_config=None,  # the workers set up logs themselves
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=30,
    )


def _work(settings: Settings, _arguments: argparse.Namespace) -> None:
    _demand_database(settings)
    configure_logs(settings)
    asyncio.run(_work_until_stopped(settings))


async def _work_until_stopped(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with app.open_worker(settings) as (reactions, timetable):
        await work(settings.database_url, settings, reactions, timetable, stop)


def _migrate(settings: Settings, _arguments: argparse.Namespace) -> None:
    with database_of(settings) as url:
        migrate(url)
    console.print("The schema is at this version.")


def _seed(settings: Settings, arguments: argparse.Namespace) -> None:
    with database_of(settings) as url:
        asyncio.run(_plant(url, settings, arguments.services))


async def _plant(url: str, settings: Settings, services: int | None) -> None:
    async with open_connection(url) as connection:
        ground = Ground(connection, open_files(settings.files_address))
        await plant_seeds(ground, app.SEEDS, say=console.print)
        if services:
            with progress(f"事项 Services → {services:,}") as advance:
                told = await cross_services(connection, services, date.today(), advance)
            console.print(f"  {told}")


def _import(settings: Settings, arguments: argparse.Namespace) -> int:
    with database_of(settings) as url:
        return asyncio.run(_import_files(url, arguments.files))


async def _import_files(url: str, files: list[Path]) -> int:
    refused = 0
    async with open_connection(url) as connection:
        for path in files:
            with progress(path.name) as advance:
                done = await import_file(connection, path, today=date.today(), progress=advance)
            state = "already imported: " if done.already_finished else ""
            console.print(
                f"{path.name}: {state}{done.lines:,} lines, {done.kept:,} kept, "
                f"{done.refused:,} refused"
            )
            for fault in await queries.list_import_faults(
                connection, import_id=done.import_id, limit=50
            ):
                console.print(f"  line {fault.line_number}: {fault.field}: {fault.reason}")
            refused += done.refused
    return 1 if refused else 0


def _lint(settings: Settings, arguments: argparse.Namespace) -> None:
    with database_of(settings) as url:
        asyncio.run(_show_findings(url, arguments.source, arguments.rule))


async def _show_findings(url: str, source: str | None, rule: int | None) -> None:
    async with open_connection(url) as connection:
        if rule is not None:
            await _list_items(connection, source, rule)
            return
        counts = await queries.count_findings(connection, source=source)
        whole = await queries.count_linted(connection, source=source) or Linted(0, 0)
    table = Table("rule", "what it asks", "items", "share")
    for count in counts:
        share = f"{100 * count.items / whole.items:.1f} %"
        table.add_row(str(count.rule), RULE_TITLES[count.rule], f"{count.items:,}", share)
    console.print(table)
    console.print(f"{whole.items:,} items, {whole.clean:,} without any finding")


async def _list_items(connection: Connection, source: str | None, rule: int) -> None:
    table = Table("service_code", "name", "findings")
    rows = await queries.list_findings(connection, source=source, rule=rule, after="", limit=100)
    for row in rows:
        table.add_row(row.service_code, row.name, _in_words(row.findings, rule))
    console.print(table)


def _in_words(findings: str, rule: int) -> str:
    found = msgspec.json.decode(findings, type=list[Finding])
    return "\n".join(f"{f.field}: {f.detail}" for f in found if f.rule == rule)


def _doctor(settings: Settings, arguments: argparse.Namespace) -> int:
    if arguments.environment:
        sys.stdout.write(draw_example())
        return 0
    checks = asyncio.run(examine(settings))
    console.print(draw_checks(checks))
    return 1 if any(check.state == "wrong" for check in checks) else 0


def _diagram(_settings: Settings, _arguments: argparse.Namespace) -> None:
    for name, moves in app.MOVES.items():
        sys.stdout.write(draw_moves(name, moves))


def _rotate_keys(settings: Settings, arguments: argparse.Namespace) -> int:
    with database_of(settings) as url:
        found = msgspec.structs.replace(settings, database_url=url)
        done = asyncio.run(rotate_keys(found, progress, new_key_encryption_key=arguments.kek))
    console.print(
        f"{done.rows:,} values sealed anew, {done.retired} keys retired, "
        f"{done.destroyed} destroyed, {done.broken} values do not open"
    )
    return 1 if done.broken else 0


def _reconcile(settings: Settings, arguments: argparse.Namespace) -> int:
    # The bar and the table say what there is to say.
    configure_logs(msgspec.structs.replace(settings, log_level="warning"))
    return reconcile_commands.run_reconcile(settings, arguments)


def _new_keys(_settings: Settings, arguments: argparse.Namespace) -> None:
    make_keys_file(arguments.file)
    console.print(f"{arguments.file}: keep it safe, and apart from the database's backups.")


def _demand_database(settings: Settings) -> None:
    if not settings.database_url:
        raise SettingsWrong(
            "DATABASE_URL is empty: `serve` and `work` join a PostgreSQL that runs already. "
            "`make run` starts everything on this machine."
        )


if __name__ == "__main__":
    sys.exit(main())
