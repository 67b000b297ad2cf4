"""The audit trail: who changed what, complete, and such that tampering shows.

`note` adds an entry inside the transaction of the change it speaks of, so neither is
without the other. Entries are chained afterwards, by one worker every few seconds: each
seal is SHA-256 over the seal before it and the entry. Chaining inside the change would
make all changes of the whole service wait for each other. The table itself refuses
updates and deletions; somebody who can switch that off still breaks the chain, and the
last seal, written to the log at every sealing, shows a chain that was made anew.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from api.database import Database
from api.statements import Connection, Statements

BATCH = 1000
_BEGINNING = bytes(32)
log = structlog.get_logger()


class Entry(Struct, frozen=True):
    """One change. `actor`, `action` and `subject` are `kind:key` or `thing.verb`, never names."""

    entry_id: int
    noted_at: datetime
    actor: str
    action: str
    subject: str
    details: str


class Note(Struct, frozen=True):
    """An entry to be; as for `note`, `details` hold keys and states, never a name."""

    actor: str
    action: str
    subject: str
    details: dict[str, Any]


class ListedEntry(Struct, frozen=True):
    """An entry with its place in the chain; None while it waits for one."""

    entry_id: int
    noted_at: datetime
    actor: str
    action: str
    subject: str
    details: str
    seal_no: int | None
    seal: bytes | None


class Fault(Struct, frozen=True):
    """A place where the trail is not as it was written."""

    seal_no: int | None
    entry_id: int | None
    reason: str


class Verified(Struct, frozen=True):
    """What a walk along the whole chain found; `last_seal` is to be compared with the log's."""

    entries: int
    last_seal: bytes
    faults: list[Fault]


class _End(Struct, frozen=True):
    seal_no: int
    seal: bytes


class _Link(Struct, frozen=True):
    seal_no: int
    seal: bytes
    entry_id: int
    noted_at: datetime | None
    actor: str | None
    action: str | None
    subject: str | None
    details: str | None


class _EntryId(Struct, frozen=True):
    entry_id: int


_statements = Statements("audit")
_note_entries = _statements.execute("note_entries")
_lock_chain = _statements.value("lock_chain", bool)
_find_chain_end = _statements.optional("find_chain_end", _End)
_take_waiting = _statements.many("take_waiting", Entry)
_store_seals = _statements.execute("store_seals")
_list_sealed = _statements.many("list_sealed", _Link)
_list_unsealed = _statements.many("list_unsealed", _EntryId)
_list_entries = _statements.many("list_entries", ListedEntry)
count_chain = _statements.value("count_chain", int)


async def note(
    connection: Connection,
    *,
    actor: str,
    action: str,
    subject: str,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an entry in the caller's transaction; `details` hold keys and states, never a name."""
    await note_many(connection, [Note(actor, action, subject, details or {})])


async def note_many(connection: Connection, notes: Sequence[Note]) -> None:
    """Add entries, in their order, by one statement."""
    await _note_entries(
        connection,
        actors=[each.actor for each in notes],
        actions=[each.action for each in notes],
        subjects=[each.subject for each in notes],
        details=[msgspec.json.encode(each.details).decode() for each in notes],
    )


async def list_entries(
    connection: Connection, *, subject: str | None, actor: str | None, before: int, limit: int
) -> list[ListedEntry]:
    """Entries older than `before`, the newest first."""
    return await _list_entries(connection, subject=subject, actor=actor, before=before, limit=limit)


def chain_entries(database: Database) -> Callable[[], Awaitable[None]]:
    """For the timetable: put whatever waits into the chain."""

    async def chain_waiting_entries() -> None:
        while await chain_batch(database) == BATCH:
            pass

    return chain_waiting_entries


async def chain_batch(database: Database) -> int:
    """Chain up to `BATCH` waiting entries; gives how many. 0 while another process does it."""
    async with database.transaction() as connection:
        if not await _lock_chain(connection):
            return 0
        entries = await _take_waiting(connection, limit=BATCH)
        if not entries:
            return 0
        end = await _find_chain_end(connection) or _End(0, _BEGINNING)
        seals, seal = [], end.seal
        for entry in entries:
            seal = make_seal(seal, entry)
            seals.append(seal)
        await _store_seals(
            connection,
            seal_nos=list(range(end.seal_no + 1, end.seal_no + 1 + len(seals))),
            entry_ids=[entry.entry_id for entry in entries],
            seals=seals,
        )
    log.info("audit_chained", seal_no=end.seal_no + len(seals), seal=seal.hex())
    return len(entries)


async def verify_chain(connection: Connection, advance: Callable[[int], object]) -> Verified:
    """Walk the whole chain; every fault is named. `advance` hears how many are done."""
    faults: list[Fault] = []
    seal_no, seal = 0, _BEGINNING
    while links := await _list_sealed(connection, after=seal_no, limit=BATCH):
        for link in links:
            if link.seal_no != seal_no + 1:
                faults.append(Fault(link.seal_no, None, "links are missing before this one"))
            reason = _check_link(link, seal)
            if reason:
                faults.append(Fault(link.seal_no, link.entry_id, reason))
            # Goes on from what is written, so that one fault is not reported for all that follow.
            seal_no, seal = link.seal_no, link.seal
        advance(seal_no)
    for row in await _list_unsealed(connection, limit=BATCH):
        faults.append(Fault(None, row.entry_id, "the entry is not in the chain"))
    return Verified(seal_no, seal, faults)


def make_seal(before: bytes, entry: Entry) -> bytes:
    """SHA-256 over the seal before and the entry as a JSON list; its time in UTC."""
    told = [
        entry.entry_id,
        entry.noted_at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.actor,
        entry.action,
        entry.subject,
        entry.details,
    ]
    return hashlib.sha256(before + msgspec.json.encode(told)).digest()


def _check_link(link: _Link, before: bytes) -> str | None:
    if (
        link.noted_at is None
        or link.actor is None
        or link.action is None
        or link.subject is None
        or link.details is None
    ):
        return "the entry is gone"
    entry = Entry(link.entry_id, link.noted_at, link.actor, link.action, link.subject, link.details)
    return None if make_seal(before, entry) == link.seal else "the entry or its seal was changed"
