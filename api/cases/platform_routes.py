"""Departments' systems: numbers, counter cases, and what became of a case."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody

from api.access import Caller, signed_by_platform
from api.answers import private_answer
from api.cache import Cache
from api.cases.accept_event import accept_event, accept_events
from api.cases.case_numbers import CaseNoPath, demand_case_no
from api.cases.refusals import CaseNoTaken, EventIdReused, InvalidMove
from api.cases.schemas import (
    BatchAnswer,
    CaseNumber,
    CaseNumberAsked,
    CounterCase,
    EventAnswer,
    EventBatch,
    EventBody,
    PlatformCase,
)
from api.cases.show_progress import forget_progress
from api.cases.take_counter_case import mint_case_no, show_platform_case, take_counter_case
from api.database import Database
from api.errors import (
    Forbidden,
    NonceUsed,
    NotFound,
    QuotaUsed,
    ServiceWithdrawn,
    SignatureWrong,
    ValidationFailed,
    wants_english,
)
from api.problems import problems
from api.settings import Settings, secret_key
from api.vault import Vault

SIGNED = (SignatureWrong, NonceUsed, QuotaUsed)


@post(
    "/case-numbers",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, Forbidden, NotFound, ServiceWithdrawn),
    summary="The next case number",
)
async def mint_number(
    data: JSONBody[CaseNumberAsked],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[CaseNumber]:
    """A number for one case of an item. Asking again gives another: gaps are of no matter."""
    case_no = await database.decide(lambda c: mint_case_no(c, caller, data.service_code))
    return private_answer(CaseNumber(case_no), status=201)


@put(
    "/cases/{case_no:str}",
    guards=[signed_by_platform],
    responses={
        201: ResponseSpec(PlatformCase, description="Taken now", generate_examples=False),
        **problems(*SIGNED, ValidationFailed, Forbidden, NotFound, CaseNoTaken, ServiceWithdrawn),
    },
    summary="A case taken at a counter",
)
async def take_case(
    case_no: CaseNoPath,
    data: JSONBody[CounterCase],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
) -> Response[PlatformCase]:
    """201 the first time, 200 afterwards with the case as it stands: safe to repeat. The number
    is one from `/case-numbers` or the department's own. The query password is for the receipt."""
    demand_case_no(case_no)
    secret = secret_key(settings)
    taken = await database.decide(
        lambda c: take_counter_case(c, vault, secret, caller, case_no, data)
    )
    await forget_progress(cache, case_no, taken.case.version)
    return private_answer(taken.case, status=201 if taken.created else 200)


@get(
    "/cases/{case_no:str}",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="How a case stands, for the department's system",
)
async def show_case(
    case_no: CaseNoPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[PlatformCase]:
    """Without personal data."""
    demand_case_no(case_no)
    return private_answer(await database.read(lambda c: show_platform_case(c, caller, case_no)))


@post(
    "/cases/{case_no:str}/events",
    guards=[signed_by_platform],
    status_code=202,
    responses=problems(*SIGNED, ValidationFailed, NotFound, InvalidMove, EventIdReused),
    summary="What became of a case",
)
async def push_event(
    case_no: CaseNoPath,
    data: JSONBody[EventBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
) -> Response[EventAnswer]:
    """Repeatable by `event_id`. An event older than what is known is put on record and moves
    nothing (`applied` false); an impossible one is `invalid_move`."""
    demand_case_no(case_no)
    moved = await accept_event(database, cache, caller, case_no, data)
    answer = EventAnswer(
        applied=moved.applied and not moved.repeated,
        case_no=case_no,
        event_id=data.event_id,
        status=moved.status,
        version=moved.version,
    )
    return private_answer(answer, status=202)


@post(
    "/events",
    guards=[signed_by_platform],
    status_code=202,
    responses=problems(*SIGNED, ValidationFailed),
    summary="What became of many cases",
)
async def push_events(
    request: Request[Any, Any, Any],
    data: JSONBody[EventBatch],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
) -> Response[BatchAnswer]:
    """Up to 500 events, each `{case_no, …}` with the fields of a single one and an outcome of
    its own: `applied`, or `error`. A whole batch may be repeated."""
    english = wants_english(request.headers.get("accept-language", ""))
    outcomes = await accept_events(database, cache, caller, data.events, english=english)
    return private_answer(BatchAnswer(outcomes), status=202)


platform_router = Router(
    "/v1/platform",
    route_handlers=[mint_number, take_case, show_case, push_event, push_events],
    tags=["cases"],
)
