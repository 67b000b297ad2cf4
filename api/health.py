"""Is the process alive, is it ready, what is it doing: for operators and load balancers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Literal

from litestar import MediaType, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from msgspec import Struct

from api.access import public
from api.cache import Cache, RedisAway
from api.database import Database
from api.errors import DatabaseUnavailable, NotFound, every_problem
from api.metrics import render_metrics
from api.problems import problems
from api.settings import Settings


class Measures(Struct, frozen=True):
    """What is counted only when somebody asks. They bound their own cost, for anybody may ask, and
    raise nothing: what cannot be counted now stays as it was."""

    every: tuple[Callable[[Database], Awaitable[None]], ...]


class Live(Struct, frozen=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(Struct, frozen=True):
    """`degraded` is still right, only slower: the cache is away."""

    status: Literal["ready", "degraded"]
    database: Literal["up"]
    cache: Literal["up", "off", "away"]


class Explanation(Struct, frozen=True):
    """What a problem's `code` means."""

    code: str
    status: int
    title: str
    detail: str
    title_english: str
    detail_english: str


@get("/health/live", guards=[public], summary="Is the process alive", tags=["operations"])
async def show_live() -> Live:
    """Answers as long as the process can answer; looks at nothing else."""
    return Live()


@get(
    "/health/ready",
    guards=[public],
    responses=problems(DatabaseUnavailable),
    summary="May traffic be sent here",
    tags=["operations"],
)
async def show_ready(database: NamedDependency[Database], cache: NamedDependency[Cache]) -> Ready:
    """Ready when PostgreSQL takes writes. A lost cache is degraded, not down."""
    async with database.connection() as connection:
        if await connection.fetchval("select pg_is_in_recovery()"):
            raise DatabaseUnavailable("数据库处于只读状态。", "The database is read-only.")
    if cache.door.is_off:
        return Ready("ready", "up", "off")
    try:
        await cache.door.call(lambda client: client.ping())
    except RedisAway:
        return Ready("degraded", "up", "away")
    return Ready("ready", "up", "up")


@get(
    "/metrics",
    guards=[public],
    media_type=MediaType.TEXT,
    summary="Prometheus metrics",
    tags=["operations"],
)
async def show_metrics(
    database: NamedDependency[Database], measures: NamedDependency[Measures]
) -> Response[bytes]:
    """Counters and histograms in the Prometheus text format; nothing personal."""
    for measure in measures.every:
        await measure(database)
    body, media_type = render_metrics()
    # The framework adds the charset itself.
    return Response(body, media_type=media_type.replace("; charset=utf-8", ""))


@get(
    "/problems/{code:str}",
    guards=[public],
    responses=problems(NotFound),
    summary="What a problem's code means",
    tags=["operations"],
)
async def explain_problem(code: FromPath[str]) -> Explanation:
    """The page that `type` of every problem points to."""
    for kind in every_problem():
        if kind.code == code:
            return Explanation(
                code=code,
                status=kind.status,
                title=kind.title,
                detail=(kind.__doc__ or "").strip(),
                title_english=kind.english_title,
                detail_english=kind.english,
            )
    raise NotFound()


@get("/", guards=[public], include_in_schema=False, summary="Where to begin")
async def show_start(settings: NamedDependency[Settings]) -> Redirect:
    """Somebody who opens the bare address is shown what there is."""
    if not settings.docs_enabled:
        raise NotFound()
    return Redirect("/schema")


router = Router(
    "/", route_handlers=[show_start, show_live, show_ready, show_metrics, explain_problem]
)
