"""Who only just signed in applies for what a guide lets them apply for."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.answers import Fee, Process
from loadtests.offers import NothingOnline, Offers, is_offered
from tests.loadtests.builders import make_guide, make_town

VERIFIED = Process([], instant_approval=False, assurance_level="verified")
ONLY_PAID = Process([], instant_approval=False, assurance_level="basic", payment=Fee(True))
INSTANT = Process([], instant_approval=True, assurance_level="basic")


@pytest.mark.parametrize(
    "changed",
    [
        {"process": None},
        {"process": VERIFIED},
        {"process": ONLY_PAID},
        {"online_depth": "II"},
        {"online_depth": None},
        {"audience": ["legal_person"]},
    ],
)
def test_what_cannot_be_applied_for_is_not_offered(changed: dict[str, Any]) -> None:
    assert is_offered(make_guide())
    assert not is_offered(make_guide(**changed))


def test_only_offered_kinds_are_picked_and_instant_ones_apart() -> None:
    town = make_town()
    county = town.counties.ranked[0]
    first, second, third = town.items(county).ranked[:3]
    offers = Offers(
        town,
        {
            first.basic_code: make_guide(),
            second.basic_code: make_guide(process=INSTANT),
            third.basic_code: make_guide(process=None),
        },
    )
    kinds = {item.basic_code for item in offers.items(county).ranked}
    assert kinds == {first.basic_code, second.basic_code}
    assert {item.basic_code for item in offers.handled(county).ranked} == {first.basic_code}


def test_what_is_only_paid_stands_apart() -> None:
    town = make_town()
    first, second = town.items(town.counties.ranked[0]).ranked[:2]
    fine = make_guide(process=ONLY_PAID)
    offers = Offers(town, {first.basic_code: make_guide(), second.basic_code: fine})
    assert offers.only_paid == (fine,)


def test_a_town_that_offers_nothing_says_so() -> None:
    with pytest.raises(NothingOnline):
        Offers(make_town(), {})
