"""The one way an item enters or changes in the catalogue.

A batch of guides goes by COPY into a staging table and from there, in one
transaction of the caller's, into versions, the change feed, findings and the
current rows. An unchanged guide makes no new version; a version planned for a
later day waits for `bring_due_into_force`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from api.catalogue import queries
from api.catalogue.facts import ServicesChanged
from api.catalogue.lint_guide import Finding, lint_guide
from api.catalogue.rows import StoredVersion
from api.catalogue.schemas import Guide, Limit
from api.catalogue.search.index_titles import title_ids
from api.errors import FieldError, ValidationFailed
from api.events import publish
from api.statements import Connection

_COLUMNS = [
    "service_code",
    "basic_code",
    "local_code",
    "region_code",
    "department_code",
    "department_name",
    "title_id",
    "name",
    "item_type",
    "exercise_level",
    "effective_on",
    "ends_on",
    "audience",
    "themes",
    "handling_type",
    "statutory_days",
    "promised_days",
    "visits",
    "online_depth",
    "charged",
    "material_keys",
    "demonstration",
    "source",
    "assured_on",
    "guide",
    "digest",
    "rules",
    "findings",
    "position",
]

# One fact names at most so many items: a job's payload stays small.
_CODES_PER_FACT = 500


class Linted(msgspec.Struct, frozen=True):
    """A guide with what the lint found in it."""

    guide: Guide
    findings: list[Finding]


async def publish_own(
    connection: Connection, guide: Guide, *, publisher: str, today: date
) -> list[StoredVersion]:
    """Publish one guide of our own departments.

    Raises ValidationFailed with every finding: our own guides pass the lint or stay out.
    """
    findings = lint_guide(guide, today)
    if findings:
        raise ValidationFailed(
            "办事指南未通过规范检查，请按提示修改后再发布。",
            "The guide does not pass the lint. Mend the findings and publish again.",
            errors=[FieldError(f.field, f.code, f.detail, f.detail_en) for f in findings],
        )
    return await publish_batch(
        connection, [Linted(guide, findings)], publisher=publisher, today=today
    )


async def publish_batch(
    connection: Connection, batch: Sequence[Linted], *, publisher: str, today: date
) -> list[StoredVersion]:
    """Publish guides with whatever the lint found, inside the caller's transaction.

    Gives the versions that are new, in the order of the batch. No code may stand twice in it.
    """
    await _take_turn(connection)
    await _stage(connection, batch)
    await queries.store_departments(connection)
    stored = await queries.store_versions(connection, publisher=publisher)
    await queries.store_findings(connection)
    await queries.bring_into_force(connection, today=today)
    await connection.execute("delete from staged_services")
    await _tell(connection, [s.service_code for s in stored if not s.created])
    return stored


async def bring_due_into_force(connection: Connection, *, since: date, today: date) -> int:
    """Make current every planned version whose day lies in [since, today]; gives how many."""
    due = await queries.list_due_versions(connection, since=since, today=today)
    # Of several planned versions of one item the newest counts: later ones overwrite.
    guides = {d.service_code: msgspec.json.decode(d.guide, type=Guide) for d in due}
    if not guides:
        return 0
    await _take_turn(connection)
    await _stage(connection, [Linted(g, []) for g in guides.values()])
    changed = await queries.bring_into_force(connection, today=today)
    await connection.execute("delete from staged_services")
    await _tell(connection, [c.service_code for c in changed])
    return len(changed)


async def withdraw(connection: Connection, service_code: str) -> int | None:
    """Take an item out of the catalogue; gives its last version, None where it is not in force."""
    await _take_turn(connection)
    version = await queries.withdraw_service(connection, service_code=service_code)
    if version is not None:
        await _tell(connection, [service_code])
    return version


async def _take_turn(connection: Connection) -> None:
    await queries.allow_waiting(connection)
    await queries.lock_catalogue(connection)


async def _tell(connection: Connection, service_codes: list[str]) -> None:
    for start in range(0, len(service_codes), _CODES_PER_FACT):
        codes = service_codes[start : start + _CODES_PER_FACT]
        await publish(connection, ServicesChanged(service_codes=codes))


async def _stage(connection: Connection, batch: Sequence[Linted]) -> None:
    names = [(g.guide.name, aliases(g.guide)) for g in batch]
    titles = await title_ids(connection, names)
    await queries.create_staging(connection)
    rows = [
        _staged(linted, titles[names[position]], position) for position, linted in enumerate(batch)
    ]
    await connection.copy_records_to_table("staged_services", records=rows, columns=_COLUMNS)


def aliases(guide: Guide) -> str:
    """What else people call the item, in one stable string."""
    return " ".join(sorted(set(guide.keywords)))


def _staged(linted: Linted, title_id: int, position: int) -> tuple[Any, ...]:
    guide = linted.guide
    body = msgspec.json.encode(guide)
    return (
        guide.service_code,
        guide.basic_code,
        guide.local_code,
        guide.region_code,
        guide.department.code,
        guide.department.name,
        title_id,
        guide.name,
        guide.item_type,
        int(guide.exercise_level),
        guide.effective_on,
        guide.ends_on,
        guide.audience,
        sorted({*guide.person_themes, *guide.organisation_themes}),
        guide.handling_type,
        whole_days(guide.statutory_limit),
        whole_days(guide.promised_limit),
        guide.visits,
        guide.online.depth,
        guide.charged,
        sorted({_material_key(m.name) for m in guide.materials}),
        guide.demonstration,
        guide.source,
        guide.assured_on,
        body.decode(),
        hashlib.sha256(body).digest(),
        sorted({f.rule for f in linted.findings}),
        msgspec.json.encode(linted.findings).decode(),
        position,
    )


def whole_days(limit: Limit | None) -> int | None:
    """A limit in days as lists show it; hours and minutes round up to days, under one day is 0."""
    if limit is None:
        return None
    if limit.unit in ("working_day", "calendar_day"):
        return limit.value
    hours = limit.value if limit.unit == "hour" else limit.value / 60
    return 0 if hours < 24 else math.ceil(hours / 24)


def _material_key(name: str) -> str:
    """The name without marks, so that 《身份证》 and 身份证 count as the same paper."""
    return "".join(c for c in name if c.isalnum())[:60]
