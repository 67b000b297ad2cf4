"""What cases do when facts are published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.cache import Cache
from api.cases import queries
from api.cases.decide_move import Move
from api.cases.move_case import move_case
from api.cases.show_progress import forget_progress
from api.database import Database
from api.facts import BillRaised, CaseMoved, CitizenErased, CitizensMerged, PaymentSettled


def forget_moved(cache: Cache) -> Callable[[CaseMoved], Awaitable[None]]:
    """Let nobody be shown an older step, also where the mover died after its commit."""

    async def forget_moved_case(fact: CaseMoved) -> None:
        await forget_progress(cache, fact.case_no, fact.version)

    return forget_moved_case


def know_bill(database: Database, cache: Cache) -> Callable[[BillRaised], Awaitable[None]]:
    """Progress names the bill from now on: whoever keeps or watches it hears of a change."""

    async def know_bill_of_case(fact: BillRaised) -> None:
        if fact.case_no is None:
            return
        async with database.transaction() as connection:
            version = await queries.touch_waiting_case(connection, case_no=fact.case_no)
        if version is not None:
            await forget_progress(cache, fact.case_no, version)

    return know_bill_of_case


def move_when_paid(database: Database, cache: Cache) -> Callable[[PaymentSettled], Awaitable[None]]:
    """The fee is here: the case goes on. Once, however often it is told."""

    async def move_case_when_paid(fact: PaymentSettled) -> None:
        if fact.case_no is None:
            return
        async with database.transaction() as connection:
            case = await queries.lock_case(connection, case_no=fact.case_no)
            if case is None or await queries.was_told_paid(
                connection, case_no=fact.case_no, actor=_payer(fact)
            ):
                return
            done = await move_case(
                connection, fact.case_no, Move(event_type="paid", actor=_payer(fact))
            )
        await forget_progress(cache, fact.case_no, done.version)

    return move_case_when_paid


def _payer(fact: PaymentSettled) -> str:
    return f"system:payment:{fact.payment_no}"


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
