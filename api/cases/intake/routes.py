"""A citizen's cases over HTTP: begin, change, submit, correct, withdraw, read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import HeaderParameter, JSONBody, QueryParameter

from api.access import Caller, citizen_or_agent
from api.answers import private_answer
from api.cache import Cache
from api.cases.case_numbers import CaseNoPath, demand_case_no
from api.cases.intake.begin_case import begin_case, tell_password
from api.cases.intake.change_draft import change_draft, delete_draft
from api.cases.intake.hand_in import Desk, open_desk
from api.cases.intake.hand_in_corrections import hand_in_corrections
from api.cases.intake.refusals import AssuranceNeeded, NotEligible, NotOnline, RulesFailed
from api.cases.intake.schemas import (
    CaseAnswer,
    CaseBegun,
    CaseBody,
    CaseDetail,
    CasePatch,
    CaseSummary,
    CorrectionBody,
    Status,
    WithdrawalBody,
)
from api.cases.intake.show_cases import answer_case, list_cases, show_case
from api.cases.intake.submit_case import submit_case
from api.cases.intake.withdraw_case import withdraw_case
from api.cases.refusals import InvalidMove, PreconditionFailed
from api.cases.show_progress import forget_progress
from api.database import Database
from api.errors import (
    Forbidden,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    NotFound,
    RequestInProgress,
    ServiceWithdrawn,
    Unauthorized,
)
from api.idempotency import Answer, Keyed, KeyHeader, fingerprint, read_key, remember
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.settings import Settings, secret_key
from api.statements import Connection
from api.tables import TableFailed
from api.vault import Vault

Result = TypeVar("Result")

SeenHeader = Annotated[
    str | None,
    HeaderParameter(
        name="If-Match",
        max_length=40,
        description="The `version` you have seen; another one now is answered 412",
    ),
]
StatusQuery = Annotated[
    Status | None, QueryParameter(name="status", description="Only cases that stand there")
]


@post(
    "/cases",
    guards=[citizen_or_agent],
    status_code=201,
    responses=problems(
        Unauthorized,
        Forbidden,
        AssuranceNeeded,
        NotFound,
        RequestInProgress,
        NotOnline,
        ServiceWithdrawn,
        IdempotencyKeyMissing,
        IdempotencyKeyReused,
        NotEligible,
        RulesFailed,
    ),
    summary="Apply for a service",
)
async def begin(
    data: JSONBody[CaseBody],
    request: Request[Any, Any, Any],
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    idempotency_key: KeyHeader = None,
) -> Response[CaseBegun]:
    """Begin a draft, or with `submit` hand it in at once. `Idempotency-Key` is required.

    The answer holds the query password, once. A draft may be incomplete but not wrong.
    """

    secret = secret_key(settings)

    async def work(connection: Connection) -> Answer:
        begun = await begin_case(connection, desk, data, secret)
        where = {"Location": f"/v1/cases/{begun.case_no}"}
        return Answer(201, msgspec.json.encode(begun), where)

    keyed = await _keyed(request, desk.caller, read_key(idempotency_key))
    answer = await _ruled(lambda: remember(database, settings, keyed, work))
    told = tell_password(secret, answer.body)
    return private_answer(told, status=answer.status, headers=answer.headers)


@get(
    "/cases",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden),
    summary="My cases",
)
async def list_own(
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    status: StatusQuery = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[CaseSummary]]:
    """The newest first."""
    of = cursors.of("cases", desk.caller.owner, status)
    page = await database.read(lambda c: list_cases(c, desk, status, of, cursor, limit))
    return private_answer(page)


@get(
    "/cases/{case_no:str}",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="One of my cases, whole",
)
async def show(
    case_no: CaseNoPath, desk: NamedDependency[Desk], database: NamedDependency[Database]
) -> Response[CaseDetail]:
    """With the answers that were given; the reading is noted in the access log."""
    demand_case_no(case_no)
    return private_answer(
        await _ruled(lambda: database.decide(lambda c: show_case(c, desk, case_no)))
    )


@patch(
    "/cases/{case_no:str}",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound, InvalidMove, PreconditionFailed),
    summary="Change a draft",
)
async def change(
    case_no: CaseNoPath,
    data: JSONBody[CasePatch],
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    if_match: SeenHeader = None,
) -> Response[CaseAnswer]:
    """Answers are put over the old ones, null takes one away; `materials` replaces the list."""
    demand_case_no(case_no)
    seen = _seen(if_match)
    return private_answer(
        await _ruled(lambda: database.decide(lambda c: change_draft(c, desk, case_no, data, seen)))
    )


@delete(
    "/cases/{case_no:str}",
    guards=[citizen_or_agent],
    status_code=204,
    responses=problems(Unauthorized, Forbidden, NotFound, InvalidMove),
    summary="Throw a draft away",
)
async def throw_away(
    case_no: CaseNoPath, desk: NamedDependency[Desk], database: NamedDependency[Database]
) -> None:
    """Only drafts; what was submitted is withdrawn instead."""
    demand_case_no(case_no)
    await database.decide(lambda c: delete_draft(c, desk, case_no))


@post(
    "/cases/{case_no:str}/submit",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(
        Unauthorized,
        Forbidden,
        AssuranceNeeded,
        NotFound,
        InvalidMove,
        ServiceWithdrawn,
        NotEligible,
        RulesFailed,
    ),
    summary="Submit a draft",
)
async def submit(
    case_no: CaseNoPath,
    request: Request[Any, Any, Any],
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    cache: NamedDependency[Cache],
    idempotency_key: KeyHeader = None,
) -> Response[CaseAnswer]:
    """Submitting what was submitted changes nothing. Some cases are decided at once."""

    async def work(connection: Connection) -> None:
        await submit_case(connection, desk, case_no)

    act = _Act(request, desk, database, settings, cache, case_no)
    return await act.done(work, idempotency_key)


@post(
    "/cases/{case_no:str}/corrections",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(Unauthorized, Forbidden, NotFound, InvalidMove, NotEligible, RulesFailed),
    summary="Answer a correction notice",
)
async def correct(
    case_no: CaseNoPath,
    data: JSONBody[CorrectionBody],
    request: Request[Any, Any, Any],
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    cache: NamedDependency[Cache],
    idempotency_key: KeyHeader = None,
) -> Response[CaseAnswer]:
    """All fields and materials that the notice names, at once, and no others."""

    async def work(connection: Connection) -> None:
        await hand_in_corrections(connection, desk, case_no, data)

    act = _Act(request, desk, database, settings, cache, case_no)
    return await act.done(work, idempotency_key)


@post(
    "/cases/{case_no:str}/withdrawal",
    guards=[citizen_or_agent],
    status_code=200,
    responses=problems(Unauthorized, Forbidden, NotFound, InvalidMove),
    summary="Withdraw a case",
)
async def withdraw(
    case_no: CaseNoPath,
    data: JSONBody[WithdrawalBody],
    request: Request[Any, Any, Any],
    desk: NamedDependency[Desk],
    database: NamedDependency[Database],
    settings: NamedDependency[Settings],
    cache: NamedDependency[Cache],
    idempotency_key: KeyHeader = None,
) -> Response[CaseAnswer]:
    """Until it is decided; a draft is thrown away instead."""

    async def work(connection: Connection) -> None:
        await withdraw_case(connection, desk, case_no, data)

    act = _Act(request, desk, database, settings, cache, case_no)
    return await act.done(work, idempotency_key)


class _Act(msgspec.Struct, frozen=True):
    """An act on a case that may carry a key: done once, answered with where the case stands."""

    request: Request[Any, Any, Any]
    desk: Desk
    database: Database
    settings: Settings
    cache: Cache
    case_no: str

    async def done(
        self, work: Callable[[Connection], Awaitable[None]], key: str | None
    ) -> Response[Any]:
        demand_case_no(self.case_no)

        async def decide(connection: Connection) -> Answer:
            await work(connection)
            answer = await answer_case(connection, self.desk, self.case_no)
            return Answer(200, msgspec.json.encode(answer))

        if key is None:
            answer = await _ruled(lambda: self.database.decide(decide))
        else:
            keyed = await _keyed(self.request, self.desk.caller, read_key(key))
            answer = await _ruled(lambda: remember(self.database, self.settings, keyed, decide))
        version = msgspec.json.decode(answer.body, type=_Version).version
        await forget_progress(self.cache, self.case_no, version)
        return _answered(answer)


class _Version(msgspec.Struct):
    version: int


async def _ruled(work: Callable[[], Awaitable[Result]]) -> Result:
    try:
        return await work()
    except TableFailed:
        raise RulesFailed() from None


async def _keyed(request: Request[Any, Any, Any], caller: Caller, key: str) -> Keyed:
    # An agent's keys are apart for each principal.
    owner = f"{caller.actor}/{caller.owner}"
    target = request.url.path
    return Keyed(owner, key, fingerprint(request.method, target, await request.body()))


def _answered(answer: Answer) -> Response[Any]:
    return private_answer(answer.body, status=answer.status, headers=answer.headers)


def _seen(if_match: str | None) -> int | None:
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().strip('"')
    if not (text.isascii() and text.isdigit()):
        raise PreconditionFailed()
    return int(text)


def _desk(vault: NamedDependency[Vault], caller: NamedDependency[Caller]) -> Desk:
    return open_desk(vault, caller)


router = Router(
    "/v1",
    route_handlers=[begin, list_own, show, change, throw_away, submit, correct, withdraw],
    dependencies={"desk": Provide(_desk, sync_to_thread=False)},
    tags=["cases"],
)
