"""What becomes of a bill beside being paid: claimed by its code, taken back by who raised it."""

from __future__ import annotations

from msgspec import structs

from api.access import Caller, covers, demand_scope
from api.errors import Forbidden
from api.payments.bills import queries as bill_queries
from api.payments.bills.raise_bills import void_bill
from api.payments.refusals import BillNotCancellable, no_such_bill
from api.payments.rows import BillRow
from api.payments.schemas import BillAnswer, PlatformBill
from api.payments.show_money import answer_bill
from api.statements import Connection


async def claim_bill(connection: Connection, caller: Caller, bill_no: str) -> BillAnswer:
    """Whoever types the code of a bill without a case may see and pay it, for whomever it is.

    The bill stays whose it is. Raises NotFound for a wrong code and just so for the bill of
    somebody's case; Forbidden where an agent may not pay for the service.
    """
    bill = await bill_queries.find_bill_by_number(connection, bill_no=bill_no)
    if bill is None or (bill.case_no is not None and bill.citizen_id != caller.owner):
        raise no_such_bill()
    demand_scope(caller, "pay", bill.service_code)
    if bill.citizen_id != caller.owner:
        await bill_queries.claim_bill(connection, citizen_id=caller.owner, bill_no=bill_no)
    return answer_bill(bill)


async def show_platform_bill(connection: Connection, caller: Caller, bill_no: str) -> PlatformBill:
    """A bill for an item the platform may handle. Raises NotFound."""
    bill = await bill_queries.find_bill_by_number(connection, bill_no=bill_no)
    if bill is None or not covers(caller, bill.service_code, bill.region_code):
        raise no_such_bill()
    return await _answer_platform(connection, bill)


async def cancel_by_platform(
    connection: Connection, caller: Caller, bill_no: str, reason: str
) -> PlatformBill:
    """A department takes back a bill of its own; again is the same answer.

    Raises NotFound, Forbidden (somebody else raised it), BillNotCancellable.
    """
    bill = await bill_queries.lock_bill_by_number(connection, bill_no=bill_no)
    if bill is None or not covers(caller, bill.service_code, bill.region_code):
        raise no_such_bill()
    if bill.platform_id != caller.owner:
        raise Forbidden(
            "只有开具这张缴款单的平台才能撤销它。", "Only who raised this bill can cancel it."
        )
    await _cancel(connection, caller, bill, reason)
    cancelled = await bill_queries.find_bill_by_number(connection, bill_no=bill_no)
    return await _answer_platform(connection, cancelled or bill)


async def cancel_own_bill(
    connection: Connection, caller: Caller, bill_no: str, reason: str
) -> BillAnswer:
    """A citizen takes back a bill that was made for them at their own wish.

    Raises NotFound (also for one that somebody else raised), Forbidden, BillNotCancellable.
    """
    bill = await bill_queries.lock_bill_by_number(connection, bill_no=bill_no)
    own = await bill_queries.find_own_raised(connection, bill_no=bill_no, citizen_id=caller.owner)
    if bill is None or own is None:
        raise no_such_bill()
    demand_scope(caller, "pay", bill.service_code)
    await _cancel(connection, caller, bill, reason)
    cancelled = await bill_queries.find_bill_by_number(connection, bill_no=bill_no)
    return answer_bill(cancelled or bill)


async def _cancel(connection: Connection, caller: Caller, bill: BillRow, reason: str) -> None:
    if bill.status == "cancelled":
        return
    if bill.status != "unpaid":
        raise BillNotCancellable()
    await void_bill(connection, caller.actor, bill)
    await bill_queries.keep_cancel_reason(connection, bill_no=bill.bill_no, reason=reason)


async def _answer_platform(connection: Connection, bill: BillRow) -> PlatformBill:
    reason = await bill_queries.find_cancel_reason(connection, bill_no=bill.bill_no)
    return PlatformBill(**structs.asdict(answer_bill(bill)), cancel_reason=reason)
