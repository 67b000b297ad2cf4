"""Lists items in the order that fits the question: ranked, by date of change, or nearest first."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from msgspec import Struct

from api.catalogue import queries
from api.catalogue.rows import SummaryRow
from api.catalogue.schemas import ServiceSummary
from api.catalogue.search.search_services import Filters, Place, search_services
from api.catalogue.search.understand_query import understand_query
from api.database import CHINA
from api.errors import NotFound
from api.pages import ListCursors, Page
from api.statements import Connection

# What `online` asks for, as the depths that answer it; an unknown depth answers neither.
_DEPTHS: dict[str, list[str]] = {
    "true": ["III", "IV"],
    "false": ["I", "II"],
    "I": ["I"],
    "II": ["II"],
    "III": ["III"],
    "IV": ["IV"],
}


class Asked(Struct, frozen=True):
    """Every filter of a list; None asks for nothing."""

    region: str | None
    words: str | None
    audience: str | None
    department: str | None
    theme: str | None
    item_type: str | None
    online: str | None
    updated_since: datetime | None

    @property
    def depths(self) -> list[str] | None:
        """The online depths that fit."""
        return _DEPTHS[self.online] if self.online else None


async def list_services(
    connection: Connection,
    asked: Asked,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    today: date,
) -> Page[ServiceSummary]:
    """One page. Raises NotFound for an unknown region and CursorWrong."""
    scope = await scope_of(connection, asked.region) if asked.region else None
    if asked.words is not None and asked.words.strip():
        return await _ranked(connection, asked, scope, of, cursor, limit)
    if asked.updated_since is not None:
        return await _by_change(connection, asked, scope, of, cursor, limit, today)
    return await _nearest_first(connection, asked, scope, of, cursor, limit, today)


async def scope_of(connection: Connection, region: str) -> list[str]:
    """Whose items serve a place. Raises NotFound for a code that is no region."""
    scope = await queries.find_scope(connection, region_code=region)
    if scope is None:
        raise no_such_region()
    return list(scope)


def no_such_region() -> NotFound:
    return NotFound("没有这个行政区划代码。", "There is no region with this code.")


async def _ranked(
    connection: Connection,
    asked: Asked,
    scope: list[str] | None,
    of: ListCursors,
    cursor: str | None,
    limit: int,
) -> Page[ServiceSummary]:
    after = of.read(cursor, tuple[float, int, str], (0.0, 0, ""))
    words = await understand_query(connection, asked.words or "")
    filters = Filters(
        audience=asked.audience,
        department=asked.department,
        theme=asked.theme,
        item_type=asked.item_type,
        online=asked.depths,
        updated_since=asked.updated_since,
    )
    place = Place(*after) if cursor else None
    rows = await search_services(connection, words, scope, filters, limit + 1, place)
    return of.cut(
        rows, limit, SummaryRow.answer, lambda row: (row.score, row.closeness, row.service_code)
    )


async def _by_change(
    connection: Connection,
    asked: Asked,
    scope: list[str] | None,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    today: date,
) -> Page[ServiceSummary]:
    after = of.read(cursor, tuple[datetime, str], (datetime(2000, 1, 1, tzinfo=CHINA), ""))
    rows = await queries.list_services_updated(
        connection,
        updated_since=asked.updated_since,
        after_updated_at=after[0],
        after_code=after[1],
        scope=scope,
        **_filters(asked, limit, today),
    )
    return of.cut(rows, limit, SummaryRow.answer, lambda row: (row.updated_at, row.service_code))


async def _nearest_first(
    connection: Connection,
    asked: Asked,
    scope: list[str] | None,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    today: date,
) -> Page[ServiceSummary]:
    after = of.read(cursor, tuple[int, str], (0, ""))
    given = _filters(asked, limit, today)
    if scope is None:
        rows = await queries.list_services(connection, after_code=after[1], **given)
    else:
        rows = await queries.list_services_in_scope(
            connection, scope=scope, after_closeness=after[0], after_code=after[1], **given
        )
    return of.cut(rows, limit, SummaryRow.answer, lambda row: (row.closeness, row.service_code))


def _filters(asked: Asked, limit: int, today: date) -> dict[str, Any]:
    return {
        "audience": asked.audience,
        "department": asked.department,
        "theme": asked.theme,
        "item_type": asked.item_type,
        "online": asked.depths,
        "today": today,
        "limit": limit + 1,
    }
