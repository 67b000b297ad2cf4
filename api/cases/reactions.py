"""What cases do when facts are published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.cache import Cache
from api.cases import queries
from api.cases.show_progress import forget_progress
from api.database import Database
from api.facts import CaseMoved, CitizenErased, CitizensMerged


def forget_moved(cache: Cache) -> Callable[[CaseMoved], Awaitable[None]]:
    """Let nobody be shown an older step, also where the mover died after its commit."""

    async def forget_moved_case(fact: CaseMoved) -> None:
        await forget_progress(cache, fact.case_no, fact.version)

    return forget_moved_case


def give_to_kept(database: Database, cache: Cache) -> Callable[[CitizensMerged], Awaitable[None]]:
    """Two were one person: one set of cases."""

    async def give_cases_to_kept(fact: CitizensMerged) -> None:
        async with database.transaction() as connection:
            cases = await queries.list_cases_of(connection, citizen_id=fact.gone)
            await queries.give_cases(connection, gone=fact.gone, kept=fact.kept)
            await queries.give_uploads(connection, gone=fact.gone, kept=fact.kept)
        for case in cases:
            await forget_progress(cache, case.case_no, case.version + 1)

    return give_cases_to_kept


def empty_erased(database: Database, cache: Cache) -> Callable[[CitizenErased], Awaitable[None]]:
    """What a person said of themselves goes; that a case was, and how it went, stays."""

    async def empty_cases_of_erased(fact: CitizenErased) -> None:
        async with database.transaction() as connection:
            cases = await queries.list_cases_of(connection, citizen_id=fact.citizen_id)
            await queries.empty_cases(connection, citizen_id=fact.citizen_id)
        for case in cases:
            await forget_progress(cache, case.case_no, case.version + 1)

    return empty_cases_of_erased
