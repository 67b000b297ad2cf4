"""Finds services by what people say, best first.

A title's score is the share of the question's weight that it holds, raised by the share of
the title that the question names; an exact name comes first. Equal scores are ordered by
how near the item's region is. Scores are rounded to 6 decimals, so that a page can go on
from the last row's `(score, closeness, service_code)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from api.catalogue import queries as catalogue_queries
from api.catalogue.search import queries
from api.catalogue.search.queries import FoundService
from api.catalogue.search.understand_query import SearchWords
from api.statements import Connection

NATION = "000000000000"
# With fewer rows the commoner words of the question are searched for as well.
FEW = 5


class Filters(Struct, frozen=True):
    """What else must hold; None asks for nothing. `online` lists the depths allowed."""

    audience: str | None = None
    department: str | None = None
    theme: str | None = None
    item_type: str | None = None
    online: list[str] | None = None
    updated_since: datetime | None = None


NO_FILTERS = Filters()


class Place(Struct, frozen=True):
    """The last row of the page before."""

    score: float
    closeness: int
    service_code: str


async def find_scope(connection: Connection, region_code: str) -> list[str]:
    """Whose items serve a region: itself, its parents upwards, the nation; nearest first.

    A region that is not known has only itself and the nation.
    """
    scope = await catalogue_queries.find_scope(connection, region_code=region_code) or [region_code]
    return [*dict.fromkeys([*scope, NATION])]


async def search_services(
    connection: Connection,
    words: SearchWords,
    scope: Sequence[str] | None,
    filters: Filters = NO_FILTERS,
    limit: int = 20,
    after: Place | None = None,
) -> list[FoundService]:
    """One page of services. `scope` as `find_scope` gives it; without it every region's items.

    Without a scope at most 3 copies of one name are listed, those of the highest levels.
    """
    if not words.term_queries:
        return []
    if scope is None and filters.department:
        # Few regions hold a department's items: its names are then found however common.
        scope = await queries.find_department_regions(
            connection, department_code=filters.department
        )
    given = _arguments(words, scope, filters, limit, after)
    statement = queries.search_everywhere
    if scope is not None:
        statement = queries.search_in_scope
    found = await statement(connection, candidates=words.narrow, **given)
    if len(found) < min(FEW, limit) and words.wide != words.narrow:
        found = await statement(connection, candidates=words.wide, **given)
    return found


def _arguments(
    words: SearchWords,
    scope: Sequence[str] | None,
    filters: Filters,
    limit: int,
    after: Place | None,
) -> dict[str, Any]:
    given = structs.asdict(filters)
    if scope is None:
        del given["department"]
    else:
        given["scope"] = list(scope)
    return given | {
        "term_concepts": words.term_concepts,
        "term_queries": words.term_queries,
        "term_weights": words.term_weights,
        "term_lengths": words.term_lengths,
        "total_weight": words.total_weight,
        "information": words.information,
        "phrase": words.phrase,
        "limit": limit,
        "after_score": after.score if after else None,
        "after_closeness": after.closeness if after else None,
        "after_service_code": after.service_code if after else None,
    }
