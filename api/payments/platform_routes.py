"""What departments' systems bill, see of payments, and give back."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from api.access import Caller, signed_by_platform
from api.answers import private_answer
from api.database import Database
from api.errors import (
    FieldError,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NonceUsed,
    NotFound,
    QuotaUsed,
    RequestInProgress,
    SignatureWrong,
    ValidationFailed,
)
from api.idempotency import Answer, Keyed, KeyHeader, fingerprint, read_key, remember
from api.kinds import demand_text
from api.payments.ask_refund import ask_refund, show_handled_payment
from api.payments.bills.bill_services import bill_service
from api.payments.bills.raise_bills import raise_bill
from api.payments.refusals import (
    BillOpen,
    NotRefundable,
    RefundPreconditionFailed,
    no_such_payment,
)
from api.payments.routes import PaymentPath
from api.payments.rows import BillRow
from api.payments.schemas import BillAnswer, BillBody, PlatformPayment, RefundAnswer, RefundBody
from api.payments.show_money import answer_bill
from api.problems import problems
from api.settings import Settings
from api.statements import Connection
from api.vault import Vault

EITHER = FieldError(
    "case_no",
    "case_or_service",
    "“case_no”和“service_code”填一个；“id_number”只和“service_code”一起填。",
    "Say either `case_no` or `service_code`, and `id_number` only with the latter.",
)
SIGNED = (SignatureWrong, NonceUsed, QuotaUsed)


@post(
    "/bills",
    guards=[signed_by_platform],
    status_code=201,
    responses=problems(*SIGNED, ValidationFailed, NotFound, BillOpen, IdempotencyKeyReused),
    summary="Bill a case, or an item without one",
)
async def bill_case(
    data: JSONBody[BillBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[BillAnswer]:
    """Repeatable by `reference`. For a case: push `payment_requested` too where it waits for it.
    For an item without a case, such as a fine decided elsewhere, say `service_code`: its `bill_no`
    is the payment notice code for the letter, by which anybody may pay it."""
    if (data.case_no is None) == (data.service_code is None) or (data.case_no and data.id_number):
        raise ValidationFailed(errors=[EITHER])

    async def work(connection: Connection) -> BillRow:
        if data.case_no is None:
            return await bill_service(connection, vault, caller, data)
        return await raise_bill(connection, caller, data)

    raised = await database.decide(work)
    return private_answer(answer_bill(raised), status=201)


@get(
    "/payments/{payment_no:str}",
    guards=[signed_by_platform],
    responses=problems(*SIGNED, NotFound),
    summary="A payment, for the department's system",
)
async def show_payment(
    payment_no: PaymentPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
) -> Response[PlatformPayment]:
    """With its refunds and with what can still go back."""
    demand_text(payment_no, 64, no_such_payment())
    return private_answer(
        await database.read(lambda c: show_handled_payment(c, caller, payment_no))
    )


@post(
    "/payments/{payment_no:str}/refunds",
    guards=[signed_by_platform],
    status_code=201,
    responses=problems(
        *SIGNED,
        IdempotencyKeyMissing,
        ValidationFailed,
        NotFound,
        NotRefundable,
        RequestInProgress,
        RefundPreconditionFailed,
        IdempotencyKeyReused,
    ),
    summary="Give money back",
)
async def refund(
    payment_no: PaymentPath,
    data: JSONBody[RefundBody],
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    idempotency_key: KeyHeader = None,
) -> Response[RefundAnswer]:
    """`Idempotency-Key` is required. The channel answers later: read the payment again."""
    demand_text(payment_no, 64, no_such_payment())

    async def work(connection: Connection) -> Answer:
        asked = await ask_refund(connection, caller, payment_no, data)
        where = {"Location": f"/v1/platform/payments/{payment_no}"}
        return Answer(201, msgspec.json.encode(asked), where)

    mark = fingerprint(request.method, request.url.path, await request.body())
    keyed = Keyed(f"platform:{caller.owner}", read_key(idempotency_key), mark)
    answer = await remember(database, settings, keyed, work)
    return private_answer(answer.body, status=answer.status, headers=answer.headers)


platform_router = Router(
    "/v1/platform", route_handlers=[bill_case, show_payment, refund], tags=["payments"]
)
