"""Draws the report of a day as it stands now, and keeps it: in the file store under its hash,
and beside the service's data under the day's name, for people."""

from __future__ import annotations

import os
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from api.database import CHINA, Database
from api.files import Files
from api.payments.reconciliation import queries
from api.payments.reconciliation.draw_report import Report, draw_page, draw_table
from api.payments.reconciliation.rows import DifferenceRow
from api.statements import Connection

LISTED = 50_000
"""Differences in the table at most."""
_PAGE = 2000


class Kept(Struct, frozen=True):
    """Where a report is, and what it was drawn from."""

    page: Path
    table: Path
    report: Report


async def keep_report(database: Database, files: Files, folder: Path, day: date) -> Kept:
    """`folder`: where the copies with names go."""
    report = await read_report(database, day)
    page, table = draw_page(report), draw_table(report)
    page_digest, table_digest = await files.keep(page), await files.keep(table)
    async with database.transaction() as connection:
        await queries.keep_report(
            connection, day=day, page_digest=page_digest, table_digest=table_digest
        )
    kept = Kept(folder / f"{day}.html", folder / f"{day}.csv", report)
    _write(kept.page, page)
    _write(kept.table, table)
    return kept


async def read_report(database: Database, day: date) -> Report:
    """Everything of a day, in one transaction."""
    async with database.transaction() as connection:
        await queries.see_one_moment(connection)
        days = await queries.list_days(connection, day=day, channel=None)
        counts = await queries.count_differences(connection, day=day, channel=None)
        differences = await _list_differences(connection, day)
    whole = sum(count.differences for count in counts if count.status != "closed")
    return Report(day, datetime.now(CHINA), days, counts, differences, whole)


async def _list_differences(connection: Connection, day: date) -> list[DifferenceRow]:
    found: list[DifferenceRow] = []
    # What waits for somebody must be in it, however much else there is.
    for status in ("open", "explained", "resolved", "repaired"):
        after = 0
        while len(found) < LISTED:
            rows = await queries.list_differences(
                connection,
                day=day,
                channel=None,
                status=status,
                after=after,
                is_everybodys=True,
                service_prefixes=[""],
                region_prefixes=[""],
                limit=min(_PAGE, LISTED - len(found)),
            )
            found += rows
            if len(rows) < _PAGE:
                break
            after = rows[-1].difference_id
    return found


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_bytes(content)
    fresh.replace(path)
