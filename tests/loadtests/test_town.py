"""The town is the same every time, and popularity is a power law."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from loadtests.town import NobodyLivesHere, Popularity, Town, prefixes
from loadtests.words import SEARCHES, Search
from tests.loadtests.builders import CITY, make_item, make_town


def test_the_same_catalogue_gives_the_same_town() -> None:
    first, second = make_town(), make_town()
    assert first.counties.ranked == second.counties.ranked
    assert first.searches.ranked == second.searches.ranked
    for county in first.counties.ranked:
        assert first.items(county).ranked == second.items(county).ranked


def test_the_same_citizen_asks_for_the_same() -> None:
    town = make_town()
    asked = [
        [town.counties.pick(chance).code for _ in range(50)]
        for chance in (random.Random(7), random.Random(7))
    ]
    assert asked[0] == asked[1]


def test_popularity_is_a_power_law() -> None:
    popular = Popularity(range(100), exponent=1.0)
    assert popular.share(1) / popular.share(10) == pytest.approx(10)
    assert sum(popular.share(rank) for rank in range(1, 101)) == pytest.approx(1)
    chance = random.Random(1)
    picked = Counter(popular.pick(chance) for _ in range(50_000))
    for rank in (1, 2, 5, 20):
        assert picked[rank - 1] / 50_000 == pytest.approx(popular.share(rank), rel=0.15)


def test_nothing_is_out_of_reach_at_either_end() -> None:
    class Fixed(random.Random):
        def __init__(self, value: float) -> None:
            super().__init__(0)
            self.value = value

        def random(self) -> float:
            return self.value

    popular = Popularity(("first", "last"))
    assert popular.pick(Fixed(0.0)) == "first"
    assert popular.pick(Fixed(0.9999999)) == "last"


def test_what_is_wanted_in_one_place_is_wanted_in_the_next() -> None:
    town = make_town()
    first, second = town.counties.ranked[:2]
    kinds = [[item.basic_code for item in town.items(place).ranked] for place in (first, second)]
    assert kinds[0] == kinds[1]


def test_the_nearest_body_is_the_right_one() -> None:
    town = make_town()
    county = town.counties.ranked[0]
    own, cities = make_item(county.code, 3), make_item(CITY, 12)
    assert town.implementing(own.basic_code, county) == {own.service_code}
    assert town.implementing(cities.basic_code, county) == {cities.service_code}


def test_an_empty_service_is_no_town() -> None:
    with pytest.raises(NobodyLivesHere):
        Town([], {})


def test_words_are_typed_letter_by_letter() -> None:
    typed = prefixes(Search("公积金提取", "公积金"), random.Random(3))
    assert typed == ["公积金提取"[:length] for length in range(1, len(typed) + 1)]
    assert len(typed) >= 2


def test_every_search_says_what_it_is_about_once() -> None:
    assert len({search.words for search in SEARCHES}) == len(SEARCHES) >= 40
    assert all(search.about for search in SEARCHES)
