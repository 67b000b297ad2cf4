"""The city app's messages as it spells them, and its words in ours.

Nothing outside this package sees one of these structs.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class LoginCode(Struct):
    """What the app hands out when somebody taps "sign in": base64url of this, a dot, an HMAC."""

    app: str
    person: str
    issued_at: int
    number: str


class Redeemed(Struct):
    """POST /v1/codes/redeem: a code is good once."""

    person: str


class Phone(Struct):
    """POST /v1/phones."""

    number: str


class MessageAsked(Struct):
    """POST /v1/messages; `number` makes a repeat the same message."""

    person: str
    template: str
    values: dict[str, str]
    page: str
    number: str


class MessageTaken(Struct):
    """Its answer."""

    message: str


class LinkAsked(Struct):
    """POST /v1/links."""

    page: str
    query: dict[str, str]


class LinkMade(Struct):
    """Its answer."""

    link: str


class CodeAsked(Struct):
    """POST /v1/codes/redeem and /v1/phones."""

    code: str


class Failure(Struct):
    """The body of every 4xx."""

    error: str = ""


class Push(Struct):
    """What the app's server tells us of messages."""

    person: str
    template: str
    happened: Literal["delivered", "blocked", "allowed"]
    message: str | None = None


# Their errors → the refusals of the contract. What is not here is not understood, and what
# is not understood is unknown.
REFUSALS = {
    "code_used": "code_wrong",
    "code_unknown": "code_wrong",
    "person_suspended": "user_blocked",
    "phone_withheld": "user_refused",
    "signature": "not_permitted",
    "quota": "quota_used",
    "page_unknown": "parameter_wrong",
    "template_unknown": "parameter_wrong",
}

# Errors of a message that will never reach this person → MessageState.reason.
MESSAGE_FAILURES = {
    "person_blocks": "user_refused",
    "person_unknown": "person_unknown",
    "values": "content_wrong",
}
