"""One key, one effect, one answer: what makes a POST safe to repeat.

The answer of the first request with an `Idempotency-Key` is kept for
`idempotency_hours` and given byte for byte to every repeat by the same owner. Errors
are not kept: they roll back, and the key is free again.

`remember` is for work that is ours alone: claim, effect and answer are one transaction,
so a process that dies leaves nothing. `remember_around` is for work with a call to
somebody else in its middle, during which no connection is held:

    begin   claim and intent, one transaction
    call    the outside, without a connection
    finish  result and answer, one transaction

Dying in the middle leaves a claim without an answer. It can be taken over once it is
twice as old as the longest request (`app_deadline_seconds`), or at once where the call
was seen to fail; `begin` then hears `again` and must find the earlier intent and call
with the same number as before. That is safe because a claim's answer is written only if
the claim is still the same: a straggler's `finish` is rolled back.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import random
import re
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import msgspec
from litestar.params import HeaderParameter
from msgspec import Struct

from api.database import Database
from api.errors import IdempotencyKeyMissing, IdempotencyKeyReused, Problem, RequestInProgress
from api.settings import Settings
from api.statements import Connection, Statements

Intent = TypeVar("Intent")
Result = TypeVar("Result")

# How long a repeat waits for the first request before it hears 409.
WAIT_SECONDS = 1.5
FORGET_AT_ONCE = 1000

KeyHeader = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        max_length=255,
        description="1–255 visible characters; a repeat with the same key gets the same answer",
    ),
]

_VISIBLE = re.compile(r"\A[\x21-\x7e]{1,255}\Z")


class Keyed(Struct, frozen=True):
    """A request with its key. `owner` is who calls: a citizen id, a platform id."""

    owner: str
    key: str
    fingerprint: bytes


class Answer(Struct, frozen=True):
    """What the client gets, the first time and every other time."""

    status: int
    body: bytes
    headers: dict[str, str] = {}


class _Held(Struct, frozen=True):
    fingerprint: bytes
    status: int | None
    headers: str | None
    body: bytes | None
    abandoned: bool


_statements = Statements("idempotency")
_lock_key = _statements.value("lock_key", bool)
_find_key = _statements.optional("find_key", _Held)
_claim_key = _statements.value("claim_key", dt.datetime)
_keep_answer = _statements.execute("keep_answer")
_release_key = _statements.execute("release_key")
_abandon_key = _statements.execute("abandon_key")
_forget_expired_keys = _statements.execute("forget_expired_keys")


class _InProgress(Exception):
    """Another request with this key is under way; ask again shortly."""


def read_key(header: str | None) -> str:
    """The `Idempotency-Key` header's value. Raises IdempotencyKeyMissing."""
    if header is None or not _VISIBLE.match(header):
        raise IdempotencyKeyMissing()
    return header


def fingerprint(method: str, target: str, body: bytes) -> bytes:
    """SHA-256 of what must be equal in a repeat: method, path with query, raw body."""
    # Neither method nor target can hold a line break, so the parts cannot be mistaken.
    return hashlib.sha256(f"{method}\n{target}\n".encode() + body).digest()


async def remember(
    database: Database,
    settings: Settings,
    keyed: Keyed,
    work: Callable[[Connection], Awaitable[Answer]],
) -> Answer:
    """Do `work` once per key, in one transaction with its answer.

    Raises IdempotencyKeyReused for another payload, RequestInProgress where the first
    request takes longer than 1.5 s, and what `work` raises (nothing is kept then).
    """

    async def decide(connection: Connection) -> Answer:
        found = await _look(connection, settings, keyed)
        if isinstance(found, Answer):
            return found
        claim = await _claim(connection, settings, keyed)
        answer = _in_order(await work(connection))
        await _keep(connection, keyed, claim, answer)
        return answer

    return await _when_free(lambda: database.decide(decide))


async def remember_around(
    database: Database,
    settings: Settings,
    keyed: Keyed,
    begin: Callable[[Connection, bool], Awaitable[Intent]],
    call: Callable[[Intent], Awaitable[Result]],
    finish: Callable[[Connection, Result], Awaitable[Answer]],
) -> Answer:
    """Do work with an outside call in its middle once per key; see the module's head.

    `begin(connection, again)`: `again` says that an earlier try left its intent behind. A
    4xx Problem from `call` frees the key; any other error leaves the outcome open for the
    next try. Raises as `remember` does, and RequestInProgress where the claim was taken over.
    """

    async def open_claim(connection: Connection) -> Answer | tuple[dt.datetime, Intent]:
        again = await _look(connection, settings, keyed)
        if isinstance(again, Answer):
            return again
        claim = await _claim(connection, settings, keyed)
        return claim, await begin(connection, again)

    async def close_claim(connection: Connection) -> Answer:
        answer = _in_order(await finish(connection, result))
        await _keep(connection, keyed, claim, answer)
        return answer

    opened = await _when_free(lambda: database.decide(open_claim))
    if isinstance(opened, Answer):
        return opened
    claim, intent = opened
    try:
        result = await call(intent)
        return await database.decide(close_claim)
    except Exception as error:
        await _give_up(database, keyed, claim, error)
        raise


async def forget_expired(connection: Connection) -> int:
    """Delete the keys whose time is over; gives how many. For the timetable."""
    forgotten = 0
    while True:
        count = await _forget_expired_keys(connection, limit=FORGET_AT_ONCE)
        forgotten += count
        if count < FORGET_AT_ONCE:
            return forgotten


async def _look(connection: Connection, settings: Settings, keyed: Keyed) -> Answer | bool:
    # The kept answer, else whether this is another try after an abandoned one.
    if not await _lock_key(connection, owner=keyed.owner, key=keyed.key):
        raise _InProgress()
    held = await _find_key(
        connection,
        owner=keyed.owner,
        key=keyed.key,
        abandoned_seconds=2 * settings.app_deadline_seconds,
    )
    if held is None:
        return False
    if held.fingerprint != keyed.fingerprint:
        raise IdempotencyKeyReused()
    if held.status is not None:
        headers = msgspec.json.decode(held.headers or "{}", type=dict[str, str])
        return _in_order(Answer(held.status, held.body or b"", headers))
    if not held.abandoned:
        raise _InProgress()
    return True


async def _claim(connection: Connection, settings: Settings, keyed: Keyed) -> dt.datetime:
    claimed_at = await _claim_key(
        connection,
        owner=keyed.owner,
        key=keyed.key,
        fingerprint=keyed.fingerprint,
        hours=settings.idempotency_hours,
    )
    if claimed_at is None:
        raise LookupError("an upsert gives a row")
    return claimed_at


async def _keep(
    connection: Connection, keyed: Keyed, claimed_at: dt.datetime, answer: Answer
) -> None:
    kept = await _keep_answer(
        connection,
        owner=keyed.owner,
        key=keyed.key,
        claimed_at=claimed_at,
        status=answer.status,
        headers=msgspec.json.encode(answer.headers).decode(),
        body=answer.body,
    )
    if kept != 1:
        raise _in_progress()


async def _give_up(
    database: Database, keyed: Keyed, claimed_at: dt.datetime, error: Exception
) -> None:
    refused = isinstance(error, Problem) and 400 <= error.status < 500
    verb = _release_key if refused else _abandon_key
    try:
        async with database.connection() as connection:
            await verb(connection, owner=keyed.owner, key=keyed.key, claimed_at=claimed_at)
    except Problem:
        # Without PostgreSQL the claim grows old by itself; the first error is the one to tell.
        return


async def _when_free(attempt: Callable[[], Awaitable[Result]]) -> Result:
    # Waits between attempts, so that repeats do not hold connections.
    ends_at = time.monotonic() + WAIT_SECONDS
    pause_seconds = 0.01
    while True:
        try:
            return await attempt()
        except _InProgress:
            if time.monotonic() + pause_seconds > ends_at:
                raise _in_progress() from None
        await asyncio.sleep(pause_seconds * random.uniform(0.5, 1))
        pause_seconds = min(0.2, pause_seconds * 2)


def _in_progress() -> RequestInProgress:
    return RequestInProgress(headers={"Retry-After": "1"})


def _in_order(answer: Answer) -> Answer:
    # jsonb keeps its own order of names; the first answer must look like its repeats.
    return Answer(answer.status, answer.body, dict(sorted(answer.headers.items())))
