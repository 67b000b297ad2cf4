"""Rows of the citizens' statements, columns in order."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct


class LinkRow(Struct, frozen=True):
    """An account and whose it is."""

    link_id: str
    citizen_id: str


class CitizenRow(Struct, frozen=True):
    """A living record; `preferences` is JSON text."""

    citizen_id: str
    name_sealed: bytes | None
    id_number_sealed: bytes | None
    phone_sealed: bytes | None
    assurance_level: str
    verified_at: datetime | None
    elder_view: bool
    preferences: str
    created_at: datetime
    channels: list[str]


class LockedCitizen(Struct, frozen=True):
    """A record that nobody else changes until the transaction ends."""

    citizen_id: str
    name_sealed: bytes | None
    id_number_sealed: bytes | None
    phone_sealed: bytes | None
    assurance_level: str
    verified_at: datetime | None


class OwnLink(Struct, frozen=True):
    """One of a citizen's accounts."""

    link_id: str
    channel: str
    linked_at: datetime
    open_id_sealed: bytes


class OwnSession(Struct, frozen=True):
    """A time the citizen signed in."""

    channel: str | None
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None


class CheckRow(Struct, frozen=True):
    """An identity check; `open_id_sealed` is None where its account was unlinked since."""

    check_id: str
    citizen_id: str
    channel: str
    link_id: str
    open_id_sealed: bytes | None
    state: str
    level: str | None
    reason: str | None
    channel_check_id: str | None
    client_parameters: str | None
    name_sealed: bytes | None
    id_number_sealed: bytes | None
    expires_at: datetime | None


class OwnCheck(Struct, frozen=True):
    """An identity check without what was checked."""

    channel: str
    state: str
    level: str | None
    reason: str | None
    created_at: datetime
    finished_at: datetime | None


class OwnCase(Struct, frozen=True):
    """A case as its applicant's data; `materials` is JSON text."""

    case_no: str
    service_code: str
    service_name: str
    department_code: str
    status: str
    channel: str | None
    materials: str
    form_sealed: bytes | None
    applicant_sealed: bytes | None
    created_at: datetime
    submitted_at: datetime | None
    completed_at: datetime | None
    result_code: str | None


class OwnCaseEvent(Struct, frozen=True):
    """A step of a case."""

    case_no: str
    seq: int
    type: str
    occurred_at: datetime
    note: str | None


class OwnUpload(Struct, frozen=True):
    """A file that was handed in."""

    upload_id: str
    sha256: str
    size_bytes: int
    media_type: str
    case_no: str | None
    created_at: datetime


class OwnMessage(Struct, frozen=True):
    """A message that was sent, or was to be."""

    kind: str
    case_no: str
    channel: str | None
    status: str
    created_at: datetime
    sent_at: datetime | None


class AuthorityRow(Struct, frozen=True):
    """A written authority with the other person's sealed name."""

    authority_id: str
    principal_id: str
    agent_id: str
    other_name_sealed: bytes | None
    scopes: list[str]
    service_codes: list[str]
    state: str
    in_force: bool
    until: date
    created_at: datetime
    accepted_at: datetime | None


class AuthorityInForce(Struct, frozen=True):
    """What an agent may do at this moment."""

    authority_id: str
    agent_id: str
    scopes: list[str]
    service_codes: list[str]


class MembershipRow(Struct, frozen=True):
    """As what somebody belongs to an organisation."""

    role: str
    state: str


class MemberRow(Struct, frozen=True):
    """One of an organisation's people."""

    citizen_id: str
    name_sealed: bytes | None
    role: str
    state: str
