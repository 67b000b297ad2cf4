"""Receipts over HTTP: one's own as data and as PDF; and whether one is genuine, for anybody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIResponse, Operation, Schema
from litestar.params import QueryParameter

from api.access import Caller, citizen_or_agent, public
from api.answers import private_answer
from api.database import Database
from api.errors import Forbidden, NotFound, RateLimited, Unauthorized
from api.fiscal.draw_receipt import draw_receipt
from api.fiscal.numbers import ReceiptName
from api.kinds import demand_text, path_code, path_text
from api.limits import Policy, RateLimiter, client_address, parse_networks, rate_headers
from api.problems import problems
from api.receipts.refusals import (
    ReceiptNone,
    ReceiptNotReady,
    no_such_payment,
    no_such_receipt,
)
from api.receipts.schemas import GenuineReceipt, PaymentReceiptAnswer
from api.receipts.show_receipt import check_receipt, open_receipt, show_receipt
from api.settings import Settings
from api.vault import Vault

JSON, PDF = "application/json", "application/pdf"

# Enough for whoever mistypes; 2^30 check characters are not guessed at this pace. Behind one
# address may sit a whole office that books receipts.
PER_RECEIPT = Policy("receipt_check", per_second=1 / 60, burst=20)
PER_ADDRESS = Policy("receipt_address", per_second=1 / 2, burst=120)

PaymentPath = Annotated[
    str, path_text(64, "the payment's number", "0193a5b6c7d8e9f00112233445566778")
]
CodePath = Annotated[str, path_code(8, "票据代码", "44010126", "0-9")]
NumberPath = Annotated[str, path_code(10, "票据号码", "0000000017", "0-9")]
CodeQuery = Annotated[
    str | None,
    QueryParameter(
        name="code",
        min_length=8,
        max_length=8,
        pattern=r"\A[0-9]{8}\Z",
        description="票据代码, with `number`: which one; without, the payment's own receipt",
    ),
]
NumberQuery = Annotated[
    str | None,
    QueryParameter(
        name="number",
        min_length=10,
        max_length=10,
        pattern=r"\A[0-9]{10}\Z",
        description="票据号码, with `code`",
    ),
]


@dataclass
class AlsoPdf(Operation):
    """An operation whose success is JSON, or PDF where `Accept` prefers it."""

    def __post_init__(self) -> None:
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            file = Schema(type="string", content_encoding="binary")  # type: ignore[arg-type]
            response.content[PDF] = OpenAPIMediaType(schema=file)


@get(
    "/payments/{payment_no:str}/receipt",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound, ReceiptNone, ReceiptNotReady),
    summary="The receipt of one of my payments",
    operation_class=AlsoPdf,
)
async def receipt(
    payment_no: PaymentPath,
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
) -> Response[PaymentReceiptAnswer]:
    """The fiscal e-receipt 财政电子票据, with those in red letters 红字票据 of what went back. As
    JSON; with `Accept: application/pdf` as the page to keep. Issued some seconds after the money
    came: until then `receipt_not_ready`, with `Retry-After`."""
    demand_text(payment_no, 64, no_such_payment())
    if request.accept.best_match([JSON, PDF]) == PDF:
        return await _send_page(database, vault, caller, payment_no, None, {"Vary": "Accept"})
    answer = await database.read(lambda c: show_receipt(c, vault, caller, payment_no))
    return private_answer(answer, headers={"Vary": "Accept"})


@get(
    "/payments/{payment_no:str}/receipt.pdf",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound, ReceiptNone, ReceiptNotReady),
    summary="A receipt as PDF",
    media_type=PDF,
)
async def receipt_page(
    payment_no: PaymentPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    code: CodeQuery = None,
    number: NumberQuery = None,
) -> Response[bytes]:
    """The page to keep or print, A5; `code` and `number` choose one in red letters. For clients
    that cannot say what they accept, such as `wx.downloadFile`."""
    demand_text(payment_no, 64, no_such_payment())
    name = None if code is None or number is None else _read_name(code, number)
    return await _send_page(database, vault, caller, payment_no, name)


@get(
    "/receipts/{code:str}/{number:str}",
    guards=[public],
    responses=problems(NotFound, RateLimited),
    summary="Whether a receipt is genuine",
)
async def genuine_receipt(
    code: CodePath,
    number: NumberPath,
    request: Request[Any, Any, Any],
    check: Annotated[
        str,
        QueryParameter(
            name="check",
            min_length=1,
            max_length=20,
            pattern=r"\A[^\x00]*\Z",
            description="校验码, the 6 characters on the receipt",
            schema_extra={"examples": ["R1ZKB1"]},
        ),
    ],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    limiter: NamedDependency[RateLimiter],
) -> Response[GenuineReceipt]:
    """What the receipt says, for whoever holds it, and whether it was taken back since. Wrong
    characters and a receipt that is not there are answered alike; attempts are limited for each
    receipt and each address."""
    name = _read_name(code, number)
    address = client_address(request.scope, parse_networks(settings.trusted_proxies))
    await _demand_patience(limiter, PER_ADDRESS, address)
    await _demand_patience(limiter, PER_RECEIPT, f"{code}/{number}")
    return private_answer(await database.read(lambda c: check_receipt(c, name, check)))


async def _send_page(
    database: Database,
    vault: Vault,
    caller: Caller,
    payment_no: str,
    name: ReceiptName | None,
    headers: dict[str, str] | None = None,
) -> Response[Any]:
    async with database.transaction() as connection:
        form = await open_receipt(connection, vault, caller, payment_no, name)
    # Drawing is some tens of milliseconds of plain work, which no other request should wait for.
    page = await asyncio.to_thread(draw_receipt, form)
    file = f"receipt-{form.name.code}-{form.name.number}.pdf"
    return Response(
        page,
        media_type=PDF,
        headers={
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'inline; filename="{file}"',
            **(headers or {}),
        },
    )


def _read_name(code: str, number: str) -> ReceiptName:
    try:
        return ReceiptName(code, number)
    except ValueError:
        raise no_such_receipt() from None


async def _demand_patience(limiter: RateLimiter, policy: Policy, caller: str) -> None:
    decision = await limiter.decide(policy, caller)
    if not decision.allowed:
        raise RateLimited(headers=rate_headers(policy, decision))


def _limiter(state: State) -> RateLimiter:
    return state.limiter  # type: ignore[no-any-return]


router = Router("/v1", route_handlers=[receipt, receipt_page], tags=["receipts"])
public_router = Router(
    "/v1",
    route_handlers=[genuine_receipt],
    dependencies={"limiter": Provide(_limiter, sync_to_thread=False)},
    tags=["receipts"],
)
