"""What platforms are told when others publish facts, and what is done by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from api.database import Database
from api.facts import CaseMoved, DeliveryAsked, PaymentRefunded, PaymentSettled
from api.platforms import queries
from api.platforms.deliver_webhooks import Courier
from api.platforms.tell_platforms import (
    tell_of_case,
    tell_of_payment,
    tell_of_refund,
    tell_of_services,
)

_FORGET_AT_ONCE = 10_000


class Changed(Protocol):
    """A fact about items of the catalogue."""

    @property
    def service_codes(self) -> list[str]: ...


def tell_of_cases(database: Database) -> Callable[[CaseMoved], Awaitable[None]]:
    """A case moved: note it for those who listen."""

    async def tell_platforms_of_case(fact: CaseMoved) -> None:
        await tell_of_case(database, fact)

    return tell_platforms_of_case


def tell_of_payments(database: Database) -> Callable[[PaymentSettled], Awaitable[None]]:
    """A bill was paid: note it for those who listen."""

    async def tell_platforms_of_payment(fact: PaymentSettled) -> None:
        await tell_of_payment(database, fact)

    return tell_platforms_of_payment


def tell_of_refunds(database: Database) -> Callable[[PaymentRefunded], Awaitable[None]]:
    """Money went back: note it for those who listen."""

    async def tell_platforms_of_refund(fact: PaymentRefunded) -> None:
        await tell_of_refund(database, fact)

    return tell_platforms_of_refund


def tell_of_changes(database: Database) -> Callable[[Changed], Awaitable[None]]:
    """Guides changed: note it for those who listen."""

    async def tell_platforms_of_services(fact: Changed) -> None:
        await tell_of_services(database, fact.service_codes)

    return tell_platforms_of_services


def send_asked(courier: Courier) -> Callable[[DeliveryAsked], Awaitable[None]]:
    """A delivery is due: serve its receiver, beside the worker's jobs."""

    async def send_asked_delivery(fact: DeliveryAsked) -> None:
        await courier.start_delivery(fact.delivery_id)

    return send_asked_delivery


def send_due(courier: Courier) -> Callable[[], Awaitable[None]]:
    """Every few seconds: retries, and whatever was left lying."""
    return courier.start_due


def forget_old(database: Database) -> Callable[[], Awaitable[None]]:
    """Nonces after an hour, deliveries after 30 days, dead ones after 90, usage after 400."""

    async def forget_old_traces() -> None:
        for forget in (queries.forget_nonces, queries.forget_deliveries):
            count = _FORGET_AT_ONCE
            while count == _FORGET_AT_ONCE:
                async with database.connection() as connection:
                    count = await forget(connection, limit=_FORGET_AT_ONCE)
        async with database.connection() as connection:
            await queries.forget_usage(connection)

    return forget_old_traces
