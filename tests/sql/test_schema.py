"""`sql/schema.sql` is what the migrations make, and every migration is where it belongs."""

from __future__ import annotations

import re
from datetime import datetime

from api.migrations import MIGRATIONS, dump_schema
from api.settings import PROJECT


def test_the_drawn_schema_equals_the_migrations(clean_database_url: str) -> None:
    drawn = (PROJECT / "sql" / "schema.sql").read_text(encoding="utf-8")
    assert drawn == dump_schema(clean_database_url), "make schema"


def test_every_migration_has_a_moment_and_a_name() -> None:
    names = sorted(path.name for path in MIGRATIONS.iterdir())
    for name in names:
        match = re.fullmatch(r"([0-9]{14})_[a-z][a-z0-9_]*\.sql", name)
        assert match, name
        datetime.strptime(match[1], "%Y%m%d%H%M%S")
    moments = [name[:14] for name in names]
    assert len(moments) == len(set(moments))


def test_every_migration_bounds_its_waits() -> None:
    for path in MIGRATIONS.glob("*.sql"):
        text = path.read_text(encoding="utf-8")
        up, down = text.split("-- migrate:down")
        assert up.startswith("-- migrate:up\n"), path.name
        assert "set local lock_timeout" in up, path.name
        assert "set local statement_timeout" in up, path.name
        # Expand, migrate, contract: nothing is taken away from code that still runs.
        assert not re.search(r"^\s*(?!--)\S", down, re.MULTILINE), path.name
