"""What citizens do: each class is one kind of visitor, each visit a walk through the service.

The pauses are those of a person with a phone (reading, typing); `think_scale` shortens them.
"""

from __future__ import annotations

import random
from itertools import count
from typing import ClassVar
from urllib.parse import urlencode

import gevent
from locust import FastHttpUser, task

from loadtests.answers import Guide, Home, Material, Suggestion, Summaries, Summary
from loadtests.phone import Phone, demand
from loadtests.town import SEED, County, Item, Town, prefixes
from loadtests.words import Search

# Seconds between two steps of a person, from the shortest to the longest pause.
TYPING = (0.3, 0.8)
GLANCING = (1.5, 5.0)
READING = (4.0, 15.0)

_numbers = count()


class CatalogueCitizen(FastHttpUser):
    """Looks for what can be done, reads guides, fetches forms. Reads only, never signed in."""

    town: ClassVar[Town]
    think_scale: ClassVar[float] = 1.0
    network_timeout = 15.0
    connection_timeout = 15.0

    def on_start(self) -> None:
        """Move in: a county, a phone, habits of one's own."""
        self.chance = random.Random(SEED + next(_numbers))
        self.phone = Phone(self, self.chance)
        self.county = self.town.counties.pick(self.chance)
        # Not everybody unlocks the phone in the same second.
        self._pause(READING)

    @task
    def visit(self) -> None:
        """One visit: the first screen, then whatever brought the citizen here."""
        home = self._open_home()
        self._pause(GLANCING)
        walk = self.chance.choices(
            (self._search, self._look_around, self._open_known, self._ask_which_body),
            weights=(50, 20, 20, 10),
        )[0]
        walk(home)
        self._pause(READING)

    def _search(self, _home: Home | None) -> None:
        search = self.town.searches.pick(self.chance)
        for typed in prefixes(search, self.chance):
            self._suggest(typed)
            self._pause(TYPING)
        found = self._find(search)
        self._pause(GLANCING)
        if found:
            self._read(self.chance.choice(found[:5]).service_code)

    def _look_around(self, home: Home | None) -> None:
        """By department from the first screen, then by a theme of the guide that was read."""
        if home is None:
            return
        department = self.chance.choice(home.departments[:12])
        listed = self._list("department", department.code)
        for item in listed:
            # The list was checked for shape and place; this is what was asked for.
            if item.department.code != department.code:
                raise AssertionError("an item of another department passed the check")
        self._pause(GLANCING)
        if not listed:
            return
        guide = self._read(self.chance.choice(listed).service_code)
        themes = (guide.person_themes or guide.organisation_themes) if guide else []
        if themes:
            self._pause(GLANCING)
            self._list("theme", themes[0])

    def _open_known(self, _home: Home | None) -> None:
        """A link from a friend, a poster or yesterday: straight to the guide, twice."""
        item = self.town.items(self.county).pick(self.chance)
        guide = self._read(item.service_code)
        self._pause(GLANCING)
        if guide and self.chance.random() < 0.6:
            self._read(item.service_code)

    def _ask_which_body(self, _home: Home | None) -> None:
        """Who does this where I live?"""
        item = self.town.items(self.county).pick(self.chance)
        right = self.town.implementing(item.basic_code, self.county)

        def check(guide: Guide) -> None:
            demand(guide.service_code in right, "not the nearest body that does this")

        self.phone.ask(
            f"/v1/services/{item.basic_code}/at/{self.county.code}",
            "GET /v1/services/{basic_code}/at/{region_code}",
            Guide,
            check,
        )
