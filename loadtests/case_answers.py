"""The answers about a person and their cases, and those that departments' systems read."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Refusal(Struct, frozen=True):
    """An error as RFC 9457 says it; `code` is the stable part."""

    title: str
    status: int
    code: str
    request_id: str


class Citizen(Struct, frozen=True):
    """Who signed in."""

    citizen_id: str
    channels: list[str]


class SignedIn(Struct, frozen=True):
    """A session."""

    token: str
    citizen: Citizen


class MaskedPhone(Struct, frozen=True):
    """The number that the channel handed over."""

    phone: str


class Upload(Struct, frozen=True):
    """A file handed in."""

    upload_id: str
    sha256: str
    size: int
    media_type: str


class ServiceOfCase(Struct, frozen=True):
    """The item that a case is about."""

    service_code: str
    name: str


class Missing(Struct, frozen=True):
    """Something required that is not there: `form.…` or `materials.…`."""

    field: str
    label: str


class CaseStands(Struct, frozen=True, kw_only=True):
    """Where an application stands after what was just done, or in the list of one's own."""

    case_no: str
    service: ServiceOfCase
    status: str
    label: str
    version: int
    completeness_percent: int


class CaseAnswer(CaseStands, frozen=True, kw_only=True):
    """What is still missing, beside where it stands."""

    missing: list[Missing]


class CaseBegun(CaseAnswer, frozen=True, kw_only=True):
    """A new application with its query password."""

    query_password: str


class CaseList(Struct, frozen=True):
    """A page of one's own cases."""

    items: list[CaseStands]
    next_cursor: str | None


class Step(Struct, frozen=True):
    """A step on the way."""

    name: str
    status: Literal["done", "current", "todo", "skipped"]


class Event(Struct, frozen=True):
    """Something that happened to the case."""

    seq: int
    type: str
    label: str
    at: str


class PaymentOfCase(Struct, frozen=True):
    """What is to be paid for a case, or was."""

    bill_no: str | None
    status: str


class Progress(Struct, frozen=True):
    """Where a case stands, as its owner and whoever holds the password read it."""

    case_no: str
    service: ServiceOfCase
    status: str
    label: str
    steps: list[Step]
    events: list[Event]
    clock: Literal["running", "paused", "stopped"]
    updated_at: str
    version: int
    payment: PaymentOfCase | None = None


class CaseNumber(Struct, frozen=True):
    """A number for one case."""

    case_no: str


class PlatformCase(Struct, frozen=True):
    """A case as the department's system reads it."""

    case_no: str
    service_code: str
    origin: str
    status: str
    version: int
    query_password: str | None = None


class EventAnswer(Struct, frozen=True):
    """What a pushed event came to."""

    applied: bool
    case_no: str
    event_id: str
    status: str
    version: int


class RowProblem(Struct, frozen=True):
    """Why a row of a batch was not taken."""

    code: str


class EventOutcome(Struct, frozen=True):
    """What one row of a batch came to: `applied`, or `error`."""

    event_id: str
    case_no: str
    applied: bool | None
    error: RowProblem | None


class BatchAnswer(Struct, frozen=True):
    """One outcome for each row, in their order."""

    items: list[EventOutcome]
