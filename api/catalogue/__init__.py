"""事项与办事指南: what can be done, what to bring, who does it where."""

from api.catalogue.count_views import ViewCounter
from api.catalogue.demonstration.plant_town import SEEDS
from api.catalogue.facts import ServicesChanged
from api.catalogue.file_routes import file_router
from api.catalogue.link_routes import link_router
from api.catalogue.platform_routes import platform_router
from api.catalogue.reactions import bring_guides_into_force, forget_guides
from api.catalogue.routes import router
from api.catalogue.states import MOVES
from api.catalogue.web.routes import public_router

__all__ = [
    "MOVES",
    "SEEDS",
    "ServicesChanged",
    "ViewCounter",
    "bring_guides_into_force",
    "file_router",
    "forget_guides",
    "link_router",
    "platform_router",
    "public_router",
    "router",
]
