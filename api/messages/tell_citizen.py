"""A case moved: whether, when and through which channel its citizen is told.

One message per move, however often the fact comes. Nobody is woken: within the quiet hours
a message waits for the morning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from api.database import CHINA, Database
from api.events import publish
from api.facts import CaseMoved, MessageAsked
from api.kinds import new_id
from api.messages import queries
from api.messages.rows import MoveRow
from api.messages.words import WORDS
from api.settings import Settings
from api.statements import Connection

_PUBLISH_WITHIN = timedelta(seconds=1)


class Preferences(Struct, frozen=True):
    """Of a citizen's preferences what matters here; `quiet_hours` are `HH-HH`, None: the usual."""

    quiet_hours: str | None = None
    muted_kinds: list[str] = []


def tell_citizen(database: Database, settings: Settings) -> Callable[[CaseMoved], Awaitable[None]]:
    """The reaction to a moved case."""

    async def tell_citizen_of_move(fact: CaseMoved) -> None:
        if fact.citizen_id is None or fact.event_type not in WORDS:
            return
        async with database.transaction() as connection:
            await _add_message(connection, fact, settings, datetime.now(CHINA))

    return tell_citizen_of_move


async def _add_message(
    connection: Connection, fact: CaseMoved, settings: Settings, now: datetime
) -> None:
    move = await queries.find_move(connection, case_no=fact.case_no, seq=fact.seq)
    if move is None:
        return
    wishes = msgspec.json.decode(move.preferences, type=Preferences)
    kind = WORDS[move.type].kind
    reason = await _reason_to_withhold(connection, move, kind, wishes)
    not_before = end_of_quiet(now, wishes.quiet_hours or settings.quiet_hours)
    message_id = await queries.add_message(
        connection,
        message_id=new_id(),
        citizen_id=move.citizen_id,
        kind=kind,
        case_no=fact.case_no,
        seq=fact.seq,
        channel=move.channel,
        status="withheld" if reason else "waiting",
        reason=reason,
        not_before=not_before,
    )
    if message_id is not None and reason is None and not_before - now < _PUBLISH_WITHIN:
        await publish(connection, MessageAsked(message_id=message_id))


async def _reason_to_withhold(
    connection: Connection, move: MoveRow, kind: str, wishes: Preferences
) -> str | None:
    if move.channel is None:
        return "not_linked"
    if kind in wishes.muted_kinds:
        return "muted"
    refused = await queries.find_refused_kind(
        connection, citizen_id=move.citizen_id, channel=move.channel, kind=kind
    )
    return "user_refused" if refused else None


def end_of_quiet(now: datetime, hours: str) -> datetime:
    """`now`, or the end of the quiet hours it lies in. `hours`: `22-08`, empty: never quiet."""
    if not hours:
        return now
    begin, end = (int(part) % 24 for part in hours.split("-"))
    quiet = begin <= now.hour < end if begin < end else now.hour >= begin or now.hour < end
    if begin == end or not quiet:
        return now
    morning = now.replace(hour=end, minute=0, second=0, microsecond=0)
    return morning if morning > now else morning + timedelta(days=1)
