"""What can be applied for from home, by anybody who just signed in: read from the guides."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from urllib.parse import urljoin
from urllib.request import urlopen

import msgspec

from loadtests.answers import Guide
from loadtests.town import County, Item, Popularity, Town

_ANSWER_SECONDS = 30.0
_ONLINE = ("III", "IV")


class NothingOnline(Exception):
    """No item of the town can be applied for."""


class Offers:
    """By county, what can be applied for there, the most wanted first."""

    def __init__(self, town: Town, guides: Mapping[str, Guide]) -> None:
        """`guides`: one of each kind of item by its basic code. Raises NothingOnline."""
        offered = {kind for kind, guide in guides.items() if is_offered(guide)}
        handled = {kind for kind in offered if not is_instant(guides[kind])}
        self.only_paid = tuple(guide for guide in guides.values() if is_only_paid(guide))
        self._items = _by_county(town, offered)
        self._handled = _by_county(town, handled)
        settled = [c for c in town.counties.ranked if c.code in self._handled]
        if not settled:
            raise NothingOnline("no guide of the town has a process to be followed online")
        self.counties = Popularity(settled)

    def items(self, county: County) -> Popularity[Item]:
        """What can be applied for in a county."""
        return self._items[county.code]

    def handled(self, county: County) -> Popularity[Item]:
        """Of these, what a department decides and no rule at once."""
        return self._handled[county.code]


def _by_county(town: Town, kinds: Collection[str]) -> dict[str, Popularity[Item]]:
    found = {
        county.code: [item for item in town.items(county).ranked if item.basic_code in kinds]
        for county in town.counties.ranked
    }
    return {code: Popularity(items) for code, items in found.items() if items}


def read_offers(host: str, town: Town) -> Offers:
    """Look at one guide of each kind that the lists call online and say how it is handled:
    others have no process. Raises OSError and NothingOnline."""
    examples = {
        item.basic_code: item
        for county in town.counties.ranked
        for item in town.items(county).ranked
        if item.online_depth in _ONLINE and item.handling_type is not None
    }
    return Offers(town, {kind: _read_guide(host, item) for kind, item in examples.items()})


def is_offered(guide: Guide) -> bool:
    """Whether somebody known only by their app may apply, for themselves, online."""
    return (
        guide.process is not None
        and not is_only_paid(guide)
        and guide.process.assurance_level == "basic"
        and guide.online_depth in _ONLINE
        and (not guide.audience or "natural_person" in guide.audience)
    )


def is_only_paid(guide: Guide) -> bool:
    """Whether nobody applies for it: a bill is made for who asks, and paid."""
    fee = guide.process.payment if guide.process is not None else None
    return fee is not None and fee.without_case


def is_instant(guide: Guide) -> bool:
    """Whether some cases are decided at once by rule."""
    return guide.process is not None and guide.process.instant_approval


def _read_guide(host: str, item: Item) -> Guide:
    address = urljoin(host, f"/v1/services/{item.service_code}")
    with urlopen(address, timeout=_ANSWER_SECONDS) as answer:
        return msgspec.json.decode(answer.read(), type=Guide)
