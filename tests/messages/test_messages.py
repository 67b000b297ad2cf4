"""Each move is told once, at a decent hour, and a failing channel holds up nothing."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from api.database import CHINA
from api.messages.send_message import ask_for_due
from api.messages.tell_citizen import end_of_quiet
from tests.messages.conftest import Desk


async def test_a_move_is_told_once_however_often_the_fact_comes(desk: Desk) -> None:
    fact = await desk.moved(await desk.citizen())
    await asyncio.gather(*(desk.tell(fact) for _ in range(5)))
    message = await desk.message(fact)
    await asyncio.gather(*(desk.send(str(message["message_id"])) for _ in range(5)))
    assert (await desk.message(fact))["status"] in ("accepted", "delivered")
    assert len(desk.gateway.all("messages")) == 1


async def test_what_is_sent_says_what_happened(desk: Desk) -> None:
    await desk.sent(await desk.moved(await desk.citizen()))
    [message] = desk.gateway.all("messages")
    assert "申请已受理" in str(message)


async def test_somebody_without_an_account_is_told_nowhere_and_that_is_said(desk: Desk) -> None:
    message = await desk.sent(await desk.moved(await desk.citizen(linked=False)))
    assert (message["status"], message["reason"]) == ("withheld", "not_linked")


async def test_a_muted_kind_is_withheld(desk: Desk) -> None:
    citizen_id = await desk.citizen()
    await desk.wish(citizen_id, '{"muted_kinds": ["case_moved"]}')
    message = await desk.sent(await desk.moved(citizen_id))
    assert (message["status"], message["reason"]) == ("withheld", "muted")
    assert desk.gateway.all("messages") == []


async def test_who_never_agreed_is_not_reached_and_that_is_final(desk: Desk) -> None:
    fact = await desk.moved(await desk.citizen(agrees=False))
    message = await desk.sent(fact)
    assert (message["status"], message["reason"]) == ("failed", "user_refused")
    await desk.send(str(message["message_id"]))
    assert (await desk.message(fact))["attempts"] == 1


async def test_what_may_have_left_is_unknown_and_never_sent_twice(desk: Desk) -> None:
    # The first one fetches the access token, so that the fault meets the message itself.
    await desk.sent(await desk.moved(await desk.citizen()))
    fact = await desk.moved(await desk.citizen())
    desk.gateway.faults(lose_reply=True, only="messages.send", times=1)
    message = await desk.sent(fact)
    assert message["status"] == "unknown"
    await desk.send(str(message["message_id"]))
    assert len(desk.gateway.all("messages")) == 2


async def test_a_message_that_surely_did_not_leave_waits_and_goes_later(desk: Desk) -> None:
    fact = await desk.moved(await desk.citizen())
    async with desk.database.transaction() as connection:
        await connection.execute("delete from channel_tokens")
    # Without an access token nothing can be sent.
    desk.gateway.faults(status=500, only="token")
    message = await desk.sent(fact)
    assert message["status"] == "waiting"
    desk.gateway.clear_faults()
    async with desk.database.transaction() as connection:
        await connection.execute(
            "update messages set not_before = now() - interval '1 hour' where message_id = $1",
            message["message_id"],
        )
    await desk.send(str(message["message_id"]))
    assert (await desk.message(fact))["status"] in ("accepted", "delivered")


async def test_a_lost_sender_leaves_an_unknown_message(desk: Desk) -> None:
    fact = await desk.moved(await desk.citizen())
    await desk.tell(fact)
    async with desk.database.transaction() as connection:
        await connection.execute(
            "update messages set status = 'sending', updated_at = now() - interval '5 minutes' "
            "where case_no = $1",
            fact.case_no,
        )
    await ask_for_due(desk.database)()
    message = await desk.message(fact)
    assert (message["status"], message["reason"]) == ("unknown", "sender_lost")


async def test_quiet_hours_of_ones_own_hold_a_message_back(desk: Desk) -> None:
    citizen_id = await desk.citizen()
    hour = datetime.now(CHINA).hour
    hours = f"{hour:02d}-{(hour + 2) % 24:02d}"
    await desk.wish(citizen_id, f'{{"quiet_hours": "{hours}"}}')
    fact = await desk.moved(citizen_id)
    message = await desk.sent(fact)
    assert message["status"] == "waiting"
    not_before = message["not_before"]
    assert isinstance(not_before, datetime)
    assert not_before == end_of_quiet(not_before, hours)
    assert desk.gateway.all("messages") == []


@pytest.mark.parametrize(
    ("hour", "hours", "waits_until"),
    [
        (23, "22-08", (23, 8)),
        (3, "22-08", (22, 8)),
        (8, "22-08", None),
        (21, "22-08", None),
        (13, "12-14", (22, 14)),
        (14, "12-14", None),
        (13, "", None),
        (13, "00-00", None),
    ],
)
def test_quiet_hours_end_in_the_morning(
    hour: int, hours: str, waits_until: tuple[int, int] | None
) -> None:
    now = datetime(2026, 11, 22, hour, 30, tzinfo=CHINA)
    end = end_of_quiet(now, hours)
    if waits_until is None:
        assert end == now
    else:
        assert (end.day, end.hour, end.minute) == (*waits_until, 0)
