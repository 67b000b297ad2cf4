"""Corrections: all that was asked for, at once, and nothing besides."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import structs

from api.cases.intake.begin_case import bind_uploads
from api.cases.intake.check_answers import fault, is_answered
from api.cases.intake.hand_in import Desk, lock_case, open_application, take_in
from api.cases.intake.rows import CaseRow
from api.cases.intake.schemas import AskedCorrection, CorrectionBody
from api.cases.intake.submit_case import hand_over
from api.cases.refusals import cannot_move
from api.errors import FieldError, ValidationFailed
from api.statements import Connection


async def hand_in_corrections(
    connection: Connection, desk: Desk, case_no: str, body: CorrectionBody
) -> CaseRow:
    """Answer a correction notice. New files of a material take the place of its old ones.

    Raises NotFound, InvalidMove where nothing was asked for, ValidationFailed naming what is
    missing, wrong or was not asked for, and what `hand_over` raises.
    """
    row = await lock_case(connection, desk, case_no)
    if row.status != "awaiting_correction" or row.correction is None:
        raise cannot_move(row.status, "corrected")
    asked = msgspec.json.decode(row.correction, type=AskedCorrection)
    if faults := list(_compare(asked, body)):
        raise ValidationFailed(errors=faults)
    application = await open_application(connection, desk, row)
    corrected = await take_in(
        connection, desk, application, body.form, body.materials or None, case_no
    )
    if body.materials:
        renewed = {material.material_id for material in body.materials}
        kept = [m for m in application.materials if m.material_id not in renewed]
        corrected = structs.replace(corrected, materials=[*kept, *corrected.materials])
    await bind_uploads(connection, case_no, corrected)
    await hand_over(connection, desk, row, corrected, "corrected")
    return await lock_case(connection, desk, case_no)


def _compare(asked: AskedCorrection, body: CorrectionBody) -> Iterator[FieldError]:
    wanted = {material.material_id for material in asked.materials}
    given = {material.material_id for material in body.materials}
    for name in asked.fields:
        if not is_answered(body.form.get(name)):
            yield fault(f"form.{name}", "missing")
    for material_id in sorted(wanted - given):
        yield fault(f"materials.{material_id}", "missing")
    for name in sorted(set(body.form) - set(asked.fields)):
        yield fault(f"form.{name}", "not_asked")
    for number, material in enumerate(body.materials):
        if material.material_id not in wanted:
            yield fault(f"materials[{number}].material_id", "not_asked")
