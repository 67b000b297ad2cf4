"""Who lives in the town, what they ask for, and what a right answer looks like.

Read over HTTP from the service's own public lists, so that the same citizens can be sent
to any installation. Popularity is a power law (Zipf): a few counties, items and words take
most of the requests, as they do in life. With the same catalogue and seed it is the same town.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import Generic, TypeVar
from urllib.parse import urlencode, urljoin
from urllib.request import urlopen

import msgspec
from msgspec import Struct

from loadtests.words import SEARCHES, Search

T = TypeVar("T")

PROVINCE = "440000000000"
NATION = "000000000000"
SEED = 20220110
# Ranked word and page popularity on the web follows exponents around one.
EXPONENT = 1.05

_MOST_COUNTIES = 400
_MOST_PAGES = 50
_ANSWER_SECONDS = 30.0


class County(Struct, frozen=True):
    """A place that citizens live in; `scope` is itself, its city, its province, the nation."""

    code: str
    name: str
    scope: tuple[str, ...]


class Item(Struct, frozen=True):
    """A service item that can be opened: its code, its name, where it is offered; and where the
    list says so, how much of it can be done online, from I to IV, and how it is handled."""

    service_code: str
    name: str
    region_code: str
    online_depth: str | None = None
    handling_type: str | None = None

    @property
    def basic_code(self) -> str:
        """What is done, without by whom (the last 12 of the service code's 31 characters)."""
        return self.service_code[19:]


class Popularity(Generic[T]):
    """Things by rank, the first the most wanted: P(rank) ∝ 1 / rank^exponent."""

    def __init__(self, ranked: Sequence[T], exponent: float = EXPONENT) -> None:
        if not ranked:
            raise ValueError("nothing to choose from")
        self.ranked = tuple(ranked)
        weights = (float(rank) ** -exponent for rank in range(1, len(ranked) + 1))
        self._sums: list[float] = list(accumulate(weights))

    def pick(self, chance: random.Random) -> T:
        """One of the things."""
        return self.ranked[bisect(self._sums, chance.random() * self._sums[-1])]

    def share(self, rank: int) -> float:
        """The probability of the thing of that rank, from 1."""
        below = self._sums[rank - 2] if rank > 1 else 0.0
        return (self._sums[rank - 1] - below) / self._sums[-1]


class Town:
    """Counties with what can be done in each, and what is asked there."""

    def __init__(self, counties: Sequence[County], own: dict[str, tuple[Item, ...]]) -> None:
        """`own`: region code → the items offered by that region itself. Raises NobodyLivesHere."""
        offers = {
            county.code: [item for code in county.scope for item in own.get(code, ())]
            for county in counties
        }
        settled = [county for county in counties if offers[county.code]]
        if not settled:
            raise NobodyLivesHere(PROVINCE)
        chance = random.Random(SEED)
        chance.shuffle(settled)
        self.counties = Popularity(settled)
        self.searches = Popularity(chance.sample(SEARCHES, len(SEARCHES)))
        kinds = sorted({item.basic_code for items in own.values() for item in items})
        chance.shuffle(kinds)
        rank = {kind: place for place, kind in enumerate(kinds)}
        self._items = {
            county.code: Popularity(sorted(offers[county.code], key=_wanted(county, rank)))
            for county in settled
        }

    def items(self, county: County) -> Popularity[Item]:
        """What can be done in a county, the most wanted first."""
        return self._items[county.code]

    def implementing(self, basic_code: str, county: County) -> frozenset[str]:
        """The service codes that are right for a kind of item in a county: the nearest ones."""
        found = [item for item in self._items[county.code].ranked if item.basic_code == basic_code]
        nearest = min(county.scope.index(item.region_code) for item in found)
        region = county.scope[nearest]
        return frozenset(item.service_code for item in found if item.region_code == region)


def _wanted(county: County, rank: dict[str, int]) -> Callable[[Item], tuple[bool, int, str]]:
    """Sorts items by how much they are wanted: what is done nearby before what the province
    does, and what is wanted in one place is wanted in the next."""
    near = county.scope[:2]
    return lambda item: (item.region_code not in near, rank[item.basic_code], item.service_code)


class NobodyLivesHere(Exception):
    """The service offers nothing in the demonstration province: seed it first."""


def prefixes(search: Search, chance: random.Random) -> list[str]:
    """What the box holds letter by letter while somebody types; most give up typing soon."""
    typed = min(len(search.words), chance.choice((2, 3, 3, 4, 4, 5, 6)))
    return [search.words[:length] for length in range(1, typed + 1)]


class _RegionRef(Struct, frozen=True):
    code: str


class _Region(Struct, frozen=True):
    code: str
    name: str
    level: str
    path: list[_RegionRef]


class _Summary(Struct, frozen=True):
    service_code: str
    name: str
    region: _RegionRef
    online_depth: str | None = None
    handling_type: str | None = None


class _Regions(Struct, frozen=True):
    items: list[_Region]
    next_cursor: str | None


class _Summaries(Struct, frozen=True):
    items: list[_Summary]
    next_cursor: str | None


def read_town(host: str) -> Town:
    """The town of the service at `host`. Raises OSError where it does not answer."""
    counties = sorted(_read_counties(host), key=lambda county: county.code)[:_MOST_COUNTIES]
    regions = {code for county in counties for code in county.scope if code != NATION}
    own = {code: tuple(_read_own_items(host, code)) for code in sorted(regions)}
    return Town(counties, own)


def _read_counties(host: str) -> Iterator[County]:
    for city in _regions(host, PROVINCE):
        below = [region for region in _regions(host, city.code) if region.level == "county"]
        # A city without counties does their work itself.
        for region in below or [city]:
            above = reversed([place.code for place in region.path if place.code != region.code])
            yield County(region.code, region.name, (region.code, *above, NATION))


def _regions(host: str, parent: str) -> Iterator[_Region]:
    for page in _pages(host, "/v1/regions", {"parent": parent}, _Regions):
        yield from page.items


def _read_own_items(host: str, region: str) -> Iterator[Item]:
    """A region's own items, which the list gives before those of the regions above."""
    for page in _pages(host, "/v1/services", {"region": region}, _Summaries):
        for found in page.items:
            if found.region.code != region:
                return
            yield Item(
                found.service_code,
                found.name,
                region,
                found.online_depth,
                found.handling_type,
            )


P = TypeVar("P", _Regions, _Summaries)


def _pages(host: str, path: str, query: dict[str, str], shape: type[P]) -> Iterator[P]:
    asked = {**query, "limit": "100"}
    for _ in range(_MOST_PAGES):
        address = urljoin(host, f"{path}?{urlencode(asked)}")
        with urlopen(address, timeout=_ANSWER_SECONDS) as answer:
            page = msgspec.json.decode(answer.read(), type=shape)
        yield page
        if page.next_cursor is None:
            return
        asked["cursor"] = page.next_cursor
