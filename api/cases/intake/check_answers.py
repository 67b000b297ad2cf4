"""Whether answers fit the questions: kind, length, bounds, choices. Empty is not wrong."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from api.errors import FieldError
from api.kinds import is_identity_number
from api.processes import FormField

_PHONE = re.compile(r"\A(?:1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8})\Z")
_DATE = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_REGION = re.compile(r"\A[0-9]{12}\Z")
_FIRST_YEAR, _LAST_YEAR = 1850, 2200


def check_answers(fields: Sequence[FormField], form: Mapping[str, Any]) -> Iterator[FieldError]:
    """Every wrong answer; whether regions exist is for the database to say."""
    known = {field.name: field for field in fields}
    for name, answer in form.items():
        field = known.get(name)
        if field is None:
            yield fault(f"form.{name}", "unknown_field")
        elif is_answered(answer) and (code := _CHECKS[field.kind](field, answer)):
            yield fault(f"form.{name}", code)


def is_answered(answer: Any) -> bool:
    """Null and blanks are no answers; 0 and no are."""
    return answer is not None and not (isinstance(answer, str) and not answer.strip())


def asked_regions(fields: Sequence[FormField], form: Mapping[str, Any]) -> dict[str, str]:
    """The answers that name regions, by field; only those that can be codes."""
    return {
        field.name: form[field.name]
        for field in fields
        if field.kind == "region" and _REGION.match(str(form.get(field.name) or ""))
    }


def fault(field: str, code: str) -> FieldError:
    """A wrong value in both languages."""
    chinese, english = WORDS[code]
    return FieldError(field, code, f"“{field}”{chinese}。", f"`{field}` {english}.")


def _check_text(field: FormField, answer: Any) -> str | None:
    if not isinstance(answer, str):
        return "wrong_type"
    return "wrong_length" if len(answer) > field.max_length else None


def _check_number(field: FormField, answer: Any) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return "wrong_type"
    if not math.isfinite(answer) or abs(answer) > 2**53:
        return "out_of_range"
    low = field.minimum if field.minimum is not None else answer
    high = field.maximum if field.maximum is not None else answer
    return None if low <= answer <= high else "out_of_range"


def _check_date(_field: FormField, answer: Any) -> str | None:
    if not isinstance(answer, str):
        return "wrong_type"
    try:
        day = date.fromisoformat(answer) if _DATE.match(answer) else None
    except ValueError:
        return "wrong_format"
    if day is None:
        return "wrong_format"
    return None if _FIRST_YEAR <= day.year <= _LAST_YEAR else "out_of_range"


def _check_choice(field: FormField, answer: Any) -> str | None:
    return None if answer in [choice.code for choice in field.choices] else "unknown_value"


def _check_yes_no(_field: FormField, answer: Any) -> str | None:
    return None if isinstance(answer, bool) else "wrong_type"


def _match(fits: Callable[[str], Any]) -> Callable[[FormField, Any], str | None]:
    def check(_field: FormField, answer: Any) -> str | None:
        if not isinstance(answer, str):
            return "wrong_type"
        return None if fits(answer) else "wrong_format"

    return check


_CHECKS: dict[str, Callable[[FormField, Any], str | None]] = {
    "text": _check_text,
    "number": _check_number,
    "date": _check_date,
    "phone": _match(_PHONE.match),
    "identity_number": _match(lambda answer: is_identity_number(answer.upper())),
    "choice": _check_choice,
    "region": _match(_REGION.match),
    "yes_no": _check_yes_no,
}

WORDS: dict[str, tuple[str, str]] = {
    "missing": ("必填", "is required"),
    "unknown_field": ("不是这份表单的问题", "is not asked by this form"),
    "wrong_type": ("类型不正确", "has a wrong type"),
    "wrong_length": ("太长", "is too long"),
    "wrong_format": ("格式不正确", "has a wrong format"),
    "out_of_range": ("超出允许的范围", "is out of range"),
    "unknown_value": ("不是可选的值", "is not one of the known values"),
    "unknown_region": ("不是存在的行政区划", "is not a region that exists"),
    "unknown_material": ("不是这个事项的材料", "is not a material of this service"),
    "nothing_given": (
        "要么是一个文件，要么是一张证照",
        "is either a file or a certificate, and one of them",
    ),
    "unknown_upload": ("没有这个文件", "names no upload of yours"),
    "upload_used": ("已经用在另一件办件里", "is used in another case"),
    "given_twice": ("重复了", "is given twice"),
    "unknown_certificate": ("没有这张证照", "names no certificate of yours"),
    "certificate_revoked": ("这张证照已经作废", "names a certificate that was revoked"),
    "certificate_expired": ("这张证照已经过期", "names a certificate that has expired"),
    "certificate_wrong": ("不能用这张证照代替", "cannot be replaced by this certificate"),
    "unknown_organisation": ("没有这个法人，或者您不能代表它", "names no organisation you act for"),
    "not_for_organisations": ("这个事项不面向法人", "is not for organisations here"),
    "not_asked": ("没有要求补正", "was not asked for"),
}
