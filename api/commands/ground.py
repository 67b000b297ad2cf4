"""The database a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from api.embedded import joined_postgres
from api.migrations import migrate
from api.settings import Settings


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """DATABASE_URL, else the embedded one, running or not, migrated."""
    if settings.database_url:
        yield settings.database_url
        return
    with joined_postgres(settings.data_path) as url:
        migrate(url)
        yield url
