"""What clerks send and read. Roles are separate: who manages clerks handles no cases."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.kinds import Label

UserName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9._-]{2,39}\Z", examples=["wang.min"])]
Password = Annotated[
    str,
    Meta(min_length=12, max_length=200, pattern=r"\A[^\x00]*\Z", examples=["a long passphrase"]),
]
TotpCode = Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z", examples=["492039"])]
Role = Literal["handler", "supervisor", "auditor", "cashier", "administrator"]
ServicePrefix = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{0,31}\Z")]
RegionPrefix = Annotated[str, Meta(pattern=r"\A[0-9]{0,12}\Z")]

ROLE_WORDS: dict[Role, str] = {
    "handler": "moves cases of their bodies and places",
    "supervisor": "sees what is late, extends limits, confirms organisations",
    "auditor": "reads the audit trail",
    "cashier": "settles money that went wrong, and does nothing else",
    "administrator": "makes and disables clerks, and does nothing else",
}


class ClerkSignInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Password and the six digits of the authenticator (TOTP, RFC 6238)."""

    user: UserName
    password: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00]*\Z")]
    totp: TotpCode


class ClerkAnswer(Struct, frozen=True):
    """A clerk, with what their rights cover: beginnings of service and region codes."""

    user: str
    name: str
    roles: list[str]
    service_prefixes: list[str]
    region_prefixes: list[str]


class ClerkSignedIn(Struct, frozen=True):
    """The session's token; it also ends after the idle time."""

    token: str
    expires_at: datetime
    clerk: ClerkAnswer


class NewClerkBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A clerk to be made."""

    user: UserName
    name: Label
    password: Password
    roles: Annotated[list[Role], Meta(min_length=1, max_length=4)]
    service_prefixes: Annotated[list[ServicePrefix], Meta(min_length=1, max_length=50)]
    region_prefixes: Annotated[list[RegionPrefix], Meta(min_length=1, max_length=50)]


class NewClerk(Struct, frozen=True):
    """Shown once: what the clerk puts into an authenticator."""

    clerk: ClerkAnswer
    totp_secret: str
    totp_address: str


class ListedClerk(Struct, frozen=True):
    """One line of the list of clerks."""

    user: str
    name: str
    roles: list[str]
    service_prefixes: list[str]
    region_prefixes: list[str]
    active: bool
    locked: bool


class AuditLine(Struct, frozen=True):
    """One entry of the audit trail; `seal` (hex) is its link in the chain, null while it waits."""

    entry_id: int
    noted_at: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, object]
    seal_no: int | None
    seal: str | None
