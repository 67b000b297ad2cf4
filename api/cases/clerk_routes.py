"""Clerks: what there is to do, a case as a whole, and its moves."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Literal

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, JSONBody, QueryParameter

from api.access import Caller, clerk, demand_role
from api.answers import private_answer
from api.cache import Cache
from api.cases.accept_event import demand_rights
from api.cases.case_numbers import CaseNoPath, demand_case_no
from api.cases.decide_move import Move
from api.cases.list_tasks import Wanted, list_tasks
from api.cases.move_case import Moved, move_case
from api.cases.refusals import InvalidMove, PreconditionFailed, PreconditionRequired
from api.cases.schemas import ClerkCase, ClerkMoved, MoveBody, Task, spelled_out
from api.cases.show_case import show_case
from api.cases.show_progress import forget_progress
from api.cases.states import label_of
from api.database import CHINA, Database
from api.errors import Forbidden, NotFound, Unauthorized, ValidationFailed
from api.pages import Cursor, Cursors, Limit, Page
from api.problems import problems
from api.statements import Connection
from api.vault import Vault

HANDLER, SUPERVISOR = "handler", "supervisor"
_VERSION = re.compile(r'\A(?:W/)?"?([0-9]{1,9})"?\Z')

TaskStatus = Literal[
    "submitted",
    "returned",
    "pre_checked",
    "accepted",
    "awaiting_correction",
    "suspended",
    "awaiting_payment",
    "reviewed",
    "decided",
    "completed",
    "delivered",
    "withdrawn",
]


@get(
    "/tasks",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden),
    summary="Cases to be handled",
)
async def tasks(
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cursors: NamedDependency[Cursors],
    status: Annotated[
        TaskStatus | None,
        QueryParameter(name="status", description="none: all that are not finished"),
    ] = None,
    overdue: Annotated[bool | None, QueryParameter(name="overdue")] = None,
    limit: Limit = 20,
    cursor: Cursor = None,
) -> Response[Page[Task]]:
    """Of the clerk's bodies and places: overdue ones first, then by the day they are due."""
    _demand_either(caller)
    of = cursors.of("tasks", caller.owner, status, overdue)
    today = datetime.now(CHINA).date()
    wanted = Wanted(status, overdue)
    page = await database.read(lambda c: list_tasks(c, caller, wanted, of, cursor, limit, today))
    return private_answer(page)


@get(
    "/cases/{case_no:str}",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="A case as a whole",
)
async def case_for_clerk(
    case_no: CaseNoPath,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    vault: NamedDependency[Vault],
    purpose: Annotated[
        str | None,
        QueryParameter(
            name="purpose",
            min_length=2,
            max_length=200,
            pattern=r"\A[^\x00]*\Z",
            description="Why the form and the applicant are looked at; goes on record, "
            "where the citizen can read it. Without it both are null",
        ),
    ] = None,
) -> Response[ClerkCase]:
    """The `ETag` is the version, which a move sends back as `If-Match`."""
    _demand_either(caller)
    demand_case_no(case_no)
    shown = await database.decide(lambda c: show_case(c, vault, caller, case_no, purpose))
    return private_answer(shown, headers={"ETag": f'"{shown.version}"'})


@post(
    "/cases/{case_no:str}/moves",
    guards=[clerk],
    status_code=200,
    responses=problems(
        ValidationFailed,
        Unauthorized,
        Forbidden,
        NotFound,
        InvalidMove,
        PreconditionFailed,
        PreconditionRequired,
    ),
    summary="Move a case",
)
async def move_by_clerk(
    case_no: CaseNoPath,
    data: JSONBody[MoveBody],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    cache: NamedDependency[Cache],
    if_match: Annotated[
        str | None,
        HeaderParameter(
            name="If-Match",
            max_length=20,
            description='The version seen, such as "5"; a case that has changed gives 412',
        ),
    ] = None,
) -> Response[ClerkMoved]:
    """Of two clerks who move the same version at once, one is told to look again."""
    demand_role(caller, SUPERVISOR if data.move == "extended" else HANDLER)
    demand_case_no(case_no)
    version = read_version(if_match)

    async def decide(connection: Connection) -> Moved:
        await demand_rights(connection, caller, case_no)
        return await move_case(connection, case_no, _move(caller, data, version))

    moved = await database.decide(decide)
    await forget_progress(cache, case_no, moved.version)
    answer = ClerkMoved(
        case_no=case_no,
        status=moved.status,
        label=label_of(moved.status, evaluated=False)[0],
        version=moved.version,
        seq=moved.seq,
        applied=moved.applied,
    )
    return private_answer(answer, headers={"ETag": f'"{moved.version}"'})


def read_version(if_match: str | None) -> int:
    """The version in an If-Match header, quoted or bare. Raises PreconditionRequired without
    one, PreconditionFailed for what is none of our versions."""
    if if_match is None or not if_match.strip() or if_match.strip() == "*":
        raise PreconditionRequired()
    found = _VERSION.match(if_match.strip())
    if found is None:
        raise PreconditionFailed()
    return int(found[1])


def _demand_either(caller: Caller) -> None:
    if not caller.roles & {HANDLER, SUPERVISOR}:
        raise Forbidden()


def _move(caller: Caller, body: MoveBody, version: int) -> Move:
    return Move(
        event_type=body.move,
        actor=caller.actor,
        note=body.note,
        reason=body.reason,
        days=body.days,
        correction=body.correction,
        result=spelled_out(body.result),
        fee=body.fee,
        expect_version=version,
    )


clerk_router = Router(
    "/v1/clerk", route_handlers=[tasks, case_for_clerk, move_by_clerk], tags=["cases"]
)
