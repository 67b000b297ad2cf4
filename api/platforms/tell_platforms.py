"""Notes what platforms are to be told: one delivery for each webhook that listens and may.

Deliveries are rows before they are sent, made in one transaction with the fact that has
them sent; the same happening, heard twice, is told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.database import Database
from api.events import publish
from api.facts import CaseMoved, DeliveryAsked, PaymentRefunded, PaymentSettled
from api.kinds import new_id
from api.platforms import queries
from api.platforms.rows import CaseEventRow, ChangedServiceRow, DueRow, PaidRow
from api.platforms.schemas import (
    CaseEvent,
    CaseMovedData,
    EventName,
    Payload,
    PaymentRefundedData,
    PaymentSucceededData,
    ServiceChangedData,
)
from api.statements import Connection


class Happening(Struct, frozen=True):
    """What platforms with rights on the item and the region may hear.

    `subject` names it once for ever; `data` holds nothing personal.
    """

    type: EventName
    subject: str
    at: datetime
    service_code: str
    region_code: str
    data: Struct


async def tell_platforms(connection: Connection, happenings: Sequence[Happening]) -> int:
    """Note them for every listener, in the caller's transaction; gives how many are new."""
    asked: dict[str, str] = {}
    count = 0
    for happening in happenings:
        stored = await _note(connection, happening)
        count += len(stored)
        for delivery in stored:
            asked.setdefault(delivery.webhook_id, delivery.delivery_id)
    # One for each receiver: whoever serves it goes on while anything is due.
    for delivery_id in asked.values():
        await publish(connection, DeliveryAsked(delivery_id=delivery_id))
    return count


async def _note(connection: Connection, happening: Happening) -> list[DueRow]:
    listeners = await queries.list_listeners(
        connection,
        event=happening.type,
        service_code=happening.service_code,
        region_code=happening.region_code,
    )
    if not listeners:
        return []
    return await queries.store_deliveries(
        connection,
        delivery_ids=[new_id() for _ in listeners],
        webhook_ids=[listener.webhook_id for listener in listeners],
        subject=happening.subject,
        type=happening.type,
        body=msgspec.json.encode(Payload(happening.type, happening.at, happening.data)),
    )


async def tell_of_case(database: Database, fact: CaseMoved) -> None:
    """A case moved."""
    async with database.transaction() as connection:
        event = await queries.find_case_event(connection, case_no=fact.case_no, seq=fact.seq)
        if event is not None:
            await tell_platforms(connection, [_case_moved(fact, event)])


async def tell_of_payment(database: Database, fact: PaymentSettled) -> None:
    """A bill was paid."""
    async with database.transaction() as connection:
        paid = await queries.find_paid(connection, payment_no=fact.payment_no)
        if paid is not None:
            subject = f"payment.succeeded:{paid.payment_no}"
            data = PaymentSucceededData(**_paid_fields(paid))
            await tell_platforms(connection, [_of_money("payment.succeeded", subject, paid, data)])


async def tell_of_refund(database: Database, fact: PaymentRefunded) -> None:
    """Money went back."""
    async with database.transaction() as connection:
        paid = await queries.find_refunded(connection, refund_no=fact.refund_no)
        if paid is not None:
            subject = f"payment.refunded:{fact.refund_no}"
            data = PaymentRefundedData(
                **_paid_fields(paid), refund_no=fact.refund_no, refunded_fen=paid.refunded_fen
            )
            await tell_platforms(connection, [_of_money("payment.refunded", subject, paid, data)])


def _paid_fields(paid: PaidRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(paid)
    return {name: fields[name] for name in PaymentSucceededData.__struct_fields__}


def _of_money(type_: EventName, subject: str, paid: PaidRow, data: Struct) -> Happening:
    return Happening(type_, subject, paid.at, paid.service_code, paid.region_code, data)


def _case_moved(fact: CaseMoved, event: CaseEventRow) -> Happening:
    return Happening(
        type="case.moved",
        subject=f"case.moved:{fact.case_no}:{fact.seq}",
        at=event.occurred_at,
        service_code=fact.service_code,
        region_code=fact.region_code,
        data=CaseMovedData(
            case_no=fact.case_no,
            status=fact.status,
            event=CaseEvent(fact.seq, event.type, event.occurred_at),
            version=fact.version,
            service_code=fact.service_code,
            region_code=fact.region_code,
        ),
    )


async def tell_of_services(database: Database, service_codes: list[str]) -> None:
    """Guides changed or were withdrawn; what is told is the newest entry of the change feed."""
    async with database.transaction() as connection:
        changed = await queries.list_changed_services(connection, service_codes=service_codes)
        await tell_platforms(connection, [_service_changed(service) for service in changed])


def _service_changed(service: ChangedServiceRow) -> Happening:
    return Happening(
        type="service.changed",
        subject=f"service.changed:{service.service_code}:{service.version}:{service.change}",
        at=service.changed_at,
        service_code=service.service_code,
        region_code=service.region_code,
        data=ServiceChangedData(
            service_code=service.service_code,
            region_code=service.region_code,
            change=service.change,
            changed_at=service.changed_at,
            version=service.version,
        ),
    )
