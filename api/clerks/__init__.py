"""工作人员: who handles cases, with which role, and what each of them did."""

from litestar import Router

from api.clerks.forget_sessions import forget_clerk_sessions
from api.clerks.prove_clerk import ClerkProver
from api.clerks.routes import router

ROUTERS: tuple[Router, ...] = (router,)

__all__ = ["ROUTERS", "ClerkProver", "forget_clerk_sessions"]
