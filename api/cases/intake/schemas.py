"""What citizens send and get: uploads, drafts, what is missing, their cases."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from litestar.datastructures import UploadFile
from msgspec import UNSET, Meta, Struct, UnsetType

from api.cases.schemas import CaseResult, ServiceCode, ServiceOfCase
from api.kinds import Id, ShortText
from api.processes import FieldName

Answer = (
    Annotated[str, Meta(max_length=2000, pattern=r"\A[^\x00]*\Z")]
    | Annotated[int, Meta(ge=-(2**53), le=2**53)]
    | float
    | bool
    | None
)
Form = Annotated[dict[FieldName, Answer], Meta(max_length=60)]
MaterialId = Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_-]{1,40}\Z", examples=["m1"])]
CertificateId = Annotated[
    str, Meta(min_length=1, max_length=100, pattern=r"\A[!-~]{1,100}\Z", examples=["0" * 32])
]
Status = Literal[
    "draft",
    "submitted",
    "returned",
    "pre_checked",
    "accepted",
    "awaiting_correction",
    "suspended",
    "awaiting_payment",
    "reviewed",
    "decided",
    "completed",
    "delivered",
    "withdrawn",
]


class UploadBody(Struct, forbid_unknown_fields=True):
    """One file: PDF, DOCX, PNG or JPEG."""

    file: UploadFile


class UploadAnswer(Struct, frozen=True):
    """A file handed in. `scan` says whether a virus scanner has looked at it.

    Not handed in with a case it is forgotten after a day.
    """

    upload_id: Id
    sha256: str
    size: int
    media_type: str
    scan: Literal["clean", "unscanned"]
    case_no: str | None
    created_at: datetime


class HandedIn(Struct, frozen=True, forbid_unknown_fields=True):
    """One file for a material, or a certificate that stands for it.

    A material may have several files. Naming a certificate consents to its being read for
    this case, and that is recorded.
    """

    material_id: MaterialId
    upload_id: Id | None = None
    certificate_id: CertificateId | None = None


Materials = Annotated[list[HandedIn], Meta(max_length=100)]


class CaseBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An application. `form` answers the questions of the guide's `process.form`.

    Without `submit` it stays a draft, which may be incomplete but not wrong.
    """

    service_code: ServiceCode
    form: Form = {}
    materials: Materials = []
    submit: bool = False
    organisation_id: Id | None = None


class CasePatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Changes of a draft. Answers given are put over the old ones, null takes one away.

    `materials` replaces the whole list.
    """

    form: Form | None = None
    materials: Materials | None = None
    organisation_id: Id | UnsetType | None = UNSET


class CorrectionBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that was asked for, at once, and nothing else."""

    form: Form = {}
    materials: Materials = []


class WithdrawalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the application is taken back."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\A[^\x00]*\Z")]


class KeptMaterial(Struct, frozen=True, omit_defaults=True):
    """A material as the case keeps it; `consented_at` and `purpose` of a certificate."""

    material_id: str
    upload_id: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    certificate_id: str | None = None
    certificate_type: str | None = None
    consented_at: datetime | None = None
    purpose: str | None = None


class Missing(Struct, frozen=True):
    """Something required that is not there: `field` as in errors, `label` as people read it."""

    field: str
    label: str


class CaseAnswer(Struct, frozen=True, kw_only=True):
    """Where an application stands after what was just done."""

    case_no: str
    service: ServiceOfCase
    status: Status
    label: str
    version: int
    completeness_percent: int
    missing: list[Missing]
    fee_fen: int | None
    fee_basis: str | None
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime


class CaseBegun(CaseAnswer, frozen=True, kw_only=True):
    """A new application. `query_password` is told here and never again."""

    query_password: str


class AskedMaterial(Struct, frozen=True):
    """A material to be handed in again, and why."""

    material_id: str
    reason: str | None = None


class AskedCorrection(Struct, frozen=True):
    """What the department wants corrected, all at once, and until when."""

    fields: list[str] = []
    materials: list[AskedMaterial] = []
    note: str | None = None
    due_on: date | None = None


class CaseDetail(CaseAnswer, frozen=True, kw_only=True):
    """A case for its owner, with what they handed in."""

    region_code: str
    guide_version: int
    organisation_id: str | None
    agent_id: str | None
    form: dict[str, Any]
    materials: list[KeptMaterial]
    correction: AskedCorrection | None
    result: CaseResult | None
    due_on: date | None
    due_provisional: bool


class CaseSummary(Struct, frozen=True):
    """A case in its owner's list."""

    case_no: str
    service: ServiceOfCase
    status: Status
    label: str
    version: int
    completeness_percent: int
    fee_fen: int | None
    due_on: date | None
    created_at: datetime
    submitted_at: datetime | None
    updated_at: datetime


class GuideMaterial(Struct, frozen=True):
    """Of a guide's material what an application needs to know."""

    material_id: str
    name: ShortText
    necessity: Literal["required", "optional", "conditional"] | None = None
    certificate_type: str | None = None
