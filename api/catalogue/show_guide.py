"""Puts a guide together for its readers: the version's text and what surrounds it."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

import msgspec

from api.catalogue import queries
from api.catalogue.publish_services import whole_days
from api.catalogue.rows import GuideRow
from api.catalogue.schemas import (
    FileReference,
    Guide,
    GuideAnswer,
    LifeEventRef,
    Links,
    RelatedService,
)
from api.kinds import RegionRef
from api.processes import Process, show_process
from api.statements import Connection

# Where both mini-programs open an item; each channel builds its own link or code around it.
MINI_PROGRAM_PAGE = "pages/service/index"

Status = Literal["planned", "in_force", "superseded", "ended", "withdrawn"]


class Found(msgspec.Struct, frozen=True):
    """A stored version with its surroundings, before it is shaped for anybody."""

    guide: Guide
    row: GuideRow
    related: list[RelatedService]


async def find_version(
    connection: Connection, service_code: str, version: int | None
) -> Found | None:
    """The version asked for, or the one in force; None where there is no such item or version."""
    row = await queries.find_guide(connection, service_code=service_code, version=version)
    if row is None:
        return None
    related = await queries.list_related(connection, service_code=service_code)
    return Found(msgspec.json.decode(row.guide, type=Guide), row, related)


def shape_answer(found: Found, *, public_url: str, today: date) -> GuideAnswer:
    """The guide as the API gives it."""
    guide, row = found.guide, found.row
    fields: dict[str, Any] = msgspec.structs.asdict(guide)
    materials = [_with_links(m, guide.service_code) for m in guide.materials]
    fields["materials"] = materials
    fields["result"] = _result(guide)
    fields["process"] = show_process(guide.process or Process())
    return msgspec.convert(
        {
            **fields,
            "version": row.version,
            "status": status_of(row, today),
            "region": RegionRef(guide.region_code, row.region_name),
            "region_path": region_path(found),
            "statutory_days": whole_days(guide.statutory_limit),
            "promised_days": whole_days(guide.promised_limit),
            "online_depth": guide.online.depth,
            "published_at": row.published_at,
            "updated_at": row.updated_at
            if row.version == row.current_version
            else row.published_at,
            "related": found.related,
            "life_events": [_life_event(text) for text in row.life_events],
            "links": _links(guide.service_code, public_url),
        },
        GuideAnswer,
        from_attributes=True,
    )


def status_of(row: GuideRow, today: date) -> Status:
    """What this version is on that day."""
    if row.version < row.current_version:
        return "superseded"
    if row.version > row.current_version:
        return "planned"
    if row.withdrawn_at is not None:
        return "withdrawn"
    if row.effective_on is not None and row.effective_on > today:
        return "planned"
    if row.ends_on is not None and row.ends_on < today:
        return "ended"
    return "in_force"


def region_path(found: Found) -> list[RegionRef]:
    """From the province down to the item's own region."""
    row = found.row
    above = [RegionRef(c, n) for c, n in zip(row.ancestor_codes, row.ancestor_names, strict=True)]
    return [*above, RegionRef(found.guide.region_code, row.region_name)]


def _with_links(material: Any, service_code: str) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(material)
    base = f"/v1/services/{service_code}/materials/{material.material_id}"
    fields["blank_form"] = _link(material.blank_form, f"{base}/blank-form")
    fields["sample"] = _link(material.sample, f"{base}/sample")
    return fields


def _result(guide: Guide) -> dict[str, Any] | None:
    if guide.result is None:
        return None
    sample = _link(guide.result.sample, f"/v1/services/{guide.service_code}/result-sample")
    return {"type": guide.result.type, "name": guide.result.name, "sample": sample}


def _link(file: FileReference | None, url: str) -> dict[str, Any] | None:
    return None if file is None else {**msgspec.structs.asdict(file), "url": url}


def _life_event(text: str) -> LifeEventRef:
    slug, _, name = text.partition(" ")
    return LifeEventRef(slug, name)


def _links(service_code: str, public_url: str) -> Links:
    page = f"{MINI_PROGRAM_PAGE}?service_code={service_code}"
    return Links(wechat=page, alipay=page, web=f"{public_url}/services/{service_code}")
