"""Sends one message: take it, let the connection go, call the channel, note what came of it.

A channel that fails holds up nothing but its own messages. What surely did not leave waits
and is tried again for a day; what may have left is `unknown` and never sent twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog
from msgspec import Struct

from adapters.contract import Message, Messages, Refusal, Unreachable
from api.channels import Channels, ChannelUnknown
from api.database import CHINA, Database
from api.errors import DatabaseUnavailable
from api.events import publish
from api.facts import MessageAsked
from api.messages import queries
from api.messages.rows import TakenRow
from api.messages.words import WORDS
from api.statements import Connection
from api.vault import Vault

CASE_PAGE = "pages/case/index"
GIVE_UP_AFTER = timedelta(days=1)
DUE_AT_ONCE = 500
# The fact of a fresh message is on its way; only what was passed over is asked for again.
_PASSED_OVER_SECONDS = 20.0
log = structlog.get_logger()


class Outcome(Struct, frozen=True):
    """What came of one try."""

    status: str
    reason: str | None = None
    channel_message_id: str | None = None
    not_before: datetime | None = None


def send_message(
    database: Database, vault: Vault, channels: Channels
) -> Callable[[MessageAsked], Awaitable[None]]:
    """The reaction to a message that stands ready."""

    async def send_asked_message(fact: MessageAsked) -> None:
        async with database.transaction() as connection:
            taken = await queries.take_message(connection, message_id=fact.message_id)
            if taken is None:
                await queries.unlink_message(connection, message_id=fact.message_id)
                return
        outcome = await _try(taken, vault, channels)
        async with database.transaction() as connection:
            await _note(connection, taken, outcome)
        log.info("message_tried", channel=taken.channel, kind=taken.kind, status=outcome.status)

    return send_asked_message


async def _note(connection: Connection, taken: TakenRow, outcome: Outcome) -> None:
    """Write down what came of it, and what was reported of it meanwhile."""
    about = {"channel": taken.channel, "channel_message_id": outcome.channel_message_id}
    if outcome.channel_message_id is not None:
        await queries.hold_report(connection, **about)
    await queries.note_outcome(
        connection,
        message_id=taken.message_id,
        status=outcome.status,
        reason=outcome.reason,
        channel_message_id=outcome.channel_message_id,
        not_before=outcome.not_before,
    )
    if outcome.channel_message_id is not None:
        await queries.take_report(connection, message_id=taken.message_id, **about)


def ask_for_due(database: Database) -> Callable[[], Awaitable[None]]:
    """For the timetable: what waited for the morning or for its channel, and what was lost."""

    async def ask_for_due_messages() -> None:
        async with database.transaction() as connection:
            await queries.give_up_lost(connection)
            await queries.forget_reports(connection)
            due = await queries.list_due(
                connection, seconds=_PASSED_OVER_SECONDS, limit=DUE_AT_ONCE
            )
            for row in due:
                await publish(connection, MessageAsked(message_id=row.message_id))

    return ask_for_due_messages


async def _try(taken: TakenRow, vault: Vault, channels: Channels) -> Outcome:
    sender = _sender(channels, taken.channel)
    if sender is None:
        return Outcome("failed", "channel_cannot")
    open_id = vault.open_text(
        taken.open_id_sealed, table="channel_links", column="open_id_sealed", row=taken.link_id
    )
    try:
        state = await sender.send(_compose(taken, open_id))
    except Refusal as refusal:
        return Outcome("failed", refusal.code)
    except Unreachable as trouble:
        return _after_trouble(taken, trouble)
    except DatabaseUnavailable:
        # The channel's token is kept in PostgreSQL: without it nothing has left.
        return _after_trouble(taken, Unreachable("token_missing", sent=False))
    return Outcome(state.state, state.reason, state.channel_message_id)


def _sender(channels: Channels, name: str) -> Messages | None:
    try:
        return channels.named(name).messages
    except ChannelUnknown:
        return None


def _after_trouble(taken: TakenRow, trouble: Unreachable) -> Outcome:
    if trouble.sent:
        return Outcome("unknown", trouble.code)
    now = datetime.now(CHINA)
    if now - taken.created_at > GIVE_UP_AFTER:
        return Outcome("failed", "channel_unavailable")
    pause = timedelta(seconds=min(3600, 30 * 2 ** min(taken.attempts, 7)))
    return Outcome("waiting", trouble.code, not_before=now + pause)


def _compose(taken: TakenRow, open_id: str) -> Message:
    words = WORDS[taken.type]
    return Message(
        kind=taken.kind,
        open_id=open_id,
        values={
            "service": taken.service_name,
            "case_no": taken.case_no,
            "status": words.title,
            "at": f"{taken.occurred_at.astimezone(CHINA):%Y-%m-%d %H:%M}",
            "note": taken.note or words.title,
        },
        page=f"{CASE_PAGE}?case_no={taken.case_no}",
        message_no=taken.message_id,
    )
