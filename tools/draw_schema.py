"""Draws what is made from other files: the schema from the migrations, .env.example from settings.

    python tools/draw_schema.py                       write both
    python tools/draw_schema.py --check [NAME …]      write nothing; say what differs, exit 1

Names: sql/schema.sql, .env.example. The schema is dumped from an embedded PostgreSQL
that lives in a temporary folder and ends with this program.
"""

from __future__ import annotations

import difflib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))

from api.embedded import embedded_servers
from api.migrations import dump_schema, migrate
from api.settings import draw_example


def main(*arguments: str) -> int:
    """Write the drawn files, or compare them with what stands there."""
    names = [name for name in arguments if name != "--check"] or list(DRAWN)
    differing = 0
    for name in names:
        text = DRAWN[name]()
        if "--check" not in arguments:
            (PROJECT / name).write_text(text, encoding="utf-8")
            print(f"drew {name}")
        elif difference := _difference(name, text):
            differing += 1
            print(difference + "`make schema` draws it anew.")
    return 1 if differing else 0


def draw_schema() -> str:
    """`sql/schema.sql`: every migration applied to an empty database, dumped."""
    with (
        tempfile.TemporaryDirectory(prefix="zhangban-schema-") as folder,
        embedded_servers(Path(folder), valkey=False, database="drawn") as servers,
    ):
        migrate(servers.database_url)
        return dump_schema(servers.database_url)


DRAWN: dict[str, Callable[[], str]] = {
    "sql/schema.sql": draw_schema,
    ".env.example": draw_example,
}


def _difference(name: str, wanted: str) -> str:
    path = PROJECT / name
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        found.splitlines(keepends=True), wanted.splitlines(keepends=True), name, "as drawn"
    )
    return "".join(lines)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
