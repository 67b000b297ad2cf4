"""办件编号: 48 characters, the item's code, the day, nine digits that are used once a cycle.

A number that looks like ours must be one of ours; what departments number themselves is
opaque, up to 50 characters.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from litestar.params import PathParameter

from api.cases import queries
from api.cases.refusals import no_such_case
from api.database import CHINA
from api.statements import Connection

_OURS = re.compile(r"\A[0-9A-Z]{31}[0-9]{17}\Z")
_ANY = re.compile(r"\A[^\x00-\x20\x7f/?#%]{1,50}\Z")

CaseNoPath = Annotated[
    str,
    PathParameter(
        description="办件编号, ours of 48 characters or a department's own of up to 50",
        schema_extra={
            "pattern": r"^[^\x00-\x20\x7f/?#%]{1,50}$",
            "minLength": 1,
            "maxLength": 50,
            "examples": ["11440106DM1GL9LR58444070100300020261122000000042"],
        },
    ),
]


async def next_case_no(connection: Connection, service_code: str) -> str:
    """A number nobody has yet."""
    serial = await queries.next_serial(connection)
    return spell_case_no(service_code, datetime.now(CHINA).date(), serial or 0)


def spell_case_no(service_code: str, day: date, serial: int) -> str:
    """The parts put together."""
    return f"{service_code}{day:%Y%m%d}{serial:09d}"


def looks_like_ours(case_no: str) -> bool:
    """Whether it has the form of the numbers that we mint."""
    return bool(_OURS.match(case_no))


def demand_case_no(case_no: str) -> None:
    """Raises NotFound for what cannot be a case number."""
    if not _ANY.match(case_no):
        raise no_such_case()
