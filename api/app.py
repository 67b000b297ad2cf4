"""The whole service assembled: read this first.

A request goes: Envelope (id, limits, deadline, log) → Answers (ETag, encodings)
→ Litestar (routing, validation) → a feature's routes → queries → SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, LifeSpanScope, Receive, Scope, Send

from api import catalogue, health, regions
from api.access import public
from api.admission import Admission, Kind
from api.answers import Answers
from api.cache import Cache, open_cache
from api.database import Database, open_database
from api.diagrams import Moves
from api.documents import ASSETS, CONTENT_POLICY, openapi_config
from api.envelope import Envelope, Lane
from api.events import Reactions
from api.files import Files, open_files
from api.idempotency import forget_expired
from api.jobs import Entry, Timetable
from api.limits import Policy, RateLimiter
from api.logs import configure_logs
from api.pages import Cursors
from api.problems import answer_error
from api.settings import Settings, load_settings, secret_key

ROUTERS = (
    regions.router,
    catalogue.router,
    catalogue.file_router,
    catalogue.public_router,
    health.router,
)
SEEDS = (regions.SEED, *catalogue.SEEDS)
MOVES: dict[str, Moves] = {"guide": catalogue.MOVES}

READS = frozenset({"GET", "HEAD"})
WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
EVERYTHING = READS | WRITES | {"OPTIONS"}


def lanes(settings: Settings) -> tuple[Lane, ...]:
    """How each group of requests is limited; the first that fits counts."""
    read = _policy("read", settings.rate_reads_per_second)
    search = _policy("search", settings.rate_searches_per_second)
    write = _policy("write", settings.rate_writes_per_second)
    return (
        Lane("health", EVERYTHING, "/health/", None, None),
        Lane("metrics", EVERYTHING, "/metrics", None, None),
        Lane("documents", READS, "/schema", Kind.CATALOGUE, read, content_policy=CONTENT_POLICY),
        Lane("search", READS, "/v1/suggestions", Kind.CATALOGUE, search),
        Lane("search", READS, "/v1/services", Kind.CATALOGUE, search, needs=b"q="),
        Lane("search", READS, "/v1/regions", Kind.CATALOGUE, search, needs=b"q="),
        Lane("export", READS, "/sitemap", Kind.EXPORT, search),
        Lane("catalogue", READS, "/", Kind.CATALOGUE, read),
        Lane("write", WRITES, "/", Kind.SUBMIT, write),
        Lane("other", EVERYTHING, "/", Kind.CATALOGUE, read),
    )


def reactions(cache: Cache) -> Reactions:
    """Every fact and what it causes."""
    return {catalogue.ServicesChanged: (catalogue.forget_guides(cache),)}


def timetable(database: Database) -> Timetable:
    """What happens by the clock (cron, China Standard Time)."""
    return (
        Entry("guides-into-force", "1 0 * * *", catalogue.bring_guides_into_force(database)),
        Entry("idempotency-keys", "17 * * * *", _forget_keys(database)),
    )


def _forget_keys(database: Database) -> Callable[[], Awaitable[None]]:
    async def forget_expired_keys() -> None:
        async with database.connection() as connection:
            await forget_expired(connection)

    return forget_expired_keys


@asynccontextmanager
async def open_worker(settings: Settings) -> AsyncIterator[tuple[Reactions, Timetable]]:
    """What a job worker needs, opened for the length of the block."""
    database = await open_database(settings.database_url, settings)
    cache = await open_cache(settings.redis_url, settings)
    try:
        yield reactions(cache), timetable(database)
    finally:
        await cache.close()
        await database.close()


class Service:
    """The ASGI application: Litestar inside its layers. `litestar` is open to tests."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.litestar = _litestar(settings)
        self._layered: ASGIApp | None = None

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.litestar(scope, receive, send)
            return
        if self._layered is None:
            self._layered = self._layers()
        await self._layered(scope, receive, send)

    def _layers(self) -> ASGIApp:
        state = self.litestar.state
        return Envelope(
            Answers(self.litestar),
            settings=self.settings,
            lanes=lanes(self.settings),
            limiter=state.limiter,
            admission=state.admission,
        )


def create() -> Service:
    """What the server calls in every worker process."""
    settings = load_settings()
    configure_logs(settings)
    return Service(settings)


def _litestar(settings: Settings) -> Litestar:
    handlers: list[Any] = [*ROUTERS]
    if settings.docs_enabled:
        handlers.append(
            create_static_files_router(
                "/schema/assets", [ASSETS], include_in_schema=False, guards=[public]
            )
        )
    origins = [o.strip() for o in settings.cors_origins.split(",") if o.strip()]
    return Litestar(
        route_handlers=handlers,
        lifespan=[lambda app: open_process(app, settings)],
        state=State({"settings": settings}),
        dependencies={
            "settings": Provide(_settings, sync_to_thread=False),
            "database": Provide(_database, sync_to_thread=False),
            "cache": Provide(_cache, sync_to_thread=False),
            "files": Provide(_files, sync_to_thread=False),
            "cursors": Provide(_cursors, sync_to_thread=False),
            "views": Provide(_views, sync_to_thread=False),
        },
        exception_handlers={Exception: answer_error},
        cors_config=CORSConfig(allow_origins=origins) if origins else None,
        openapi_config=openapi_config() if settings.docs_enabled else None,
        logging_config=None,
        request_max_body_size=None,  # the envelope bounds bodies, per lane
        debug=False,
    )


@asynccontextmanager
async def open_process(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    """Open what a process holds; closed in the reverse order."""
    key = secret_key(settings)
    state = app.state
    state.database = await open_database(settings.database_url, settings)
    state.cache = await open_cache(settings.redis_url, settings)
    state.files = open_files(settings.files_address)
    state.cursors = Cursors(key)
    state.limiter = RateLimiter(state.cache.door, key)
    state.admission = Admission(settings)
    state.views = catalogue.ViewCounter(state.database)
    writing = asyncio.create_task(state.views.write_for_ever())
    try:
        yield
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await state.cache.close()
        await state.database.close()


def _settings(state: State) -> Settings:
    return state.settings  # type: ignore[no-any-return]


def _database(state: State) -> Database:
    return state.database  # type: ignore[no-any-return]


def _cache(state: State) -> Cache:
    return state.cache  # type: ignore[no-any-return]


def _files(state: State) -> Files:
    return state.files  # type: ignore[no-any-return]


def _cursors(state: State) -> Cursors:
    return state.cursors  # type: ignore[no-any-return]


def _views(state: State) -> catalogue.ViewCounter:
    return state.views  # type: ignore[no-any-return]


def _policy(name: str, per_second: int) -> Policy:
    return Policy(name, per_second=per_second, burst=per_second * 2)
