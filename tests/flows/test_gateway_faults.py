"""Gateways, departments and uploads that do wrong: said in words, harming nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import httpx
import psutil
import pytest

from api.database import Database
from api.kinds import new_id
from api.messages.send_message import ask_for_due
from tests.cases.intake.builders import ANSWERS, PDF, RESIDENCE, docx, png, service_at
from tests.flows.people import Place, Visitor, event, until, without_id
from tests.gateways import SimulatedGateway
from tests.platforms.builders import Signed, encode, new_nonce
from tests.town import TIANHE

COMPLETED = "已办结，请评价"
SIGN_IN_SECONDS = 3.0
# Taken by the channel; WeChat also tells when it has arrived.
ARRIVED = ("accepted", "delivered")


@pytest.fixture
async def faulty(place: Place) -> AsyncIterator[Place]:
    """Afterwards the gateways answer again, and the service believes it."""
    yield place
    for gateway in place.gateways:
        await until(partial(is_back, gateway))
        gateway.clear_faults()
        open_id = gateway.citizen()

        async def signs_in(gateway: SimulatedGateway = gateway, open_id: str = open_id) -> Any:
            answer = await place.post_session(gateway, open_id)
            return answer if answer.status_code == 201 else None

        await until(signs_in)


@pytest.mark.parametrize(
    ("channel", "fault"),
    [
        ("wechat", {"hang": True}),
        ("wechat", {"status": 500}),
        ("wechat", {"lose_reply": True}),
        ("alipay", {"hang": True}),
        ("alipay", {"status": 502}),
        ("alipay", {"wrong_signature": True}),
    ],
    ids=lambda part: part if isinstance(part, str) else next(iter(part)),
)
async def test_a_sign_in_that_the_channel_spoils_is_answered_in_time(
    faulty: Place, channel: str, fault: dict[str, Any]
) -> None:
    broken, sound = sorted(faulty.gateways, key=lambda gateway: gateway.name != channel)
    person, other = broken.citizen(), sound.citizen()
    broken.faults(**fault, only="login")
    began = time.monotonic()
    waiting = asyncio.create_task(faulty.post_session(broken, person))
    await go_on(faulty, sound, other)
    answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (503, "channel_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    # Half a second for a machine that has much else to do.
    assert time.monotonic() - began < SIGN_IN_SECONDS + 0.5


async def go_on(place: Place, sound: SimulatedGateway, open_id: str) -> None:
    """Everybody else's requests meanwhile."""
    for path in (f"/v1/home?region={TIANHE}", f"/v1/services?region={TIANHE}", "/health/ready"):
        began = time.monotonic()
        answer = await place.client.get(path)
        assert answer.status_code == 200, answer.text
        assert time.monotonic() - began < 1.0, path
    assert (await place.sign_in(sound, open_id)).gateway is sound


async def test_a_code_that_was_lost_with_the_answer_makes_nobody_twice(faulty: Place) -> None:
    gateway = faulty.wechat
    open_id = gateway.citizen()
    gateway.faults(lose_reply=True, only="login", times=2)
    assert (await faulty.post_session(gateway, open_id)).status_code == 503
    gateway.clear_faults()
    first = await faulty.sign_in(gateway, open_id)
    assert (await faulty.sign_in(gateway, open_id)).citizen_id == first.citizen_id


async def handed_in(place: Place, here: Visitor) -> str:
    code = await service_at(place.client, RESIDENCE)
    return await here.submitted(code, ANSWERS[RESIDENCE], "m1", "m2", "m3")


async def test_cases_move_while_the_gateway_is_gone_and_people_hear_later(
    faulty: Place, standing_database: Database
) -> None:
    here = await faulty.arrive(faulty.wechat)
    case_no = await handed_in(faulty, here)
    await here.told(case_no, "申请已提交", *ARRIVED)
    kill(faulty, "adapters.wechat.simulator")
    for kind in ("accepted", "completed"):
        await faulty.department.moved(case_no, kind)
    assert (await here.progress(case_no))["label"] == "待评价"

    async def is_put_off() -> Any:
        told = [m for m in await here.messages(case_no) if m["title"] == COMPLETED]
        return told[0]["reason"] if told and told[0]["status"] == "waiting" else None

    assert await until(is_put_off) == "connection_failed"
    await until(partial(is_back, faulty.wechat))
    await let_time_pass(standing_database, case_no)
    await here.told(case_no, COMPLETED, *ARRIVED)
    assert faulty.sent(here, "case_completed") == 1


def kill(place: Place, program: str) -> None:
    """It dies as programs do; `up` starts it again."""
    children = psutil.Process(place.standing.process.pid).children(recursive=True)
    [dying] = [child for child in children if program in child.cmdline()]
    dying.kill()
    dying.wait(timeout=10)


async def is_back(gateway: SimulatedGateway) -> Any:
    try:
        return gateway.control("GET", "/clock")
    except httpx.HTTPError:
        return None


async def test_a_gateway_that_fails_leaves_it_unknown_and_sends_no_second(
    faulty: Place, standing_database: Database
) -> None:
    here = await faulty.arrive(faulty.wechat)
    case_no = await handed_in(faulty, here)
    await here.told(case_no, "申请已提交", *ARRIVED)
    faulty.wechat.faults(status=500, only="messages.send", times=1)
    await faulty.department.moved(case_no, "completed")
    # It may have left: that is said, and nobody is told twice.
    unknown = await here.told(case_no, COMPLETED, "unknown")
    await let_time_pass(standing_database, case_no)
    await faulty.department.moved(case_no, "delivered")
    await here.told(case_no, "结果已送达", *ARRIVED)
    assert await here.told(case_no, COMPLETED, "unknown") == unknown
    assert (unknown["sent_at"], faulty.sent(here, "case_completed")) == (None, 1)


async def let_time_pass(standing_database: Database, case_no: str) -> None:
    """The pause before the next try is over, and the timetable's minute has come."""
    async with standing_database.transaction() as connection:
        await connection.execute(
            "update messages set not_before = now() - interval '1 minute'"
            " where case_no = $1 and status = 'waiting'",
            case_no,
        )
    await ask_for_due(standing_database)()


async def test_a_message_whose_answer_is_lost_is_unknown_and_never_sent_again(
    faulty: Place, standing_database: Database
) -> None:
    here = await faulty.arrive(faulty.alipay)
    case_no = await handed_in(faulty, here)
    await here.told(case_no, "申请已提交", "accepted")
    faulty.alipay.faults(lose_reply=True, only="messages.send", times=1)
    await faulty.department.moved(case_no, "completed")
    unknown = await here.told(case_no, COMPLETED, "unknown")
    assert unknown["sent_at"] is None
    await let_time_pass(standing_database, case_no)
    await ask_for_due(standing_database)()
    await faulty.department.moved(case_no, "delivered")
    await here.told(case_no, "结果已送达", "accepted")
    assert (await here.told(case_no, COMPLETED, "unknown")) == unknown
    # One that was lost on the way back, and that of the delivery.
    assert faulty.sent(here, "case_completed") == 2


async def test_a_report_that_overtakes_its_answer_counts(faulty: Place) -> None:
    here = await faulty.arrive(faulty.wechat)
    faulty.wechat.faults(reply_late_ms=600, only="messages.send")
    case_no = await handed_in(faulty, here)
    await here.told(case_no, "申请已提交", "delivered")


async def test_a_forged_report_of_a_delivery_changes_nothing(faulty: Place) -> None:
    here = await faulty.arrive(faulty.wechat)
    faulty.wechat.faults(wrong_signature=True, only="notice")
    case_no = await handed_in(faulty, here)
    told = await here.told(case_no, "申请已提交", "accepted", "delivered")
    await asyncio.sleep(0.5)
    assert (await here.told(case_no, "申请已提交", "accepted", "delivered")) == told
    assert told["status"] == "accepted"


async def counter_case(place: Place) -> str:
    return await place.department.counter_case(await service_at(place.client, RESIDENCE))


async def test_a_forged_or_stale_signature_is_refused(place: Place) -> None:
    case_no = await counter_case(place)
    partner = place.department.partner
    before = (await place.department.call("GET", f"cases/{case_no}")).json()
    path, said = f"cases/{case_no}/events", event("accepted")
    for changed in (
        {"created": int(time.time()) - 301},
        {"created": int(time.time()) + 301},
        {"key_id": f"{partner.key.key_id[:-1]}x"},
        {"components": ("@method", "@target-uri")},
        {"nonce": "short"},
    ):
        answer = await place.department.call("POST", path, said, **changed)
        assert answer.status_code == 401, (changed, answer.text)
    url = f"{place.standing.address}/v1/platform/{path}"
    signed = partner.headers(Signed("POST", url, encode(said)))
    other = encode({**said, "type": "completed"})
    digest = partner.headers(Signed("POST", url, other))["Content-Digest"]
    for headers, body in (
        (signed, other),
        ({**signed, "Content-Digest": digest}, other),
        ({}, encode(said)),
        ({"Authorization": "Bearer nothing"}, encode(said)),
    ):
        typed = {"Content-Type": "application/json", **headers}
        answer = await place.client.post(url, content=body, headers=typed)
        assert answer.status_code == 401, (headers, answer.text)
    after = (await place.department.call("GET", f"cases/{case_no}")).json()
    assert after == before
    assert after["status"] == "submitted"


async def test_a_request_that_is_replayed_is_taken_exactly_once(place: Place) -> None:
    case_no = await counter_case(place)
    url = f"{place.standing.address}/v1/platform/cases/{case_no}/events"
    body = encode(event("accepted"))
    headers = place.department.partner.headers(Signed("POST", url, body, nonce=new_nonce()))
    headers["Content-Type"] = "application/json"
    answers = await asyncio.gather(
        *(place.client.post(url, content=body, headers=headers) for _ in range(20))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [202] + [409] * 19
    assert {a.json()["code"] for a in answers if a.status_code == 409} == {"nonce_used"}


async def test_an_impossible_move_is_refused_with_words(place: Place) -> None:
    case_no = await counter_case(place)
    await place.department.moved(case_no, "completed")
    answer = await place.department.push(case_no, "suspended", reason="核查", days=3)
    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_move")
    assert "已办结" in answer.json()["detail"]
    foreign = await place.department.push(f"{case_no}x", "completed")
    assert (foreign.status_code, foreign.json()["code"]) == (404, "not_found")


async def test_somebody_elses_case_is_like_none_over_the_wire(place: Place) -> None:
    here, other = await place.arrive(place.wechat), await place.arrive(place.alipay)
    case_no = await handed_in(place, here)
    missing = f"{case_no[:-9]}{'9' * 9}"
    for path in ("", "/progress", "/stream"):
        answers = [await other.get(f"/v1/cases/{number}{path}") for number in (case_no, missing)]
        assert without_id(answers[0]) == without_id(answers[1])
        assert answers[0].status_code == 404
    assert (await place.client.get(f"/v1/cases/{case_no}")).status_code == 401


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"<html><script>alert(1)</script>", 415),
        (b"MZ\x90\x00" + bytes(100), 415),
        (PDF + docx(), 415),
        (docx({"word/vbaProject.bin": b"x"}), 415),
        (docx({"word/media/a.bin": bytes(5_000_000)}), 413),
        (png(60_000, 60_000), 413),
        (PDF + bytes(10_485_760), 413),
    ],
    ids=["page", "program", "two files in one", "macros", "zip bomb", "pixel bomb", "too large"],
)
async def test_a_file_that_is_none_is_refused(place: Place, content: bytes, status: int) -> None:
    here = await place.arrive(place.wechat)
    answer = await here.upload(content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert (await here.get(f"/v1/uploads/{new_id()}")).status_code == 404
