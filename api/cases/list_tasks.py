"""A clerk's list of cases: what is overdue first, then what is due next."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from api.access import Caller
from api.cases import queries
from api.cases.rows import TaskRow
from api.cases.schemas import Task
from api.cases.states import OPEN, label_of
from api.database import CHINA
from api.pages import ListCursors, Page
from api.statements import Connection
from api.workdays import working_days_between

_FIRST_DAY = date(1, 1, 1)
_NO_DAY = date(9999, 12, 31)
_LATER = datetime(9999, 1, 1, tzinfo=CHINA)


class Wanted(Struct, frozen=True):
    """Which cases: of one status (None: all open ones), overdue or not (None: both)."""

    status: str | None
    overdue: bool | None


async def list_tasks(
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    today: date,
) -> Page[Task]:
    """The cases within the clerk's rights. Raises CursorWrong."""
    given = {
        "service_prefixes": list(caller.service_prefixes),
        "region_prefixes": list(caller.region_prefixes),
        "status": wanted.status,
        "overdue": wanted.overdue,
        "today": today,
        "limit": limit + 1,
    }
    if wanted.status is None or wanted.status in OPEN:
        due, after = of.read(cursor, tuple[date, str], (_FIRST_DAY, ""))
        rows = await queries.list_tasks(connection, after_due=due, after_case_no=after, **given)
        return of.cut(
            rows, limit, lambda row: _task(row, today), lambda r: (r.due_on or _NO_DAY, r.case_no)
        )
    time, before = of.read(cursor, tuple[datetime, str], (_LATER, ""))
    rows = await queries.list_finished_tasks(
        connection, before_time=time, before_case_no=before, **given
    )
    return of.cut(
        rows, limit, lambda row: _task(row, today), lambda row: (row.updated_at, row.case_no)
    )


def _task(row: TaskRow, today: date) -> Task:
    left = None if row.due_on is None else working_days_between(today, row.due_on).count
    return Task(
        case_no=row.case_no,
        service_code=row.service_code,
        service_name=row.service_name,
        region_code=row.region_code,
        status=row.status,
        label=label_of(row.status, evaluated=row.evaluated)[0],
        version=row.version,
        clock=row.clock,
        due_on=row.due_on,
        due_provisional=row.due_provisional,
        days_left=left,
        overdue=row.due_on is not None and row.due_on < today,
        warned=row.warned,
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
    )
