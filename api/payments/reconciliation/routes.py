"""A day's reconciliation over HTTP: departments' systems read it, cashiers settle it."""

from __future__ import annotations

from typing import Annotated

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, PathParameter, QueryParameter

from api.access import Caller, clerk, demand_role, signed_by_platform
from api.answers import private_answer
from api.database import Database
from api.errors import (
    Forbidden,
    NonceUsed,
    NotFound,
    QuotaUsed,
    SignatureWrong,
    Unauthorized,
    ValidationFailed,
)
from api.kinds import path_text
from api.pages import Cursor, Cursors, Limit
from api.payments.reconciliation.resolve_difference import resolve_difference
from api.payments.reconciliation.schemas import (
    ClerkDifference,
    ClerkReconciliation,
    DifferenceBody,
    DifferenceStatus,
    PlatformReconciliation,
)
from api.payments.reconciliation.show_differences import (
    Wanted,
    answer_clerk,
    read_day,
    read_number,
    show_to_clerk,
    show_to_platform,
)
from api.payments.refusals import NothingWaiting
from api.problems import problems

CASHIER = "cashier"

DayPath = Annotated[
    str,
    PathParameter(
        name="date",
        description="A day in China Standard Time",
        schema_extra={
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
            "examples": ["2026-11-21"],
        },
    ),
]
DifferencePath = Annotated[str, path_text(18, "the difference's number", "17")]
ChannelQuery = Annotated[
    str | None,
    QueryParameter(
        name="channel",
        pattern=r"^[a-z][a-z0-9_]{0,31}$",
        max_length=32,
        description="One channel only, such as `wechat`",
    ),
]


@get(
    "/reconciliations/{date:str}",
    guards=[signed_by_platform],
    responses=problems(SignatureWrong, NonceUsed, QuotaUsed, NotFound),
    summary="A day against the channels' bills",
)
async def reconciliation(
    date: DayPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    channel: ChannelQuery = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[PlatformReconciliation]:
    """Every difference, each with its cause, of the services and regions that the key covers;
    money that belongs to nobody only for a key that covers everything. 404 until the day was
    begun; a channel that is not `reconciled` yet has nothing to say."""
    wanted = Wanted(read_day(date), channel, None)
    of = cursors.of("reconciliation", caller.owner, caller.key_id, date, channel)
    return private_answer(
        await database.read(lambda c: show_to_platform(c, caller, wanted, of, cursor, limit))
    )


@get(
    "/reconciliations/{date:str}",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="A day's differences, for cashiers",
)
async def reconciliation_for_clerk(
    date: DayPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    channel: ChannelQuery = None,
    status: Annotated[
        DifferenceStatus | None,
        QueryParameter(name="status", description="none: all but those that are `closed`"),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[ClerkReconciliation]:
    """For cashiers: of their items and places, with the day's sums where their rights are
    everything. `open` ones wait for somebody; `repaired` ones were found and put right."""
    demand_role(caller, CASHIER)
    wanted = Wanted(read_day(date), channel, status)
    of = cursors.of("clerk reconciliation", caller.owner, date, channel, status)
    return private_answer(
        await database.read(lambda c: show_to_clerk(c, caller, wanted, of, cursor, limit))
    )


@post(
    "/reconciliation-differences/{difference_id:str}/resolution",
    guards=[clerk],
    status_code=200,
    responses=problems(ValidationFailed, Unauthorized, Forbidden, NotFound, NothingWaiting),
    summary="Settle a difference",
)
async def resolve(
    difference_id: DifferencePath,
    data: JSONBody[DifferenceBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[ClerkDifference]:
    """Moves no money: it says what was found out and done. The note stays with the difference;
    should a later run find another amount or cause under the number, it is open again."""
    demand_role(caller, CASHIER)
    number = read_number(difference_id)
    row = await database.decide(lambda c: resolve_difference(c, caller, number, data.note))
    return private_answer(answer_clerk(row))


platform_router = Router("/v1/platform", route_handlers=[reconciliation], tags=["payments"])
clerk_router = Router(
    "/v1/clerk", route_handlers=[reconciliation_for_clerk, resolve], tags=["payments"]
)
