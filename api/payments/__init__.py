"""缴费: what is owed, how it is paid through a channel, and how it goes back."""

from litestar import Router

from api.payments.bills.routes import bill_router, platform_bill_router
from api.payments.chase_payments import chase_payments
from api.payments.desk import WaitingMeasure, clerk_router
from api.payments.notices.gather_notices import NoticeGatherer
from api.payments.notices.routes import Pushes, notice_router
from api.payments.platform_routes import platform_router
from api.payments.reactions import bill_case, move_money
from api.payments.reconciliation import ROUTERS as RECONCILIATION_ROUTERS
from api.payments.reconciliation import reconcile_due
from api.payments.routes import router
from api.payments.send_refunds import send_asked_refund, send_refunds
from api.payments.states import BILL_MOVES, MOVES
from api.payments.till import Till

ROUTERS: tuple[Router, ...] = (
    bill_router,
    clerk_router,
    platform_bill_router,
    router,
    notice_router,
    platform_router,
    *RECONCILIATION_ROUTERS,
)

__all__ = [
    "BILL_MOVES",
    "MOVES",
    "ROUTERS",
    "NoticeGatherer",
    "Pushes",
    "Till",
    "WaitingMeasure",
    "bill_case",
    "chase_payments",
    "move_money",
    "reconcile_due",
    "send_asked_refund",
    "send_refunds",
]
