"""缴费: what is owed, how it is paid through a channel, and how it goes back."""

from litestar import Router

from api.payments.chase_payments import chase_payments
from api.payments.notice_routes import Pushes, notice_router
from api.payments.platform_routes import platform_router
from api.payments.reactions import bill_case, move_money
from api.payments.routes import router
from api.payments.send_refunds import send_asked_refund, send_refunds
from api.payments.states import BILL_MOVES, MOVES
from api.payments.till import Till

ROUTERS: tuple[Router, ...] = (router, notice_router, platform_router)

__all__ = [
    "BILL_MOVES",
    "MOVES",
    "ROUTERS",
    "Pushes",
    "Till",
    "bill_case",
    "chase_payments",
    "move_money",
    "send_asked_refund",
    "send_refunds",
]
