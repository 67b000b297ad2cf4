"""Publishes what a platform hands in: its own items only, with whatever the lint found.

A platform's rights are prefixes of service codes and of regions. They must cover the item
as it is handed in and, where it stands already, as it stands: an item cannot be pulled over
from another's region. A department is the platform's where its code, the first 18 characters
of a service code, agrees with one of the prefixes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import date
from typing import BinaryIO

import msgspec
import structlog
from msgspec import Struct

from api import audit
from api.access import Caller, covers
from api.catalogue import queries
from api.catalogue.import_services import LINE_LIMIT_BYTES
from api.catalogue.lint_guide import Finding, lint_guide
from api.catalogue.publish_services import Linted, publish_batch
from api.catalogue.rows import CurrentItem
from api.catalogue.schemas import Guide
from api.database import Database
from api.errors import FieldError, Forbidden, Problem
from api.logs import describe_error
from api.problems import field_error_of
from api.statements import Connection

log = structlog.get_logger()

BATCH_LINES = 50
DEPARTMENT_CHARACTERS = 18
FOREIGN = "该事项、地区或部门不在您的平台权限内。"
FOREIGN_ENGLISH = "The item, its region or its department is not within your platform's rights."
# Reading and linting a line takes up to some milliseconds: others have their turn in between.
_LINES_A_TURN = 5


class Published(Struct, frozen=True):
    """An item as it stands now. `changed` false: it stood so already, and keeps its version."""

    service_code: str
    version: int
    changed: bool
    findings: list[Finding]


class LineFault(Struct, frozen=True):
    """Why a line was not taken: where, a stable code, words in two languages."""

    field: str
    code: str
    detail: str
    detail_en: str


class ImportedLine(Struct, frozen=True):
    """What became of one line, the first being 1: a version with its findings, or a fault."""

    line: int
    service_code: str | None
    version: int | None
    changed: bool
    findings: list[Finding]
    fault: LineFault | None


class _ReadLine(Struct, frozen=True):
    number: int
    guide: Guide


async def publish_one(database: Database, caller: Caller, guide: Guide, day: date) -> Published:
    """Raises Forbidden where the item, its region or its department is not the platform's."""
    linted = Linted(guide, lint_guide(guide, day))

    async def work(connection: Connection) -> Published:
        current = await _current(connection, [guide])
        if not is_own(caller, guide, current.get(guide.service_code)):
            raise Forbidden(FOREIGN, FOREIGN_ENGLISH)
        (published,) = await _publish(connection, caller, [linted], current, day)
        return published

    return await database.decide(work)


def is_own(caller: Caller, guide: Guide, current: CurrentItem | None) -> bool:
    """Whether the platform's rights cover the item, as handed in and as it stands."""
    standing = [(guide.region_code, guide.department.code)]
    if current is not None:
        standing.append((current.region_code, current.department_code))
    return all(
        covers(caller, guide.service_code, region_code) and _has_department(caller, department_code)
        for region_code, department_code in standing
    )


def _has_department(caller: Caller, department_code: str) -> bool:
    bodies = [prefix[:DEPARTMENT_CHARACTERS] for prefix in caller.service_prefixes]
    return any(department_code.startswith(body) for body in bodies)


async def _current(connection: Connection, guides: Sequence[Guide]) -> dict[str, CurrentItem]:
    rows = await queries.list_current_items(
        connection, service_codes=[guide.service_code for guide in guides]
    )
    return {row.service_code: row for row in rows}


async def _publish(
    connection: Connection,
    caller: Caller,
    batch: Sequence[Linted],
    current: dict[str, CurrentItem],
    day: date,
) -> list[Published]:
    stored = await publish_batch(
        connection, batch, publisher=f"platform:{caller.key_id}", today=day
    )
    versions = {version.service_code: version.version for version in stored}
    if versions:
        await audit.note(
            connection,
            actor=caller.actor,
            action="service.published",
            subject=f"platform:{caller.owner}",
            details={"versions": versions},
        )
    return [
        Published(
            service_code=linted.guide.service_code,
            version=versions.get(linted.guide.service_code)
            or current[linted.guide.service_code].version,
            changed=linted.guide.service_code in versions,
            findings=linted.findings,
        )
        for linted in batch
    ]


async def import_lines(
    database: Database, caller: Caller, file: BinaryIO, day: date
) -> AsyncIterator[ImportedLine]:
    """One answer for every line that is not empty, in order; a bad one stops nothing.

    Each batch is a transaction of its own: what was answered stays, whatever comes later.
    """
    batch: list[_ReadLine] = []
    faults: list[ImportedLine] = []
    for number, content in _numbered(file):
        if number % _LINES_A_TURN == 0:
            await asyncio.sleep(0)
        read = _read(number, content)
        # One code stands once in a batch: named again, it is a later version.
        again = isinstance(read, _ReadLine) and any(
            read.guide.service_code == line.guide.service_code for line in batch
        )
        if again or len(batch) + len(faults) >= BATCH_LINES:
            for answer in await _import_batch(database, caller, batch, faults, day):
                yield answer
            batch, faults = [], []
        if isinstance(read, _ReadLine):
            batch.append(read)
        else:
            faults.append(read)
    for answer in await _import_batch(database, caller, batch, faults, day):
        yield answer


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, empty ones left out, over-long ones cut."""
    number = 0
    while content := file.readline(LINE_LIMIT_BYTES + 1):
        number += 1
        rest = content
        while len(rest) > LINE_LIMIT_BYTES and not rest.endswith(b"\n"):
            rest = file.readline(LINE_LIMIT_BYTES + 1)
        if content.strip():
            yield number, content


_GUIDE = msgspec.json.Decoder(Guide)


def _read(number: int, content: bytes) -> _ReadLine | ImportedLine:
    if len(content) > LINE_LIMIT_BYTES:
        return _refuse(number, None, _line_too_long())
    try:
        return _ReadLine(number, _GUIDE.decode(content))
    except msgspec.ValidationError as error:
        return _refuse(number, None, field_error_of(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _refuse(number, None, _unreadable())


async def _import_batch(
    database: Database,
    caller: Caller,
    lines: Sequence[_ReadLine],
    faults: Sequence[ImportedLine],
    day: date,
) -> list[ImportedLine]:
    """The answers of a batch in the order of its lines."""
    try:
        taken = await _publish_lines(database, caller, lines, day) if lines else []
    except Problem as problem:
        taken = [_refuse(line.number, line.guide, _problem(problem)) for line in lines]
    except Exception as error:  # noqa: BLE001 (whatever a line holds, the others go on)
        log.error("import_failed", lines=len(lines), **describe_error(error))
        taken = await _import_singly(database, caller, lines, day)
    return sorted([*taken, *faults], key=lambda answer: answer.line)


async def _import_singly(
    database: Database, caller: Caller, lines: Sequence[_ReadLine], day: date
) -> list[ImportedLine]:
    """After an unforeseen error: find the line that caused it, take the others."""
    if len(lines) == 1:
        return [_refuse(lines[0].number, lines[0].guide, _problem(Problem()))]
    return [
        answer
        for line in lines
        for answer in await _import_batch(database, caller, [line], [], day)
    ]


async def _publish_lines(
    database: Database, caller: Caller, lines: Sequence[_ReadLine], day: date
) -> list[ImportedLine]:
    linted = {line.number: Linted(line.guide, lint_guide(line.guide, day)) for line in lines}

    async def work(connection: Connection) -> list[ImportedLine]:
        current = await _current(connection, [line.guide for line in lines])
        own = [
            line
            for line in lines
            if is_own(caller, line.guide, current.get(line.guide.service_code))
        ]
        batch = [linted[line.number] for line in own]
        published = await _publish(connection, caller, batch, current, day) if own else []
        answers = [
            ImportedLine(line.number, p.service_code, p.version, p.changed, p.findings, None)
            for line, p in zip(own, published, strict=True)
        ]
        taken = {line.number for line in own}
        foreign = [line for line in lines if line.number not in taken]
        return answers + [_refuse(line.number, line.guide, _foreign()) for line in foreign]

    return await database.decide(work)


def _refuse(number: int, guide: Guide | None, error: FieldError) -> ImportedLine:
    fault = LineFault(error.field, error.code, error.detail, error.detail_english)
    return ImportedLine(number, guide.service_code if guide else None, None, False, [], fault)


def _problem(problem: Problem) -> FieldError:
    words = (type(problem).__doc__ or "").strip()
    return FieldError("", problem.code, words, problem.english)


def _foreign() -> FieldError:
    return FieldError("service_code", "forbidden", FOREIGN, FOREIGN_ENGLISH)


def _line_too_long() -> FieldError:
    return FieldError(
        "",
        "line_too_long",
        f"一行不能超过 {LINE_LIMIT_BYTES} 字节。",
        f"A line is at most {LINE_LIMIT_BYTES} bytes.",
    )


def _unreadable() -> FieldError:
    return FieldError(
        "",
        "unreadable",
        "这一行不是合法的 UTF-8 JSON。",
        "The line is not JSON in UTF-8.",
    )
