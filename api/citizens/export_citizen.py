"""Everything held about a citizen, for the citizen (个人信息保护法 §45): unmasked, as JSON."""

from __future__ import annotations

from collections.abc import Sized
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from api.access_log import note_access
from api.citizens import queries
from api.citizens.agent_schemas import AuthorityAnswer, OrganisationAnswer
from api.citizens.authorise_agents import shape_authority
from api.citizens.link_channels import demand_citizen
from api.citizens.rows import (
    OwnCase,
    OwnCaseEvent,
    OwnCheck,
    OwnLink,
    OwnMessage,
    OwnSession,
    OwnUpload,
)
from api.citizens.schemas import AccessNote, Preferences
from api.citizens.sealed import open_id_number, open_name, open_open_id, open_phone
from api.database import CHINA, Database
from api.statements import Connection
from api.vault import Vault

# More of one kind than any person has; `complete` says so if somebody does.
MOST = 5000
_NEWEST = "g"
_NEWEST_NUMBER = 2**62


class ExportedLink(Struct, frozen=True):
    """An account by which the citizen comes, with the channel's own identifier of it."""

    channel: str
    open_id: str
    linked_at: datetime


class ExportedCase(Struct, frozen=True):
    """A case with what was filled in, as it was filled in."""

    case_no: str
    service_code: str
    service_name: str
    department_code: str
    status: str
    channel: str | None
    form: dict[str, Any] | None
    applicant: dict[str, Any] | None
    materials: list[Any]
    created_at: datetime
    submitted_at: datetime | None
    completed_at: datetime | None
    result_code: str | None


class Export(Struct, frozen=True):
    """All of it. `complete` false: some list is longer than an export carries."""

    citizen_id: str
    exported_at: datetime
    name: str | None
    id_number: str | None
    phone: str | None
    assurance_level: str
    verified_at: datetime | None
    elder_view: bool
    preferences: Preferences
    created_at: datetime
    links: list[ExportedLink]
    sessions: list[OwnSession]
    identity_checks: list[OwnCheck]
    authorities: list[AuthorityAnswer]
    organisations: list[OrganisationAnswer]
    cases: list[ExportedCase]
    case_events: list[OwnCaseEvent]
    uploads: list[OwnUpload]
    messages: list[OwnMessage]
    access_log: list[AccessNote]
    complete: bool


async def export_citizen(database: Database, vault: Vault, citizen_id: str) -> Export:
    """One consistent picture; the reading itself is noted in the access log."""
    async with database.transaction() as connection:
        await queries.see_one_moment(connection)
        export = await _read(connection, vault, citizen_id)
        await note_access(connection, citizen_id, f"citizen:{citizen_id}", "export", "everything")
    return export


async def _read(connection: Connection, vault: Vault, citizen_id: str) -> Export:
    row = await demand_citizen(connection, citizen_id)
    mine = {"citizen_id": citizen_id}
    some = {**mine, "limit": MOST}
    cases = await queries.list_own_cases(connection, **some)
    events = await queries.list_own_case_events(connection, **some)
    uploads = await queries.list_own_uploads(connection, **some)
    messages = await queries.list_own_messages(connection, **some)
    access = await queries.list_access(connection, **some, before=_NEWEST_NUMBER)
    lists: tuple[Sized, ...] = (cases, events, uploads, messages, access)
    return Export(
        citizen_id=citizen_id,
        exported_at=datetime.now(CHINA),
        name=open_name(vault, citizen_id, row.name_sealed),
        id_number=open_id_number(vault, citizen_id, row.id_number_sealed),
        phone=open_phone(vault, citizen_id, row.phone_sealed),
        assurance_level=row.assurance_level,
        verified_at=row.verified_at,
        elder_view=row.elder_view,
        preferences=msgspec.json.decode(row.preferences, type=Preferences),
        created_at=row.created_at,
        links=[_link(vault, link) for link in await queries.list_links(connection, **mine)],
        sessions=await queries.list_sessions(connection, **mine),
        identity_checks=await queries.list_checks(connection, **mine),
        authorities=[
            shape_authority(authority, citizen_id, vault)
            for authority in await queries.list_authorities(
                connection, **some, before=_NEWEST, authority_id=None
            )
        ],
        organisations=await queries.list_organisations(
            connection, **some, before=_NEWEST, organisation_id=None
        ),
        cases=[_case(vault, case) for case in cases],
        case_events=events,
        uploads=uploads,
        messages=messages,
        access_log=access,
        complete=all(len(rows) < MOST for rows in lists),
    )


def _link(vault: Vault, link: OwnLink) -> ExportedLink:
    open_id = open_open_id(vault, link.link_id, link.open_id_sealed)
    return ExportedLink(link.channel, open_id, link.linked_at)


def _case(vault: Vault, case: OwnCase) -> ExportedCase:
    return ExportedCase(
        case_no=case.case_no,
        service_code=case.service_code,
        service_name=case.service_name,
        department_code=case.department_code,
        status=case.status,
        channel=case.channel,
        form=_opened(vault, case.case_no, "form_sealed", case.form_sealed),
        applicant=_opened(vault, case.case_no, "applicant_sealed", case.applicant_sealed),
        materials=msgspec.json.decode(case.materials, type=list[Any]),
        created_at=case.created_at,
        submitted_at=case.submitted_at,
        completed_at=case.completed_at,
        result_code=case.result_code,
    )


def _opened(vault: Vault, case_no: str, column: str, sealed: bytes | None) -> dict[str, Any] | None:
    if sealed is None:
        return None
    content = vault.open(sealed, table="cases", column=column, row=case_no)
    return msgspec.json.decode(content, type=dict[str, Any])
