"""What the catalogue does when facts are published, and by the clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from api.cache import Cache
from api.catalogue.facts import ServicesChanged
from api.catalogue.publish_services import bring_due_into_force
from api.catalogue.routes import guide_key, today
from api.database import Database

# Planned versions are looked for so far back: a worker that was down for a week misses none.
_LOOK_BACK = timedelta(days=7)


def forget_guides(cache: Cache) -> Callable[[ServicesChanged], Awaitable[None]]:
    """Let nobody be served an older guide from the shared cache."""

    async def forget_changed_guides(fact: ServicesChanged) -> None:
        # Guides carry no version in their key; the tombstone keeps slow fills out.
        await cache.forget([guide_key(code) for code in fact.service_codes], version=0)

    return forget_changed_guides


def bring_guides_into_force(database: Database) -> Callable[[], Awaitable[None]]:
    """Each night: versions planned for today become current."""

    async def bring_planned_guides_into_force() -> None:
        day = today()
        async with database.transaction() as connection:
            await bring_due_into_force(connection, since=day - _LOOK_BACK, today=day)

    return bring_planned_guides_into_force
