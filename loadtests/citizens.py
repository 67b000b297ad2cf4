"""What citizens do: each class is one kind of visitor, each visit a walk through the service.

The pauses are those of a person with a phone (reading, typing); `think_scale` shortens them.
"""

from __future__ import annotations

import random
from itertools import count
from typing import ClassVar
from urllib.parse import urlencode

import gevent
from gevent.event import Event
from locust import FastHttpUser, task

from loadtests.answers import Guide, Home, Suggestions, Summaries, Summary
from loadtests.phone import Check, Headers, Phone, demand
from loadtests.town import SEED, Town, prefixes
from loadtests.words import Search

# Seconds between two steps of a person, from the shortest to the longest pause.
TYPING = (0.3, 0.8)
GLANCING = (1.5, 5.0)
READING = (4.0, 15.0)

_numbers = count()


class CatalogueCitizen(FastHttpUser):
    """Looks for what can be done, reads guides, fetches forms. Reads only, never signed in."""

    town: ClassVar[Town]
    # A worker is told to begin while it still reads the town.
    town_is_known: ClassVar[Event] = Event()
    think_scale: ClassVar[float] = 1.0
    network_timeout = 15.0
    connection_timeout = 15.0

    def on_start(self) -> None:
        """Move in: a county, a phone, habits of one's own."""
        self.town_is_known.wait()
        self.chance = random.Random(SEED + next(_numbers))
        self.phone = Phone(self.client, self.chance, gevent.sleep)
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
        listed = self._list_department(self.chance.choice(home.departments[:12]).code)
        self._pause(GLANCING)
        if not listed:
            return
        guide = self._read(self.chance.choice(listed).service_code)
        themes = (guide.person_themes or guide.organisation_themes) if guide else []
        if themes:
            self._pause(GLANCING)
            self._list_theme(themes[0])

    def _open_known(self, _home: Home | None) -> None:
        """A link from a friend or a poster: straight to the guide, and often back to it."""
        item = self.town.items(self.county).pick(self.chance)
        guide = self._read(item.service_code)
        self._pause(READING)
        if guide and self.chance.random() < 0.6:
            self._read(item.service_code)

    def _ask_which_body(self, _home: Home | None) -> None:
        """Who does this where I live?"""
        item = self.town.items(self.county).pick(self.chance)
        right = self.town.implementing(item.basic_code, self.county)

        def check(guide: Guide, headers: Headers) -> None:
            demand(guide.service_code in right, "not the nearest body that does this")
            named = headers.get("content-location")
            demand(named == f"/v1/services/{guide.service_code}", "Content-Location names another")

        path = f"/v1/services/{item.basic_code}/at/{self.county.code}"
        self.phone.ask(path, "GET /v1/services/{basic_code}/at/{region_code}", Guide, check)

    # One request each.

    def _open_home(self) -> Home | None:
        def check(home: Home, _: Headers) -> None:
            demand(home.region.code == self.county.code, "the home of another place")
            demand(len(home.departments) > 0, "a home without departments")
            self._demand_local(home.hot_services)

        # The most opened items move up and down while citizens open them.
        path = f"/v1/home?region={self.county.code}"
        return self.phone.ask(path, "GET /v1/home", Home, check, may_change=True)

    def _suggest(self, typed: str) -> None:
        def check(page: Suggestions, _: Headers) -> None:
            offered = page.items
            demand(len(offered) <= 10, "more than ten suggestions")
            demand(all(len(one.service_code) == 31 for one in offered), "no service code")
            demand(len({one.text for one in offered}) == len(offered), "a name twice")

        path = f"/v1/suggestions?{urlencode({'q': typed, 'region': self.county.code})}"
        self.phone.ask(path, "GET /v1/suggestions", Suggestions, check, may_change=True)

    def _find(self, search: Search) -> list[Summary]:
        def check(page: Summaries, _: Headers) -> None:
            self._demand_local(page.items)
            about = any(search.about in item.name for item in page.items[:5])
            demand(about, f"nothing about {search.about} for {search.words}")

        return self._list({"q": search.words}, "q", check)

    def _list_department(self, code: str) -> list[Summary]:
        def check(page: Summaries, _: Headers) -> None:
            right = all(item.department.code == code for item in page.items)
            demand(right, "an item of another department")

        return self._list({"department": code}, "department", check)

    def _list_theme(self, theme: str) -> list[Summary]:
        def check(page: Summaries, _: Headers) -> None:
            self._demand_local(page.items)
            demand(len(page.items) > 0, "a theme without items")

        return self._list({"theme": theme}, "theme", check)

    def _list(self, query: dict[str, str], by: str, check: Check[Summaries]) -> list[Summary]:
        path = f"/v1/services?{urlencode({**query, 'region': self.county.code})}"
        # Among equally good finds the more often opened comes first.
        page = self.phone.ask(
            path, f"GET /v1/services?{by}=", Summaries, check, may_change=by == "q"
        )
        return page.items if page else []

    def _read(self, service_code: str) -> Guide | None:
        def check(guide: Guide, _: Headers) -> None:
            demand(guide.service_code == service_code, "the guide of another item")
            demand(bool(guide.name), "a guide without a name")

        path = f"/v1/services/{service_code}"
        guide = self.phone.ask(path, "GET /v1/services/{service_code}", Guide, check)
        forms = [m.blank_form for m in guide.materials if m.blank_form] if guide else []
        if forms and self.chance.random() < 0.15:
            self._pause(READING)
            name = "GET /v1/services/{service_code}/materials/{material_id}/blank-form"
            self.phone.download(self.chance.choice(forms), name)
        return guide

    def _demand_local(self, items: list[Summary]) -> None:
        here = all(item.region.code in self.county.scope for item in items)
        demand(here, "an item that does not serve this place")

    def _pause(self, between_seconds: tuple[float, float]) -> None:
        gevent.sleep(self.think_scale * self.chance.uniform(*between_seconds))
