"""Each morning's work: yesterday at every channel, and the days before that still want it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog

from api.database import CHINA
from api.errors import DatabaseUnavailable
from api.files import open_files
from api.payments.reconciliation import queries
from api.payments.reconciliation.keep_report import keep_report
from api.payments.reconciliation.load_bill import LeaseLost
from api.payments.reconciliation.reconcile_day import CannotReconcile, reconcile_day
from api.payments.till import Till
from api.progress import Advance

log = structlog.get_logger()

DAYS_BACK = 7


def reconcile_due(till: Till) -> Callable[[], Awaitable[None]]:
    """For the timetable, more than once a morning: channels have yesterday's bill between nine
    and ten, and one that was late has it later."""
    files = open_files(till.settings.files_address)

    async def reconcile_due_days() -> None:
        yesterday = datetime.now(CHINA).date() - timedelta(days=1)
        touched: set[date] = set()
        for channel in till.channels.all():
            if channel.payments is None:
                continue
            for day in await _due_days(till, channel.name, yesterday):
                if await _try(till, channel.name, day):
                    touched.add(day)
        for day in sorted(touched):
            await keep_report(till.database, files, report_folder(till), day)

    return reconcile_due_days


def report_folder(till: Till) -> Path:
    """Where reports stand under their days' names."""
    return till.settings.data_path / "reconciliations"


@contextmanager
def nobody_told(_title: str) -> Iterator[Advance]:
    """For work that nobody watches."""

    def advance(_done: int, _total: int, /) -> None:
        """Nobody looks."""

    yield advance


async def _due_days(till: Till, channel: str, yesterday: date) -> list[date]:
    first = yesterday - timedelta(days=DAYS_BACK - 1)
    async with till.database.connection() as connection:
        rows = await queries.list_due_days(connection, channel=channel, first=first, last=yesterday)
    return [row.day for row in rows]


async def _try(till: Till, channel: str, day: date) -> bool:
    """One day must not hold up the others."""
    try:
        row = await reconcile_day(till, channel, day, nobody_told)
    except CannotReconcile as error:
        log.info("day_not_reconciled", channel=channel, day=day.isoformat(), reason=error.reason)
        return error.reason != "running"
    except (LeaseLost, DatabaseUnavailable) as error:
        log.warning("day_not_reconciled", channel=channel, reason=type(error).__name__)
        return False
    if row.state != "clean":
        log.error(
            "day_does_not_add_up",
            channel=channel,
            day=day.isoformat(),
            gap_fen=row.net_here_fen - row.net_there_fen,
            ledger_gap_fen=row.ledger_gap_fen,
            ledger_wrong=row.ledger_wrong,
        )
    return True
