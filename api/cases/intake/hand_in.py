"""What every act on an application begins with: read, check, weigh.

`Desk` holds what the acts need; `Application` is one application in their hands, read
from the row that this transaction has locked, or about to become one.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import Struct, structs

from api.access import Caller, demand_scope
from api.cases.intake import queries
from api.cases.intake.check_answers import asked_regions, check_answers, fault
from api.cases.intake.check_materials import check_materials, find_held, keep_materials
from api.cases.intake.know_applicant import Known, facts_of, know_applicant
from api.cases.intake.load_guide import CaseGuide, load_guide
from api.cases.intake.rows import CaseRow
from api.cases.intake.schemas import CaseAnswer, HandedIn, KeptMaterial
from api.cases.intake.weigh_case import Weight, weigh_case
from api.cases.refusals import no_such_case
from api.cases.schemas import ServiceOfCase
from api.cases.sealed import open_form
from api.cases.states import label_of
from api.database import CHINA
from api.errors import FieldError, ValidationFailed
from api.rules import Facts
from api.statements import Connection
from api.vault import Vault


class Desk(Struct, frozen=True):
    """Who acts, and with what; `now` is one moment for the whole act, in China."""

    vault: Vault
    caller: Caller
    now: datetime

    @property
    def today(self) -> date:
        """The day in China."""
        return self.now.date()


class Application(Struct, frozen=True):
    """An application: its guide, its applicant, and what was handed in."""

    guide: CaseGuide
    known: Known
    organisation_id: str | None
    form: dict[str, Any]
    materials: list[KeptMaterial]

    def facts(self, today: date) -> Facts:
        """What decision tables see."""
        return facts_of(self.guide, self.known, self.form, self.organisation_id, today)

    def weigh(self, today: date) -> Weight:
        """How complete it is. Raises TableFailed."""
        return weigh_case(
            self.guide, self.facts(today), {material.material_id for material in self.materials}
        )

    @property
    def upload_ids(self) -> list[str]:
        """The files among its materials."""
        return [material.upload_id for material in self.materials if material.upload_id]


def open_desk(vault: Vault, caller: Caller) -> Desk:
    """A desk of this moment."""
    return Desk(vault, caller, datetime.now(CHINA))


def demand_any(caller: Caller) -> None:
    """Raises Forbidden for an agent who may apply for nothing; for what is of no one service."""
    codes = caller.authority.service_codes if caller.authority else frozenset()
    demand_scope(caller, "apply", min(codes, default=""))


async def lock_case(connection: Connection, desk: Desk, case_no: str) -> CaseRow:
    """The caller's case, locked. Raises NotFound for a missing and for a foreign one.

    Raises Forbidden for an agent whose authority does not cover it.
    """
    row = await queries.lock_own_case(connection, case_no=case_no, citizen_id=desk.caller.owner)
    if row is None:
        raise no_such_case()
    demand_scope(desk.caller, "apply", row.service_code)
    return row


async def open_application(connection: Connection, desk: Desk, row: CaseRow) -> Application:
    """The application behind a row, with its form opened."""
    guide = await load_guide(connection, row.service_code, row.service_version, row.digest)
    known = await know_applicant(connection, desk.vault, desk.caller)
    return Application(
        guide,
        known,
        row.organisation_id,
        open_form(desk.vault, row.case_no, row.form_sealed),
        msgspec.json.decode(row.materials, type=list[KeptMaterial]),
    )


async def take_in(
    connection: Connection,
    desk: Desk,
    application: Application,
    form: dict[str, Any] | None,
    given: Sequence[HandedIn] | None,
    case_no: str | None,
) -> Application:
    """The application with other answers and materials. Raises ValidationFailed with all faults.

    None leaves what stands; a null answer takes one away.
    """
    fields = application.guide.handling.form
    faults: list[FieldError] = []
    answers, materials = application.form, application.materials
    if form is not None:
        answers = {n: a for n, a in {**answers, **form}.items() if a is not None}
        faults += check_answers(fields, {**answers, **form})
        regions = asked_regions(fields, form)
        codes = list(set(regions.values()))
        rows = await queries.list_known_regions(connection, codes=codes) if codes else []
        known = {row.code for row in rows}
        faults += [
            fault(f"form.{n}", "unknown_region") for n, c in regions.items() if c not in known
        ]
    if given is not None:
        held = await find_held(connection, application.known.citizen_id, given)
        wrong = list(check_materials(application.guide, given, held, case_no, desk.today))
        faults += wrong
        if not wrong:
            materials = keep_materials(application.guide, given, held, desk.now)
    if faults:
        raise ValidationFailed(errors=faults)
    return structs.replace(application, form=answers, materials=materials)


async def _check_regions(connection: Connection, asked: dict[str, str]) -> list[FieldError]:
    if not asked:
        return []
    rows = await queries.list_known_regions(connection, codes=list(set(asked.values())))
    known = {row.code for row in rows}
    return [
        fault(f"form.{name}", "unknown_region") for name, code in asked.items() if code not in known
    ]


def kept_json(materials: list[KeptMaterial]) -> str:
    """Materials as the case's row holds them."""
    return msgspec.json.encode(materials).decode()


def answer_of(row: CaseRow, weight: Weight) -> CaseAnswer:
    """Where it stands."""
    return CaseAnswer(**answer_fields(row, weight))


def answer_fields(row: CaseRow, weight: Weight) -> dict[str, Any]:
    """The fields that every answer about an application has."""
    return {
        "case_no": row.case_no,
        "service": ServiceOfCase(row.service_code, row.service_name),
        "status": row.status,
        "label": label_of(row.status, evaluated=row.evaluated_at is not None)[0],
        "version": row.version,
        "completeness_percent": row.completeness_percent,
        "missing": weight.missing,
        "fee_fen": row.fee_fen,
        "fee_basis": row.fee_basis,
        "created_at": row.created_at,
        "submitted_at": row.submitted_at,
        "updated_at": row.updated_at,
    }
