"""The one way a case moves, in a real database."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from api.cases.count_clock import EXTENSION_DAYS
from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.refusals import EventIdReused, InvalidMove, PreconditionFailed
from api.cases.schemas import CaseResult, Correction, FeeDue, WantedMaterial
from api.database import CHINA, Database
from api.errors import DatabaseUnavailable, NotFound, ValidationFailed
from api.statements import Connection
from tests.cases.builders import (
    GUIDE,
    GUIDED,
    add_guide,
    add_submitted,
    event,
    in_turn,
    tell,
    told,
)

NOW = datetime.now(CHINA)


async def row_of(connection: Connection, case_no: str) -> Any:
    return await connection.fetchrow("select * from cases where case_no = $1", case_no)


async def new_case(database: Database, **changed: Any) -> str:
    async with database.transaction() as connection:
        return await add_submitted(connection, **changed)


async def test_a_move_is_written_with_its_record_note_and_fact(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    await connection.execute("delete from pgqueuer")
    moved = await move_case(connection, case_no, told(case_no, event("accepted", note="收下了")))
    assert (moved.status, moved.version, moved.seq, moved.applied) == ("accepted", 3, 2, True)
    row = await row_of(connection, case_no)
    assert (row["status"], row["version"], row["last_seq"]) == ("accepted", 3, 2)
    assert (row["clock"], row["accepted_on"]) == ("running", row["received_on"])
    recorded = await connection.fetchrow(
        "select type, applied, from_status, to_status, note from case_events "
        "where case_no = $1 and seq = 2",
        case_no,
    )
    assert tuple(recorded) == ("accepted", True, "submitted", "accepted", "收下了")
    noted = await connection.fetchval(
        "select count(*) from audit_entries where subject = $1 and action = 'case.accepted'",
        f"case:{case_no}",
    )
    assert noted == 1
    facts = await connection.fetch("select entrypoint from pgqueuer")
    assert [fact["entrypoint"] for fact in facts] == ["case.moved"]


async def test_the_same_event_from_64_at_once_is_applied_once(database: Database) -> None:
    case_no = await new_case(database)
    body = event("accepted")

    async def push() -> bool:
        for _ in range(60):
            try:
                moved = await tell(database, case_no, body)
            except DatabaseUnavailable:
                # Too many for the pool at once: the department comes back.
                await asyncio.sleep(random.uniform(0.01, 0.1))
            else:
                return moved.applied and not moved.repeated
        raise AssertionError("never got through")

    outcomes = await asyncio.gather(*(push() for _ in range(64)))
    assert sum(outcomes) == 1
    async with database.connection() as connection:
        row = await row_of(connection, case_no)
        assert (row["version"], row["last_seq"]) == (3, 2)


async def test_a_repeat_is_silence(database: Database) -> None:
    case_no = await new_case(database)
    body = event("accepted")
    first = await tell(database, case_no, body)
    again = await tell(database, case_no, body)
    assert not first.repeated
    assert again.repeated
    assert (again.seq, again.version) == (first.seq, first.version)


async def test_an_event_id_means_one_event(database: Database) -> None:
    case_no, other = await new_case(database), await new_case(database)
    body = event("accepted", event_id="e-1")
    await tell(database, case_no, body, platform_id="p-reuse")
    changed = event("accepted", body.occurred_at, event_id="e-1", note="别的话")
    with pytest.raises(EventIdReused):
        await tell(database, case_no, changed, platform_id="p-reuse")
    with pytest.raises(EventIdReused):
        await tell(database, other, body, platform_id="p-reuse")
    # Another platform may call its own events as it likes.
    assert (await tell(database, other, body, platform_id="p-other")).applied


async def test_an_older_event_is_recorded_and_moves_nothing(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    await move_case(connection, case_no, told(case_no, event("reviewed", NOW)))
    late = event("accepted", NOW - timedelta(hours=1))
    moved = await move_case(connection, case_no, told(case_no, late))
    assert (moved.applied, moved.status, moved.seq) == (False, "reviewed", 3)
    assert (
        await connection.fetchval(
            "select applied from case_events where case_no = $1 and seq = 3", case_no
        )
        is False
    )


async def test_an_event_from_the_future_is_refused(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    ahead = datetime.now(CHINA) + timedelta(minutes=4)
    assert (await move_case(connection, case_no, told(case_no, event("accepted", ahead)))).applied
    too_far = event("reviewed", datetime.now(CHINA) + timedelta(minutes=6))
    with pytest.raises(ValidationFailed) as refused:
        await move_case(connection, case_no, told(case_no, too_far))
    assert (refused.value.errors or [])[0].field == "occurred_at"


async def test_any_order_in_the_database_ends_as_the_right_one(database: Database) -> None:
    kinds = ("pre_checked", "accepted", "suspended", "resumed", "reviewed", "decided", "completed")
    events = in_turn(*kinds)
    ends = []
    for seed in range(6):
        case_no = await new_case(database)
        arrival = [*events, *events[:3]]
        if seed:
            random.Random(seed).shuffle(arrival)
        for body in arrival:
            await tell(database, case_no, body, platform_id=f"order-{case_no}")
        async with database.connection() as connection:
            row = await row_of(connection, case_no)
        ends.append([row[c] for c in ("status", "result_code", "accepted_on", "due_on", "clock")])
    assert ends[0][:2] == ["completed", "0"]
    assert ends == [ends[0]] * 6


async def test_what_was_recorded_stays(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    for change in (
        "update case_events set note = 'x' where case_no = $1",
        "delete from case_events where case_no = $1",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            async with connection.transaction():
                await connection.execute(change, case_no)
    with pytest.raises(asyncpg.RestrictViolationError):
        async with connection.transaction():
            await connection.execute("truncate case_events")


async def test_a_move_of_what_is_not_there_is_not_found(connection: Connection) -> None:
    with pytest.raises(NotFound):
        await move_case(connection, "nowhere", Move(event_type="submitted", actor="citizen:x"))


async def test_who_saw_an_older_version_looks_again(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    with pytest.raises(PreconditionFailed):
        await move_case(
            connection, case_no, Move(event_type="accepted", actor="clerk:x", expect_version=1)
        )


@pytest.mark.parametrize(
    ("kind", "said", "field"),
    [
        ("suspended", {"reason": None, "note": None}, "reason"),
        ("extended", {"days": 11}, "days"),
        ("extended", {"reason": " ", "note": None}, "reason"),
        ("completed", {"result": {"code": "1"}, "note": None}, "result.reason"),
        ("completed", {"result": "6", "note": None}, "result.reason"),
        ("payment_requested", {"fee": None}, "fee"),
        ("correction_requested", {}, "correction"),
        ("correction_requested", {"correction": {"note": "重新交"}}, "correction"),
    ],
)
async def test_what_an_event_must_say(
    connection: Connection, kind: str, said: dict[str, Any], field: str
) -> None:
    case_no = await add_submitted(connection)
    with pytest.raises(ValidationFailed) as refused:
        await move_case(connection, case_no, told(case_no, event(kind, **said)))
    assert [wrong.field for wrong in refused.value.errors or []] == [field]


async def test_a_note_serves_as_the_reason_and_ids_and_codes_may_stand_bare(
    connection: Connection,
) -> None:
    await add_guide(connection)
    case_no = await add_submitted(connection, service_code=GUIDED)
    kinds: tuple[tuple[str, dict[str, Any]], ...] = (
        ("accepted", {}),
        ("suspended", {"note": "现场勘验", "reason": None, "days": None}),
        ("resumed", {}),
        ("extended", {"note": "案情复杂", "reason": None, "days": None}),
        ("correction_requested", {"correction": {"materials": ["photo"]}}),
        ("completed", {"result": "1", "note": "不符合条件"}),
    )
    for kind, said in kinds:
        moved = await move_case(connection, case_no, told(case_no, event(kind, **said)))
        assert moved.applied, kind
    row = await connection.fetchrow("select * from cases where case_no = $1", case_no)
    assert (row["result_code"], row["result_reason"]) == ("1", "不符合条件")
    assert row["extended_days"] == EXTENSION_DAYS


async def test_a_refusal_is_a_completion_with_its_reason(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    refusal = event("completed", result={"code": "1", "reason": "不符合条件"})
    await move_case(connection, case_no, told(case_no, refusal))
    row = await row_of(connection, case_no)
    assert (row["status"], row["result_code"], row["result_reason"]) == (
        "completed",
        "1",
        "不符合条件",
    )
    assert (row["clock"], row["due_on"]) == ("stopped", None)


async def test_a_correction_asks_only_for_what_the_guide_asks_for(connection: Connection) -> None:
    await add_guide(connection)
    case_no = await add_submitted(connection, service_code=GUIDED)
    wanted = Correction(["reason", "shoe_size"], [WantedMaterial("photo"), WantedMaterial("x")])
    with pytest.raises(ValidationFailed) as refused:
        await move_case(
            connection, case_no, told(case_no, event("correction_requested", correction=wanted))
        )
    assert [(e.field, e.code) for e in refused.value.errors or []] == [
        ("correction.fields[1]", "not_asked_for"),
        ("correction.materials[1].material_id", "not_asked_for"),
    ]
    assert "shoe_size" in (refused.value.errors or [])[0].detail


async def test_corrections_are_asked_for_as_often_as_the_process_allows(
    connection: Connection,
) -> None:
    await add_guide(connection)
    case_no = await add_submitted(connection, service_code=GUIDED)
    wanted = Correction(["reason"], [WantedMaterial("photo", "看不清")])
    asked = Move(event_type="correction_requested", actor="clerk:x", correction=wanted)
    await move_case(connection, case_no, asked)
    row = await row_of(connection, case_no)
    assert '"material_id":"photo"' in row["correction"]
    corrected = await move_case(
        connection, case_no, Move(event_type="corrected", actor="citizen:x")
    )
    assert corrected.status == "submitted"
    assert (await row_of(connection, case_no))["correction"] is None
    with pytest.raises(InvalidMove, match="invalid_move"):
        await move_case(connection, case_no, asked)


async def test_the_limit_is_extended_once(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    await move_case(connection, case_no, told(case_no, event("accepted")))
    before = (await row_of(connection, case_no))["due_on"]
    await move_case(connection, case_no, told(case_no, event("extended")))
    assert (await row_of(connection, case_no))["due_on"] > before
    with pytest.raises(InvalidMove):
        await move_case(connection, case_no, told(case_no, event("extended")))


async def test_a_case_waits_for_its_fee_where_the_process_says_so(connection: Connection) -> None:
    await add_guide(
        connection, {**GUIDE, "process": {"payment": {"after": "acceptance"}}}, code="F" * 31
    )
    case_no = await add_submitted(connection, service_code="F" * 31, fee_fen=2000)
    moved = await move_case(connection, case_no, told(case_no, event("accepted")))
    assert (moved.status, moved.applied) == ("awaiting_payment", True)
    paid = Move(event_type="paid", actor="system:payments", fee=FeeDue(2000))
    assert (await move_case(connection, case_no, paid)).status == "accepted"
    # Once paid it is not asked for again.
    assert (await move_case(connection, case_no, told(case_no, event("decided")))).status == (
        "decided"
    )


async def test_several_moves_are_one_transaction(connection: Connection) -> None:
    case_no = await add_submitted(connection, limit_days=0)
    for kind in ("accepted", "decided", "completed"):
        result = CaseResult("0") if kind == "completed" else None
        moved = await move_case(
            connection, case_no, Move(event_type=kind, actor="system:rules", result=result)
        )
    assert (moved.status, moved.seq) == ("completed", 4)


async def test_numbers_of_people_in_a_note_are_masked(connection: Connection) -> None:
    case_no = await add_submitted(connection)
    # An invented mobile number.
    body = event("accepted", note="请拨打13912345678")
    await move_case(connection, case_no, told(case_no, body))
    assert (
        await connection.fetchval(
            "select note from case_events where case_no = $1 and seq = 2", case_no
        )
        == "请拨打139****5678"
    )
