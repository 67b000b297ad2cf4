"""Regions 行政区划 as callers see them: 12-digit codes, five levels."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from api.kinds import RegionCode, RegionRef

LevelName = Literal["province", "city", "county", "township", "village"]
LEVELS: tuple[LevelName, ...] = ("province", "city", "county", "township", "village")


class RegionAnswer(Struct, frozen=True):
    """One region. `path` runs from the province to the region itself, without pseudo-cities.

    `pseudo` marks a statistical entry such as 市辖区 that is no place a person
    would name; it is answered when asked for, and never listed.
    """

    code: RegionCode
    name: str
    level: LevelName
    parent_code: RegionCode | None
    path: list[RegionRef]
    children_count: int
    pseudo: bool


class RegionRow(Struct, frozen=True):
    """A row of `regions`; ancestors run from the province down to the parent."""

    code: str
    name: str
    level: int
    parent_code: str | None
    children_count: int
    pseudo: bool
    ancestor_names: list[str]
    ancestor_codes: list[str]

    def answer(self, ancestor_names: list[str] | None = None) -> RegionAnswer:
        """The row as callers see it; a list of siblings shares its ancestors' names."""
        names = self.ancestor_names if ancestor_names is None else ancestor_names
        path = [RegionRef(c, n) for c, n in zip(self.ancestor_codes, names, strict=True)]
        return RegionAnswer(
            code=self.code,
            name=self.name,
            level=LEVELS[self.level - 1],
            parent_code=self.parent_code,
            path=[*path, RegionRef(self.code, self.name)],
            children_count=self.children_count,
            pseudo=self.pseudo,
        )
