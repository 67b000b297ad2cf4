"""Records in memory with a journal on disk: a restart, however rude, keeps them.

Every change is one line `[table, key, row]` (row null: removed), handed to the system in
one write before the change is seen. Opening reads the lines, keeps the last of each key
and writes the file anew; a line torn by a crash at the very end was never answered and
is dropped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

Row = TypeVar("Row", bound=Struct)


class JournalBroken(Exception):
    """A line that is not the last cannot be read; the text says which."""


class Journal:
    """The file, and what it held when it was opened."""

    def __init__(self, path: Path) -> None:
        self._found: dict[str, dict[str, msgspec.Raw]] = {}
        if path.exists():
            self._read(path)
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        with fresh.open("wb") as file:
            for table, rows in self._found.items():
                file.writelines(_line(table, key, row) for key, row in rows.items())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        self._file = path.open("ab", buffering=0)

    def found(self, table: str) -> dict[str, msgspec.Raw]:
        """The rows of a table as they were on disk; each table is asked for once."""
        return self._found.pop(table, {})

    def note(self, table: str, key: str, row: Struct | None) -> None:
        """Write one change down."""
        self._file.write(_line(table, key, row))

    def close(self) -> None:
        """No change can be noted afterwards."""
        self._file.close()

    def _read(self, path: Path) -> None:
        lines = path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            try:
                table, key, row = msgspec.json.decode(line, type=tuple[str, str, msgspec.Raw])
            except msgspec.DecodeError as error:
                if number == len(lines):
                    return
                raise JournalBroken(f"{path}: line {number} cannot be read") from error
            rows = self._found.setdefault(table, {})
            if bytes(row) == b"null":
                rows.pop(key, None)
            else:
                rows[key] = row


class Table(Generic[Row]):
    """Rows of one kind by their key, in the order in which they came.

    `group` says what rows are also found by, and never changes in a row. With `most` the
    oldest row makes room for one too many.
    """

    def __init__(
        self,
        journal: Journal,
        name: str,
        kind: type[Row],
        *,
        group: Callable[[Row], str] | None = None,
        most: int | None = None,
    ) -> None:
        self._journal = journal
        self._name = name
        self._group = group
        self._most = most
        self._groups: dict[str, dict[str, None]] = {}
        self._rows: dict[str, Row] = {
            key: msgspec.json.decode(row, type=kind) for key, row in journal.found(name).items()
        }
        for key, row in self._rows.items():
            self._note_group(key, row)

    def get(self, key: str) -> Row | None:
        return self._rows.get(key)

    def put(self, key: str, row: Row) -> Row:
        """Insert or replace; gives the row back."""
        self._journal.note(self._name, key, row)
        if key not in self._rows:
            self._note_group(key, row)
        self._rows[key] = row
        if self._most is not None and len(self._rows) > self._most:
            self.remove(next(iter(self._rows)))
        return row

    def of(self, group: str) -> list[Row]:
        """The rows of a group, in the order in which they came."""
        return [self._rows[key] for key in self._groups.get(group, ())]

    def remove(self, key: str) -> None:
        """Forget the row, known or not."""
        row = self._rows.pop(key, None)
        if row is None:
            return
        self._journal.note(self._name, key, None)
        if self._group is not None:
            members = self._groups[self._group(row)]
            del members[key]
            if not members:
                del self._groups[self._group(row)]

    def clear(self) -> None:
        for key in list(self._rows):
            self.remove(key)

    def __iter__(self) -> Iterator[Row]:
        """A snapshot: rows may be put while it is walked."""
        return iter(list(self._rows.values()))

    def __len__(self) -> int:
        return len(self._rows)

    def _note_group(self, key: str, row: Row) -> None:
        if self._group is not None:
            self._groups.setdefault(self._group(row), {})[key] = None


def _line(table: str, key: str, row: Struct | msgspec.Raw | None) -> bytes:
    return msgspec.json.encode((table, key, row)) + b"\n"
