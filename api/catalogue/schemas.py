"""What a service item and its guide are made of.

The field set follows C 0109-2018 (national government-service platform, service
item elements). Codes are strings, dates are ISO 8601, money is integer fen.
`Guide` is what a department publishes and what a version stores; below it stands
what citizens and platforms read.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.kinds import Label, RegionCode, RegionRef, Sha256, ShortText, Text
from api.processes import Process, ProcessAnswer

Days = Annotated[int, Meta(ge=0, le=3650)]
Count = Annotated[int, Meta(ge=0, le=100_000)]
Fen = Annotated[int, Meta(ge=0, le=10_000_000_000_00)]

BasicCode = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{12}\Z", examples=["440101001000"])]
ServiceCode = Annotated[
    str, Meta(pattern=r"\A[0-9A-Z]{31}\Z", examples=["11440000006939756B2440101007000"])
]
DepartmentCode = Annotated[str, Meta(pattern=r"\A[0-9A-Z]{18}\Z")]
LocalCode = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"\A[^\x00]*\Z")]
MaterialId = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_-]{1,40}\Z", examples=["m1"])]

ItemType = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "20"]
ExerciseLevel = Literal["1", "2", "3", "4", "5", "6"]
Audience = Literal["natural_person", "legal_person"]
HandlingType = Literal["instant", "promised"]
OnlineDepth = Literal["I", "II", "III", "IV"]
LimitUnit = Literal["working_day", "calendar_day", "hour", "minute"]
PowerSource = Literal["statutory", "authorised", "entrusted"]
StepStage = Literal[
    "submission",
    "acceptance",
    "review",
    "decision",
    "completion",
    "delivery",
    "other",
]
RegionScope = Literal["nation", "province", "city", "county", "own"]

ITEM_TYPE_NAMES: dict[str, str] = {
    "1": "行政许可",
    "2": "行政处罚",
    "3": "行政强制",
    "4": "行政征收",
    "5": "行政给付",
    "6": "行政检查",
    "7": "行政确认",
    "8": "行政奖励",
    "9": "行政裁决",
    "10": "其他行政权力",
    "20": "公共服务",
}


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """How long something may take: a value, its unit and a note in words."""

    value: Days
    unit: LimitUnit = "working_day"
    note: Text | None = None


class DepartmentRef(Struct, frozen=True, forbid_unknown_fields=True):
    """The implementing body 实施主体, known by its unified social credit code (GB 32100)."""

    code: DepartmentCode
    name: Label
    nature: Label | None = None


class LegalBasis(Struct, frozen=True, forbid_unknown_fields=True):
    """A law or rule that the item stands on, with the article that says it."""

    title: ShortText
    article: Label | None = None
    text: Text | None = None


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One step of handling; `limit_days` are working days of that step alone."""

    name: Label
    stage: StepStage
    actor: Label | None = None
    limit_days: Days | None = None
    note: Text | None = None


class SpecialProcedure(Struct, frozen=True, forbid_unknown_fields=True):
    """A hearing, test, inspection or expert review that stops the clock."""

    name: Label
    limit_days: Days | None = None
    basis: Text | None = None


class Place(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the item is handled, down to window or door, and when it is open."""

    name: Label
    address: ShortText
    window: Label | None = None
    hours: ShortText | None = None
    phone: ShortText | None = None


class Contact(Struct, frozen=True, forbid_unknown_fields=True):
    """How to ask or to complain: phone with area code, address, web address."""

    phone: ShortText | None = None
    address: ShortText | None = None
    web: ShortText | None = None


class Fee(Struct, frozen=True, forbid_unknown_fields=True):
    """A fee with its standard and its legal basis; `amount_fen` where it is fixed."""

    item: Label
    standard: ShortText | None = None
    basis: ShortText | None = None
    amount_fen: Fen | None = None
    reducible: bool = False
    reduction_basis: ShortText | None = None


class Online(Struct, frozen=True, forbid_unknown_fields=True):
    """What can be done from home.

    Depth: I information, II some steps, III all but the result or the
    original check, IV wholly online.
    """

    depth: OnlineDepth | None = None
    web_address: ShortText | None = None
    mobile_address: ShortText | None = None
    single_sign_on: bool = False
    courier: bool = False
    payment: bool = False
    appointment: bool = False
    self_service_terminal: bool = False


class FileReference(Struct, frozen=True, forbid_unknown_fields=True):
    """A stored file, addressed by its content."""

    name: Label
    media_type: Label
    size_bytes: Annotated[int, Meta(ge=0, le=100_000_000)]
    sha256: Sha256


class Result(Struct, frozen=True, forbid_unknown_fields=True):
    """What the citizen holds in the end."""

    type: (
        Literal["certificate", "approval", "document", "registration", "payment", "other"] | None
    ) = None
    name: Label | None = None
    sample: FileReference | None = None


class Material(Struct, frozen=True, forbid_unknown_fields=True):
    """One thing to bring or upload. `issuer` says who makes it where it is not the applicant."""

    material_id: MaterialId
    name: ShortText
    necessity: Literal["required", "optional", "conditional"] | None = None
    condition: Text | None = None
    type: Literal["original", "copy", "original_and_copy"] | None = None
    form: Literal["paper", "electronic", "paper_or_electronic"] | None = None
    source: Literal["applicant", "government", "third_party"] | None = None
    issuer: Label | None = None
    copies: Annotated[int, Meta(ge=0, le=100)] | None = None
    paper_size: Label | None = None
    is_form: bool = False
    blank_form: FileReference | None = None
    sample: FileReference | None = None
    instructions: Text | None = None
    acceptance_standard: Text | None = None
    basis: Text | None = None
    certificate_type: Label | None = None


class Faq(Struct, frozen=True, forbid_unknown_fields=True):
    """A question people really ask, and its answer."""

    question: ShortText
    answer: Text


class Guide(Struct, frozen=True, forbid_unknown_fields=True):
    """One service item with its whole guide, as its department publishes it."""

    service_code: ServiceCode
    name: ShortText
    item_type: ItemType
    region_code: RegionCode
    exercise_level: ExerciseLevel
    department: DepartmentRef
    basic_code: BasicCode | None = None
    local_code: LocalCode | None = None
    effective_on: date | None = None
    ends_on: date | None = None
    legal_basis: Annotated[list[LegalBasis], Meta(max_length=50)] = []
    power_source: PowerSource | None = None
    delegating_body: Label | None = None
    statutory_limit: Limit | None = None
    promised_limit: Limit | None = None
    conditions: Annotated[list[Text], Meta(max_length=50)] = []
    steps: Annotated[list[Step], Meta(max_length=30)] = []
    special_procedures: Annotated[list[SpecialProcedure], Meta(max_length=10)] = []
    charged: bool = False
    fees: Annotated[list[Fee], Meta(max_length=30)] = []
    audience: Annotated[list[Audience], Meta(max_length=2)] = []
    handling_type: HandlingType | None = None
    visits: Annotated[int, Meta(ge=0, le=20)] | None = None
    visit_reason: Text | None = None
    places: Annotated[list[Place], Meta(max_length=50)] = []
    enquiry: Contact | None = None
    complaint: Contact | None = None
    online: Online = Online()
    region_scope: RegionScope | None = None
    quantity_limit: Text | None = None
    joint_bodies: Annotated[list[Label], Meta(max_length=20)] = []
    intermediary_services: Annotated[list[Label], Meta(max_length=20)] = []
    result: Result | None = None
    person_themes: Annotated[list[Label], Meta(max_length=20)] = []
    organisation_themes: Annotated[list[Label], Meta(max_length=20)] = []
    materials: Annotated[list[Material], Meta(max_length=100)] = []
    faqs: Annotated[list[Faq], Meta(max_length=50)] = []
    review_contact: Contact | None = None
    litigation_contact: Contact | None = None
    daily_appointment_quota: Count | None = None
    keywords: Annotated[list[Label], Meta(max_length=30)] = []
    assured_on: date | None = None
    process: Process | None = None
    demonstration: bool = False
    source: Label | None = None
    licence: Label | None = None


# What callers read.


class CodedName(Struct, frozen=True):
    """A body by code and name."""

    code: str
    name: str


class ServiceSummary(Struct, frozen=True):
    """One line of a list. `statutory_days` and `promised_days` are working days; null: not said."""

    service_code: ServiceCode
    name: str
    department: CodedName
    region: RegionRef
    item_type: ItemType
    audience: list[Audience]
    handling_type: HandlingType | None
    statutory_days: int | None
    promised_days: int | None
    visits: int | None
    online_depth: OnlineDepth | None
    charged: bool
    updated_at: datetime


class FileLink(Struct, frozen=True):
    """A file to download; `url` is a path of this service."""

    name: str
    media_type: str
    size_bytes: int
    sha256: Sha256
    url: str


class MaterialAnswer(Material, frozen=True, kw_only=True):
    """A material with where to fetch its blank form and filled sample."""

    blank_form: FileLink | None = None  # type: ignore[assignment]
    sample: FileLink | None = None  # type: ignore[assignment]


class ResultAnswer(Result, frozen=True, kw_only=True):
    """What the citizen holds in the end, with where to see a sample of it."""

    sample: FileLink | None = None  # type: ignore[assignment]


class RelatedService(Struct, frozen=True):
    """Another item of the same place, and why it is named here."""

    service_code: ServiceCode
    name: str
    reason: Literal["same_department", "same_theme", "shared_materials"]


class LifeEventRef(Struct, frozen=True):
    """A life event 一件事 that this item is part of."""

    slug: str
    name: str


class Links(Struct, frozen=True):
    """Where the item opens: page paths inside the mini-programs, and the public web page."""

    wechat: str | None
    alipay: str | None
    web: str


class GuideAnswer(Guide, frozen=True, kw_only=True):
    """The whole guide of one version. `status`: planned before its day, then in_force, then
    ended or withdrawn; superseded for an older version asked for by number."""

    version: int
    status: Literal["planned", "in_force", "superseded", "ended", "withdrawn"]
    region: RegionRef
    region_path: list[RegionRef]
    statutory_days: int | None
    promised_days: int | None
    online_depth: OnlineDepth | None
    published_at: datetime
    updated_at: datetime
    materials: list[MaterialAnswer] = []  # type: ignore[assignment]
    result: ResultAnswer | None = None
    process: ProcessAnswer | None = None  # type: ignore[assignment]
    related: list[RelatedService] = []
    life_events: list[LifeEventRef] = []
    links: Links


class DepartmentAnswer(Struct, frozen=True):
    """A department and how many items it offers now."""

    code: str
    name: str
    region_code: RegionCode
    services_count: int


class Change(Struct, frozen=True):
    """One entry of the change feed; `seq` grows with every change and is never reused."""

    seq: int
    service_code: ServiceCode
    version: int
    change: Literal["created", "updated", "withdrawn"]
    changed_at: datetime


class Suggestion(Struct, frozen=True):
    """What to offer while somebody types."""

    text: str
    service_code: ServiceCode


class HomeNotice(Struct, frozen=True):
    """A notice on the first screen."""

    notice_id: int
    title: str
    body: str
    published_on: date


class LifeEventSummary(Struct, frozen=True):
    """A life event 一件事: several items done as one."""

    slug: str
    name: str
    summary: str
    audience: Audience
    position: int
    services_count: int


class Home(Struct, frozen=True):
    """The first screen in one call."""

    region: RegionRef
    notices: list[HomeNotice]
    hot_services: list[ServiceSummary]
    life_events: list[LifeEventSummary]
    departments: list[DepartmentAnswer]
