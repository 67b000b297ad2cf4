"""The money desk: what waits for a cashier, a payment as a whole, how a matter is settled."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import JSONBody, QueryParameter

from api.access import Caller, clerk, demand_role
from api.answers import private_answer
from api.channels import ChannelCannot, ChannelRefused, ChannelUnavailable, ChannelUnknown
from api.database import Database
from api.errors import Forbidden, NotFound, Unauthorized, ValidationFailed, wants_english
from api.kinds import demand_text
from api.pages import Cursor, Cursors, Limit, Page
from api.payments.desk.schemas import PaymentStory, ResolutionBody, WaitingPayment
from api.payments.desk.settle_matter import settle
from api.payments.desk.show_waiting import Wanted, list_waiting, tell_story
from api.payments.desk.words import Kind
from api.payments.refusals import (
    ActionUnfit,
    NothingWaiting,
    NotRefundable,
    RefundAbnormal,
    RefundArrived,
    RefundUnsure,
    no_such_payment,
)
from api.payments.routes import PaymentPath, open_till
from api.payments.schemas import PaymentStatus
from api.payments.till import Till
from api.problems import problems

CASHIER = "cashier"


@get(
    "/payments",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden),
    summary="Money that waits for a person",
)
async def waiting(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    flag: Annotated[
        Kind | None, QueryParameter(name="flag", description="Only what waits for this reason")
    ] = None,
    status: Annotated[
        PaymentStatus | None,
        QueryParameter(name="status", description="Only of payments that stand there"),
    ] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[WaitingPayment]]:
    """For cashiers: one line for each thing that has to be settled, of their items and places,
    the oldest payment first; what happened, and what can be done about it."""
    demand_role(caller, CASHIER)
    of = cursors.of("money desk", caller.owner, flag, status)
    wanted, english = Wanted(flag, status), _english(request)
    page = await database.read(
        lambda c: list_waiting(c, caller, wanted, of, cursor, limit, english)
    )
    return private_answer(page)


@get(
    "/payments/{payment_no:str}",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="A payment as a whole",
)
async def story(
    payment_no: PaymentPath,
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[PaymentStory]:
    """For cashiers: the payment, its bill, refunds, the channel's notices, what was decided
    about it, and the audit trail. Nothing of who paid."""
    demand_role(caller, CASHIER)
    demand_text(payment_no, 64, no_such_payment())
    english = _english(request)
    return private_answer(await database.read(lambda c: tell_story(c, caller, payment_no, english)))


@post(
    "/payments/{payment_no:str}/resolution",
    guards=[clerk],
    status_code=200,
    responses=problems(
        ValidationFailed,
        Unauthorized,
        Forbidden,
        NotFound,
        NothingWaiting,
        ActionUnfit,
        RefundArrived,
        RefundAbnormal,
        RefundUnsure,
        NotRefundable,
        ChannelUnknown,
        ChannelCannot,
        ChannelRefused,
        ChannelUnavailable,
    ),
    summary="Settle what waits for a person",
)
async def resolve(
    payment_no: PaymentPath,
    data: JSONBody[ResolutionBody],
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    till: NamedDependency[Till],
) -> Response[PaymentStory]:
    """For cashiers. `refund_again` asks the channel once more, under the same number wherever it
    takes that; `settled_outside` notes that the payer has the money another way; `seen` that
    nothing more is to be done. The channel is asked first what it says of a refund that failed.
    Of two who settle the same at once, one is told that nothing waits any more."""
    demand_role(caller, CASHIER)
    demand_text(payment_no, 64, no_such_payment())
    await settle(till, caller, payment_no, data)
    english = _english(request)
    return private_answer(
        await till.database.read(lambda c: tell_story(c, caller, payment_no, english))
    )


def _english(request: Request[Any, Any, Any]) -> bool:
    return wants_english(request.headers.get("accept-language", ""))


clerk_router = Router(
    "/v1/clerk",
    route_handlers=[waiting, story, resolve],
    dependencies={"till": Provide(open_till, sync_to_thread=False)},
    tags=["payments"],
)
