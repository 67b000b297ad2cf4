"""Rows of the cases' statements, columns in order."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class CaseRow(Struct, frozen=True):
    """A case as far as a move reads and writes it. The columns in JSON are text."""

    case_no: str
    citizen_id: str | None
    platform_id: str | None
    service_code: str
    service_version: int
    region_code: str
    status: str
    version: int
    last_seq: int
    limit_days: int | None
    clock: str
    clock_from: date | None
    clock_days_left: int | None
    due_on: date | None
    due_provisional: bool
    warn_on: date | None
    warned: str | None
    correction: str | None
    corrections_count: int
    suspension: str | None
    resume_status: str | None
    result_code: str | None
    result_reason: str | None
    result: str | None
    fee_fen: int | None
    fee_basis: str | None
    paid_at: datetime | None
    evaluated_at: datetime | None
    pushed_at: datetime | None
    submitted_at: datetime | None
    received_on: date | None
    accepted_on: date | None
    decided_on: date | None
    extended_days: int
    completed_at: datetime | None


class KnownEvent(Struct, frozen=True):
    """An event that a platform told before."""

    case_no: str
    seq: int
    applied: bool
    fingerprint: bytes | None


class GuideAsks(Struct, frozen=True):
    """What a guide asks for: its process and its materials, JSON text."""

    process: str | None
    materials: str | None


class ProgressRow(Struct, frozen=True):
    """All that progress is made of; the columns in JSON are text."""

    case_no: str
    citizen_id: str | None
    service_code: str
    service_name: str
    status: str
    resume_status: str | None
    version: int
    clock: str
    due_on: date | None
    due_provisional: bool
    fee_fen: int | None
    evaluated_at: datetime | None
    submitted_at: datetime | None
    updated_at: datetime
    steps: str | None
    reached: str | None
    events: str | None
    bill_no: str | None
    bill_status: str | None
    bill_fen: int | None


class EventRow(Struct, frozen=True):
    """An event of a case's record."""

    seq: int
    type: str
    applied: bool
    from_status: str | None
    to_status: str | None
    occurred_at: datetime
    recorded_at: datetime
    actor: str
    note: str | None


class StreamRow(Struct, frozen=True):
    """An event as the stream tells it."""

    seq: int
    type: str
    applied: bool
    to_status: str | None
    occurred_at: datetime
    note: str | None
    evaluated: bool


class TaskRow(Struct, frozen=True):
    """A case in a clerk's list."""

    case_no: str
    service_code: str
    service_name: str
    region_code: str
    status: str
    version: int
    clock: str
    due_on: date | None
    due_provisional: bool
    warned: str | None
    evaluated: bool
    submitted_at: datetime | None
    updated_at: datetime


class WholeCase(Struct, frozen=True):
    """A case with its sealed columns; the columns in JSON are text."""

    case_no: str
    citizen_id: str | None
    origin: str
    service_code: str
    service_name: str
    region_code: str
    status: str
    resume_status: str | None
    version: int
    clock: str
    limit_days: int | None
    due_on: date | None
    due_provisional: bool
    accepted_on: date | None
    correction: str | None
    suspension: str | None
    result: str | None
    fee_fen: int | None
    paid_at: datetime | None
    materials: str
    form_sealed: bytes | None
    applicant_sealed: bytes | None
    evaluated_at: datetime | None


class PlatformCaseRow(Struct, frozen=True):
    """A case as a platform sees it."""

    case_no: str
    platform_id: str | None
    service_code: str
    service_name: str
    region_code: str
    origin: str
    status: str
    version: int
    last_seq: int
    clock: str
    due_on: date | None
    due_provisional: bool
    result_code: str | None
    evaluated_at: datetime | None
    query_password_hash: bytes
    created_at: datetime
    updated_at: datetime


class ServiceRow(Struct, frozen=True):
    """The item a case is begun for."""

    service_code: str
    version: int
    name: str
    department_code: str
    region_code: str
    limit_days: int | None
    withdrawn: bool


class Rights(Struct, frozen=True):
    """What decides who may touch a case."""

    service_code: str
    region_code: str
    status: str


class OwnerOfCase(Struct, frozen=True):
    """Whose case it is, of which item."""

    citizen_id: str | None
    service_code: str
    last_seq: int


class CaseNoRow(Struct, frozen=True):
    """A case number alone."""

    case_no: str


class Unaccepted(Struct, frozen=True):
    """A case that waits for its acceptance, and since when."""

    case_no: str
    received_on: date


class Versioned(Struct, frozen=True):
    """A case and the version it now has."""

    case_no: str
    version: int
