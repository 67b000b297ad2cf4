"""The statements of the money desk."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from api.payments.desk.schemas import NoticeKept, Resolution
from api.payments.desk.words import Kind
from api.statements import Statements


class MatterRow(Struct, frozen=True):
    payment_no: str
    matter: str
    kind: Kind
    refund_no: str | None
    amount_fen: int | None
    since: datetime
    channel: str
    status: str
    paid_fen: int
    refunded_fen: int
    bill_no: str
    case_no: str | None
    service_code: str
    service_name: str


class MatterCount(Struct, frozen=True):
    kind: str
    count: int


statements = Statements("money_desk")

list_matters = statements.many("list_matters", MatterRow)
list_matters_of = statements.many("list_matters_of", MatterRow)
count_matters = statements.many("count_matters", MatterCount)
list_notices_of = statements.many("list_notices_of", NoticeKept)
list_resolutions = statements.many("list_resolutions", Resolution)
add_resolution = statements.value("add_resolution", str)
refund_soon = statements.execute("refund_soon")
mark_by_hand = statements.execute("mark_by_hand")
