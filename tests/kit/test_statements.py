"""Statements: names to numbers, rows to structs, counts as marked."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct

from api import statements
from api.statements import Connection, Statements

TEXT = """-- name: find_pair^
-- A comment with :colons, and 'text with :colons'.
select :left::integer as left, ':right'::text as right where :left = :left
-- name: list_numbers
select n from generate_series(1, :count::integer) as n;

-- name: count_numbers$
select count(*) from generate_series(1, :count::integer)
-- name: change_nothing!
update seeds set planted_at = now() where name = :name
"""


class Pair(Struct, frozen=True):
    left: int
    right: str


class Number(Struct, frozen=True):
    n: int


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Statements:
    (tmp_path / "numbers.sql").write_text(TEXT)
    monkeypatch.setattr(statements, "QUERIES", tmp_path)
    monkeypatch.setattr(statements, "LOADED", {})
    return Statements("numbers")


async def test_one_row_becomes_its_struct(loaded: Statements, connection: Connection) -> None:
    find_pair = loaded.optional("find_pair", Pair)
    assert await find_pair(connection, left=7) == Pair(7, ":right")


async def test_no_row_is_none(loaded: Statements, connection: Connection) -> None:
    assert await loaded.optional("find_pair", Pair)(connection, left=None) is None


async def test_many_rows_become_a_list(loaded: Statements, connection: Connection) -> None:
    found = await loaded.many("list_numbers", Number)(connection, count=3)
    assert found == [Number(1), Number(2), Number(3)]


async def test_a_value_is_given_bare(loaded: Statements, connection: Connection) -> None:
    assert await loaded.value("count_numbers", int)(connection, count=5) == 5


async def test_what_gives_no_rows_tells_how_many_it_touched(
    loaded: Statements, connection: Connection
) -> None:
    assert await loaded.execute("change_nothing")(connection, name="nobody") == 0


def test_a_parameter_is_numbered_once(loaded: Statements) -> None:
    statement = next(s for s in loaded if s.name == "find_pair")
    assert statement.parameters == ["left"]
    assert "where $1 = $1" in statement.text
    assert "':right'" in statement.text


@pytest.mark.parametrize("given", [{}, {"count": 1, "more": 2}, {"other": 1}])
async def test_a_missing_or_surplus_argument_is_refused(
    loaded: Statements, connection: Connection, given: dict[str, int]
) -> None:
    with pytest.raises(KeyError):
        await loaded.value("count_numbers", int)(connection, **given)


def test_a_statement_is_bound_as_it_is_marked(loaded: Statements) -> None:
    with pytest.raises(ValueError, match="marked"):
        loaded.many("find_pair", Pair)
