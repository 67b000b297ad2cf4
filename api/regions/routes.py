"""Regions over HTTP: one region with its path, its children, search by name."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import public
from api.answers import public_answer
from api.cache import Cache
from api.database import Database
from api.errors import NotFound
from api.kinds import REGION_PATTERN, RegionPath, demand_code
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.regions import queries
from api.regions.schemas import RegionAnswer, RegionRow
from api.statements import Connection

# Regions change once a year: a phone may keep them for a day.
MAX_AGE_SECONDS = 86_400

Words = Annotated[
    str | None,
    QueryParameter(
        name="q", max_length=50, pattern=r"\A[^\x00]*\Z", description="What the name begins with"
    ),
]
Parent = Annotated[
    str | None,
    QueryParameter(
        name="parent",
        pattern=REGION_PATTERN,
        min_length=12,
        max_length=12,
        description="Whose children; none: the provinces. With `q`: search within.",
    ),
]


@get("/{code:str}", guards=[public], responses=problems(NotFound), summary="One region")
async def show_region(
    code: RegionPath, database: NamedDependency[Database], cache: NamedDependency[Cache]
) -> Response[RegionAnswer]:
    """A region with level, parent and path from the province down, pseudo-cities left out."""

    demand_code(code, 12, no_such_region())

    async def load() -> bytes | None:
        row = await database.read(lambda c: queries.find_region(c, code=code))
        return None if row is None else msgspec.json.encode(row.answer())

    body = await cache.fetch(f"region:{code}", load, seconds=MAX_AGE_SECONDS)
    if body is None:
        raise no_such_region()
    return public_answer(body, max_age_seconds=MAX_AGE_SECONDS)


@get(
    "/",
    guards=[public],
    responses=problems(NotFound),
    summary="Regions below a region, or by name",
)
async def list_regions(
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    parent: Parent = None,
    words: Words = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[RegionAnswer]]:
    """Children of a region in code order, or places whose name begins with `q`, largest first."""
    of = cursors.of("regions", parent, words)
    after = of.read(cursor, tuple[int, str], (0, ""))

    async def load(connection: Connection) -> list[RegionRow]:
        if words:
            return await _search(connection, words, parent, after, limit)
        return await _children(connection, parent, after, limit)

    rows = await database.read(load)
    page = of.cut(rows, limit, RegionRow.answer, lambda row: (row.level, row.code))
    return public_answer(page, max_age_seconds=MAX_AGE_SECONDS)


async def _children(
    connection: Connection, parent: str | None, after: tuple[int, str], limit: int
) -> list[RegionRow]:
    above = await queries.find_region(connection, code=parent) if parent else None
    if parent and above is None:
        raise no_such_region()
    names = [*above.ancestor_names, above.name] if above else []
    rows = await queries.list_children(connection, parent=parent, after=after[1], limit=limit + 1)
    # Siblings share their ancestors: named once, not looked up for each.
    return [msgspec.structs.replace(row, ancestor_names=names) for row in rows]


async def _search(
    connection: Connection, words: str, within: str | None, after: tuple[int, str], limit: int
) -> list[RegionRow]:
    name = words.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return await queries.search_regions(
        connection,
        prefix=f"{name}%",
        part=f"%{name}%",
        within=within,
        after_level=after[0],
        after_code=after[1],
        limit=limit + 1,
    )


def no_such_region() -> NotFound:
    return NotFound("没有这个行政区划代码。", "There is no region with this code.")


router = Router("/v1/regions", route_handlers=[list_regions, show_region], tags=["regions"])
