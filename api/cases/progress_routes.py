"""How a case goes: for its owner, for whoever holds the query password, and as a stream."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, QueryParameter
from litestar.response import Stream

from api.access import Caller, citizen_or_agent, demand_scope, public
from api.answers import private_answer
from api.cache import Cache
from api.cases import queries
from api.cases.case_numbers import CaseNoPath, demand_case_no
from api.cases.query_passwords import is_query_password
from api.cases.refusals import no_such_case
from api.cases.schemas import Progress
from api.cases.show_progress import load_own_progress, load_progress
from api.cases.stream import Streams
from api.database import Database
from api.errors import Forbidden, NotFound, Overloaded, RateLimited, Unauthorized
from api.limits import Policy, RateLimiter, client_address, parse_networks, rate_headers
from api.problems import problems
from api.settings import Settings

SCOPE = "progress"

# Enough for somebody who looks again and again, and 2^60 passwords are not guessed at this
# pace. Behind one address may sit a whole office.
PER_NUMBER = Policy("query_password", per_second=1 / 60, burst=20)
PER_ADDRESS = Policy("query_address", per_second=1 / 5, burst=60)


@get(
    "/cases/{case_no:str}/progress",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="Where a case stands",
)
async def show_progress(
    case_no: CaseNoPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
) -> Response[Progress]:
    """Steps, events, due day, clock and payment in at most 2 KB; ask with `If-None-Match`."""
    demand_case_no(case_no)
    kept = await load_own_progress(database, cache, settings, case_no, caller.owner)
    demand_scope(caller, SCOPE, kept.service_code)
    return private_answer(kept.body)


@get(
    "/progress",
    guards=[public],
    responses=problems(NotFound, RateLimited),
    summary="Where a case stands, by number and query password",
)
async def show_progress_by_password(
    request: Request[Any, Any, Any],
    case_no: Annotated[
        str,
        QueryParameter(
            name="case_no",
            min_length=1,
            max_length=50,
            pattern=r"\A[^\x00]*\Z",
            description="办件编号",
        ),
    ],
    query_password: Annotated[
        str,
        QueryParameter(
            name="query_password",
            min_length=1,
            max_length=50,
            pattern=r"\A[^\x00]*\Z",
            description="查询密码, as on the receipt",
        ),
    ],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    settings: NamedDependency[Settings],
    limiter: NamedDependency[RateLimiter],
) -> Response[Progress]:
    """The same body as for its owner. A wrong password and a number that is not there are
    answered alike; attempts are limited for each number and each address."""
    address = client_address(request.scope, parse_networks(settings.trusted_proxies))
    await _demand_patience(limiter, PER_ADDRESS, address)
    await _demand_patience(limiter, PER_NUMBER, case_no)
    kept_hash = await database.read(lambda c: queries.find_password_hash(c, case_no=case_no))
    if not is_query_password(case_no, query_password, kept_hash):
        raise no_such_case()
    kept = await load_progress(database, cache, settings, case_no)
    if kept is None:
        raise no_such_case()
    return private_answer(kept.body)


async def _demand_patience(limiter: RateLimiter, policy: Policy, caller: str) -> None:
    decision = await limiter.decide(policy, caller)
    if not decision.allowed:
        raise RateLimited(headers=rate_headers(policy, decision))


@get(
    "/cases/{case_no:str}/stream",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound, RateLimited, Overloaded),
    summary="A case's changes as they happen",
    media_type="text/event-stream",
)
async def stream_changes(
    case_no: CaseNoPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    streams: NamedDependency[Streams],
    last_event_id: Annotated[
        str | None,
        HeaderParameter(
            name="Last-Event-ID",
            max_length=20,
            pattern=r"\A[0-9]{1,9}\Z",
            description="The last `id` seen; what came since is told first",
        ),
    ] = None,
) -> Stream:
    """Server-Sent Events `moved`, one for each change, `id` its number in the case. Without
    `Last-Event-ID` it begins with the newest change. It ends after about ten minutes, or
    when the server goes: connect again with the last `id`."""
    demand_case_no(case_no)
    owner = caller.owner
    found = await database.read(lambda c: queries.find_owner(c, case_no=case_no, citizen_id=owner))
    if found is None:
        raise no_such_case()
    demand_scope(caller, SCOPE, found.service_code)
    after = max(0, found.last_seq - 1) if last_event_id is None else int(last_event_id)
    place = streams.take(owner, case_no)
    return Stream(
        streams.tell(place, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "private, no-cache", "X-Accel-Buffering": "no"},
    )


def _streams(state: State) -> Streams:
    return state.streams  # type: ignore[no-any-return]


def _limiter(state: State) -> RateLimiter:
    return state.limiter  # type: ignore[no-any-return]


progress_router = Router(
    "/v1",
    route_handlers=[show_progress, show_progress_by_password, stream_changes],
    dependencies={
        "streams": Provide(_streams, sync_to_thread=False),
        "limiter": Provide(_limiter, sync_to_thread=False),
    },
    tags=["cases"],
)
