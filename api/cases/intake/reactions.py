"""What the intake does when others move a case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.cases.intake import queries
from api.cases.intake.load_guide import load_guide
from api.cases.intake.submit_case import SYSTEM, decide_at_once
from api.database import Database
from api.facts import CaseMoved, CitizenErased, CitizensMerged
from api.files import Files

UNDECIDED = frozenset({"accepted", "reviewed", "decided"})


def go_on_when_paid(database: Database) -> Callable[[CaseMoved], Awaitable[None]]:
    """A case that the system accepted, and that only waited for its fee, is decided."""

    async def go_on_when_paid(fact: CaseMoved) -> None:
        if fact.event_type != "paid":
            return
        async with database.transaction() as connection:
            case = await queries.lock_case_to_decide(connection, case_no=fact.case_no)
            # Told before, or moved on meanwhile: whoever moved it knows better.
            if case is None or case.version != fact.version or case.status not in UNDECIDED:
                return
            if case.accepted_by != SYSTEM:
                return
            guide = await load_guide(
                connection, case.service_code, case.service_version, case.digest
            )
            await decide_at_once(connection, case.case_no, guide, after=case.status)

    return go_on_when_paid


def know_issued_certificate(database: Database) -> Callable[[CaseMoved], Awaitable[None]]:
    """What a case ended with can stand for a material of the next one."""

    async def know_issued_certificate(fact: CaseMoved) -> None:
        if fact.event_type == "completed":
            async with database.transaction() as connection:
                await queries.know_issued_certificate(connection, case_no=fact.case_no)

    return know_issued_certificate


def give_certificates(database: Database) -> Callable[[CitizensMerged], Awaitable[None]]:
    """One person now: what was known of either is known of the one that is kept."""

    async def give_certificates(fact: CitizensMerged) -> None:
        async with database.transaction() as connection:
            await queries.give_certificates(connection, kept=fact.kept, gone=fact.gone)

    return give_certificates


def forget_belongings(
    database: Database, files: Files
) -> Callable[[CitizenErased], Awaitable[None]]:
    """Whoever is forgotten holds nothing any more: no certificate, and no file with its key."""

    async def forget_belongings(fact: CitizenErased) -> None:
        async with database.transaction() as connection:
            await queries.forget_certificates(connection, citizen_id=fact.citizen_id)
            gone = await queries.forget_uploads_of(connection, citizen_id=fact.citizen_id)
        for file in gone:
            if file.stored:
                await files.forget(file.stored)

    return forget_belongings
