"""What is owed: raised once, by a case that waits for its fee or by a department's system.

A case has one open bill. Asked for another amount, or no longer waiting, it has none of
the old amount: that one is cancelled, and money that still comes for it goes back.
"""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta

from api.access import Caller, covers
from api.audit import note
from api.database import CHINA
from api.errors import FieldError, IdempotencyKeyReused, NotFound, ValidationFailed
from api.events import publish
from api.facts import BillRaised, CaseMoved
from api.payments import queries
from api.payments.refusals import BillOpen
from api.payments.reports.keep_books import Debt, assess, unassess
from api.payments.rows import BillRow, CaseDue
from api.payments.schemas import BillBody
from api.statements import Connection

# A payment notice is to be paid within 15 days where nobody says otherwise.
DUE_DAYS = 15
_FIRST, _COUNT = 10**19, 9 * 10**19


async def follow_case(connection: Connection, fact: CaseMoved) -> None:
    """Raise what the case waits for; cancel what it waits for no more. Repeatable: it reads
    how the case stands now."""
    case = await queries.find_case_due(connection, case_no=fact.case_no)
    if case is None:
        return
    bill = await queries.lock_open_bill(connection, case_no=fact.case_no)
    waits = case.status == "awaiting_payment" and bool(case.fee_fen)
    is_asked = fact.event_type == "payment_requested" and waits
    if bill is not None and _is_void(bill, case, fact, is_asked=is_asked):
        await void_bill(connection, "system:cases", bill)
        bill = None
    if bill is None and is_asked and case.fee_fen:
        await add_owed(
            connection,
            case,
            origin="case",
            actor="system:cases",
            case_seq=fact.seq,
            amount_fen=case.fee_fen,
            basis=case.fee_basis,
        )


async def void_bill(connection: Connection, actor: str, bill: BillRow) -> None:
    """Nothing is owed by a locked, unpaid bill any more; what could still be paid is closed, and
    money that still comes goes back."""
    await queries.cancel_bill(connection, bill_no=bill.bill_no)
    await queries.hurry_others(connection, bill_no=bill.bill_no)
    await unassess(connection, bill.bill_no, datetime.now(CHINA))
    await _note(connection, actor, "cancelled", bill.bill_no, bill.amount_fen)


def _is_void(bill: BillRow, case: CaseDue, fact: CaseMoved, *, is_asked: bool) -> bool:
    if is_asked:
        # A department's own bill says what is due better than the case.
        return bill.platform_id is None and bill.amount_fen != case.fee_fen
    return case.status in ("withdrawn", "completed", "delivered") or (
        fact.event_type == "paid" and case.status != "awaiting_payment"
    )


async def raise_bill(connection: Connection, caller: Caller, body: BillBody) -> BillRow:
    """A department's bill for a case it handles; the same reference again is the same bill.

    Raises NotFound, BillOpen, IdempotencyKeyReused (the reference with other words) and
    ValidationFailed (`due_on` in the past).
    """
    known = await _find_repeat(connection, caller, body)
    if known is not None:
        return known
    if body.due_on is not None and body.due_on < datetime.now(CHINA).date():
        words = ("不能早于今天。", "may not be in the past.")
        raise ValidationFailed(errors=[FieldError("due_on", "out_of_range", *words)])
    case = await queries.find_case_due(connection, case_no=body.case_no)
    if case is None or not covers(caller, case.service_code, case.region_code):
        raise NotFound()
    bill = await queries.lock_open_bill(connection, case_no=body.case_no)
    if bill is not None:
        raise BillOpen()
    await add_owed(
        connection,
        case,
        origin="platform",
        actor=caller.actor,
        platform_id=caller.owner,
        reference=body.reference,
        amount_fen=body.amount_fen,
        basis=body.basis or case.fee_basis,
        standard=body.standard,
        due_on=body.due_on,
    )
    raised = await _find_repeat(connection, caller, body)
    if raised is None:
        raise BillOpen()
    return raised


async def _find_repeat(connection: Connection, caller: Caller, body: BillBody) -> BillRow | None:
    bill = await queries.find_bill_by_reference(
        connection, platform_id=caller.owner, reference=body.reference
    )
    if bill is not None and (bill.case_no, bill.amount_fen) != (body.case_no, body.amount_fen):
        raise IdempotencyKeyReused(
            "“reference”已用于另一张缴款单。", "The `reference` was used for another bill."
        )
    return bill


async def add_owed(
    connection: Connection,
    case: CaseDue,
    *,
    origin: str,
    actor: str,
    amount_fen: int,
    basis: str | None,
    case_seq: int | None = None,
    platform_id: str | None = None,
    reference: str | None = None,
    standard: str | None = None,
    due_on: date | None = None,
) -> str | None:
    """Raise a bill; gives its number, none where it was raised already. `case.case_no` None: it
    stands on no case."""
    bill_no = await queries.add_bill(
        connection,
        bill_no=str(_FIRST + secrets.randbelow(_COUNT)),
        origin=origin,
        citizen_id=case.citizen_id,
        case_no=case.case_no,
        case_seq=case_seq,
        platform_id=platform_id,
        reference=reference,
        service_code=case.service_code,
        service_name=case.service_name,
        region_code=case.region_code,
        department_code=case.department_code,
        amount_fen=amount_fen,
        basis=basis,
        standard=standard,
        due_on=due_on or datetime.now(CHINA).date() + timedelta(days=DUE_DAYS),
    )
    # None: raised already, for the same event or by somebody else this moment.
    if bill_no is not None:
        owed = Debt(bill_no, case.department_code, basis, amount_fen)
        await assess(connection, owed, datetime.now(CHINA))
        await _note(connection, actor, "raised", bill_no, amount_fen)
        await publish(connection, BillRaised(bill_no=bill_no, case_no=case.case_no))
    return bill_no


async def _note(
    connection: Connection, actor: str, action: str, bill_no: str, amount_fen: int
) -> None:
    await note(
        connection,
        actor=actor,
        action=f"bill.{action}",
        subject=f"bill:{bill_no}",
        details={"amount_fen": amount_fen},
    )
