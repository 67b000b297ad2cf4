"""Real-name checks: who somebody is, confirmed by the channel, never lowered again.

The intent is written, then the channel asked without a connection, then its answer
written. A check whose answer was lost stays `begun` and is worth nothing; the citizen
begins another.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from adapters.contract import Channel, IdentityCheck, IdentityOutcome
from api.channels import ChannelRefused, Channels, able
from api.citizens import queries
from api.citizens.ask_channel import LoginCodeWrong, ask_channel
from api.citizens.link_channels import demand_citizen
from api.citizens.merge_citizens import lock_pair, merge_citizens
from api.citizens.note_own import note_own
from api.citizens.rows import CheckRow, OwnLink
from api.citizens.schemas import LEVELS, IdentityCheckAnswer, IdentityCheckBody
from api.citizens.sealed import (
    hold_person,
    open_check,
    open_id_number,
    open_open_id,
    seal_check,
    seal_id_number,
    seal_name,
)
from api.database import Database
from api.errors import Conflict, FieldError, NotFound, RateLimited, Unauthorized, ValidationFailed
from api.kinds import is_identity_number, new_id
from api.statements import Connection
from api.vault import Vault

Result = TypeVar("Result")

CHECKS_A_DAY = 10
# Where the person goes on inside the mini-program when the channel's own page is done.
RETURN_PAGE = "pages/me/identity"


class ChannelNotLinked(Conflict):
    """您还没有关联这个渠道。"""

    code = "channel_not_linked"
    english = "You have not linked this channel."


class TooManyChecks(RateLimited):
    """今天的实名认证次数已用完，请明天再试。"""

    code = "too_many_identity_checks"
    english = "No more identity checks today. Please try again tomorrow."


async def begin_check(
    database: Database,
    vault: Vault,
    channels: Channels,
    citizen_id: str,
    session_id: str,
    body: IdentityCheckBody,
) -> IdentityCheckAnswer:
    """Ask the channel to check name and number. Raises ValidationFailed for an impossible one."""
    number = body.id_number.upper()
    if not is_identity_number(number):
        raise _wrong_number()
    check_id = new_id()

    async def note_intent(connection: Connection) -> OwnLink:
        await demand_citizen(connection, citizen_id)
        link = await _choose_link(connection, citizen_id, session_id, body.channel)
        channel = channels.named(link.channel)
        able(channel.real_names if body.proof else channel.identity)
        count = await queries.count_checks_today(connection, citizen_id=citizen_id)
        if (count or 0) >= CHECKS_A_DAY:
            raise TooManyChecks()
        name, id_number = seal_check(vault, check_id, body.name, number)
        await queries.add_check(
            connection,
            check_id=check_id,
            citizen_id=citizen_id,
            channel=link.channel,
            link_id=link.link_id,
            name_sealed=name,
            id_number_sealed=id_number,
        )
        return link

    link = await database.decide(note_intent)
    asked = _Asked(check_id, open_open_id(vault, link.link_id, link.open_id_sealed), number, body)
    channel = channels.named(link.channel)
    if body.proof is not None:
        outcome = await _ask(database, check_id, _compare_names(channel, asked, body.proof))
        return await _conclude(database, vault, citizen_id, check_id, outcome)
    begun = await _ask(database, check_id, _begin_face(channel, asked))
    async with database.transaction() as connection:
        await queries.start_check(
            connection,
            check_id=check_id,
            channel_check_id=begun.channel_check_id,
            client_parameters=msgspec.json.encode(begun.client_parameters).decode(),
            expires_at=begun.expires_at,
        )
    return await show_check(database, citizen_id, check_id)


async def follow_check(
    database: Database, vault: Vault, channels: Channels, citizen_id: str, check_id: str
) -> IdentityCheckAnswer:
    """What became of a check; while it is pending the channel is asked. Raises NotFound."""
    row = await database.read(
        lambda c: queries.find_check(c, check_id=check_id, citizen_id=citizen_id)
    )
    if row is None:
        raise NotFound()
    if row.state != "pending" or row.channel_check_id is None or row.open_id_sealed is None:
        return await show_check(database, citizen_id, check_id)
    name, number = open_check(vault, check_id, row.name_sealed, row.id_number_sealed)
    outcome = await ask_channel(
        able(channels.named(row.channel).identity).identity_outcome(
            check_no=check_id,
            channel_check_id=row.channel_check_id,
            open_id=open_open_id(vault, row.link_id, row.open_id_sealed),
            name=name,
            id_number=number,
        )
    )
    return await _conclude(database, vault, citizen_id, check_id, outcome)


async def show_check(database: Database, citizen_id: str, check_id: str) -> IdentityCheckAnswer:
    """A check as it stands now. Raises NotFound."""

    async def read(connection: Connection) -> tuple[CheckRow | None, str]:
        citizen = await demand_citizen(connection, citizen_id)
        check = await queries.find_check(connection, check_id=check_id, citizen_id=citizen_id)
        return check, citizen.assurance_level

    row, level = await database.read(read)
    if row is None:
        raise NotFound()
    parameters = row.client_parameters
    return IdentityCheckAnswer(
        check_id=row.check_id,
        channel=row.channel,
        state="pending" if row.state in ("begun", "pending") else row.state,  # type: ignore[arg-type]
        assurance_level=level,  # type: ignore[arg-type]
        reason=row.reason,
        client_parameters=(
            None if parameters is None else msgspec.json.decode(parameters, type=dict[str, Any])
        ),
        expires_at=row.expires_at,
    )


class _Asked(Struct, frozen=True):
    """What a channel is asked to check."""

    check_id: str
    open_id: str
    number: str
    body: IdentityCheckBody


def _begin_face(channel: Channel, asked: _Asked) -> Awaitable[IdentityCheck]:
    return able(channel.identity).begin_identity_check(
        check_no=asked.check_id,
        open_id=asked.open_id,
        name=asked.body.name,
        id_number=asked.number,
        return_page=RETURN_PAGE,
    )


def _compare_names(channel: Channel, asked: _Asked, proof: str) -> Awaitable[IdentityOutcome]:
    return able(channel.real_names).check_real_name(
        open_id=asked.open_id, name=asked.body.name, id_number=asked.number, proof=proof
    )


async def _ask(database: Database, check_id: str, call: Awaitable[Result]) -> Result:
    """Ask the channel; what it refuses has failed, what it does not answer stays open."""
    try:
        return await ask_channel(call)
    except (ChannelRefused, LoginCodeWrong) as refused:
        reason = refused.errors[0].code if refused.errors else refused.code
        async with database.transaction() as connection:
            await queries.finish_check(
                connection, check_id=check_id, state="failed", level=None, reason=reason
            )
        raise


async def _conclude(
    database: Database, vault: Vault, citizen_id: str, check_id: str, outcome: IdentityOutcome
) -> IdentityCheckAnswer:
    merged = await database.decide(lambda c: _note_outcome(c, vault, citizen_id, check_id, outcome))
    answer = await show_check(database, citizen_id, check_id)
    return msgspec.structs.replace(answer, merged=merged)


async def _choose_link(
    connection: Connection, citizen_id: str, session_id: str, channel: str | None
) -> OwnLink:
    """The newest account of the channel asked for, else of the one this session came by."""
    wanted = channel or await queries.find_session_channel(connection, session_id=session_id)
    links = await queries.list_links(connection, citizen_id=citizen_id)
    for link in reversed(links):
        if link.channel == wanted:
            return link
    raise ChannelNotLinked()


async def _note_outcome(
    connection: Connection, vault: Vault, citizen_id: str, check_id: str, outcome: IdentityOutcome
) -> bool:
    """Write what the channel said; gives whether another record was joined."""
    row = await queries.find_check(connection, check_id=check_id, citizen_id=citizen_id)
    if row is None or row.state not in ("begun", "pending") or outcome.state == "pending":
        return False
    if outcome.state == "failed":
        reason = outcome.reason or "failed"
        await queries.finish_check(
            connection, check_id=check_id, state="failed", level=None, reason=reason
        )
        return False
    name, number = open_check(vault, check_id, row.name_sealed, row.id_number_sealed)
    level = outcome.level or "verified"
    merged, reason_against = await _raise_assurance(
        connection, vault, citizen_id, name, number, level
    )
    await queries.finish_check(
        connection,
        check_id=check_id,
        state="failed" if reason_against else "passed",
        level=None if reason_against else level,
        reason=reason_against,
    )
    if reason_against is None:
        await note_own(connection, citizen_id, "identity_confirmed", level=level)
    return merged


async def _raise_assurance(
    connection: Connection, vault: Vault, citizen_id: str, name: str, number: str, level: str
) -> tuple[bool, str | None]:
    """Whether another record was joined; or why the pass does not count."""
    indexes = await hold_person(connection, vault, number, "id_number")
    merged = False
    other = await queries.find_citizen_by_number(connection, indexes=indexes, citizen_id=citizen_id)
    rows = await queries.lock_citizens(connection, citizen_ids=[citizen_id])
    if not rows:
        raise Unauthorized()
    before = open_id_number(vault, citizen_id, rows[0].id_number_sealed)
    if before is not None and before != number:
        return False, "another_person"
    if other is not None:
        pair = await lock_pair(connection, citizen_id, other)
        if pair is not None:
            await merge_citizens(connection, vault, *pair)
            merged = True
            rows = await queries.lock_citizens(connection, citizen_ids=[citizen_id])
    had = rows[0].assurance_level
    await queries.store_identity(
        connection,
        citizen_id=citizen_id,
        name_sealed=seal_name(vault, citizen_id, name),
        id_number_sealed=seal_id_number(vault, citizen_id, number),
        id_number_index=vault.index(number, purpose="id_number"),
        assurance_level=max(had, level, key=LEVELS.index),
        verified_at=None,
    )
    return merged, None


def _wrong_number() -> ValidationFailed:
    return ValidationFailed(
        errors=[
            FieldError(
                "id_number",
                "wrong_check_character",
                "身份证号码不正确，请核对。",
                "The identity number is not right. Please compare it with the card.",
            )
        ]
    )
