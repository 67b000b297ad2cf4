"""The statements of regions, each bound to what its rows are."""

from api.regions.schemas import RegionRow
from api.statements import Statements

statements = Statements("regions")

find_region = statements.optional("find_region", RegionRow)
list_children = statements.many("list_children", RegionRow)
search_regions = statements.many("search_regions", RegionRow)
count_regions = statements.value("count_regions", int)
