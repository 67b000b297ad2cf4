"""A citizen's bills and payments over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, QueryParameter

from api.access import Caller, citizen_or_agent
from api.answers import private_answer
from api.channels import (
    ChannelCannot,
    ChannelRefused,
    Channels,
    ChannelUnavailable,
    ChannelUnknown,
)
from api.database import Database
from api.errors import (
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotFound,
    RequestInProgress,
    Unauthorized,
)
from api.idempotency import Keyed, KeyHeader, fingerprint, read_key
from api.kinds import demand_text, path_code, path_text
from api.pages import Cursor, Cursors, Limit, Page
from api.payments.bills.routes import make_bill
from api.payments.cancel_payment import cancel_payment
from api.payments.refusals import (
    BillNotPayable,
    PayerNotLinked,
    PaymentFinished,
    PaymentOpen,
    no_such_bill,
    no_such_payment,
)
from api.payments.schemas import BillAnswer, BillStatus, PaymentAnswer, PaymentBody
from api.payments.show_money import answer_payment, find_own_payment, list_bills, show_bill
from api.payments.start_payment import start_payment
from api.payments.till import Till
from api.problems import problems
from api.settings import Settings
from api.vault import Vault

BillPath = Annotated[str, path_code(20, "the payment notice code", "44010020261122000019", "0-9")]
PaymentPath = Annotated[
    str, path_text(64, "the payment's number", "0193a5b6c7d8e9f00112233445566778")
]
StatusQuery = Annotated[
    BillStatus | None, QueryParameter(name="status", description="Only bills that stand there")
]


def open_till(
    settings: NamedDependency[Settings],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    channels: NamedDependency[Channels],
) -> Till:
    """What everything about money is done with."""
    return Till(settings, database, vault, channels)


@get(
    "/bills",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden),
    summary="My bills",
)
async def bills(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    status: StatusQuery = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[BillAnswer]]:
    """What is owed or was paid, the newest first."""
    of = cursors.of("bills", caller.owner, caller.authority, status)
    page = await database.read(lambda c: list_bills(c, caller, status, of, cursor, limit))
    return private_answer(page)


@get(
    "/bills/{bill_no:str}",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="One of my bills",
)
async def bill(
    bill_no: BillPath, caller: NamedDependency[Caller], database: NamedDependency[Database]
) -> Response[BillAnswer]:
    """What is owed, for which case, on what basis and by which standard."""
    demand_text(bill_no, 64, no_such_bill())
    return private_answer(await database.read(lambda c: show_bill(c, caller, bill_no)))


@post(
    "/payments",
    guards=[citizen_or_agent],
    status_code=201,
    responses=problems(
        IdempotencyKeyMissing,
        Unauthorized,
        Forbidden,
        NotFound,
        ChannelUnknown,
        RequestInProgress,
        BillNotPayable,
        PaymentOpen,
        PaymentFinished,
        PayerNotLinked,
        ChannelCannot,
        IdempotencyKeyReused,
        ChannelRefused,
        ChannelUnavailable,
    ),
    summary="Begin to pay a bill",
)
async def begin_payment(
    data: JSONBody[PaymentBody],
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    till: NamedDependency[Till],
    idempotency_key: KeyHeader = None,
) -> Response[PaymentAnswer]:
    """`client_parameters` go unchanged into `wx.requestPayment` or `my.tradePay`. A bill has one
    open payment per channel: asking again gives the same. After 503 ask again, too: nothing is
    ordered twice."""
    owner = f"{caller.actor}/{caller.owner}"
    mark = fingerprint(request.method, request.url.path, await request.body())
    keyed = Keyed(owner, read_key(idempotency_key), mark)
    answer = await start_payment(till, caller, keyed, data)
    return private_answer(answer.body, status=answer.status, headers=answer.headers)


@get(
    "/payments/{payment_no:str}",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="One of my payments",
)
async def payment(
    payment_no: PaymentPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[PaymentAnswer]:
    """What became of it. Ask until `finished`."""
    demand_text(payment_no, 64, no_such_payment())
    row = await database.read(lambda c: find_own_payment(c, caller, payment_no))
    return private_answer(answer_payment(row))


@post(
    "/payments/{payment_no:str}/cancellation",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(Unauthorized, Forbidden, NotFound, ChannelRefused, ChannelUnavailable),
    summary="Do not pay after all",
)
async def cancel(
    payment_no: PaymentPath, caller: NamedDependency[Caller], till: NamedDependency[Till]
) -> Response[PaymentAnswer]:
    """Closes it at the channel, which has the last word: it may turn out paid. Safe to repeat."""
    demand_text(payment_no, 64, no_such_payment())
    return private_answer(answer_payment(await cancel_payment(till, caller, payment_no)))


router = Router(
    "/v1",
    route_handlers=[bills, make_bill, bill, begin_payment, payment, cancel],
    dependencies={"till": Provide(open_till, sync_to_thread=False)},
    tags=["payments"],
)
