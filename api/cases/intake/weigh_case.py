"""How complete an application is, and what is still missing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec import Struct

from api.cases.intake.check_answers import is_answered
from api.cases.intake.load_guide import CaseGuide
from api.cases.intake.schemas import Missing
from api.rules import Facts, find_completeness


class Weight(Struct, frozen=True):
    """What is missing of what is required, and how much of it is there, in whole per cent."""

    missing: list[Missing]
    percent: int


def weigh_case(guide: CaseGuide, facts: Facts, material_ids: Collection[str]) -> Weight:
    """Required answers and materials, conditional ones as the `completeness` table says.

    Raises TableFailed where that table cannot say.
    """
    conditional = find_completeness(guide.handling.rules, facts)
    asked = [field for field in guide.handling.form if field.required]
    wanted = [
        material
        for material in guide.materials
        if material.necessity == "required"
        or (material.necessity == "conditional" and material.material_id in conditional)
    ]
    missing = [
        Missing(f"form.{field.name}", field.label)
        for field in asked
        if not is_answered(_answer(facts, field.name))
    ] + [
        Missing(f"materials.{material.material_id}", material.name)
        for material in wanted
        if material.material_id not in material_ids
    ]
    required = len(asked) + len(wanted)
    percent = 100 if not required else 100 * (required - len(missing)) // required
    return Weight(missing, percent)


def _answer(facts: Facts, name: str) -> Any:
    return facts.form.get(name)
