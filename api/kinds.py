"""Kinds of values that several features share at their borders.

Patterns are anchored with \\A and \\Z because msgspec's is an unanchored search;
no text may hold NUL, which PostgreSQL cannot store.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(max_length=4000, pattern=r"\A[^\x00]*\Z")]
ShortText = Annotated[str, Meta(min_length=1, max_length=1000, pattern=r"\A[^\x00]*\Z")]
Label = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00]*\Z")]
RegionCode = Annotated[
    str,
    Meta(
        pattern=r"\A[0-9]{12}\Z",
        description="行政区划代码: GB/T 2260 in 12 digits (2+2+2+3+3, zero padded)",
        examples=["440106000000"],
    ),
]
Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]

NATION = "000000000000"
"""The region code of items of national bodies, above all provinces."""


class RegionRef(Struct, frozen=True):
    """A region by code and name."""

    code: RegionCode
    name: str
