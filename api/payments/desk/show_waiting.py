"""What waits for a person, and the whole story of one payment."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from api import audit
from api.access import Caller
from api.audit import ListedEntry
from api.pages import ListCursors, Page
from api.payments import queries
from api.payments.desk import queries as desk_queries
from api.payments.desk.queries import MatterRow
from api.payments.desk.schemas import (
    ActionOffered,
    PaymentOfStory,
    PaymentStory,
    Trace,
    WaitingMatter,
    WaitingPayment,
)
from api.payments.desk.settle_matter import demand_payment
from api.payments.desk.words import ACTIONS, KINDS, say
from api.payments.refusals import no_such_payment
from api.payments.rows import PaymentRow
from api.payments.show_money import answer_bill, answer_refund
from api.statements import Connection

_NEWEST = 2**62
_TRACES_MOST = 100


class Wanted(Struct, frozen=True):
    """Which matters: of a kind, of payments that stand somewhere; None: all."""

    kind: str | None
    status: str | None


async def list_waiting(
    connection: Connection,
    caller: Caller,
    wanted: Wanted,
    of: ListCursors,
    cursor: str | None,
    limit: int,
    english: bool,
) -> Page[WaitingPayment]:
    """Of the clerk's items and places, the oldest payment first. Raises CursorWrong."""
    payment_no, matter = of.read(cursor, tuple[str, str], ("", ""))
    rows = await desk_queries.list_matters(
        connection,
        after_payment=payment_no,
        after_matter=matter,
        kind=wanted.kind,
        status=wanted.status,
        service_prefixes=list(caller.service_prefixes),
        region_prefixes=list(caller.region_prefixes),
        limit=limit + 1,
    )
    return of.cut(
        rows, limit, lambda row: _waiting(row, english), lambda row: (row.payment_no, row.matter)
    )


async def tell_story(
    connection: Connection, caller: Caller, payment_no: str, english: bool
) -> PaymentStory:
    """Everything about one payment. Raises NotFound."""
    await demand_payment(connection, caller, payment_no)
    payment = await queries.find_handled_payment(connection, payment_no=payment_no)
    bill = await queries.find_bill_of(connection, payment_no=payment_no)
    if payment is None or bill is None:
        raise no_such_payment()
    matters = await desk_queries.list_matters_of(connection, payment_no=payment_no)
    refunds = await queries.list_refunds(connection, payment_no=payment_no)
    trail: list[ListedEntry] = []
    for subject in (f"bill:{bill.bill_no}", f"payment:{payment_no}"):
        trail += await audit.list_entries(
            connection, subject=subject, actor=None, before=_NEWEST, limit=_TRACES_MOST
        )
    return PaymentStory(
        payment=_payment(payment),
        bill=answer_bill(bill),
        matters=[_matter(row, english) for row in matters],
        refunds=[answer_refund(refund) for refund in refunds],
        notices=await desk_queries.list_notices_of(connection, payment_no=payment_no),
        resolutions=await desk_queries.list_resolutions(connection, payment_no=payment_no),
        trail=[_trace(entry) for entry in sorted(trail, key=lambda entry: entry.entry_id)],
    )


def _payment(row: PaymentRow) -> PaymentOfStory:
    return PaymentOfStory(
        row.payment_no,
        row.channel,
        row.channel_payment_id,
        row.status,  # type: ignore[arg-type]
        row.flag,
        row.amount_fen,
        row.refunded_fen,
        row.expires_at,
        row.created_at,
        row.paid_at,
        row.updated_at,
    )


def _waiting(row: MatterRow, english: bool) -> WaitingPayment:
    return WaitingPayment(
        row.payment_no,
        row.bill_no,
        row.case_no,
        row.service_code,
        row.service_name,
        row.channel,
        row.status,  # type: ignore[arg-type]
        row.paid_fen,
        row.refunded_fen,
        _matter(row, english),
    )


def _matter(row: MatterRow, english: bool) -> WaitingMatter:
    return WaitingMatter(
        row.matter,
        row.kind,
        row.refund_no,
        row.amount_fen,
        say(row.kind, english),
        [
            ActionOffered(name, ACTIONS[name][1 if english else 0])
            for name in KINDS[row.kind].actions
        ],
        row.since,
    )


def _trace(entry: ListedEntry) -> Trace:
    details = msgspec.json.decode(entry.details, type=dict[str, Any])
    return Trace(entry.noted_at, entry.actor, entry.action, details)
