"""The answers a citizen reads: only what he looks at, with the fields the contract promises."""

from __future__ import annotations

from typing import Literal

from msgspec import Raw, Struct


class Coded(Struct, frozen=True):
    """A department or a region, by code and name."""

    code: str
    name: str


class Summary(Struct, frozen=True):
    """One line of a list of items."""

    service_code: str
    name: str
    department: Coded
    region: Coded
    item_type: str
    audience: list[str]
    handling_type: Literal["instant", "promised"] | None
    statutory_days: int | None
    promised_days: int | None
    visits: int | None
    online_depth: Literal["I", "II", "III", "IV"] | None
    charged: bool
    updated_at: str


class Summaries(Struct, frozen=True):
    """A page of items."""

    items: list[Summary]
    next_cursor: str | None


class Home(Struct, frozen=True):
    """The first screen."""

    region: Coded
    notices: list[Raw]
    hot_services: list[Summary]
    life_events: list[Raw]
    departments: list[Coded]


class Suggestion(Struct, frozen=True):
    """An offered name."""

    text: str
    service_code: str


class Suggestions(Struct, frozen=True):
    """What is offered while somebody types: one page."""

    items: list[Suggestion]


class FileLink(Struct, frozen=True):
    """A file to download; `url` is a path."""

    media_type: str
    size_bytes: int
    sha256: str
    url: str


class Material(Struct, frozen=True):
    """A thing to bring, perhaps with a form."""

    material_id: str
    name: str
    necessity: Literal["required", "optional", "conditional"] | None = None
    blank_form: FileLink | None = None


class Choice(Struct, frozen=True):
    """One of the answers that a question allows."""

    code: str
    label: str


class FormField(Struct, frozen=True):
    """One question of a form; `prefill` names what the profile knows."""

    name: str
    label: str
    kind: Literal[
        "text", "number", "date", "phone", "identity_number", "choice", "region", "yes_no"
    ]
    required: bool
    max_length: int
    minimum: int | None
    maximum: int | None
    choices: list[Choice]
    prefill: Literal["name", "id_number", "phone"] | None


class Fee(Struct, frozen=True):
    """What is paid for an item; `without_case`: nobody applies, it is only paid."""

    without_case: bool = False


class Process(Struct, frozen=True):
    """How an item is handled, as far as an applicant is told."""

    form: list[FormField]
    instant_approval: bool
    assurance_level: Literal["basic", "verified", "face"]
    payment: Fee | None = None


class Guide(Struct, frozen=True):
    """What is looked at in a guide."""

    service_code: str
    name: str
    basic_code: str | None
    version: int
    status: Literal["in_force"]
    department: Coded
    materials: list[Material]
    person_themes: list[str]
    organisation_themes: list[str]
    conditions: list[str]
    audience: list[str]
    online_depth: Literal["I", "II", "III", "IV"] | None = None
    process: Process | None = None
