"""Answers to whatever a guide asks, and sheets of paper as small PDFs.

Nothing here knows any item: an answer follows from the question's kind and bounds.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from datetime import date, timedelta

from loadtests.answers import FormField

Value = str | int | float | bool

_WORDS = "因家庭情况变化需要办理此项业务现将有关情况说明如下请予以受理"
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
# No place has this code: whoever is born there does not exist.
_NOWHERE = "999000"
_EARLIEST = date(1930, 1, 1)
_BOUNDARY = "sheet-of-paper"
_LEAST_BYTES, _MOST_BYTES = 2_000, 40_000


def answer_form(
    fields: Sequence[FormField], region_code: str, chance: random.Random, *, optional: float = 0.5
) -> dict[str, Value]:
    """An answer to each question, to the optional ones now and then."""
    return {
        field.name: answer_field(field, region_code, chance)
        for field in fields
        if field.required or chance.random() < optional
    }


def answer_field(field: FormField, region_code: str, chance: random.Random) -> Value:
    """One answer that fits its question."""
    match field.kind:
        case "number":
            low = field.minimum if field.minimum is not None else 0
            return chance.randint(low, field.maximum if field.maximum is not None else low + 100)
        case "date":
            return _day(chance).isoformat()
        case "phone":
            return some_phone(chance)
        case "identity_number":
            return some_identity_number(chance)
        case "choice":
            return chance.choice(field.choices).code
        case "region":
            return region_code
        case "yes_no":
            return chance.random() < 0.5
        case "text":
            return "".join(chance.choices(_WORDS, k=min(field.max_length, chance.randint(2, 60))))


def some_phone(chance: random.Random) -> str:
    """A mobile number."""
    return f"138{chance.randrange(100_000_000):08d}"


def some_identity_number(chance: random.Random) -> str:
    """A number of nobody, with a right check character (GB 11643-1999)."""
    digits = f"{_NOWHERE}{_day(chance):%Y%m%d}{chance.randrange(1000):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(digits, _WEIGHTS, strict=True))
    return digits + _CHECKS[total % 11]


def make_sheet(chance: random.Random) -> bytes:
    """A PDF like no other; what is on it is noise."""
    noise = chance.randbytes(chance.randint(_LEAST_BYTES, _MOST_BYTES) // 2).hex()
    return f"%PDF-1.4\n% {uuid.uuid4().hex}\n% {noise}\n%%EOF\n".encode()


def wrap_sheet(content: bytes) -> tuple[str, bytes]:
    """Media type and body of a form with the file (RFC 7578)."""
    boundary = f"{_BOUNDARY}-{uuid.uuid4().hex}"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="sheet.pdf"\r\n'
        "Content-Type: application/pdf\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def _day(chance: random.Random) -> date:
    today = date.today()
    return _EARLIEST + timedelta(days=chance.randrange((today - _EARLIEST).days))
