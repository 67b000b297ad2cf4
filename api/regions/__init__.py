"""行政区划: where a citizen is, five levels from province to village."""

from api.regions.load_regions import SEED
from api.regions.routes import router

__all__ = ["SEED", "router"]
