"""The first screen: what a citizen of a place sees before asking for anything."""

from __future__ import annotations

from datetime import date

from api.catalogue import queries
from api.catalogue.rows import DepartmentRow, SummaryRow
from api.catalogue.schemas import Home
from api.kinds import NATION, RegionRef
from api.statements import Connection

_HOT = 8
_DEPARTMENTS = 50


async def show_home(connection: Connection, region: str | None, today: date) -> Home | None:
    """Everything for a place, or for the nation without one; None for an unknown region."""
    scope = await queries.find_scope(connection, region_code=region) if region else [NATION]
    if scope is None:
        return None
    name = await queries.find_region_name(connection, region_code=region) if region else None
    hot = await queries.list_hot_services(connection, scope=scope, today=today, limit=_HOT)
    departments = await queries.list_departments_in_scope(
        connection, scope=scope, after_closeness=0, after_code="", limit=_DEPARTMENTS
    )
    return Home(
        region=RegionRef(region or NATION, name or "全国"),
        notices=await queries.list_home_notices(connection, scope=scope, today=today),
        hot_services=[SummaryRow.answer(row) for row in hot],
        life_events=await queries.list_life_events(connection),
        departments=[DepartmentRow.answer(row) for row in departments],
    )
