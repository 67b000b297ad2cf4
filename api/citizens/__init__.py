"""自然人: who somebody is, by which channels they come, and what is theirs."""

from api.citizens.agent_routes import agent_router
from api.citizens.forget_traces import forget_traces
from api.citizens.prove_session import CitizenProver
from api.citizens.routes import router

ROUTERS = (router, agent_router)

__all__ = ["ROUTERS", "CitizenProver", "forget_traces"]
