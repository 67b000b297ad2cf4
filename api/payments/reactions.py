"""What happens to money when others publish facts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.database import Database
from api.facts import CaseMoved, CitizensMerged
from api.payments import queries
from api.payments.bills import queries as bill_queries
from api.payments.bills.raise_bills import follow_case


def bill_case(database: Database) -> Callable[[CaseMoved], Awaitable[None]]:
    """A case waits for its fee, or does no longer."""

    async def bill_moved_case(fact: CaseMoved) -> None:
        async with database.transaction() as connection:
            await follow_case(connection, fact)

    return bill_moved_case


def move_money(database: Database) -> Callable[[CitizensMerged], Awaitable[None]]:
    """Two were one person: one set of bills and payments."""

    async def move_bills_and_payments(fact: CitizensMerged) -> None:
        async with database.transaction() as connection:
            await queries.move_bills(connection, kept=fact.kept, gone=fact.gone)
            await queries.move_payments(connection, kept=fact.kept, gone=fact.gone)
            await bill_queries.move_claims(connection, kept=fact.kept, gone=fact.gone)

    return move_bills_and_payments
