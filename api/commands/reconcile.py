"""`python -m api reconcile` holds a day's books against the channels' bills."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta

import msgspec
from rich.table import Table

from api.channels import ChannelCannot, Channels, ChannelUnknown, open_channels
from api.commands.ground import database_of
from api.database import CHINA, open_database
from api.errors import DatabaseUnavailable
from api.files import open_files
from api.payments import Till
from api.payments.reconciliation import (
    CannotReconcile,
    Kept,
    LeaseLost,
    keep_report,
    reconcile_day,
    report_folder,
    words,
)
from api.payments.reconciliation.draw_chart import spell_yuan
from api.payments.reconciliation.draw_report import Report
from api.payments.reconciliation.rows import DayRow
from api.progress import console, progress
from api.settings import Settings, SettingsWrong
from api.vault import open_vault

CLEAN, OPEN, CANNOT = 0, 1, 2


def add_arguments(command: argparse.ArgumentParser) -> None:
    """The options of the command."""
    command.add_argument(
        "day",
        nargs="?",
        metavar="DATE",
        help="YYYY-MM-DD in China Standard Time; default: yesterday",
    )
    command.add_argument("--channel", help="one channel only, such as wechat; default: all")


def run_reconcile(settings: Settings, arguments: argparse.Namespace) -> int:
    """Exit status 0: no open difference; 1: some; 2: a channel could not be reconciled."""
    day = read_day(arguments.day)
    with database_of(settings) as url:
        found = msgspec.structs.replace(settings, database_url=url)
        return asyncio.run(_reconcile(found, day, arguments.channel))


def read_day(text: str | None) -> date:
    """Raises SettingsWrong for what is no day, or one that has not begun."""
    today = datetime.now(CHINA).date()
    try:
        day = today - timedelta(days=1) if text is None else date.fromisoformat(text)
    except ValueError:
        raise SettingsWrong(f"DATE: a day such as {today}, not {text!r}") from None
    if day > today:
        raise SettingsWrong(f"DATE: {day} has not begun in China")
    return day


async def _reconcile(settings: Settings, day: date, only: str | None) -> int:
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    channels = await open_channels(settings, database, vault)
    till = Till(settings, database, vault, channels)
    try:
        failures = [
            failure
            for channel in _names(channels, only)
            if (failure := await _try(till, channel, day)) is not None
        ]
        kept = await keep_report(
            database, open_files(settings.files_address), report_folder(till), day
        )
    except DatabaseUnavailable as error:
        raise SettingsWrong(f"PostgreSQL is not there: {error.english}") from None
    finally:
        await channels.close()
        await vault.close()
        await database.close()
    _show(kept, failures)
    shown = [row for row in kept.report.days if only in (None, row.channel)]
    return _status(shown, failures)


def _names(channels: Channels, only: str | None) -> list[str]:
    paying = [channel.name for channel in channels.all() if channel.payments is not None]
    if only is not None:
        paying = [name for name in paying if name == only]
    if not paying:
        raise SettingsWrong(
            "There is no such channel that takes payments; CHANNELS_FILE names them, and with "
            "`make run` the demonstration's are in .data."
        )
    return paying


async def _try(till: Till, channel: str, day: date) -> CannotReconcile | None:
    try:
        await reconcile_day(till, channel, day, progress)
    except CannotReconcile as error:
        return error
    except (LeaseLost, ChannelUnknown, ChannelCannot):
        return CannotReconcile(channel, "running")
    return None


def _status(days: Sequence[DayRow], failures: Sequence[CannotReconcile]) -> int:
    if failures:
        return CANNOT
    return CLEAN if all(day.state == "clean" for day in days) else OPEN


def _show(kept: Kept, failures: Sequence[CannotReconcile]) -> None:
    done = [day for day in kept.report.days if day.finished_at is not None]
    if done and console.is_terminal:
        console.print(draw_summary(kept.report, done))
    for day in () if console.is_terminal else done:
        console.print(describe_day(kept.report, day), soft_wrap=True)
    for failure in failures:
        chinese, english = words.reason_words(failure.reason)
        console.print(
            f"[yellow]{words.channel_words(failure.channel)[1]}: {chinese} {english}",
            soft_wrap=True,
        )
    for path in (kept.page, kept.table):
        console.print(str(path), soft_wrap=True)


def draw_summary(report: Report, days: Sequence[DayRow]) -> Table:
    """A column a channel."""
    table = Table(title=f"对账 Reconciliation {report.day}")
    table.add_column("")
    for day in days:
        table.add_column(" ".join(words.channel_words(day.channel)), justify="right")
    for name, figures in _figures(report, days):
        table.add_row(name, *figures)
    return table


def describe_day(report: Report, day: DayRow) -> str:
    """One line for logs and pipes."""
    parts = [f"{name}: {figure}" for name, [figure] in _figures(report, [day])]
    return f"{day.channel} {day.day} " + "; ".join(parts)


def _figures(report: Report, days: Sequence[DayRow]) -> list[tuple[str, list[str]]]:
    rows = [
        ("state", [words.STATES[d.state][1] for d in days]),
        ("bill lines", [f"{d.lines:,}" for d in days]),
        ("payments here", [_sum(d.payments_here, d.payments_here_fen) for d in days]),
        ("payments there", [_sum(d.payments_there, d.payments_there_fen) for d in days]),
        ("refunds here", [_sum(d.refunds_here, d.refunds_here_fen) for d in days]),
        ("refunds there", [_sum(d.refunds_there, d.refunds_there_fen) for d in days]),
        ("fees kept", [spell_yuan(d.fees_fen) for d in days]),
        ("ledger too much", [spell_yuan(d.ledger_gap_fen) for d in days]),
    ]
    for cause, (_, english) in words.CAUSES.items():
        counts = [_count(report, d.channel, cause=cause) for d in days]
        if any(counts):
            rows.append((english, [f"{count:,}" for count in counts]))
    rows.append(("repaired", [f"{_count(report, d.channel, 'repaired'):,}" for d in days]))
    rows.append(("open", [f"{_count(report, d.channel, 'open'):,}" for d in days]))
    return rows


def _sum(count: int, fen: int) -> str:
    return f"{count:,} = {spell_yuan(fen)} yuan"


def _count(
    report: Report, channel: str, status: str | None = None, *, cause: str | None = None
) -> int:
    return sum(
        c.differences
        for c in report.counts
        if c.channel == channel
        and c.status != "closed"
        and status in (None, c.status)
        and cause in (None, c.cause)
    )
