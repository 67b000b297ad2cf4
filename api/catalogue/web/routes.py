"""The catalogue for people without an app and for search engines: pages, sitemap, robots.txt."""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec
import zstandard
from litestar import Request, Response, Router, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from api.access import public
from api.cache import Cache
from api.catalogue import queries
from api.catalogue.routes import Code, load_guide, today
from api.catalogue.rows import SitemapEntry, SitemapPart
from api.catalogue.schemas import GuideAnswer
from api.catalogue.show_guide import find_version, shape_answer
from api.catalogue.web.render_page import CONTENT_SECURITY_POLICY, render_page, render_refusal
from api.catalogue.web.write_sitemap import write_index, write_part, write_robots
from api.database import Database
from api.errors import NotFound, Problem, ServiceWithdrawn
from api.problems import problems
from api.settings import Settings

PAGE_SECONDS = 300
SITEMAP_SECONDS = 3600
# Pages kept ready in the process: some 30 KB each, found by the guide's own bytes.
PAGES_KEPT = 256

HTML = "text/html"
XML = "application/xml"

View = Annotated[
    Literal["full", "elder"],
    QueryParameter(name="view", description="elder: bigger type, only what one needs to go"),
]
Part = Annotated[
    int | None,
    QueryParameter(
        name="part", ge=1, le=1_000_000, description="A part by the number the index names"
    ),
]


@get(
    "/services/{service_code:str}",
    guards=[public],
    responses=problems(NotFound, ServiceWithdrawn),
    summary="The guide as a web page",
    media_type=HTML,
)
async def service_page(
    request: Request[Any, Any, Any],
    service_code: Code,
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    view: View = "full",
) -> Response[str]:
    """Accessible HTML with JSON-LD (schema.org GovernmentService) and no scripts.

    A withdrawn item keeps its page, with a banner and status 410. Who does not ask for
    text/html gets errors as problem+json. Opening it does not count as a view: search
    engines would decide what is popular.
    """
    large = view == "elder"
    public_url = settings.public_address
    try:
        body = await load_guide(database, cache, settings, service_code, None)
    except (NotFound, ServiceWithdrawn) as problem:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        if isinstance(problem, NotFound):
            return _page(_refusal(problem), problem)
        body = await _load_withdrawn(database, service_code, public_url)
        return _page(draw_page(body, public_url, large), problem)
    return _page(draw_page(body, public_url, large))


@lru_cache(maxsize=PAGES_KEPT)
def draw_page(guide: bytes, public_url: str, large: bool) -> str:
    """The page of a guide's JSON; drawing takes milliseconds, so recent ones are kept."""
    answer = msgspec.json.decode(guide, type=GuideAnswer)
    return render_page(answer, public_url=public_url, large=large)


async def _load_withdrawn(database: Database, service_code: str, public_url: str) -> bytes:
    found = await database.read(lambda c: find_version(c, service_code, None))
    if found is None:
        raise NotFound()
    return msgspec.json.encode(shape_answer(found, public_url=public_url, today=today()))


def _refusal(problem: Problem) -> str:
    return render_refusal(title=problem.title, detail=problem.detail or str(problem.__doc__))


def _page(text: str, problem: Problem | None = None) -> Response[str]:
    kept = f"public, max-age={PAGE_SECONDS}, stale-while-revalidate={PAGE_SECONDS}"
    return Response(
        text,
        media_type=HTML,
        status_code=problem.status if problem else 200,
        headers={
            "Cache-Control": "no-store" if problem else kept,
            "Content-Language": "zh-CN",
            "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            **({"Vary": "Accept"} if problem else {}),
        },
    )


@get(
    "/sitemap.xml",
    guards=[public],
    responses=problems(NotFound),
    summary="The sitemap: its index, or one part",
    media_type=XML,
)
async def sitemap(
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    part: Part = None,
) -> Response[bytes]:
    """Page addresses in code order, each with its last change (sitemaps.org 0.9).

    Parts stand at the root like the index, because a sitemap covers only its own folder.
    """
    parts = {found.part: found for found in await _load_parts(database, cache)}
    if part is None:
        return _xml(write_index(settings.public_address, parts.values()))
    if part not in parts:
        raise NotFound("没有这一部分站点地图。", "The sitemap has no such part.")
    first_code = parts[part].first_code

    async def load() -> bytes:
        entries = await database.read(
            lambda c: queries.list_sitemap_entries(c, first_code=first_code)
        )
        return await asyncio.to_thread(_pack_part, settings.public_address, entries)

    body = await cache.fetch(f"sitemap-part:{first_code}", load, seconds=SITEMAP_SECONDS)
    return _xml(zstandard.decompress(body or b""))


def _pack_part(public_url: str, entries: list[SitemapEntry]) -> bytes:
    # Packed, a part of more than a megabyte of XML fits into the cache.
    return zstandard.compress(write_part(public_url, entries), level=6)


async def _load_parts(database: Database, cache: Cache) -> list[SitemapPart]:
    async def load() -> bytes:
        return msgspec.json.encode(await database.read(queries.count_sitemap_parts))

    body = await cache.fetch("sitemap-parts", load, seconds=SITEMAP_SECONDS)
    return msgspec.json.decode(body or b"[]", type=list[SitemapPart])


def _xml(body: bytes) -> Response[bytes]:
    return Response(
        body, media_type=XML, headers={"Cache-Control": f"public, max-age={PAGE_SECONDS}"}
    )


@get("/robots.txt", guards=[public], summary="What crawlers may read", media_type="text/plain")
async def robots(settings: NamedDependency[Settings]) -> Response[str]:
    """Pages yes, the interface no; names the sitemap (RFC 9309)."""
    return Response(
        write_robots(settings.public_address),
        media_type="text/plain",
        headers={"Cache-Control": f"public, max-age={PAGE_SECONDS}"},
    )


public_router = Router("/", route_handlers=[service_page, sitemap, robots], tags=["visibility"])
