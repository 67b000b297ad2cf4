"""What the catalogue tells the rest of the service."""

from __future__ import annotations

from typing import ClassVar

from api.events import Fact


class ServicesChanged(Fact, frozen=True):
    """Guides changed or were withdrawn; the codes of at most 500 items."""

    NAME: ClassVar[str] = "service.changed"

    service_codes: list[str]
