"""Who applies: what the profile knows."""

from __future__ import annotations

from datetime import date
from typing import Any

from msgspec import Struct

from api.access import Caller
from api.cases.intake import queries
from api.cases.intake.check_answers import check_answers, fault
from api.cases.intake.load_guide import CaseGuide
from api.cases.sealed import Applicant
from api.errors import NotFound, ValidationFailed
from api.rules import ApplicantFacts, Facts
from api.statements import Connection
from api.vault import Vault


class Known(Struct, frozen=True):
    """An applicant as the profile knows them today."""

    citizen_id: str
    assurance_level: str
    applicant: Applicant


async def know_applicant(connection: Connection, vault: Vault, caller: Caller) -> Known:
    """The citizen's own data, opened for an application. Raises NotFound.

    Whoever shows it, or hands it to a department, notes that in the access log.
    """
    row = await queries.find_applicant(connection, citizen_id=caller.owner)
    if row is None:
        raise NotFound("没有这个人。", "There is no such citizen.")

    def opened(column: str, sealed: bytes | None) -> str | None:
        if sealed is None:
            return None
        return vault.open_text(sealed, table="citizens", column=column, row=row.citizen_id)

    return Known(
        row.citizen_id,
        row.assurance_level,
        Applicant(
            name=opened("name_sealed", row.name_sealed),
            id_number=opened("id_number_sealed", row.id_number_sealed),
            phone=opened("phone_sealed", row.phone_sealed),
        ),
    )


def prefill(guide: CaseGuide, known: Known, form: dict[str, Any]) -> dict[str, Any]:
    """The answers, and for questions nobody answered what the profile knows."""
    filled = dict(form)
    for field in guide.handling.form:
        if field.prefill and field.name not in filled:
            value = getattr(known.applicant, field.prefill)
            # What a channel told may be a foreign number, which the form would refuse.
            if value is not None and not list(check_answers([field], {field.name: value})):
                filled[field.name] = value
    return filled


def facts_of(
    guide: CaseGuide, known: Known, form: dict[str, Any], organisation_id: str | None, today: date
) -> Facts:
    """All that decision tables see."""
    kind = "natural_person" if organisation_id is None else "legal_person"
    number = known.applicant.id_number
    # Only a number that a channel has confirmed says how old somebody is.
    age = _age(number, today) if number and known.assurance_level != "basic" else None
    answers = {field.name: form.get(field.name) for field in guide.handling.form}
    applicant = ApplicantFacts(kind, known.assurance_level, age)  # type: ignore[arg-type]
    return Facts(answers, applicant, guide.service, today.isoformat())


async def demand_organisation(
    connection: Connection, guide: CaseGuide, citizen_id: str, organisation_id: str | None
) -> None:
    """Raises ValidationFailed where the applicant is not of the guide's audience.

    Somebody else's organisation is answered as one that is not there.
    """
    if organisation_id is None:
        if guide.audience and "natural_person" not in guide.audience:
            raise ValidationFailed(errors=[fault("organisation_id", "missing")])
        return
    may = await queries.may_act_for_organisation(
        connection, organisation_id=organisation_id, citizen_id=citizen_id
    )
    if not may or (guide.audience and "legal_person" not in guide.audience):
        code = "not_for_organisations" if may else "unknown_organisation"
        raise ValidationFailed(errors=[fault("organisation_id", code)])


def _age(number: str, today: date) -> int:
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
