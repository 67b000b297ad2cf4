"""Kinds of values that several features share at their borders.

Patterns are anchored with \\A and \\Z because msgspec's is an unanchored search;
no text may hold NUL, which PostgreSQL cannot store.
"""

from __future__ import annotations

from datetime import datetime
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
