"""Bills that stand on no case: a fine decided elsewhere, an item that is only paid.

A department bills somebody by their identity number, which finds them and is not kept; or
nobody in particular, and whoever holds the paper letter pays by the payment notice code on
it. A citizen has a bill made for themselves where the item's process lets them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.access import Caller, covers, demand_scope
from api.audit import note
from api.database import CHINA
from api.errors import FieldError, IdempotencyKeyReused, NotFound, ValidationFailed
from api.kinds import is_identity_number
from api.payments import queries
from api.payments.bills import queries as bill_queries
from api.payments.bills.raise_bills import add_owed
from api.payments.refusals import BillsTooMany, FeeUnknown, NothingToPay, NotPaidAlone
from api.payments.rows import BillRow, CaseDue, PayableService
from api.payments.schemas import BillBody, OwnBillBody
from api.processes import FormField, Process
from api.rules import ApplicantFacts, Facts, FeeDue, GuideFacts, ServiceFacts, find_fee
from api.statements import Connection
from api.tables import TableFailed
from api.vault import Vault

# More than anybody has to pay at once, and few enough to be looked through.
OWN_BILLS_MOST = 20


class _Fee(Struct, frozen=True):
    amount_fen: int | None = None
    basis: str | None = None


class _Guide(Struct, frozen=True):
    """Of a stored guide what a bill is made by."""

    charged: bool = False
    fees: list[_Fee] = []
    process: Process | None = None

    @property
    def basis(self) -> str | None:
        """The legal grounds of its fees, each once."""
        grounds = dict.fromkeys(fee.basis for fee in self.fees if fee.basis)
        return "；".join(grounds)[:500] or None

    @property
    def facts(self) -> GuideFacts:
        """What its fee is found by."""
        known = [fee.amount_fen for fee in self.fees if fee.amount_fen is not None]
        fixed = sum(known) if known and len(known) == len(self.fees) else None
        return GuideFacts(charged=self.charged, fixed_fee_fen=fixed)


async def bill_service(
    connection: Connection, vault: Vault, caller: Caller, body: BillBody
) -> BillRow:
    """A department's bill of an item without a case; the same reference is the same bill.

    Raises NotFound, IdempotencyKeyReused (the reference with other words), ValidationFailed.
    """
    _check_body(body)
    known = await _find_repeat(connection, caller, body)
    if known is not None:
        return known
    service = await bill_queries.find_payable_service(
        connection, service_code=body.service_code, today=datetime.now(CHINA).date()
    )
    if service is None or not covers(caller, service.service_code, service.region_code):
        raise NotFound()
    guide = _read(service)
    await add_owed(
        connection,
        _due(service, await _find_citizen(connection, vault, body.id_number)),
        origin="platform",
        actor=caller.actor,
        platform_id=caller.owner,
        reference=body.reference,
        amount_fen=body.amount_fen,
        basis=body.basis or guide.basis,
        standard=body.standard,
        due_on=body.due_on,
    )
    raised = await _find_repeat(connection, caller, body)
    if raised is None:
        raise LookupError("it was just written")
    return raised


def _check_body(body: BillBody) -> None:
    if body.due_on is not None and body.due_on < datetime.now(CHINA).date():
        words = ("不能早于今天。", "may not be in the past.")
        raise ValidationFailed(errors=[FieldError("due_on", "out_of_range", *words)])
    number = body.id_number
    if number is not None and not is_identity_number(number.upper()):
        words = ("不是有效的公民身份号码。", "is not an identity number.")
        raise ValidationFailed(errors=[FieldError("id_number", "wrong_format", *words)])


async def _find_repeat(connection: Connection, caller: Caller, body: BillBody) -> BillRow | None:
    bill = await queries.find_bill_by_reference(
        connection, platform_id=caller.owner, reference=body.reference
    )
    if bill is not None:
        same = (bill.case_no, bill.service_code, bill.amount_fen)
        if same != (None, body.service_code, body.amount_fen):
            raise IdempotencyKeyReused(
                "“reference”已用于另一张缴款单。", "The `reference` was used for another bill."
            )
    return bill


async def _find_citizen(connection: Connection, vault: Vault, number: str | None) -> str | None:
    """Whose confirmed number it is; the answer to the department does not tell."""
    if number is None:
        return None
    await vault.freshen(connection)
    indexes = vault.indexes(number.upper(), purpose="id_number")
    return await bill_queries.find_citizen_by_number(connection, indexes=indexes)


async def bill_oneself(connection: Connection, caller: Caller, body: OwnBillBody) -> BillRow:
    """A citizen's bill of an item that is paid without a case.

    Raises NotFound, Forbidden, NotPaidAlone, ValidationFailed (every wrong or missing
    answer), NothingToPay, FeeUnknown, BillsTooMany.
    """
    demand_scope(caller, "pay", body.service_code)
    today = datetime.now(CHINA).date()
    service = await bill_queries.find_payable_service(
        connection, service_code=body.service_code, today=today
    )
    if service is None:
        raise NotFound("没有这个事项。", "There is no such service.")
    guide = _read(service)
    process = guide.process
    if not service.open or process is None or not is_paid_alone(process):
        raise NotPaidAlone()
    wrong = list(check_form(process.form, body.form))
    if wrong:
        raise ValidationFailed(errors=wrong)
    await bill_queries.hold_citizen(connection, citizen_id=caller.owner)
    open_bills = await bill_queries.count_own_bills(connection, citizen_id=caller.owner)
    if (open_bills or 0) >= OWN_BILLS_MOST:
        raise BillsTooMany()
    fee = await _find_fee(connection, caller, service, guide, body.form, today)
    bill_no = await add_owed(
        connection,
        _due(service, caller.owner),
        origin="citizen",
        actor=caller.actor,
        amount_fen=fee.amount_fen,
        basis=guide.basis,
        standard=fee.basis,
    )
    bill = bill_no and await bill_queries.find_bill_by_number(connection, bill_no=bill_no)
    if not bill:
        raise LookupError("it was just written")
    await note(
        connection,
        actor=caller.actor,
        action="bill.answered",
        subject=f"bill:{bill.bill_no}",
        details={"form": body.form},
    )
    return bill


def is_paid_alone(process: Process) -> bool:
    """Whether nobody applies for the item: it is only paid."""
    return process.payment is not None and process.payment.without_case


async def _find_fee(
    connection: Connection,
    caller: Caller,
    service: PayableService,
    guide: _Guide,
    form: dict[str, Any],
    today: date,
) -> FeeDue:
    """Tables see no age here: nobody's number is opened for a bill."""
    process = guide.process or Process()
    level = await bill_queries.find_assurance(connection, citizen_id=caller.owner)
    facts = Facts(
        {field.name: form.get(field.name) for field in process.form},
        ApplicantFacts("natural_person", level or "basic"),
        ServiceFacts(service.service_code, service.name, service.region_code),
        today.isoformat(),
    )
    try:
        fee = find_fee(process.rules, facts, guide.facts)
    except TableFailed:
        raise FeeUnknown() from None
    if fee is None:
        raise FeeUnknown()
    if fee.amount_fen == 0:
        raise NothingToPay()
    return fee


def check_form(fields: list[FormField], form: dict[str, Any]) -> Iterator[FieldError]:
    """Every wrong, unknown or missing answer. An item that is paid alone asks nothing else than
    numbers, choices, yes or no: `api/rules.py` holds every process to it."""
    known = {field.name: field for field in fields}
    for name, answer in form.items():
        field = known.get(name)
        if field is None:
            yield _fault(name, "unknown_field", "不是这份表单的问题。", "is not asked here.")
        elif answer is not None and not _fits(field, answer):
            yield _fault(name, "unknown_value", "不是可以填的值。", "is not a value it takes.")
    for field in fields:
        if field.required and form.get(field.name) is None:
            yield _fault(field.name, "missing", "必填。", "is required.")


def _fits(field: FormField, answer: Any) -> bool:
    if field.kind == "choice":
        return answer in [choice.code for choice in field.choices]
    if field.kind == "yes_no":
        return isinstance(answer, bool)
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return False
    low = -(2**53) if field.minimum is None else field.minimum
    high = 2**53 if field.maximum is None else field.maximum
    return math.isfinite(answer) and low <= answer <= high


def _fault(name: str, code: str, chinese: str, english: str) -> FieldError:
    return FieldError(f"form.{name}", code, f"“{name}”{chinese}", f"`{name}` {english}")


def _read(service: PayableService) -> _Guide:
    return msgspec.json.decode(service.guide, type=_Guide)


def _due(service: PayableService, citizen_id: str | None) -> CaseDue:
    return CaseDue(
        case_no=None,
        citizen_id=citizen_id,
        service_code=service.service_code,
        service_name=service.name,
        region_code=service.region_code,
        department_code=service.department_code,
        status="",
        fee_fen=None,
        fee_basis=None,
    )
