"""Other people's rows into our guide: one mapping per source, nothing invented.

Sources spell item types, codes and depths their own way. What a source does not
say stays unknown and becomes a finding; a code that does not conform is kept as
`local_code`, and a conforming one is minted from it, the same one every time.
"""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from msgspec import Meta, Struct
from stdnum.cn import uscc

from api.catalogue.schemas import (
    Audience,
    Contact,
    DepartmentRef,
    ExerciseLevel,
    Guide,
    ItemType,
    Limit,
    LocalCode,
    Material,
    Online,
    OnlineDepth,
    Place,
)
from api.kinds import Label, ShortText, Text

# "20" is other powers in the Guangdong rows and public service in the Sichuan rows.
_ITEM_TYPES: dict[str, dict[str, ItemType]] = {
    "Clarence-Kong/QABasedOnPolicyKnowledgeGraph": {
        "01": "1",
        "05": "5",
        "07": "7",
        "08": "8",
        "09": "9",
        "20": "10",
        "21": "20",
    },
    "v-luobo/zwfw": {"1": "1", "5": "5", "7": "7", "8": "8", "9": "9", "10": "10", "20": "20"},
}
_LEVEL_BY_ZEROS: tuple[tuple[int, ExerciseLevel], ...] = (
    (10, "2"),
    (8, "3"),
    (6, "4"),
    (3, "5"),
    (0, "6"),
)
_SERVICE_CODE = re.compile(r"\A[0-9A-Z]{31}\Z")
_SICHUAN_CODE = re.compile(r"\A(?P<basic>[0-9A-Z-]{8,20})-[0-9]{12}-[0-9]{3}-(?P<body>[0-9A-Z]+)-")


class SourceRow(Struct, frozen=True):
    """A row of `service_items.jsonl`, as its sources give it."""

    name: ShortText
    dept: Label
    type_code: str
    type: str
    area: Annotated[str, Meta(pattern=r"\A[0-9]{6}\Z")]
    item_code: LocalCode
    source: Label
    licence: Label
    legal_days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    promise_days: Annotated[int, Meta(ge=0, le=3650)] | None = None
    visits: Annotated[str, Meta(pattern=r"\A[0-9]{1,2}\Z")] | None = None
    online: Annotated[str, Meta(pattern=r"\A[01]\Z")] | None = None
    conditions: Text | None = None
    materials: list[ShortText] = []
    themes: list[Label] = []
    audience: list[Label] = []
    location: ShortText | None = None
    phone: ShortText | None = None


class SourceWrong(Exception):
    """A row cannot be mapped: `field` and `reason` say which and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def translate(row: SourceRow) -> Guide:
    """The row as a guide. Raises SourceWrong where its source or item type is not known."""
    project = row.source.split("@")[0]
    types = _ITEM_TYPES.get(project)
    if types is None:
        raise SourceWrong("source", f"没有来源“{project}”的编码对照表")
    item_type = types.get(row.type_code)
    if item_type is None:
        raise SourceWrong("type_code", f"来源“{project}”没有事项类型代码“{row.type_code}”")
    region_code = row.area + "000000"
    level = next(level for zeros, level in _LEVEL_BY_ZEROS if region_code.endswith("0" * zeros))
    department_code, service_code = _codes(row, item_type, region_code, level)
    natural = "自然人" in row.audience
    legal = any(a != "自然人" for a in row.audience)
    audience: list[Audience] = ["natural_person"] if natural else []
    if legal:
        audience.append("legal_person")
    return Guide(
        service_code=service_code,
        name=row.name,
        item_type=item_type,
        region_code=region_code,
        exercise_level=level,
        department=DepartmentRef(department_code, row.dept),
        basic_code=service_code[19:],
        local_code=row.item_code,
        statutory_limit=None if row.legal_days is None else Limit(row.legal_days),
        promised_limit=None if row.promise_days is None else Limit(row.promise_days),
        conditions=[row.conditions] if row.conditions else [],
        audience=audience,
        visits=None if row.visits is None else int(row.visits),
        places=_places(row),
        enquiry=Contact(phone=row.phone) if row.phone else None,
        online=Online(depth=_depth(row)),
        person_themes=row.themes if natural else [],
        organisation_themes=[] if natural else row.themes,
        materials=[
            Material(f"m{number}", name) for number, name in enumerate(row.materials, start=1)
        ],
        source=row.source,
        licence=row.licence,
    )


def _depth(row: SourceRow) -> OnlineDepth | None:
    # The Guangdong rows say only whether an item is online; how far is known where no visit is due.
    if row.online is None:
        return None
    if row.online == "0":
        return "I"
    return "IV" if row.visits == "0" else "II"


def _places(row: SourceRow) -> list[Place]:
    if not row.location:
        return []
    return [Place(row.dept, row.location.removeprefix("办理地点："))]


def _codes(row: SourceRow, item_type: ItemType, region_code: str, level: str) -> tuple[str, str]:
    """The body's code (18) and the item's (31), taken from the source's code where it has them."""
    code = row.item_code
    if _SERVICE_CODE.match(code):
        return code[:18], code
    body = _body(code, row.dept, region_code)
    found = _SICHUAN_CODE.match(code)
    basic = found["basic"] if found else ""
    if len(basic) != 12 or not basic.isalnum():
        basic = _mint_basic(code, item_type, region_code)
    return body, body + level + basic


def _body(code: str, department: str, region_code: str) -> str:
    """The body's code inside the source's; else a placeholder, which the lint reports."""
    found = _SICHUAN_CODE.match(code)
    for candidate in (code[:18], found["body"] if found else ""):
        if len(candidate) == 18 and candidate.isalnum() and uscc.is_valid(candidate):
            return candidate
    return "00" + region_code[:6] + _digits(department + region_code, 10)


def _mint_basic(code: str, item_type: ItemType, region_code: str) -> str:
    # Scope and type as the structure wants them; the eight digits that number main and sub-item
    # come from the source's code, so that importing again finds the same item.
    return region_code[:2] + item_type.rjust(2, "0") + _digits(code, 8)


def _digits(text: str, count: int) -> str:
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")
    return str(number % 10**count).rjust(count, "0")
