"""Every statement is bound, understood by PostgreSQL, and fits the struct its rows fill."""

from __future__ import annotations

import datetime as dt
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import asyncpg
import msgspec
import pytest

from api.catalogue import queries
from api.database import open_connection
from api.statements import LOADED, QUERIES, Statement
from tests.conftest import run
from tests.house.tree import import_everything

import_everything()

# What asyncpg gives for PostgreSQL's types.
PYTHON = {
    "bool": bool,
    "int2": int,
    "int4": int,
    "int8": int,
    "float4": float,
    "float8": float,
    "text": str,
    "varchar": str,
    "json": str,
    "jsonb": str,
    "bytea": bytes,
    "date": dt.date,
    "timestamptz": dt.datetime,
}


def statements() -> list[Any]:
    return [
        pytest.param(statement, id=f"{name}.{statement.name}")
        for name, loaded in sorted(LOADED.items())
        for statement in loaded
    ]


class Known(msgspec.Struct, frozen=True):
    """What PostgreSQL says of a statement: its columns as (name, type), or why it refuses it."""

    parameters: int = 0
    columns: list[tuple[str, str]] = []
    refusal: str = ""


@pytest.fixture(scope="module")
def known(database_url: str) -> dict[str, Known]:
    """Every statement prepared on the migrated schema."""
    found: dict[str, Known] = {}

    async def prepare() -> None:
        async with open_connection(database_url) as connection, connection.transaction():
            # Publishing makes this table for itself, for the length of a transaction.
            await queries.create_staging(connection)
            for loaded in LOADED.values():
                for statement in loaded:
                    found[statement.text] = await _prepare(connection, statement)

    run(prepare())
    return found


async def _prepare(connection: Any, statement: Statement) -> Known:
    try:
        async with connection.transaction():
            prepared = await connection.prepare(statement.text)
    except asyncpg.PostgresError as error:
        return Known(refusal=str(error))
    columns = [(column.name, column.type.name) for column in prepared.get_attributes()]
    return Known(len(prepared.get_parameters()), columns)


def test_every_file_of_statements_is_loaded_once() -> None:
    assert sorted(LOADED) == sorted(path.stem for path in QUERIES.glob("*.sql"))


def test_every_statement_has_a_name_of_its_own() -> None:
    for name, loaded in LOADED.items():
        text = (QUERIES / f"{name}.sql").read_text()
        assert text.count("-- name:") == len(list(loaded)), name


@pytest.mark.parametrize("statement", statements())
def test_the_statement_is_bound(statement: Statement) -> None:
    assert statement.is_bound


@pytest.mark.parametrize("statement", statements())
def test_postgresql_knows_the_statement(known: dict[str, Known], statement: Statement) -> None:
    assert not known[statement.text].refusal
    assert known[statement.text].parameters == len(statement.parameters)


@pytest.mark.parametrize("statement", statements())
def test_the_columns_are_the_fields_of_the_row(
    known: dict[str, Known], statement: Statement
) -> None:
    columns = known[statement.text].columns
    if statement.kind == "!":
        # A function called for its effect gives one column of nothing.
        assert [kind for _, kind in columns if kind != "void"] == []
        return
    row: Any = statement.row
    fields = get_type_hints(row) if _is_struct(row) else {"": row}
    assert len(columns) == len(fields), (columns, list(fields))
    for (column, kind), (field, hint) in zip(columns, fields.items(), strict=True):
        assert column == field or column not in fields, f"{column} stands where {field} is expected"
        assert _python(kind) in _accepted(hint), f"{column} is {kind}, {field} is {hint}"


def _is_struct(row: Any) -> bool:
    return isinstance(row, type) and issubclass(row, msgspec.Struct)


def _python(kind: str) -> type:
    return list if kind.endswith("[]") or kind.startswith("_") else PYTHON[kind]


def _accepted(hint: Any) -> set[type]:
    """The plain classes that a field's annotation lets in."""
    origin = get_origin(hint)
    if origin is Annotated:
        return _accepted(get_args(hint)[0])
    if origin in (Union, types.UnionType):
        return set().union(*(_accepted(argument) for argument in get_args(hint)))
    if origin is Literal:
        return {type(value) for value in get_args(hint)}
    return {origin or hint}
