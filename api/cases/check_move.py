"""What an event must say before it is weighed: reasons, days, results, corrections.

A correction asks only for what the guide asked for when the case began, all at once, and
as often as the process allows (行政许可法, article 32: 一次告知).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from api.cases import queries
from api.cases.count_clock import EXTENSION_DAYS
from api.cases.decide_move import Move
from api.cases.refusals import InvalidMove, wrong_value
from api.cases.rows import CaseRow, GuideAsks
from api.cases.schemas import CaseResult, Correction
from api.cases.states import STANDING
from api.errors import FieldError, ValidationFailed
from api.processes import Process
from api.statements import Connection


class _Material(Struct, frozen=True):
    """Of a guide's material only its key."""

    material_id: str


async def check_move(connection: Connection, case: CaseRow, move: Move) -> None:
    """Raises ValidationFailed naming what is missing or wrong, InvalidMove past a limit."""
    match move.event_type:
        case "suspended":
            _demand_reason(move)
        case "extended":
            _demand_reason(move)
            _check_extension(move)
        case "completed":
            _check_result(move)
        case "payment_requested":
            _check_fee(case, move)
        case "correction_requested":
            await _check_correction(connection, case, move)


async def read_process(connection: Connection, case: CaseRow) -> Process:
    """The process of the guide's version that the case began under."""
    return _process(await _read_guide(connection, case))


async def _read_guide(connection: Connection, case: CaseRow) -> GuideAsks:
    found = await queries.find_guide_asks(
        connection, service_code=case.service_code, version=case.service_version
    )
    return found or GuideAsks(None, None)


def _process(guide: GuideAsks) -> Process:
    if guide.process in (None, "null"):
        return Process()
    return msgspec.json.decode(guide.process or "", type=Process)


def _demand_reason(move: Move) -> None:
    if not move.words:
        raise wrong_value("reason", "missing", "必须写明理由。", "`reason` is required here.")


def _check_extension(move: Move) -> None:
    if move.days is not None and move.days > EXTENSION_DAYS:
        raise wrong_value(
            "days",
            "out_of_range",
            f"最多延长{EXTENSION_DAYS}个工作日。",
            f"`days` may be {EXTENSION_DAYS} working days at most.",
        )


def _check_result(move: Move) -> None:
    result = move.result or CaseResult()
    if result.code != "0" and not (result.reason or "").strip() and not move.words:
        raise wrong_value(
            "result.reason",
            "missing",
            "办结结果为1至6时必须写明理由。",
            "A result with a code from 1 to 6 needs a `reason`.",
        )


def _check_fee(case: CaseRow, move: Move) -> None:
    if move.fee is None and case.fee_fen is None:
        raise wrong_value(
            "fee",
            "missing",
            "必须写明应缴金额（fee.amount_fen，单位：分）。",
            "`fee` must say the amount: nothing is known to be due for this case.",
        )


async def _check_correction(connection: Connection, case: CaseRow, move: Move) -> None:
    wanted = move.correction
    if wanted is None or not (wanted.fields or wanted.materials):
        raise wrong_value(
            "correction",
            "missing",
            "补正告知必须一次写明要补正的字段和材料。",
            "`correction` must name the fields and materials wanted, all at once.",
        )
    guide = await _read_guide(connection, case)
    process = _process(guide)
    _check_only_asked(wanted, process, guide)
    if case.status not in STANDING and case.corrections_count >= process.corrections_most:
        raise InvalidMove(
            f"补正次数已达上限（{process.corrections_most}次）。",
            f"Corrections may be asked for {process.corrections_most} times, which they were.",
        )


def _check_only_asked(wanted: Correction, process: Process, guide: GuideAsks) -> None:
    fields = {field.name for field in process.form}
    listed = msgspec.json.decode(guide.materials or "[]", type=list[_Material] | None) or []
    materials = {material.material_id for material in listed}
    wrong = [
        (f"correction.fields[{i}]", name)
        for i, name in enumerate(wanted.fields)
        if name not in fields
    ] + [
        (f"correction.materials[{i}].material_id", material.material_id)
        for i, material in enumerate(wanted.wanted)
        if material.material_id not in materials
    ]
    if wrong:
        raise ValidationFailed(
            errors=[
                FieldError(
                    place,
                    "not_asked_for",
                    f"办事指南没有要求“{name}”，不能要求补正。",
                    f"The guide does not ask for `{name}`, so it cannot be corrected.",
                )
                for place, name in wrong
            ]
        )
