"""The catalogue over HTTP: find what can be done, read the guide, fetch the form."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import public
from api.answers import public_answer
from api.cache import Cache
from api.catalogue import queries
from api.catalogue.count_views import ViewCounter
from api.catalogue.list_services import Asked, list_services, no_such_region, scope_of
from api.catalogue.rows import DepartmentRow
from api.catalogue.schemas import (
    Audience,
    Change,
    DepartmentAnswer,
    GuideAnswer,
    Home,
    ItemType,
    ServiceSummary,
    Suggestion,
)
from api.catalogue.search.suggest_services import suggest_services
from api.catalogue.show_guide import find_version, shape_answer
from api.catalogue.show_home import show_home
from api.database import CHINA, Database
from api.errors import NotFound, ServiceWithdrawn
from api.kinds import (
    RFC3339_PATTERN,
    RegionPath,
    RegionQuery,
    demand_code,
    path_code,
    read_time,
)
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.settings import Settings
from api.statements import Connection

GUIDE_SECONDS = 300
LIST_SECONDS = 60

Online = Annotated[
    Literal["true", "false", "I", "II", "III", "IV"] | None,
    QueryParameter(
        name="online",
        description="true: can be done from home (depth III or IV); false: cannot; or a depth",
    ),
]
Words = Annotated[
    str | None,
    QueryParameter(
        name="q",
        max_length=100,
        pattern=r"\A[^\x00]*\Z",
        description="Words, colloquial or official, pinyin or initials; ranked best first",
    ),
]
Department = Annotated[
    str | None,
    QueryParameter(
        name="department",
        pattern=r"\A[0-9A-Z]{18}\Z",
        min_length=18,
        max_length=18,
        description="统一社会信用代码 of the implementing body",
    ),
]
Theme = Annotated[
    str | None,
    QueryParameter(
        name="theme",
        min_length=1,
        max_length=50,
        pattern=r"\A[^\x00]*\Z",
        description="主题分类, such as 社会保障",
    ),
]
Since = Annotated[
    str | None,
    QueryParameter(
        name="updated_since",
        max_length=40,
        pattern=RFC3339_PATTERN,
        schema_extra={"format": "date-time"},
        description="Only what changed at or after this time, oldest change first",
    ),
]
Code = Annotated[str, path_code(31, "实施编码, 31 characters", "11440106DM1GL9LR584440701003000")]
Basic = Annotated[str, path_code(12, "基本编码, 12 characters", "440701003000")]


@get("/home", guards=[public], responses=problems(NotFound), summary="The first screen in one call")
async def home(
    database: NamedDependency[Database], cache: NamedDependency[Cache], region: RegionQuery = None
) -> Response[Home]:
    """Notices, most opened items, life events and departments for a place (none: the nation)."""
    body = await cache.fetch(
        f"home:{region or ''}", lambda: _load_home(database, region), seconds=LIST_SECONDS
    )
    if body is None:
        raise no_such_region()
    return public_answer(body, max_age_seconds=LIST_SECONDS)


async def _load_home(database: Database, region: str | None) -> bytes | None:
    found = await database.read(lambda c: show_home(c, region, today()))
    return None if found is None else msgspec.json.encode(found)


@get("/departments", guards=[public], responses=problems(NotFound), summary="Departments")
async def departments(
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    region: RegionQuery = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[DepartmentAnswer]]:
    """Bodies that serve a place, its own first; without a region all, in code order."""
    of = cursors.of("departments", region)
    after = of.read(cursor, tuple[int, str], (0, ""))

    async def load(connection: Connection) -> list[DepartmentRow]:
        if region is None:
            return await queries.list_departments(connection, after_code=after[1], limit=limit + 1)
        return await queries.list_departments_in_scope(
            connection,
            scope=await scope_of(connection, region),
            after_closeness=after[0],
            after_code=after[1],
            limit=limit + 1,
        )

    rows = await database.read(load)
    page = of.cut(rows, limit, DepartmentRow.answer, lambda row: (row.closeness, row.code))
    return public_answer(page, max_age_seconds=LIST_SECONDS)


@get(
    "/services",
    guards=[public],
    responses=problems(NotFound),
    summary="Find services",
)
async def services(
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    region: RegionQuery = None,
    q: Words = None,
    audience: Annotated[Audience | None, QueryParameter(name="audience")] = None,
    department: Department = None,
    theme: Theme = None,
    item_type: Annotated[ItemType | None, QueryParameter(name="item_type")] = None,
    online: Online = None,
    updated_since: Since = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[ServiceSummary]]:
    """Summaries. With `q` ranked best first; with `updated_since` oldest change first;
    otherwise the place's own items before those of its city and province."""
    asked = Asked(
        region=region,
        words=q,
        audience=audience,
        department=department,
        theme=theme,
        item_type=item_type,
        online=online,
        updated_since=read_time("updated_since", updated_since),
    )
    of = cursors.of("services", asked)
    page = await database.read(lambda c: list_services(c, asked, of, cursor, limit, today()))
    return public_answer(page, max_age_seconds=LIST_SECONDS)


@get(
    "/suggestions",
    guards=[public],
    responses=problems(NotFound),
    summary="Suggestions while typing",
)
async def suggestions(
    database: NamedDependency[Database],
    q: Annotated[
        str, QueryParameter(name="q", min_length=1, max_length=50, pattern=r"\A[^\x00]*\Z")
    ],
    region: RegionQuery = None,
) -> Response[Page[Suggestion]]:
    """Up to 10 names that begin with what was typed: characters, pinyin or initials; one page."""

    async def load(connection: Connection) -> Page[Suggestion]:
        scope = await scope_of(connection, region) if region else None
        found = await suggest_services(connection, q, scope)
        return Page(found, None)

    return public_answer(await database.read(load), max_age_seconds=LIST_SECONDS)


@get("/services/changes", guards=[public], summary="Change feed")
async def changes(
    database: NamedDependency[Database],
    after: Annotated[
        int, QueryParameter(name="after", ge=0, le=2**53, description="The last `seq` seen")
    ] = 0,
    limit: Limit = 20,
) -> Response[Page[Change]]:
    """Every change of the catalogue in order. Ask again with the last `seq` as `after`;
    `next_cursor` is that number while more are waiting."""
    found = await database.read(lambda c: queries.list_changes(c, after=after, limit=limit + 1))
    following = str(found[limit - 1].seq) if len(found) > limit else None
    return public_answer(Page(found[:limit], following), max_age_seconds=1)


@get(
    "/services/{service_code:str}",
    guards=[public],
    responses=problems(NotFound, ServiceWithdrawn),
    summary="The whole guide",
)
async def guide(
    service_code: Code,
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    views: NamedDependency[ViewCounter],
    version: Annotated[int | None, QueryParameter(name="version", ge=1, le=2_000_000_000)] = None,
) -> Response[GuideAnswer]:
    """The guide in force, or the version asked for: old versions stay readable."""
    body = await load_guide(database, cache, settings, service_code, version)
    views.note(service_code)
    return public_answer(body, max_age_seconds=GUIDE_SECONDS)


@get(
    "/services/{basic_code:str}/at/{region_code:str}",
    guards=[public],
    responses=problems(NotFound),
    summary="Which body does it here",
)
async def guide_at(
    basic_code: Basic,
    region_code: RegionPath,
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    views: NamedDependency[ViewCounter],
) -> Response[GuideAnswer]:
    """The item with that basic code for a place, found up the tree; `Content-Location` names it."""

    demand_code(basic_code, 12, no_such_service())
    demand_code(region_code, 12, no_such_region())

    async def load(connection: Connection) -> str | None:
        return await queries.find_implementing(
            connection,
            basic_code=basic_code,
            scope=await scope_of(connection, region_code),
            today=today(),
        )

    service_code = await database.read(load)
    if service_code is None:
        raise NotFound("这个地方没有办理该事项的部门。", "No body does this for that place.")
    body = await load_guide(database, cache, settings, service_code, None)
    views.note(service_code)
    return public_answer(
        body,
        max_age_seconds=GUIDE_SECONDS,
        headers={"Content-Location": f"/v1/services/{service_code}"},
    )


async def load_guide(
    database: Database, cache: Cache, settings: Settings, service_code: str, version: int | None
) -> bytes:
    """The guide's JSON. Raises NotFound, and ServiceWithdrawn unless a version was asked for."""
    demand_code(service_code, 31, no_such_service())

    async def load() -> bytes | None:
        found = await database.read(lambda c: find_version(c, service_code, version))
        if found is None:
            return None
        shaped = shape_answer(found, public_url=settings.public_address, today=today())
        return msgspec.json.encode(shaped)

    body = await cache.fetch(guide_key(service_code, version), load, seconds=settings.cache_seconds)
    if body is None:
        raise no_such_service()
    if version is None and _STATUS.decode(body).status == "withdrawn":
        raise ServiceWithdrawn()
    return body


class _Status(msgspec.Struct):
    """Of a guide's JSON only what it is called, and what it is today."""

    status: str
    name: str


_STATUS = msgspec.json.Decoder(_Status)


def name_of(guide: bytes) -> str:
    """The item's name out of a guide's JSON."""
    return _STATUS.decode(guide).name


def guide_key(service_code: str, version: int | None = None) -> str:
    """Where the cache keeps a guide; the version in force has no number."""
    return f"guide:{service_code}:{version or ''}"


def today() -> date:
    """The day in China."""
    return datetime.now(CHINA).date()


def no_such_service() -> NotFound:
    return NotFound("没有这个事项。", "There is no such service.")


router = Router(
    "/v1",
    route_handlers=[home, departments, services, suggestions, changes, guide, guide_at],
    tags=["catalogue"],
)
