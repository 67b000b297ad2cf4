"""The guide an application is made under: the version of its beginning, read once.

A version never changes, so what was read is kept by its digest, which the statements give
along; nothing has to be forgotten when a guide is published anew.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import date

import msgspec
from msgspec import Struct

from api.cases.intake import queries
from api.cases.intake.refusals import NotOnline, no_such_service
from api.cases.intake.rows import ServiceRow
from api.cases.intake.schemas import GuideMaterial
from api.errors import ServiceWithdrawn
from api.processes import STANDARD_STEPS, Process, ProcessStep
from api.rules import GuideFacts, MaterialFacts, ServiceFacts, check_process
from api.statements import Connection

KEPT = 1000


class _Fee(Struct, frozen=True):
    amount_fen: int | None = None
    basis: str | None = None


class _Online(Struct, frozen=True):
    depth: str | None = None


class _Place(Struct, frozen=True):
    name: str
    address: str
    window: str | None = None
    hours: str | None = None
    phone: str | None = None


class CaseGuide(Struct, frozen=True):
    """Of a stored guide what applications are checked and handled by."""

    service_code: str
    name: str
    region_code: str
    audience: list[str] = []
    charged: bool = False
    fees: list[_Fee] = []
    materials: list[GuideMaterial] = []
    online: _Online = _Online()
    places: list[_Place] = []
    process: Process | None = None

    @property
    def handling(self) -> Process:
        """How it is handled; an item without a process has the standard one."""
        return self.process or Process()

    @property
    def steps(self) -> list[ProcessStep]:
        """The steps in their order."""
        return self.handling.steps or list(STANDARD_STEPS)

    @property
    def facts(self) -> GuideFacts:
        """What its rules are checked against; the promise is no matter here."""
        known = [fee.amount_fen for fee in self.fees if fee.amount_fen is not None]
        fixed = sum(known) if known and len(known) == len(self.fees) else None
        return GuideFacts(
            tuple(MaterialFacts(m.material_id, m.necessity) for m in self.materials),
            None,
            self.charged,
            fixed,
        )

    @property
    def service(self) -> ServiceFacts:
        """What tables see of the item."""
        return ServiceFacts(self.service_code, self.name, self.region_code)

    def material(self, material_id: str) -> GuideMaterial | None:
        """The material of that id."""
        return next((m for m in self.materials if m.material_id == material_id), None)


async def find_open_service(
    connection: Connection, service_code: str, today: date
) -> tuple[ServiceRow, CaseGuide]:
    """The item and its guide in force. Raises NotFound, ServiceWithdrawn and NotOnline."""
    service = await queries.find_service(connection, service_code=service_code, today=today)
    if service is None:
        raise no_such_service()
    if service.withdrawn:
        raise ServiceWithdrawn()
    guide = await load_guide(connection, service_code, service.version, service.digest)
    if not service.in_force:
        raise NotOnline("这个事项现在不在实施期内。", "This service is not in force today.")
    if guide.online.depth not in ("III", "IV"):
        raise NotOnline(*_where(guide))
    if guide.process is not None and check_process(guide.process, guide.facts):
        raise NotOnline(*_where(guide))
    if guide.handling.payment is not None and guide.handling.payment.without_case:
        raise NotOnline(
            "这个事项不用申请，直接缴费即可。",
            "Nobody applies for this service: it is only paid.",
        )
    return service, guide


async def load_guide(
    connection: Connection, service_code: str, version: int, digest: bytes
) -> CaseGuide:
    """That version of the guide, from the kept ones where possible."""
    kept = _KEPT.get(digest)
    if kept is not None:
        _KEPT.move_to_end(digest)
        return kept
    text = await queries.find_guide(connection, service_code=service_code, version=version)
    if text is None:
        raise LookupError("a version that a case stands on is never deleted")
    guide = _KEPT[digest] = msgspec.json.decode(text, type=CaseGuide)
    if len(_KEPT) > KEPT:
        _KEPT.popitem(last=False)
    return guide


_KEPT: OrderedDict[bytes, CaseGuide] = OrderedDict()


def _where(guide: CaseGuide) -> tuple[str, str]:
    """Where to go instead, in both languages."""
    if not guide.places:
        return "这个事项不能在网上办理。", "This service cannot be applied for online."
    place = guide.places[0]
    parts = [place.name, place.address, place.window, place.hours, place.phone]
    words = "，".join(part for part in parts if part)
    return (
        f"这个事项不能在网上办理，请到窗口办理：{words}。",
        f"This service cannot be applied for online. Please go to: {words}.",
    )
