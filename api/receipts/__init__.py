"""票据: fiscal e-receipts of what was paid, and in red letters of what went back."""

from api.receipts.reactions import issue_when_paid, issue_when_refunded
from api.receipts.routes import public_router, router

ROUTERS = (router, public_router)

__all__ = ["ROUTERS", "issue_when_paid", "issue_when_refunded"]
