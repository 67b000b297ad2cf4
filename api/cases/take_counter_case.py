"""A case taken at a counter: on record under its number, once, and moved like any other."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from api.access import Caller, covers
from api.audit import note
from api.cases import queries
from api.cases.case_numbers import looks_like_ours, next_case_no
from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.query_passwords import (
    derive_query_password,
    hash_query_password,
    is_query_password,
)
from api.cases.refusals import CaseNoTaken, no_such_case, wrong_value
from api.cases.rows import PlatformCaseRow, ServiceRow
from api.cases.schemas import CounterCase, PlatformCase
from api.cases.sealed import Applicant, seal_applicant
from api.cases.states import label_of
from api.database import CHINA
from api.errors import Forbidden, NotFound, ServiceWithdrawn
from api.statements import Connection
from api.vault import Vault


class Taken(Struct, frozen=True):
    """The case as it stands; `created` false: it was on record already."""

    case: PlatformCase
    created: bool


async def mint_case_no(connection: Connection, caller: Caller, service_code: str) -> str:
    """A number for one of the caller's items. Raises NotFound, Forbidden, ServiceWithdrawn."""
    await _demand_service(connection, caller, service_code)
    case_no = await next_case_no(connection, service_code)
    await queries.mint_case_no(
        connection, case_no=case_no, service_code=service_code, platform_id=caller.owner
    )
    return case_no


async def take_counter_case(
    connection: Connection,
    vault: Vault,
    secret: bytes,
    caller: Caller,
    case_no: str,
    body: CounterCase,
) -> Taken:
    """Put it on record, or find it there. Raises Forbidden, NotFound, ServiceWithdrawn,
    ValidationFailed for a number of our form that we did not hand out, CaseNoTaken."""
    service = await _demand_service(connection, caller, body.service_code)
    await _demand_number(connection, caller, case_no, body.service_code)
    password = derive_query_password(secret, case_no)
    applicant = Applicant(body.applicant.name, body.applicant.id_number, body.applicant.phone)
    added = await queries.add_counter_case(
        connection,
        case_no=case_no,
        platform_id=caller.owner,
        service_code=service.service_code,
        service_version=service.version,
        service_name=service.name,
        department_code=service.department_code,
        region_code=service.region_code,
        applicant_sealed=seal_applicant(vault, case_no, applicant),
        query_password_hash=hash_query_password(case_no, password),
        limit_days=service.limit_days,
    )
    if added is not None:
        received = body.received_at or datetime.now(CHINA)
        submitted = Move(
            event_type="submitted",
            actor=caller.actor,
            platform_id=caller.owner,
            occurred_at=received,
            note=body.note,
        )
        await move_case(connection, case_no, submitted)
        await note(connection, actor=caller.actor, action="case.taken", subject=f"case:{case_no}")
    row = await queries.find_platform_case(connection, case_no=case_no)
    if row is None or not _is_same(row, caller, body):
        raise CaseNoTaken()
    case = shape_platform_case(row)
    if is_query_password(case_no, password, row.query_password_hash):
        case = msgspec.structs.replace(case, query_password=password)
    return Taken(case, created=added is not None)


async def show_platform_case(connection: Connection, caller: Caller, case_no: str) -> PlatformCase:
    """Raises NotFound for a case that is not there or not within the caller's rights."""
    row = await queries.find_platform_case(connection, case_no=case_no)
    if row is None or not covers(caller, row.service_code, row.region_code):
        raise no_such_case()
    return shape_platform_case(row)


def shape_platform_case(row: PlatformCaseRow) -> PlatformCase:
    """The row as platforms see it."""
    return PlatformCase(
        case_no=row.case_no,
        service_code=row.service_code,
        service_name=row.service_name,
        region_code=row.region_code,
        origin=row.origin,
        status=row.status,
        label=label_of(row.status, evaluated=row.evaluated_at is not None)[0],
        version=row.version,
        seq=row.last_seq,
        clock=row.clock,
        due_on=row.due_on,
        due_provisional=row.due_provisional,
        result_code=row.result_code,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _is_same(row: PlatformCaseRow, caller: Caller, body: CounterCase) -> bool:
    return (
        row.origin == "counter"
        and row.platform_id == caller.identifier
        and row.service_code == body.service_code
    )


async def _demand_service(connection: Connection, caller: Caller, service_code: str) -> ServiceRow:
    service = await queries.find_service(connection, service_code=service_code)
    if service is None:
        raise NotFound("没有这个事项。", "There is no such service.")
    if not covers(caller, service_code, service.region_code):
        raise Forbidden()
    if service.withdrawn:
        raise ServiceWithdrawn()
    return service


async def _demand_number(
    connection: Connection, caller: Caller, case_no: str, service_code: str
) -> None:
    if not looks_like_ours(case_no):
        return
    minted = await queries.find_minted_service(
        connection, case_no=case_no, platform_id=caller.owner
    )
    if minted != service_code:
        raise wrong_value(
            "case_no",
            "not_minted",
            "这个编号不是为该事项领取的办件编号。",
            "This number was not handed out to you for that service.",
        )
