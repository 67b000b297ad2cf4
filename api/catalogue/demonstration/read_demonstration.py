"""The demonstration town's templates, as they lie under `sql/seeds/demonstration`.

Every file is decoded strictly: an unknown field or a wrong type raises
`msgspec.ValidationError` with the path of the mistake.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from api.catalogue.schemas import Audience, Fee, Online, RegionScope, SpecialProcedure, StepStage
from api.processes import FormField, PaymentDue, RuleName

PROVINCE = "440000000000"
FOLDER = Path(__file__).resolve().parents[3] / "sql" / "seeds" / "demonstration"


class StepTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """A step whose share of the promised days is `weight` of the sum of weights."""

    name: str
    stage: StepStage
    actor: str
    weight: int
    note: str


class Shared(Struct, frozen=True, forbid_unknown_fields=True):
    """What templates refer to by key; texts may hold `{region}` and `{service_code}`."""

    source: str
    licence: str
    effective_on: date
    hours: str
    daily_appointment_quota: int
    address: str
    office_name: str
    web_address: str
    mobile_address: str
    review_address: str
    litigation_address: str
    visit_reasons: dict[str, str]
    online: dict[str, Online]
    steps: dict[str, list[StepTemplate]]
    materials: dict[str, dict[str, Any]]


class ItemTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """One basic item; limits are working days unless `promised_minutes` is given.

    A material names a shared part by `use` and overrides what differs. `basis`
    holds titles of laws, `result` a type and a name, `faqs` questions and answers.
    """

    basic_code: str
    name: str
    level: Literal["2", "3", "4"]
    department: str
    audience: list[Audience]
    keywords: list[str]
    basis: list[str]
    statutory: int
    steps: str
    conditions: list[str]
    materials: list[dict[str, Any]]
    visits: int
    online: str
    result: tuple[str, str]
    scope: RegionScope
    faqs: list[tuple[str, str]]
    promised: int = 0
    promised_minutes: int | None = None
    person_themes: list[str] = []
    organisation_themes: list[str] = []
    fees: list[Fee] = []
    visit_reason: str | None = None
    special: list[SpecialProcedure] = []


class TableTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """A decision table without the frame: what it reads, what it gives, and rules of cells.

    The first rule that fits counts; an empty cell fits everything.
    """

    reads: list[str]
    gives: list[str]
    rules: list[list[str]]


class ProcessTemplate(Struct, frozen=True, forbid_unknown_fields=True):
    """How an item is handled; its steps are the guide's."""

    form: list[FormField]
    tables: dict[RuleName, TableTemplate] = {}
    payment: PaymentDue | None = None
    corrections_most: int = 3
    assurance_level: Literal["basic", "verified", "face"] = "basic"
    result_certificate: str | None = None


class Department(Struct, frozen=True, forbid_unknown_fields=True):
    """A body found at every level; `number` (1 to 99) goes into its codes."""

    key: str
    number: int
    short: str
    province: str
    window: str
    nature: str


class LifeEventStep(Struct, frozen=True, forbid_unknown_fields=True):
    """One item of a life event; `after` are the basic codes that must be done before."""

    basic_code: str
    name: str
    after: list[str] = []


class LifeEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """What people call one thing (一件事): items in the order of handling."""

    slug: str
    name: str
    audience: Audience
    summary: str
    steps: list[LifeEventStep]


class HomeNotice(Struct, frozen=True, forbid_unknown_fields=True):
    """A notice for the first screen, published `days_ago` days before the planting."""

    title: str
    body: str
    days_ago: int
    region_code: str = PROVINCE


def read_items() -> list[ItemTemplate]:
    """All templates, ordered by basic code."""
    items = [
        item
        for path in sorted(FOLDER.glob("items_*.json"))
        for item in msgspec.json.decode(path.read_bytes(), type=list[ItemTemplate])
    ]
    return sorted(items, key=lambda item: item.basic_code)


def read_shared() -> Shared:
    return msgspec.json.decode((FOLDER / "shared.json").read_bytes(), type=Shared)


def read_processes() -> dict[str, ProcessTemplate]:
    """By basic code; items without one are handled in the standard way."""
    text = (FOLDER / "processes.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, ProcessTemplate])


def read_departments() -> dict[str, Department]:
    text = (FOLDER / "departments.json").read_bytes()
    return {body.key: body for body in msgspec.json.decode(text, type=list[Department])}


def read_centres() -> dict[str, tuple[float, float]]:
    """Latitude and longitude in degrees by region code, for the province and its cities."""
    text = (FOLDER / "centres.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, tuple[float, float]])


def read_life_events() -> list[LifeEvent]:
    text = (FOLDER / "life_events.json").read_bytes()
    return msgspec.json.decode(text, type=list[LifeEvent])


def read_notices() -> list[HomeNotice]:
    text = (FOLDER / "notices.json").read_bytes()
    return msgspec.json.decode(text, type=list[HomeNotice])
