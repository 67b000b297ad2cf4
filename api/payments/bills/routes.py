"""Bills over HTTP beside reading one's own: made by oneself, claimed by code, taken back."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody

from api.access import Caller, citizen_or_agent, signed_by_platform
from api.answers import private_answer
from api.database import Database
from api.errors import (
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NonceUsed,
    NotFound,
    QuotaUsed,
    RateLimited,
    RequestInProgress,
    SignatureWrong,
    Unauthorized,
    ValidationFailed,
)
from api.idempotency import Answer, Keyed, KeyHeader, fingerprint, read_key, remember
from api.kinds import demand_code, path_code
from api.limits import Policy, RateLimiter, client_address, parse_networks, rate_headers
from api.payments.bills.bill_services import bill_oneself
from api.payments.bills.end_bills import (
    cancel_by_platform,
    cancel_own_bill,
    claim_bill,
    show_platform_bill,
)
from api.payments.refusals import (
    BillNotCancellable,
    BillsTooMany,
    FeeUnknown,
    NothingToPay,
    NotPaidAlone,
    no_such_bill,
)
from api.payments.schemas import (
    BillAnswer,
    CancellationBody,
    ClaimBody,
    OwnBillBody,
    PlatformBill,
)
from api.payments.show_money import answer_bill
from api.problems import problems
from api.settings import Settings
from api.statements import Connection

SIGNED = (SignatureWrong, NonceUsed, QuotaUsed)
BillPath = Annotated[str, path_code(20, "the payment notice code", "44010020261122000019", "0-9")]


# Nobody has many letters to pay, and 2^66 codes are not guessed at this pace. Behind one
# address may sit a whole office.
PER_CITIZEN = Policy("notice_code", per_second=1 / 60, burst=20)
PER_ADDRESS = Policy("notice_code_address", per_second=1 / 5, burst=60)


@post(
    "/bills",
    guards=[citizen_or_agent],
    status_code=201,
    responses=problems(
        IdempotencyKeyMissing,
        ValidationFailed,
        Unauthorized,
        Forbidden,
        NotFound,
        NotPaidAlone,
        NothingToPay,
        FeeUnknown,
        BillsTooMany,
        RequestInProgress,
        IdempotencyKeyReused,
    ),
    summary="Have a bill made for an item that is only paid",
)
async def make_bill(
    data: JSONBody[OwnBillBody],
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    idempotency_key: KeyHeader = None,
) -> Response[BillAnswer]:
    """For items whose guide says `process.payment.without_case`. The amount is found by the
    item's fee table from `form`, else it is the guide's. Then pay it: `POST /v1/payments`."""

    async def work(connection: Connection) -> Answer:
        made = await bill_oneself(connection, caller, data)
        where = {"Location": f"/v1/bills/{made.bill_no}"}
        return Answer(201, msgspec.json.encode(answer_bill(made)), where)

    mark = fingerprint(request.method, request.url.path, await request.body())
    keyed = Keyed(f"{caller.actor}/{caller.owner}", read_key(idempotency_key), mark)
    answer = await remember(database, settings, keyed, work)
    return private_answer(answer.body, status=answer.status, headers=answer.headers)


@post(
    "/bills/claims",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(Unauthorized, Forbidden, NotFound, RateLimited),
    summary="Find a bill by the code on a letter",
)
async def claim(
    data: JSONBody[ClaimBody],
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    limiter: NamedDependency[RateLimiter],
) -> Response[BillAnswer]:
    """The bill of an item without a case, by its payment notice code 缴款码: what it is for, how
    much, on what basis; nothing of the person who owes it. From now on it is among the caller's
    bills, who may pay it for themselves or for somebody else. Safe to repeat; a wrong code is
    404, and tries are limited for each citizen and each address."""
    address = client_address(request.scope, parse_networks(settings.trusted_proxies))
    await _demand_patience(limiter, PER_ADDRESS, address)
    # Who really asks counts, not whom they ask for.
    await _demand_patience(limiter, PER_CITIZEN, caller.actor)
    return private_answer(await database.decide(lambda c: claim_bill(c, caller, data.bill_no)))


async def _demand_patience(limiter: RateLimiter, policy: Policy, caller: str) -> None:
    decision = await limiter.decide(policy, caller)
    if not decision.allowed:
        raise RateLimited(headers=rate_headers(policy, decision))


@post(
    "/bills/{bill_no:str}/cancellation",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(Unauthorized, Forbidden, NotFound, BillNotCancellable),
    summary="Take back a bill made for oneself",
)
async def cancel_mine(
    bill_no: BillPath,
    data: JSONBody[CancellationBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[BillAnswer]:
    """Only a bill of `POST /v1/bills`, and only an unpaid one. Safe to repeat."""
    demand_code(bill_no, 20, no_such_bill())
    return private_answer(
        await database.decide(lambda c: cancel_own_bill(c, caller, bill_no, data.reason))
    )


@get(
    "/bills/{bill_no:str}",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="A bill, for the department's system",
)
async def show_bill_to_platform(
    bill_no: BillPath, caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> Response[PlatformBill]:
    """Of an item it may handle, whoever raised it."""
    demand_code(bill_no, 20, no_such_bill())
    return private_answer(await database.read(lambda c: show_platform_bill(c, caller, bill_no)))


@post(
    "/bills/{bill_no:str}/cancellation",
    guards=[signed_by_platform],
    status_code=200,
    responses=problems(*SIGNED, ValidationFailed, Forbidden, NotFound, BillNotCancellable),
    summary="Take back a bill",
)
async def cancel_as_platform(
    bill_no: BillPath,
    data: JSONBody[CancellationBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[PlatformBill]:
    """Only by who raised it, and only while it is unpaid. Payments under way are closed at the
    channel; money that still comes goes back by itself. A case that waits for its fee goes on
    waiting: push what it waits for now. Safe to repeat."""
    demand_code(bill_no, 20, no_such_bill())
    return private_answer(
        await database.decide(lambda c: cancel_by_platform(c, caller, bill_no, data.reason))
    )


def _limiter(state: State) -> RateLimiter:
    return state.limiter  # type: ignore[no-any-return]


bill_router = Router(
    "/v1",
    route_handlers=[claim, cancel_mine],
    dependencies={"limiter": Provide(_limiter, sync_to_thread=False)},
    tags=["payments"],
)
platform_bill_router = Router(
    "/v1/platform", route_handlers=[show_bill_to_platform, cancel_as_platform], tags=["payments"]
)
