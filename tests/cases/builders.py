"""Cases to test with: rows as the intake leaves them, and events as departments tell them."""

from __future__ import annotations

import itertools
import secrets
from datetime import datetime, timedelta
from typing import Any

import msgspec

from api.cases.accept_event import fingerprint
from api.cases.decide_move import Move
from api.cases.move_case import Moved, move_case
from api.cases.query_passwords import hash_query_password
from api.cases.schemas import CaseResult, EventBody, spelled_out
from api.database import CHINA, Database
from api.statements import Connection

SERVICE = "11440106DM1GL9LR584440701003000"
REGION = "440106000000"
PASSWORD = "ABCD2345EFGH"
BEGAN = datetime(2026, 3, 2, 9, 0, tzinfo=CHINA)
_numbers = itertools.count(1)

# A guide with a form and materials of its own, so that corrections have something to ask for.
GUIDED = "11440106DM1GL9LR584440799999000"
GUIDE: dict[str, Any] = {
    "process": {
        "form": [{"name": "reason", "label": "原因"}, {"name": "address", "label": "地址"}],
        "steps": [],
        "corrections_most": 1,
    },
    "materials": [{"material_id": "photo", "name": "照片"}, {"material_id": "m2", "name": "表"}],
}


def new_case_no() -> str:
    return f"T{secrets.token_hex(8)}-{next(_numbers)}"


async def add_case(connection: Connection, **changed: Any) -> str:
    """A draft as the intake leaves it, or a row in any state; gives its number."""
    row: dict[str, Any] = {
        "case_no": new_case_no(),
        "origin": "online",
        "citizen_id": secrets.token_hex(16),
        "service_code": SERVICE,
        "service_version": 1,
        "service_name": "居民身份证丢失补领",
        "department_code": SERVICE[:18],
        "region_code": REGION,
        "status": "draft",
        "limit_days": 20,
        **changed,
    }
    row.setdefault("query_password_hash", hash_query_password(row["case_no"], PASSWORD))
    names = ", ".join(row)
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    await connection.execute(f"insert into cases ({names}) values ({places})", *row.values())
    return str(row["case_no"])


async def add_submitted(connection: Connection, **changed: Any) -> str:
    """A case that was handed in just now."""
    case_no = await add_case(connection, **changed)
    await move_case(connection, case_no, Move(event_type="submitted", actor="citizen:test"))
    return case_no


async def add_guide(
    connection: Connection, guide: dict[str, Any] = GUIDE, code: str = GUIDED
) -> None:
    """A version 1 of an item that only cases know."""
    await connection.execute(
        "insert into service_versions (service_code, version, guide, digest, publisher) "
        "values ($1, 1, $2, '\\x00', 'test') on conflict do nothing",
        code,
        msgspec.json.encode(guide).decode(),
    )


def event(kind: str, at: datetime | None = None, **said: Any) -> EventBody:
    """An event with what its kind must say."""
    given: dict[str, Any] = {
        "event_id": secrets.token_hex(8),
        "type": kind,
        "occurred_at": at or datetime.now(CHINA),
    }
    if kind in ("suspended", "extended"):
        given |= {"reason": "需要检测", "days": 5}
    if kind == "payment_requested":
        given["fee"] = {"amount_fen": 2000}
    return msgspec.convert({**given, **said}, EventBody)


def told(case_no: str, body: EventBody, platform_id: str = "platform-test") -> Move:
    """The move that an event becomes."""
    return Move(
        event_type=body.type,
        actor=f"platform:{platform_id}",
        occurred_at=body.occurred_at,
        platform_id=platform_id,
        event_id=body.event_id,
        fingerprint=fingerprint(case_no, body),
        note=body.note,
        reason=body.reason,
        days=body.days,
        correction=body.correction,
        result=spelled_out(body.result),
        fee=body.fee,
    )


async def tell(database: Database, case_no: str, body: EventBody, **who: Any) -> Moved:
    """Push one event in a transaction of its own."""
    return await database.decide(lambda c: move_case(c, case_no, told(case_no, body, **who)))


def in_turn(*kinds: str, began: datetime = BEGAN, **said: Any) -> list[EventBody]:
    """Events of these kinds, an hour apart; a completion issues the certificate."""
    return [
        event(
            kind,
            began + timedelta(hours=number),
            **({"result": CaseResult("0")} if kind == "completed" else {}),
            **said,
        )
        for number, kind in enumerate(kinds)
    ]
