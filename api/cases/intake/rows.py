"""Rows of the intake's statements, columns in order."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class ServiceRow(Struct, frozen=True):
    """The item somebody applies for; `digest` is of its guide's version in force."""

    service_code: str
    version: int
    digest: bytes
    name: str
    department_code: str
    region_code: str
    limit_days: int | None
    withdrawn: bool
    in_force: bool


class ApplicantRow(Struct, frozen=True):
    """What the profile knows of a citizen."""

    citizen_id: str
    name_sealed: bytes | None
    id_number_sealed: bytes | None
    phone_sealed: bytes | None
    assurance_level: str


class CaseRow(Struct, frozen=True):
    """A case as its owner's acts need it; the columns in JSON are text."""

    case_no: str
    citizen_id: str
    agent_id: str | None
    organisation_id: str | None
    service_code: str
    service_version: int
    digest: bytes
    service_name: str
    region_code: str
    status: str
    version: int
    form_sealed: bytes | None
    applicant_sealed: bytes | None
    materials: str
    completeness_percent: int
    correction: str | None
    result: str | None
    fee_fen: int | None
    fee_basis: str | None
    paid_at: datetime | None
    due_on: date | None
    due_provisional: bool
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime
    evaluated_at: datetime | None


class ToDecide(Struct, frozen=True):
    """A case that may be the system's to decide; `accepted_by` an actor."""

    case_no: str
    service_code: str
    service_version: int
    digest: bytes
    status: str
    version: int
    accepted_by: str | None


class SummaryRow(Struct, frozen=True):
    """A case in its owner's list."""

    case_no: str
    service_code: str
    service_name: str
    status: str
    version: int
    completeness_percent: int
    fee_fen: int | None
    due_on: date | None
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime
    evaluated: bool


class UploadRow(Struct, frozen=True):
    """A file that somebody handed in."""

    upload_id: str
    sha256: str
    size_bytes: int
    media_type: str
    scan: str
    case_no: str | None
    stored: str | None
    content_key_sealed: bytes | None
    created_at: datetime


class StoredFile(Struct, frozen=True):
    """What a forgotten upload leaves in the store."""

    stored: str | None


class CertificateRow(Struct, frozen=True):
    """A certificate that the citizen holds."""

    certificate_id: str
    type: str
    status: str
    valid_until: date | None


class CodeRow(Struct, frozen=True):
    """A code alone."""

    code: str
