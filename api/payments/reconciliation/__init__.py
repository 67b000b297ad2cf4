"""对账: what a channel says it did with our money, held against what we say, day by day."""

from api.payments.reconciliation.keep_report import Kept, keep_report
from api.payments.reconciliation.load_bill import LeaseLost
from api.payments.reconciliation.reconcile_day import CannotReconcile, reconcile_day
from api.payments.reconciliation.reconcile_due import reconcile_due, report_folder
from api.payments.reconciliation.routes import clerk_router, platform_router

ROUTERS = (platform_router, clerk_router)

__all__ = [
    "ROUTERS",
    "CannotReconcile",
    "Kept",
    "LeaseLost",
    "keep_report",
    "reconcile_day",
    "reconcile_due",
    "report_folder",
]
