"""SQL lives in `sql/queries/*.sql`; this loads it and runs it as typed calls.

A file holds statements under aiosql's headers; the mark after the name says how
many rows to expect:

    -- name: find_region^      one row or None
    -- name: count_regions$    one value
    -- name: list_regions      many rows
    -- name: forget_region!    none; the number of rows touched

Parameters are written `:name`. A feature's `queries.py` binds each statement to
the struct its columns fill, in order; a test prepares every bound statement on
the migrated schema and compares columns with fields.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

QUERIES = Path(__file__).resolve().parent.parent / "sql" / "queries"
LOADED: dict[str, Statements] = {}

T = TypeVar("T")

_HEADER = re.compile(r"^-- name: ([a-z0-9_]+)([\^$!]?)[ \t]*$", re.MULTILINE)
# A quoted literal or a comment (left alone), or a parameter that is not a cast (::text).
_PARAMETER = re.compile(r"'(?:[^']|'')*'|--[^\n]*|(?<![:\w]):([a-z_]+)")


class Connection(Protocol):
    """What a decision needs of a connection: one of its own, or the pool's untyped proxy."""

    async def fetch(self, query: str, *args: Any) -> list[Any]: ...
    async def fetchrow(self, query: str, *args: Any) -> Any: ...
    async def fetchval(self, query: str, *args: Any) -> Any: ...
    async def execute(self, query: str, *args: Any) -> str: ...
    async def copy_records_to_table(
        self, table_name: str, *, records: Iterable[Any], columns: list[str]
    ) -> str: ...
    def transaction(self) -> AbstractAsyncContextManager[Any]: ...


class Statements:
    """The statements of one file, bound to structs by a feature's `queries.py`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._all = {s.name: s for s in _parse((QUERIES / f"{name}.sql").read_text())}
        LOADED[name] = self

    def __iter__(self) -> Iterator[Statement]:
        return iter(self._all.values())

    def many(self, name: str, row: Callable[..., T]) -> Many[T]:
        """Bind a statement that gives any number of rows."""
        return Many(self._take(name, "", row), row)

    def optional(self, name: str, row: Callable[..., T]) -> Optional[T]:
        """Bind a statement that gives one row or none."""
        return Optional(self._take(name, "^", row), row)

    def value(self, name: str, kind: type[T]) -> Value[T]:
        """Bind a statement that gives one value, or None where there is no row."""
        return Value(self._take(name, "$", kind))

    def execute(self, name: str) -> Execute:
        """Bind a statement that gives no rows."""
        return Execute(self._take(name, "!", None))

    def _take(self, name: str, kind: str, row: Callable[..., Any] | None) -> Statement:
        statement = self._all[name]
        if statement.kind != kind:
            raise ValueError(f"{self.name}.{name} is marked {statement.kind!r}, bound as {kind!r}")
        statement.row = row
        statement.is_bound = True
        return statement


class Statement:
    """One named statement; `parameters` stand in the order of $1, $2 …"""

    def __init__(self, name: str, kind: str, text: str) -> None:
        self.name = name
        self.kind = kind
        self.text, self.parameters = _number_parameters(text)
        self.row: Callable[..., Any] | None = None
        self.is_bound = False

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """Keyword arguments in positional order; a missing or surplus one is a KeyError."""
        if len(given) != len(self.parameters):
            raise KeyError(f"{self.name} takes {self.parameters}, got {sorted(given)}")
        return [given[name] for name in self.parameters]


class _Bound:
    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        self.text = statement.text


class Many(_Bound, Generic[T]):
    """Gives a list of rows, each as its struct."""

    def __init__(self, statement: Statement, row: Callable[..., T]) -> None:
        super().__init__(statement)
        self.row = row

    async def __call__(self, connection: Connection, **given: Any) -> list[T]:
        row = self.row
        records = await connection.fetch(self.text, *self.statement.arguments(given))
        return [row(*record) for record in records]


class Optional(_Bound, Generic[T]):
    """Gives one row as its struct, or None."""

    def __init__(self, statement: Statement, row: Callable[..., T]) -> None:
        super().__init__(statement)
        self.row = row

    async def __call__(self, connection: Connection, **given: Any) -> T | None:
        record = await connection.fetchrow(self.text, *self.statement.arguments(given))
        return None if record is None else self.row(*record)


class Value(_Bound, Generic[T]):
    """Gives the first column of the first row, or None."""

    async def __call__(self, connection: Connection, **given: Any) -> T | None:
        found: T | None = await connection.fetchval(self.text, *self.statement.arguments(given))
        return found


class Execute(_Bound):
    """Gives the number of rows touched."""

    async def __call__(self, connection: Connection, **given: Any) -> int:
        tag = await connection.execute(self.text, *self.statement.arguments(given))
        count = tag.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0


def _parse(text: str) -> Iterator[Statement]:
    headers = list(_HEADER.finditer(text))
    for number, header in enumerate(headers):
        end = headers[number + 1].start() if number + 1 < len(headers) else len(text)
        yield Statement(header[1], header[2], text[header.end() : end].strip().rstrip(";"))


def _number_parameters(text: str) -> tuple[str, list[str]]:
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0]
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    return _PARAMETER.sub(number, text), names
