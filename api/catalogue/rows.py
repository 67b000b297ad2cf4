"""Rows of the catalogue's statements, columns in order, and how they become answers."""

from __future__ import annotations

from datetime import date, datetime

from msgspec import Struct

from api.catalogue.schemas import CodedName, DepartmentAnswer, ServiceSummary
from api.kinds import RegionRef


class SummaryRow(Struct, frozen=True):
    """A list's row; `closeness` is 1 for the place itself, growing up the tree, 0 without one."""

    service_code: str
    name: str
    department_code: str
    department_name: str
    region_code: str
    region_name: str
    item_type: str
    audience: list[str]
    handling_type: str | None
    statutory_days: int | None
    promised_days: int | None
    visits: int | None
    online_depth: str | None
    charged: bool
    updated_at: datetime
    closeness: int

    def answer(self) -> ServiceSummary:
        """The row as callers see it."""
        return ServiceSummary(
            service_code=self.service_code,
            name=self.name,
            department=CodedName(self.department_code, self.department_name),
            region=RegionRef(self.region_code, self.region_name),
            item_type=self.item_type,  # type: ignore[arg-type]
            audience=self.audience,  # type: ignore[arg-type]
            handling_type=self.handling_type,  # type: ignore[arg-type]
            statutory_days=self.statutory_days,
            promised_days=self.promised_days,
            visits=self.visits,
            online_depth=self.online_depth,  # type: ignore[arg-type]
            charged=self.charged,
            updated_at=self.updated_at,
        )


class GuideRow(Struct, frozen=True):
    """One version of a guide with what surrounds it; `guide` is JSON text."""

    guide: str
    version: int
    current_version: int
    title_id: int
    withdrawn_at: datetime | None
    updated_at: datetime
    published_at: datetime
    effective_on: date | None
    ends_on: date | None
    region_name: str
    ancestor_codes: list[str]
    ancestor_names: list[str]
    life_events: list[str]


class DepartmentRow(Struct, frozen=True):
    """A department with its place in the scope asked for."""

    code: str
    name: str
    region_code: str
    services_count: int
    closeness: int

    def answer(self) -> DepartmentAnswer:
        """The row as callers see it."""
        return DepartmentAnswer(self.code, self.name, self.region_code, self.services_count)


class StoredVersion(Struct, frozen=True):
    """A version just written."""

    service_code: str
    version: int
    created: bool


class CurrentItem(Struct, frozen=True):
    """Whose an item is now, and its newest version."""

    service_code: str
    region_code: str
    department_code: str
    version: int


class DueVersion(Struct, frozen=True):
    """A planned version whose day has come; `guide` is JSON text."""

    guide: str
    service_code: str
    version: int


class CodePair(Struct, frozen=True):
    """Two codes that belong together."""

    first: str
    second: str


class SitemapPart(Struct, frozen=True):
    """A part of the sitemap: number, first code, newest change."""

    part: int
    first_code: str
    updated_at: datetime


class SitemapEntry(Struct, frozen=True):
    """One item in the sitemap."""

    service_code: str
    updated_at: datetime


class RuleCount(Struct, frozen=True):
    """In how many items a lint rule found something."""

    rule: int
    items: int


class FindingsRow(Struct, frozen=True):
    """An item's findings as JSON text."""

    service_code: str
    name: str
    findings: str


class ImportRow(Struct, frozen=True):
    """How far an import came."""

    import_id: int
    bytes_done: int
    lines_done: int
    items_kept: int
    lines_refused: int
    finished: bool


class ImportFault(Struct, frozen=True):
    """A line that was not taken, and why."""

    line_number: int
    field: str
    reason: str


class ServiceCodeRow(Struct, frozen=True):
    """A service code alone."""

    service_code: str


class UpperRegion(Struct, frozen=True):
    """A province, city or county; `level` is its name."""

    code: str
    name: str
    level: str
    parent_code: str | None


class Linted(Struct, frozen=True):
    """How many items the lint has seen, and how many of them it found nothing in."""

    items: int
    clean: int


class ItemLinkRow(Struct, frozen=True):
    """What a channel made for an item; `fresh` says that the https link still holds."""

    url_link: str | None
    fresh: bool | None
    code_sha256: str | None
    code_media_type: str | None
