"""Facts: what a feature tells the rest, committed with the change it speaks of.

`publish` adds one row to the job queue inside the caller's transaction: a commit
makes the fact known, a rollback unsays it. The worker (`api/jobs.py`) hands each
fact to every reaction, at least once and in no promised order, so a reaction is
repeatable: it reads the present state, or notes what it has done in the transaction
that does it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Any, ClassVar, TypeAlias

import msgspec
from msgspec import Struct
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder

from api.statements import Connection

_ENQUEUE = QueryQueueBuilder().build_enqueue_query()


class Fact(Struct, frozen=True):
    """Something that happened. A field added later has a default: old rows may be waiting.

    `NAME` is what the queue calls it, `thing.happened`; it is stored, so it never changes.
    Fields hold keys of rows, never what the rows say of a person.
    """

    NAME: ClassVar[str]


Reaction: TypeAlias = Callable[[Any], Awaitable[None]]
"""Takes the fact it is registered for. Its function's name is stored in the queue."""

Reactions: TypeAlias = dict[type[Fact], tuple[Reaction, ...]]
"""Every fact and what it causes; an empty tuple says that nobody need know."""


class NewJob(Struct, frozen=True):
    """A job to be: its entrypoint and the bytes it is given."""

    entrypoint: str
    payload: bytes | None


async def publish(connection: Connection, fact: Fact) -> None:
    """Make a fact known when, and only when, the connection's transaction commits."""
    await publish_many(connection, [fact])


async def publish_many(connection: Connection, facts: Sequence[Fact]) -> None:
    """Make facts known, as `publish` does, by one statement."""
    await enqueue(connection, [NewJob(fact.NAME, msgspec.json.encode(fact)) for fact in facts])


async def enqueue(connection: Connection, jobs: Sequence[NewJob]) -> None:
    """Add jobs to the queue, ready at once when the connection's transaction commits."""
    count = len(jobs)
    await connection.fetch(
        _ENQUEUE,
        [0] * count,
        [job.entrypoint for job in jobs],
        [job.payload for job in jobs],
        [timedelta(0)] * count,
        [None] * count,
        [None] * count,
    )
