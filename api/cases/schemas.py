"""What callers send and get: pushed events, clerks' moves, counter cases, progress."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from api.kinds import Label
from api.processes import FieldName

EventId = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,128}\Z", examples=["2026-000123-4"])]
CaseNo = Annotated[str, Meta(max_length=50, pattern=r"\A[^\x00-\x20\x7f/?#%]{1,50}\Z")]
ServiceCode = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{31}\Z")]
Note = Annotated[str, Meta(max_length=500, pattern=r"\A[^\x00]*\Z")]
MaterialId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"\A[^\x00]*\Z")]
Fen = Annotated[int, Meta(ge=0, le=10_000_000_000, examples=[2000])]
OutsideEvent = Literal[
    "pre_checked",
    "returned",
    "accepted",
    "correction_requested",
    "suspended",
    "resumed",
    "extended",
    "reviewed",
    "payment_requested",
    "paid",
    "decided",
    "completed",
    "delivered",
    "transferred",
]
ResultCode = Literal["0", "1", "2", "3", "4", "5", "6"]


class WantedMaterial(Struct, frozen=True, forbid_unknown_fields=True):
    """A material to be handed in again, and why."""

    material_id: MaterialId
    reason: Note | None = None


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """Everything that is to be corrected, at once: only what the guide itself asks for.

    `fields` are names of the guide's form; a material may be its bare id where there is
    nothing more to say; `due_days` working days from the notice.
    """

    fields: Annotated[list[FieldName], Meta(max_length=60)] = []
    materials: Annotated[list[WantedMaterial | MaterialId], Meta(max_length=100)] = []
    note: Note | None = None
    due_days: Annotated[int, Meta(ge=1, le=60)] = 15

    @property
    def wanted(self) -> list[WantedMaterial]:
        """The materials, all spelled out."""
        return [WantedMaterial(m) if isinstance(m, str) else m for m in self.materials]


class CaseResult(Struct, frozen=True, forbid_unknown_fields=True):
    """How a case ended. Codes 0 issued, 1 refused, 2 void, 3 deleted, 4 forwarded up,
    5 returned, 6 not accepted; 1 to 6 need a reason."""

    code: ResultCode = "0"
    reason: Note | None = None
    name: Label | None = None
    document_no: Label | None = None
    issued_on: date | None = None
    valid_until: date | None = None


def spelled_out(result: CaseResult | str | None) -> CaseResult | None:
    """A result that was given as its bare code, as the whole of it."""
    return msgspec.convert({"code": result}, CaseResult) if isinstance(result, str) else result


class FeeDue(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be paid: integer fen, and on what basis."""

    amount_fen: Fen
    basis: Note | None = None


class EventBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An event as a department's system tells it. `event_id` is unique for the platform.

    `reason` (or else `note`) and `days` (working days) belong to `suspended` and `extended`,
    `correction` to `correction_requested`, `result` to `completed` (none: code 0), `fee` to
    `payment_requested`.
    """

    event_id: EventId
    type: OutsideEvent
    occurred_at: Annotated[datetime, Meta(tz=True)]
    note: Note | None = None
    reason: Note | None = None
    days: Annotated[int, Meta(ge=1, le=365)] | None = None
    correction: Correction | None = None
    result: CaseResult | ResultCode | None = None
    fee: FeeDue | None = None


class EventAnswer(Struct, frozen=True):
    """`applied` false: known already, or older than what is known; it is on record."""

    applied: bool
    case_no: str
    event_id: str
    status: str
    version: int


class EventBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 500 events; those of one case are taken in the given order.

    Each is `{case_no, …}` with the fields of a single event; a bad one harms no other.
    """

    events: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=500)]


class RowProblem(Struct, frozen=True):
    """Why one row of a batch was not taken: a stable code, and words."""

    code: str
    detail: str


class EventOutcome(Struct, frozen=True):
    """What became of one row of a batch: `applied`, or `error`."""

    event_id: str | None
    case_no: str | None
    applied: bool | None
    error: RowProblem | None


class BatchAnswer(Struct, frozen=True):
    """One outcome for each row, in the given order."""

    items: list[EventOutcome]


class CaseNumberAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The item a number is wanted for."""

    service_code: ServiceCode


class CaseNumber(Struct, frozen=True):
    """A number for one case: the item's 31 characters, the day, nine digits."""

    case_no: str


class CounterApplicant(Struct, frozen=True, forbid_unknown_fields=True):
    """Who applied at the counter; kept encrypted."""

    name: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\A[^\x00]*\Z")]
    phone: Annotated[str, Meta(pattern=r"\A[0-9+-]{5,20}\Z")] | None = None
    id_number: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z]{5,20}\Z")] | None = None


class CounterCase(Struct, frozen=True, forbid_unknown_fields=True):
    """A case taken at a counter, whole; the same again changes nothing."""

    service_code: ServiceCode
    applicant: CounterApplicant
    received_at: Annotated[datetime, Meta(tz=True)] | None = None
    note: Note | None = None


class PlatformCase(Struct, frozen=True):
    """A case as the platform that handles it sees it: no personal data.

    `query_password` only where the case was just taken: for the receipt.
    """

    case_no: str
    service_code: str
    service_name: str
    region_code: str
    origin: str
    status: str
    label: str
    version: int
    seq: int
    clock: str
    due_on: date | None
    due_provisional: bool
    result_code: str | None
    created_at: datetime
    updated_at: datetime
    query_password: str | None = None


class MoveBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a clerk does with a case."""

    move: OutsideEvent
    note: Note | None = None
    reason: Note | None = None
    days: Annotated[int, Meta(ge=1, le=365)] | None = None
    correction: Correction | None = None
    result: CaseResult | ResultCode | None = None
    fee: FeeDue | None = None


class Task(Struct, frozen=True):
    """A case in a clerk's list. `days_left` are working days; less than 0 is overdue."""

    case_no: str
    service_code: str
    service_name: str
    region_code: str
    status: str
    label: str
    version: int
    clock: str
    due_on: date | None
    due_provisional: bool
    days_left: int | None
    overdue: bool
    warned: str | None
    submitted_at: datetime | None
    updated_at: datetime


class RecordedEvent(Struct, frozen=True):
    """An event on a case's record; `applied` false: it came late and changed nothing."""

    seq: int
    type: str
    label: str
    applied: bool
    from_status: str | None
    to_status: str | None
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    note: str | None


class ClerkCase(Struct, frozen=True):
    """A case for the clerk who handles it. Its `version` is the If-Match of a move.

    `form` and `applicant` are null unless a purpose was given: each look is on record.
    """

    case_no: str
    service_code: str
    service_name: str
    region_code: str
    origin: str
    status: str
    label: str
    version: int
    clock: str
    limit_days: int | None
    due_on: date | None
    due_provisional: bool
    accepted_on: date | None
    correction: Any
    suspension: Any
    result: Any
    fee_fen: int | None
    paid_at: datetime | None
    materials: Any
    form: Any
    applicant: Any
    moves: list[str]
    events: list[RecordedEvent]


class ServiceOfCase(Struct, frozen=True):
    """The item a case is about."""

    service_code: str
    name: str


class ProgressStep(Struct, frozen=True):
    """A step of the process and whether it is behind the case."""

    name: str
    status: Literal["done", "current", "todo", "skipped"]
    at: str | None


class ProgressEvent(Struct, frozen=True):
    """What happened; `at` is when, as whoever caused it says."""

    seq: int
    type: str
    label: str
    at: str
    note: str | None


class PaymentOfCase(Struct, frozen=True):
    """What is to be paid for the case now."""

    bill_no: str | None
    status: str
    amount_fen: int | None


class Progress(Struct, frozen=True):
    """Where a case stands, in at most 2,048 bytes: long names and old events are cut."""

    case_no: str
    service: ServiceOfCase
    status: str
    label: str
    steps: list[ProgressStep]
    events: list[ProgressEvent]
    due_on: date | None
    due_provisional: bool
    clock: Literal["running", "paused", "stopped"]
    payment: PaymentOfCase | None
    updated_at: str
    version: int


class StreamedChange(Struct, frozen=True):
    """One change, as the stream tells it."""

    seq: int
    type: str
    label: str
    at: str
    note: str | None
    applied: bool
    status: str | None
    status_label: str | None


class ClerkMoved(Struct, frozen=True):
    """What a clerk's move came to; `version` is the next If-Match."""

    case_no: str
    status: str
    label: str
    version: int
    seq: int
    applied: bool
