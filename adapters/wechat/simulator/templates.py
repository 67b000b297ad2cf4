"""The subscription templates of the mini-program, and what their fields take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct


class Template(Struct, frozen=True):
    """`fields`: our name of a value → the template's field, whose name says its kind."""

    fields: dict[str, str]


TEMPLATES: dict[str, Template] = {
    "case_moved": Template(
        {
            "service": "thing1",
            "case_no": "character_string2",
            "status": "thing3",
            "at": "time4",
            "note": "thing5",
        }
    ),
    "correction_needed": Template(
        {"service": "thing1", "case_no": "character_string2", "note": "thing3", "at": "time4"}
    ),
    "payment_due": Template(
        {"service": "thing1", "case_no": "character_string2", "status": "phrase3", "at": "date4"}
    ),
    "case_completed": Template(
        {"service": "thing1", "case_no": "character_string2", "note": "thing3", "at": "time4"}
    ),
    "reminder": Template({"service": "thing1", "at": "time2", "note": "thing3"}),
}

# What a field of a kind takes, from WeChat's list of parameter kinds.
_KINDS: dict[str, re.Pattern[str]] = {
    "thing": re.compile(r"[^\r\n]{1,20}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "name": re.compile(r"[\u4e00-\u9fff·]{1,10}|[A-Za-z .]{1,20}"),
    "number": re.compile(r"[0-9]{1,32}(\.[0-9]{1,32})?"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "phone_number": re.compile(r"[0-9+ -]{1,17}"),
    "amount": re.compile(r"[¥$€£]?[0-9]{1,10}(\.[0-9]{1,2})?元?"),
    "date": re.compile(
        r"[0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|-[0-9]{1,2}-[0-9]{1,2})( [0-9]{1,2}:[0-9]{2})?"
    ),
    "time": re.compile(
        r"([0-9]{4}(年[0-9]{1,2}月[0-9]{1,2}日|-[0-9]{1,2}-[0-9]{1,2}) )?"
        r"[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?"
    ),
}


def field_fault(template: Template, data: object) -> str | None:
    """Why WeChat would refuse these values (47003's words); None: it would not."""
    if not isinstance(data, Mapping):
        return "argument invalid! data is not an object"
    wanted = set(template.fields.values())
    for name in sorted(wanted):
        fault = _value_fault(name, data.get(name))
        if fault is not None:
            return f"argument invalid! data.{name}.value {fault}"
    extra = sorted(set(data) - wanted)
    return f"argument invalid! data.{extra[0]} is not in the template" if extra else None


def _value_fault(name: str, given: Any) -> str | None:
    value = given.get("value") if isinstance(given, Mapping) else None
    if value in (None, ""):
        return "is empty"
    kind = _KINDS[name.rstrip("0123456789")]
    return None if isinstance(value, str) and kind.fullmatch(value) else "invalid"
