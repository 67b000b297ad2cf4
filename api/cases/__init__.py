"""办件: what people apply for, from the draft to the delivery."""

from litestar import Router

from api.cases.clerk_routes import clerk_router
from api.cases.intake.keep_upload import forget_unused
from api.cases.intake.reactions import (
    forget_belongings,
    give_certificates,
    go_on_when_paid,
    know_issued_certificate,
)
from api.cases.intake.routes import router as intake_router
from api.cases.intake.upload_routes import upload_router
from api.cases.platform_routes import platform_router
from api.cases.progress_routes import progress_router
from api.cases.reactions import (
    empty_erased,
    forget_moved,
    give_to_kept,
    know_bill,
    move_when_paid,
)
from api.cases.states import MOVES
from api.cases.stream import Streams
from api.cases.watch_clocks import (
    accept_unanswered,
    settle_provisional_days,
    warn_of_late_cases,
)

ROUTERS: tuple[Router, ...] = (
    intake_router,
    upload_router,
    progress_router,
    platform_router,
    clerk_router,
)

__all__ = [
    "MOVES",
    "ROUTERS",
    "Streams",
    "accept_unanswered",
    "empty_erased",
    "forget_belongings",
    "forget_moved",
    "forget_unused",
    "give_certificates",
    "give_to_kept",
    "go_on_when_paid",
    "know_bill",
    "know_issued_certificate",
    "move_when_paid",
    "settle_provisional_days",
    "warn_of_late_cases",
]
