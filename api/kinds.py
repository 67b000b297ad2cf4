"""Kinds of values that several features share at their borders.

Patterns are anchored with \\A and \\Z because msgspec's is an unanchored search;
no text may hold NUL, which PostgreSQL cannot store.
"""

from __future__ import annotations

import re
import secrets
import time
from datetime import date, datetime
from typing import Annotated

import msgspec
from litestar.params import PathParameter, QueryParameter
from msgspec import Meta, Struct

from api.errors import FieldError, NotFound, ValidationFailed

Text = Annotated[str, Meta(max_length=4000, pattern=r"\A[^\x00]*\Z")]
ShortText = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\A[^\x00]*\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00]*\Z")]
RegionCode = Annotated[str, Meta(pattern=r"\A[0-9]{12}\Z", examples=["440106000000"])]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

NATION = "000000000000"
"""The region code of items of national bodies, above all provinces."""


Id = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]
"""A key of our own making, as `new_id` makes it."""


def new_id() -> str:
    """32 hex digits: 12 of milliseconds, so that indexes grow at their end, and 80 random bits."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}"


_IDENTITY_NUMBER = re.compile(r"\A[1-9][0-9]{16}[0-9X]\Z")
_IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def is_identity_number(number: str) -> bool:
    """Whether it can be a resident identity number (GB 11643): check character and birth date.

    The area is not looked up: numbers keep codes of counties that are long gone.
    """
    if not _IDENTITY_NUMBER.match(number):
        return False
    total = sum(int(d) * w for d, w in zip(number, _IDENTITY_WEIGHTS, strict=False))
    if number[17] != "10X98765432"[total % 11]:
        return False
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return date(1850, 1, 1) <= born <= date.today()


class RegionRef(Struct, frozen=True):
    """A region by code and name."""

    code: RegionCode
    name: str


# Codes in a path name a thing: what cannot be a code is a thing that is not there (404), so the
# pattern is only documented and `demand_code` holds to it. In a query they are input (400).


def path_code(length: int, words: str, example: str, letters: str = "0-9A-Z") -> PathParameter:
    """A code of fixed length as a path parameter."""
    return PathParameter(
        description=words,
        schema_extra={"pattern": f"^[{letters}]{{{length}}}$", "examples": [example]},
    )


def demand_code(code: str, length: int, missing: NotFound) -> None:
    """Raise `missing` for a text that cannot be a code of that length."""
    if len(code) != length or not code.isascii() or not code.isalnum():
        raise missing


def path_text(most: int, words: str, example: str) -> PathParameter:
    """A key of varying length as a path parameter: visible ASCII, at most so many."""
    return PathParameter(
        description=words,
        schema_extra={"pattern": f"^[!-~]{{1,{most}}}$", "examples": [example]},
    )


def demand_text(text: str, most: int, missing: NotFound) -> None:
    """Raise `missing` for a text that cannot be a key of at most so many visible characters."""
    if not 0 < len(text) <= most or not text.isascii() or not text.isprintable() or " " in text:
        raise missing


# A plus that was not encoded arrives as a space, and is read as the plus it was.
RFC3339_PATTERN = (
    r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})\Z"
)


def read_time(field: str, text: str | None) -> datetime | None:
    """A time of RFC3339_PATTERN. Raises ValidationFailed for a day or hour that does not exist."""
    if text is None:
        return None
    try:
        return msgspec.convert(text.replace(" ", "+"), datetime)
    except msgspec.ValidationError:
        raise ValidationFailed(
            errors=[
                FieldError(
                    field,
                    "wrong_format",
                    f"“{field}”不是存在的时间。",
                    f"`{field}` is not a time that exists.",
                )
            ]
        ) from None


REGION_PATTERN = r"\A[0-9]{12}\Z"
RegionQuery = Annotated[
    str | None,
    QueryParameter(
        name="region",
        pattern=REGION_PATTERN,
        min_length=12,
        max_length=12,
        description="Where the citizen is: what serves this place, its own and from above it",
    ),
]
RegionPath = Annotated[str, path_code(12, "行政区划代码, 12 digits", "440106000000", "0-9")]
