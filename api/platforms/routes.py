"""Platforms over HTTP: what they have called, and where they want to be told of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from adapters.webhooks import Sender
from api import audit
from api.access import Caller, signed_by_platform
from api.answers import private_answer
from api.database import CHINA, Database
from api.errors import (
    NonceUsed,
    NotFound,
    QuotaUsed,
    SignatureWrong,
    ValidationFailed,
    WebhooksTooMany,
)
from api.events import publish
from api.facts import DeliveryAsked
from api.kinds import demand_code
from api.pages import Cursor, Cursors, Limit, Page
from api.platforms import queries
from api.platforms.count_calls import CallCounter, day_ends_at, today
from api.platforms.make_webhook import make_webhook
from api.platforms.prove_signature import platform_policy
from api.platforms.rows import DeliveryRow, WebhookRow
from api.platforms.schemas import (
    DeliveryAnswer,
    DeliveryStatus,
    NewWebhookAnswer,
    NewWebhookBody,
    Usage,
    UsageWindow,
    WebhookAnswer,
)
from api.problems import problems
from api.vault import Vault

_LAST = "g"
"""Behind every key of ours, which are hexadecimal."""

SIGNED = (SignatureWrong, NonceUsed, QuotaUsed)

_KEY_SCHEMA = {"pattern": "^[0-9a-f]{32}$", "minLength": 32, "maxLength": 32}
WebhookKey = Annotated[str, PathParameter(description="A webhook's id", schema_extra=_KEY_SCHEMA)]
DeliveryKey = Annotated[
    str, PathParameter(description="A delivery's id, its `webhook-id`", schema_extra=_KEY_SCHEMA)
]
Status = Annotated[
    DeliveryStatus | None,
    QueryParameter(name="status", description="Only such as are pending, delivered or dead"),
]


@get(
    "/usage",
    guards=[signed_by_platform],
    responses=problems(*SIGNED),
    summary="Quota and calls of today",
)
async def show_usage(
    database: NamedDependency[Database],
    calls: NamedDependency[CallCounter],
    caller: NamedDependency[Caller],
) -> Response[Usage]:
    """What the platform may call a day and a second, and what it has called today."""
    day = today()
    row = await database.read(
        lambda c: queries.find_usage(c, platform_id=caller.owner, day=day),
    )
    if row is None:
        raise SignatureWrong()
    used = max(0, min(row.calls, row.calls_per_day) - calls.unspent(caller.owner))
    ends_at = day_ends_at(day)
    return private_answer(
        Usage(
            platform_id=caller.owner,
            name=row.name,
            quota=row.calls_per_day,
            used_today=used,
            remaining=row.calls_per_day - used,
            per_second=row.calls_per_second,
            burst=platform_policy(row.calls_per_second).burst,
            window=UsageWindow(datetime(day.year, day.month, day.day, tzinfo=CHINA), ends_at),
            service_prefixes=list(caller.service_prefixes),
            region_prefixes=list(caller.region_prefixes),
        )
    )


@post(
    "/webhooks",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, ValidationFailed, WebhooksTooMany),
    summary="Be told of changes",
)
async def create_webhook(
    data: JSONBody[NewWebhookBody],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    sender: NamedDependency[Sender],
    caller: NamedDependency[Caller],
) -> NewWebhookAnswer:
    """From now on what happens is sent there, signed by Standard Webhooks. The secret is shown
    this once. Deliveries come at least once and in any order: `webhook-id` tells repeats,
    `data.version` the order."""
    return await make_webhook(database, vault, sender, caller, data)


@get(
    "/webhooks",
    guards=[signed_by_platform],
    responses=problems(*SIGNED),
    summary="The platform's webhooks",
)
async def list_webhooks(
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    caller: NamedDependency[Caller],
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[WebhookAnswer]]:
    """All of them, oldest first, without their secrets."""
    of = cursors.of("webhooks", caller.owner)
    after = of.read(cursor, str, "")
    rows = await database.read(
        lambda c: queries.list_webhooks(c, platform_id=caller.owner, after=after, limit=limit + 1)
    )
    return private_answer(of.cut(rows, limit, _webhook, lambda row: row.webhook_id))


@get(
    "/webhooks/{webhook_id:str}",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="One webhook",
)
async def show_webhook(
    webhook_id: WebhookKey,
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> Response[WebhookAnswer]:
    """Where it goes, and whether its receiver answers."""
    return private_answer(_webhook(await _demand_webhook(database, caller, webhook_id)))


@delete(
    "/webhooks/{webhook_id:str}",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="Be told no more",
)
async def delete_webhook(
    webhook_id: WebhookKey,
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> None:
    """What is not yet delivered is not delivered any more."""
    demand_code(webhook_id, 32, no_such_webhook())
    async with database.transaction() as connection:
        gone = await queries.delete_webhook(
            connection, webhook_id=webhook_id, platform_id=caller.owner
        )
        if gone is None:
            raise no_such_webhook()
        await audit.note(
            connection,
            actor=caller.actor,
            action="webhook.deleted",
            subject=f"webhook:{webhook_id}",
        )


@get(
    "/webhooks/deliveries",
    guards=[signed_by_platform],
    responses=problems(*SIGNED),
    summary="What was sent, and what became of it",
)
async def list_deliveries(
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    caller: NamedDependency[Caller],
    status: Status = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[DeliveryAnswer]]:
    """To all webhooks, newest first; `status=dead` are those that were given up. Kept 30 days,
    dead ones 90."""
    return await _list_deliveries(database, cursors, caller, None, status, limit, cursor)


@get(
    "/webhooks/{webhook_id:str}/deliveries",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="What was sent to one webhook",
)
async def list_webhook_deliveries(
    webhook_id: WebhookKey,
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    caller: NamedDependency[Caller],
    status: Status = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[DeliveryAnswer]]:
    """Newest first, with what became of each."""
    await _demand_webhook(database, caller, webhook_id)
    return await _list_deliveries(database, cursors, caller, webhook_id, status, limit, cursor)


async def _list_deliveries(
    database: Database,
    cursors: Cursors,
    caller: Caller,
    webhook_id: str | None,
    status: DeliveryStatus | None,
    limit: int,
    cursor: str | None,
) -> Response[Page[DeliveryAnswer]]:
    of = cursors.of("deliveries", caller.owner, webhook_id, status)
    before = of.read(cursor, str, _LAST)
    rows = await database.read(
        lambda c: queries.list_deliveries(
            c,
            platform_id=caller.owner,
            webhook_id=webhook_id,
            status=status,
            before=before,
            limit=limit + 1,
        )
    )
    return private_answer(of.cut(rows, limit, _delivery, lambda row: row.delivery_id))


@post(
    "/webhooks/deliveries/{delivery_id:str}/replay",
    status_code=202,
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="Send it again",
)
async def replay_delivery(
    delivery_id: DeliveryKey,
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> DeliveryAnswer:
    """Whatever became of it, with all its tries and the same `webhook-id`. A webhook that was
    switched off after an answer 410 is switched on again."""
    return await _replay(database, caller, None, delivery_id)


@post(
    "/webhooks/{webhook_id:str}/deliveries/{delivery_id:str}/replay",
    status_code=202,
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="Send it to this webhook again",
)
async def replay_webhook_delivery(
    webhook_id: WebhookKey,
    delivery_id: DeliveryKey,
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> DeliveryAnswer:
    """As without the webhook's id."""
    demand_code(webhook_id, 32, no_such_webhook())
    return await _replay(database, caller, webhook_id, delivery_id)


async def _replay(
    database: Database, caller: Caller, webhook_id: str | None, delivery_id: str
) -> DeliveryAnswer:
    demand_code(delivery_id, 32, no_such_delivery())
    async with database.transaction() as connection:
        row = await queries.replay_delivery(
            connection,
            delivery_id=delivery_id,
            platform_id=caller.owner,
            webhook_id=webhook_id,
        )
        if row is None:
            raise no_such_delivery()
        await publish(connection, DeliveryAsked(delivery_id=delivery_id))
    return _delivery(row)


async def _demand_webhook(database: Database, caller: Caller, webhook_id: str) -> WebhookRow:
    demand_code(webhook_id, 32, no_such_webhook())
    row = await database.read(
        lambda c: queries.find_webhook(c, webhook_id=webhook_id, platform_id=caller.owner)
    )
    if row is None:
        raise no_such_webhook()
    return row


def _webhook(row: WebhookRow) -> WebhookAnswer:
    failing = row.open_until is not None and row.open_until > datetime.now(CHINA)
    return WebhookAnswer(
        webhook_id=row.webhook_id,
        url=row.url,
        events=row.events,
        status="disabled" if row.disabled_at else "failing" if failing else "active",
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
    )


def _delivery(row: DeliveryRow) -> DeliveryAnswer:
    return DeliveryAnswer(
        delivery_id=row.delivery_id,
        webhook_id=row.webhook_id,
        type=row.type,
        status=row.status,  # type: ignore[arg-type]
        attempts=row.attempts,
        next_attempt_at=row.next_attempt_at if row.status == "pending" else None,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
        payload=msgspec.Raw(row.body),
    )


def no_such_webhook() -> NotFound:
    return NotFound("没有这个推送地址。", "There is no such webhook.")


def no_such_delivery() -> NotFound:
    return NotFound("没有这次推送。", "There is no such delivery.")


router = Router(
    "/v1/platform",
    route_handlers=[
        show_usage,
        create_webhook,
        list_webhooks,
        show_webhook,
        delete_webhook,
        list_deliveries,
        list_webhook_deliveries,
        replay_delivery,
        replay_webhook_delivery,
    ],
    tags=["platform"],
)
