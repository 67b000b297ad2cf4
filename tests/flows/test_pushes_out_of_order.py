"""Departments' systems tell late, twice, all at once and in any order: the end is the same."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from api.database import CHINA
from tests.cases.intake.builders import RESIDENCE, service_at
from tests.flows.people import Place, event

SEEDS = range(8)
RECEIVED = datetime(2026, 3, 2, 9, 0, tzinfo=CHINA)

# A department's whole story, in the right order.
STORY: tuple[tuple[str, dict[str, Any]], ...] = (
    ("pre_checked", {}),
    ("accepted", {"note": "材料齐全"}),
    ("suspended", {"reason": "入户核查", "days": 5}),
    ("resumed", {}),
    ("extended", {"reason": "案情复杂", "days": 5}),
    ("reviewed", {}),
    ("decided", {}),
    ("completed", {"result": {"code": "1", "reason": "居住不满半年"}}),
)
# What may differ: how the case came there, not where it stands.
PATHS = ("case_no", "version", "seq", "created_at", "updated_at")


async def new_case(place: Place) -> str:
    code = await service_at(place.client, RESIDENCE)
    return await place.department.counter_case(code, received_at=RECEIVED.isoformat())


def story() -> list[dict[str, Any]]:
    """Events with ids of their own, two days apart."""
    return [
        event(kind, occurred_at=(RECEIVED + timedelta(days=2 * number)).isoformat(), **said)
        for number, (kind, said) in enumerate(STORY, start=1)
    ]


async def end_state(place: Place, case_no: str) -> dict[str, Any]:
    answer = await place.department.call("GET", f"cases/{case_no}")
    assert answer.status_code == 200, answer.text
    return {k: v for k, v in answer.json().items() if k not in PATHS}


async def tell(place: Place, case_no: str, said: dict[str, Any]) -> httpx.Response:
    """Push one event; a row that somebody else holds for too long is asked for again."""
    for _ in range(10):
        answer = await place.department.call("POST", f"cases/{case_no}/events", said)
        if answer.status_code != 503:
            break
        await asyncio.sleep(0.2)
    return answer


@pytest.fixture
async def right(place: Place) -> dict[str, Any]:
    """Where the story ends when it is told as it happened."""
    case_no = await new_case(place)
    for said in story():
        answer = await tell(place, case_no, said)
        assert (answer.status_code, answer.json()["applied"]) == (202, True), answer.text
    state = await end_state(place, case_no)
    assert (state["status"], state["result_code"], state["clock"]) == ("completed", "1", "stopped")
    return state


async def test_any_order_ends_the_same(place: Place, right: dict[str, Any]) -> None:
    for seed in SEEDS:
        case_no = await new_case(place)
        shuffled = story()
        random.Random(seed).shuffle(shuffled)
        for said in shuffled:
            answer = await tell(place, case_no, said)
            assert answer.status_code == 202, (seed, said["type"], answer.text)
        assert await end_state(place, case_no) == right, [said["type"] for said in shuffled]


async def test_before_the_end_the_order_does_not_matter_either(place: Place) -> None:
    for length in (4, 6):
        ends = []
        for seed in (None, 1, 2, 3):
            case_no = await new_case(place)
            told = story()[:length]
            if seed is not None:
                random.Random(seed).shuffle(told)
            for said in told:
                assert (await tell(place, case_no, said)).status_code == 202
            ends.append(await end_state(place, case_no))
        assert ends[1:] == ends[:1] * 3


async def test_all_at_once_and_each_three_times_ends_the_same(
    place: Place, right: dict[str, Any]
) -> None:
    case_no = await new_case(place)
    told = story() * 3
    random.Random(9).shuffle(told)
    answers = await asyncio.gather(*(tell(place, case_no, said) for said in told))
    assert {answer.status_code for answer in answers} == {202}
    assert await end_state(place, case_no) == right
    applied: dict[str, int] = {}
    for answer in answers:
        body = answer.json()
        applied[body["event_id"]] = applied.get(body["event_id"], 0) + body["applied"]
    assert max(applied.values()) == 1


async def test_a_batch_with_poison_in_it_does_what_is_right(
    place: Place, right: dict[str, Any]
) -> None:
    cases = [await new_case(place) for _ in range(3)]
    rows = [{"case_no": case_no, **said} for case_no in cases for said in story() * 2]
    random.Random(5).shuffle(rows)
    poison: list[Any] = [
        {"case_no": cases[0], **event("melted")},
        {"case_no": cases[1], **event("accepted"), "occurred_at": "yesterday"},
        {"case_no": cases[2], **event("completed", result={"code": "3"})},
        {"case_no": "nobody-has-it", **event("accepted")},
        {"case_no": None, "event_id": 7},
        {},
    ]
    places = range(0, len(rows), len(rows) // len(poison))
    for number, bad in zip(places, poison, strict=False):
        rows.insert(number, bad)
    bad_at = [number for number, row in enumerate(rows) if row in poison]
    for _ in range(2):
        answer = await place.department.call("POST", "events", {"events": rows})
        assert answer.status_code == 202, answer.text
        items = answer.json()["items"]
        assert len(items) == len(rows)
        wrong = [number for number, item in enumerate(items) if item["error"] is not None]
        assert wrong == bad_at, [items[number] for number in wrong]
        for item in items:
            assert (item["applied"] is None) == (item["error"] is not None)
    for case_no in cases:
        assert await end_state(place, case_no) == right


async def test_one_event_id_tells_one_thing(place: Place) -> None:
    case_no, other = await new_case(place), await new_case(place)
    said = story()[1]
    assert (await tell(place, case_no, said)).json()["applied"] is True
    before = await end_state(place, case_no)
    for where, changed in ((case_no, {**said, "note": "别的话"}), (other, said)):
        answer = await tell(place, where, changed)
        assert (answer.status_code, answer.json()["code"]) == (409, "event_id_reused")
    assert await end_state(place, case_no) == before


async def test_the_same_batch_in_two_halves_at_once_ends_the_same(
    place: Place, right: dict[str, Any]
) -> None:
    case_no = await new_case(place)
    rows = [{"case_no": case_no, **said} for said in story()]
    halves = (rows[::2], rows[1::2], rows)
    answers = await asyncio.gather(
        *(place.department.call("POST", "events", {"events": half}) for half in halves)
    )
    for answer in answers:
        failed = [i["error"]["code"] for i in answer.json()["items"] if i["error"]]
        assert set(failed) <= {"database_unavailable", "request_in_progress"}, answer.text
    # Whoever was told to come back comes back with the same.
    again = await place.department.call("POST", "events", {"events": rows})
    assert [i["error"] for i in again.json()["items"]] == [None] * len(rows)
    assert await end_state(place, case_no) == right
