"""The whole service assembled: read this first.

A request goes: Envelope (id, limits, deadline, log) → Answers (ETag, encodings)
→ Litestar (routing, validation) → a feature's routes → queries → SQL.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar, Request
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.di import Provide
from litestar.static_files import create_static_files_router
from litestar.types import ASGIApp, LifeSpanScope, Receive, Scope, Send
from msgspec import Struct

from adapters.webhooks import Sender
from api import (
    cases,
    catalogue,
    citizens,
    clerks,
    health,
    messages,
    payments,
    platforms,
    receipts,
    regions,
)
from api.access import Caller, Prover, caller_of, public
from api.admission import Admission
from api.answers import Answers
from api.audit import chain_entries
from api.cache import Cache, open_cache
from api.channels import Channels, open_channels
from api.credentials import say_who_calls
from api.database import Database, open_database
from api.diagrams import Moves
from api.documents import ASSETS, openapi_config
from api.envelope import Envelope
from api.events import Reactions
from api.facts import (
    BillRaised,
    CaseMoved,
    CitizenErased,
    CitizensMerged,
    DeliveryAsked,
    MessageAsked,
    PaymentRefunded,
    PaymentSettled,
    RefundAsked,
)
from api.files import Files, open_files
from api.idempotency import forget_expired
from api.jobs import Entry, Timetable
from api.lanes import lanes
from api.limits import RateLimiter
from api.logs import configure_logs
from api.options import say_every_method
from api.pages import Cursors
from api.problems import answer_error
from api.sessions import Revocations, Tokens, open_revocations
from api.settings import Settings, load_settings, secret_key
from api.vault import Vault, open_vault

ROUTERS = (
    regions.router,
    catalogue.router,
    catalogue.file_router,
    catalogue.link_router,
    catalogue.public_router,
    catalogue.platform_router,
    health.router,
    *citizens.ROUTERS,
    *cases.ROUTERS,
    *messages.ROUTERS,
    *payments.ROUTERS,
    *receipts.ROUTERS,
    *platforms.ROUTERS,
    *clerks.ROUTERS,
)
SEEDS = (regions.SEED, *catalogue.SEEDS)
MOVES: dict[str, Moves] = {
    "guide": catalogue.MOVES,
    "case": cases.MOVES,
    "message": messages.MOVES,
    "bill": payments.BILL_MOVES,
    "payment": payments.MOVES,
}


class Tools(Struct, frozen=True):
    """What a job worker holds: what reactions and the timetable work with."""

    settings: Settings
    database: Database
    cache: Cache
    vault: Vault
    channels: Channels
    courier: platforms.Courier


def reactions(tools: Tools) -> Reactions:
    """Every fact and what it causes."""
    database = tools.database
    till = _till(tools)
    return {
        catalogue.ServicesChanged: (
            catalogue.forget_guides(tools.cache),
            platforms.tell_of_changes(database),
        ),
        CaseMoved: (
            cases.forget_moved(tools.cache),
            cases.go_on_when_paid(database),
            cases.know_issued_certificate(database),
            payments.bill_case(database),
            messages.tell_citizen(database, tools.settings),
            platforms.tell_of_cases(database),
        ),
        DeliveryAsked: (platforms.send_asked(tools.courier),),
        MessageAsked: (messages.send_message(database, tools.vault, tools.channels),),
        CitizensMerged: (
            messages.move_messages(database),
            cases.give_to_kept(database, tools.cache),
            cases.give_certificates(database),
            payments.move_money(database),
        ),
        BillRaised: (cases.know_bill(database, tools.cache),),
        PaymentSettled: (
            cases.move_when_paid(database, tools.cache),
            platforms.tell_of_payments(database),
            receipts.issue_when_paid(tools.settings, database, tools.vault),
        ),
        RefundAsked: (payments.send_asked_refund(till),),
        PaymentRefunded: (
            platforms.tell_of_refunds(database),
            receipts.issue_when_refunded(tools.settings, database, tools.vault),
        ),
        CitizenErased: (
            messages.forget_messages(database),
            cases.empty_erased(database, tools.cache),
            cases.forget_belongings(database, open_files(tools.settings.files_address)),
        ),
    }


def timetable(tools: Tools) -> Timetable:
    """What happens by the clock (cron, China Standard Time)."""
    database = tools.database
    till = _till(tools)
    return (
        Entry("guides-into-force", "1 0 * * *", catalogue.bring_guides_into_force(database)),
        Entry("idempotency-keys", "17 * * * *", _forget_keys(database)),
        Entry("audit-chain", "* * * * * */5", chain_entries(database)),
        Entry("citizens-traces", "47 3 * * *", citizens.forget_traces(database)),
        Entry("clerk-sessions", "41 3 * * *", clerks.forget_clerk_sessions(database)),
        Entry(
            "unused-uploads",
            "23 * * * *",
            cases.forget_unused(database, open_files(tools.settings.files_address)),
        ),
        Entry("cases-unanswered", "7 0 * * *", cases.accept_unanswered(database)),
        Entry("cases-late", "12 0,8 * * *", cases.warn_of_late_cases(database)),
        Entry("cases-provisional", "27 1 * * *", cases.settle_provisional_days(database)),
        Entry("due-messages", "* * * * *", messages.ask_for_due(database)),
        Entry("due-webhooks", "* * * * * */5", platforms.send_due(tools.courier)),
        Entry("due-payments", "* * * * * */2", payments.chase_payments(till)),
        Entry("due-refunds", "* * * * * */3", payments.send_refunds(till)),
        Entry("reconciliation", "12,42 9-13 * * *", payments.reconcile_due(till)),
        Entry("platform-traces", "*/10 * * * *", platforms.forget_old(database)),
    )


def _till(tools: Tools) -> payments.Till:
    return payments.Till(tools.settings, tools.database, tools.vault, tools.channels)


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
    vault = await open_vault(settings, database)
    channels = await open_channels(settings, database, vault)
    courier = platforms.Courier(database, vault, platforms.open_sender(settings))
    tools = Tools(settings, database, cache, vault, channels, courier)
    try:
        yield reactions(tools), timetable(tools)
    finally:
        await courier.close()
        await channels.close()
        await vault.close()
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
    app = Litestar(
        route_handlers=handlers,
        lifespan=[lambda app: open_process(app, settings)],
        state=State({"settings": settings}),
        dependencies={
            "settings": Provide(_settings, sync_to_thread=False),
            "database": Provide(_database, sync_to_thread=False),
            "cache": Provide(_cache, sync_to_thread=False),
            "files": Provide(_files, sync_to_thread=False),
            "cursors": Provide(_cursors, sync_to_thread=False),
            "vault": Provide(_vault, sync_to_thread=False),
            "channels": Provide(_channels, sync_to_thread=False),
            "tokens": Provide(_tokens, sync_to_thread=False),
            "revocations": Provide(_revocations, sync_to_thread=False),
            "views": Provide(_views, sync_to_thread=False),
            "caller": Provide(_caller, sync_to_thread=False),
            "calls": Provide(_calls, sync_to_thread=False),
            "sender": Provide(_sender, sync_to_thread=False),
            "pushes": Provide(_pushes, sync_to_thread=False),
            "measures": Provide(_measures, sync_to_thread=False),
            "gatherer": Provide(_gatherer, sync_to_thread=False),
        },
        exception_handlers={Exception: answer_error},
        cors_config=CORSConfig(allow_origins=origins) if origins else None,
        openapi_config=openapi_config() if settings.docs_enabled else None,
        logging_config=None,
        request_max_body_size=None,  # the envelope bounds bodies, per lane
        debug=False,
    )
    say_who_calls(app)
    say_every_method(app)
    return app


@asynccontextmanager
async def open_process(app: Litestar, settings: Settings) -> AsyncIterator[None]:
    """Open what a process holds; closed in the reverse order."""
    key = secret_key(settings)
    state = app.state
    state.database = await open_database(settings.database_url, settings)
    state.cache = await open_cache(settings.redis_url, settings)
    state.vault = await open_vault(settings, state.database)
    state.channels = await open_channels(settings, state.database, state.vault)
    state.tokens = Tokens(key)
    state.revocations = open_revocations(settings, state.database)
    state.files = open_files(settings.files_address)
    state.cursors = Cursors(key)
    state.limiter = RateLimiter(state.cache.door, key)
    state.admission = Admission(settings)
    state.views = catalogue.ViewCounter(state.database)
    state.calls = platforms.CallCounter(state.database)
    state.measures = health.Measures((payments.WaitingMeasure(),))
    state.sender = platforms.open_sender(settings)
    state.gatherer = payments.NoticeGatherer(
        payments.Till(settings, state.database, state.vault, state.channels)
    )
    provers: dict[str, Prover] = {
        "citizen": citizens.CitizenProver(state.database, state.tokens, state.revocations),
        "clerk": clerks.ClerkProver(state.database, state.tokens, settings),
        "platform": platforms.PlatformProver(
            state.database,
            platforms.Keyring(state.database, state.vault),
            state.calls,
            state.limiter,
            settings,
        ),
    }
    state.provers = provers
    state.streams = cases.Streams(settings.database_url, state.database, state.cache)
    state.streams.start()
    writing = asyncio.create_task(state.views.write_for_ever())
    try:
        yield
    finally:
        await state.streams.close()
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await state.calls.close()
        await state.revocations.close()
        await state.channels.close()
        await state.vault.close()
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


def _vault(state: State) -> Vault:
    return state.vault  # type: ignore[no-any-return]


def _channels(state: State) -> Channels:
    return state.channels  # type: ignore[no-any-return]


def _tokens(state: State) -> Tokens:
    return state.tokens  # type: ignore[no-any-return]


def _revocations(state: State) -> Revocations:
    return state.revocations  # type: ignore[no-any-return]


def _views(state: State) -> catalogue.ViewCounter:
    return state.views  # type: ignore[no-any-return]


def _calls(state: State) -> platforms.CallCounter:
    return state.calls  # type: ignore[no-any-return]


def _sender(state: State) -> Sender:
    return state.sender  # type: ignore[no-any-return]


def _gatherer(state: State) -> payments.NoticeGatherer:
    return state.gatherer  # type: ignore[no-any-return]


def _pushes(state: State) -> payments.Pushes:
    return payments.Pushes(messages.push_taker(state.database, state.vault, state.channels))


def _measures(state: State) -> health.Measures:
    return state.measures  # type: ignore[no-any-return]


def _caller(request: Request[Any, Any, Any]) -> Caller:
    return caller_of(request)
