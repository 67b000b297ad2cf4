"""What is sent and read about agents (代办) and organisations (法人)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.kinds import Id, Label

Scope = Literal["apply", "progress", "pay", "appointments"]
ServiceCode = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{31}\Z")]
InvitationCode = Annotated[str, Meta(pattern=r"\A[2-9A-HJ-NP-Z]{12}\Z", examples=["7KQ2M8XH4TRB"])]


class Invitation(Struct, frozen=True):
    """A code to give to whoever should name one as agent or representative; it works once."""

    code: str
    expires_at: datetime


class AuthorityBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A written authority. Name the agent by `agent_id` or by the `invitation_code` they gave.

    `service_codes` empty: every service. `until`: the last day, at most a year from now.
    """

    scopes: Annotated[list[Scope], Meta(min_length=1, max_length=4)]
    until: date
    agent_id: Id | None = None
    invitation_code: InvitationCode | None = None
    service_codes: Annotated[list[ServiceCode], Meta(max_length=50)] = []


class AuthorityAnswer(Struct, frozen=True):
    """An authority as one of its two people sees it. `other_name` is masked.

    `in_force`: accepted, not ended, and the last day not past.
    """

    authority_id: Id
    role: Literal["principal", "agent"]
    principal_id: Id
    agent_id: Id
    other_name: str | None
    scopes: list[str]
    service_codes: list[str]
    state: Literal["offered", "accepted", "ended"]
    in_force: bool
    until: date
    created_at: datetime
    accepted_at: datetime | None


class OrganisationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An organisation, and as what one represents it. The code is checked (GB 32100)."""

    credit_code: Annotated[
        str, Meta(pattern=r"\A[0-9A-HJ-NPQRTUWXY]{18}\Z", examples=["91350100M000100Y43"])
    ]
    name: Label
    role: Literal["legal_representative", "handler"] = "legal_representative"


class OrganisationAnswer(Struct, frozen=True):
    """An organisation as one of its people sees it.

    `state` is `unverified` until a clerk has confirmed the claim against the register:
    nothing here asks the register itself.
    """

    organisation_id: Id
    credit_code: str
    name: str
    state: Literal["unverified", "verified", "refused"]
    role: Literal["legal_representative", "handler"]
    membership: Literal["invited", "active"]
    created_at: datetime


class MemberBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to add, by the invitation code they gave, and as what."""

    invitation_code: InvitationCode
    role: Literal["legal_representative", "handler"] = "handler"


class MemberAnswer(Struct, frozen=True):
    """One of an organisation's people; `name` is masked."""

    citizen_id: Id
    name: str | None
    role: Literal["legal_representative", "handler"]
    membership: Literal["invited", "active"]


class ClaimAnswer(Struct, frozen=True):
    """A claim that a supervisor is to compare with the register."""

    organisation_id: Id
    credit_code: str
    name: str
    state: Literal["unverified", "verified", "refused"]
    created_at: datetime


class ClaimDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """What the comparison showed."""

    confirmed: bool
