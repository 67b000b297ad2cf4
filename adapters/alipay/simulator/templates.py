"""The message templates the simulated console has approved, one for each kind of message."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

# Our field names in the order of the template's keywords.
_FIELDS = ("service", "case_no", "status", "at", "note")


class Template(Struct, frozen=True):
    """`fields`: our field name → keyword; `keywords`: keyword → characters it takes."""

    template_id: str
    fields: Mapping[str, str]
    keywords: Mapping[str, int]


def _template(number: int) -> Template:
    fields = {name: f"keyword{place}" for place, name in enumerate(_FIELDS, start=1)}
    return Template(
        template_id=f"{number:032x}", fields=fields, keywords=dict.fromkeys(fields.values(), 64)
    )


TEMPLATES: dict[str, Template] = {
    "case_moved": _template(0xA1),
    "correction_needed": _template(0xA2),
    "payment_due": _template(0xA3),
    "case_completed": _template(0xA4),
    "reminder": _template(0xA5),
}
BY_ID = {template.template_id: template for template in TEMPLATES.values()}
