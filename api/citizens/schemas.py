"""What citizens send and read about themselves. Names, numbers and phones go out masked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from api.kinds import Id

ChannelName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,31}\Z", examples=["wechat"])]
AssuranceLevel = Literal["basic", "verified", "face"]
LEVELS: tuple[AssuranceLevel, ...] = ("basic", "verified", "face")


class SignInBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The code that `wx.login` or `my.getAuthCode` gave the mini-program."""

    channel: ChannelName
    code: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=512,
            pattern=r"\A[\x21-\x7e]+\Z",
            examples=["0a1b2c3d4e5f6g7h8i9j"],
        ),
    ]


class PhoneBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the phone button gave: a code, or the channel's signed envelope as text."""

    channel: ChannelName
    code: Annotated[str, Meta(min_length=1, max_length=8192, pattern=r"\A[\x20-\x7e]+\Z")]


class Citizen(Struct, frozen=True):
    """Who signed in; `name` is masked, null until somebody has proven it."""

    citizen_id: Id
    name: str | None
    assurance_level: AssuranceLevel
    channels: list[str]


class SignedIn(Struct, frozen=True):
    """The session's token, for `Authorization: Bearer`, until `expires_at`."""

    token: str
    expires_at: datetime
    citizen: Citizen


QuietHours = Annotated[str, Meta(pattern=r"\A([01][0-9]|2[0-3])-([01][0-9]|2[0-3])\Z")]
MutedKinds = Annotated[
    list[Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,39}\Z")]], Meta(max_length=40)
]


class Preferences(Struct, frozen=True):
    """How somebody wishes to be served.

    `quiet_hours`: `HH-HH` in China Standard Time, null: the service's own; `muted_kinds`: kinds
    of messages that are not wanted.
    """

    language: Literal["zh", "en"] = "zh"
    quiet_hours: str | None = None
    muted_kinds: list[str] = []
    recommendations: bool = True


class PreferencesPatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What is null or absent stays as it is; `quiet_hours` "00-00" asks for none."""

    language: Literal["zh", "en"] | None = None
    quiet_hours: QuietHours | None = None
    muted_kinds: MutedKinds | None = None
    recommendations: bool | None = None


class ProfilePatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What a citizen may change by themselves. What is null or absent stays as it is."""

    elder_view: bool | None = None
    preferences: PreferencesPatch | None = None


class LinkedChannel(Struct, frozen=True):
    """An account by which the citizen comes."""

    channel: str
    linked_at: datetime


class Profile(Struct, frozen=True):
    """Everything the first screen of "me" needs. `elder_view`: large letters, fewer things."""

    citizen_id: Id
    name: str | None
    id_number: str | None
    phone: str | None
    assurance_level: AssuranceLevel
    verified_at: datetime | None
    channels: list[str]
    links: list[LinkedChannel]
    preferences: Preferences
    elder_view: bool
    created_at: datetime


class MaskedPhone(Struct, frozen=True):
    """The number the channel handed over."""

    phone: str


class IdentityCheckBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Name and number as on the identity card. `channel` null: the one of this session.

    With `proof`, what the person's consent in the mini-program gave, the channel compares them
    with its own real-name record at once (verified); without, the person shows their face.
    """

    name: Annotated[
        str,
        Meta(
            min_length=2,
            max_length=50,
            pattern=r"\A[^\x00-\x1f0-9<>]+\Z",
            examples=["张三"],
        ),
    ]
    id_number: Annotated[
        str, Meta(pattern=r"\A[1-9][0-9]{16}[0-9Xx]\Z", examples=["11010519491231002X"])
    ]
    channel: ChannelName | None = None
    proof: Annotated[str, Meta(max_length=512, pattern=r"\A[\x21-\x7e]+\Z")] | None = None


class IdentityCheckAnswer(Struct, frozen=True):
    """A check. `client_parameters` go unchanged to the mini-program; ask until not pending.

    `reason` of a failure is a code; `merged`: another record of the same person is this one's
    now.
    """

    check_id: Id
    channel: str
    state: Literal["pending", "passed", "failed"]
    assurance_level: AssuranceLevel
    reason: str | None
    client_parameters: dict[str, Any] | None
    expires_at: datetime | None
    merged: bool = False


class AccessNote(Struct, frozen=True):
    """That somebody read this citizen's personal data: who, what for, which fields, when."""

    access_id: int
    actor: str
    purpose: str
    what: str
    accessed_at: datetime
