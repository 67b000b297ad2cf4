"""What the kit must know of every feature: facts and their reactions, problems, variables."""

from __future__ import annotations

import re
from collections import Counter

from api.app import open_worker
from api.errors import every_problem
from api.events import Fact
from api.settings import PROJECT, Settings, draw_example
from tests.house.tree import import_everything


def facts() -> set[type[Fact]]:
    """Every kind of fact of the service; those of tests stand elsewhere."""
    import_everything()
    found: set[type[Fact]] = set()
    waiting: list[type[Fact]] = [Fact]
    while waiting:
        kinds = waiting.pop().__subclasses__()
        waiting.extend(kinds)
        found.update(kind for kind in kinds if kind.__module__.startswith("api."))
    return found


async def test_every_fact_has_its_reactions_or_says_that_it_needs_none(settings: Settings) -> None:
    async with open_worker(settings) as (reactions, _):
        assert set(reactions) == facts()


def test_names_of_facts_are_unique_and_well_formed() -> None:
    names = [fact.NAME for fact in facts()]
    assert [name for name in names if not re.fullmatch(r"[a-z_]+\.[a-z_]+", name)] == []
    assert len(names) == len(set(names))


def test_codes_of_problems_are_unique_and_snake_case() -> None:
    import_everything()
    codes = Counter(kind.code for kind in every_problem())
    assert [code for code, times in codes.items() if times > 1] == []
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", code)] == []


def test_every_problem_speaks_both_languages() -> None:
    import_everything()
    for kind in every_problem():
        assert re.search(r"[\u4e00-\u9fff]", kind.__doc__ or ""), kind
        assert re.search(r"[\u4e00-\u9fff]", kind.title), kind
        assert kind.english.isascii() or "–" in kind.english, kind
        assert kind.english_title.isascii(), kind
        assert 400 <= kind.status <= 599, kind


def test_the_example_of_the_environment_equals_the_settings() -> None:
    assert (PROJECT / ".env.example").read_text(encoding="utf-8") == draw_example(), "make schema"
