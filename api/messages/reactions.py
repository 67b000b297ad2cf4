"""What happens to messages when citizens are merged or forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.database import Database
from api.facts import CitizenErased, CitizensMerged
from api.messages import queries


def move_messages(database: Database) -> Callable[[CitizensMerged], Awaitable[None]]:
    """One person, one list of messages."""

    async def move_messages_of_merged(fact: CitizensMerged) -> None:
        async with database.transaction() as connection:
            await queries.move_messages(connection, kept=fact.kept, gone=fact.gone)
            await queries.move_consents(connection, kept=fact.kept, gone=fact.gone)

    return move_messages_of_merged


def forget_messages(database: Database) -> Callable[[CitizenErased], Awaitable[None]]:
    """What somebody was told goes with them."""

    async def forget_messages_of_erased(fact: CitizenErased) -> None:
        async with database.transaction() as connection:
            await queries.forget_messages(connection, citizen_id=fact.citizen_id)
            await queries.forget_consents(connection, citizen_id=fact.citizen_id)

    return forget_messages_of_erased
