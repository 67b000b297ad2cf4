"""The money desk: what of money waits for a person, and what a cashier does about it."""

from api.payments.desk.count_waiting import WaitingMeasure
from api.payments.desk.routes import clerk_router

__all__ = ["WaitingMeasure", "clerk_router"]
