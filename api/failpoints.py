"""Places where a process can be made to die, to prove that nothing is lost there.

`FAILPOINT=name` ends the process, without any clean-up, the first time it comes to that
step. Never in production.
"""

from __future__ import annotations

import os

from api.settings import Settings

EXIT_STATUS = 70


def reach(settings: Settings, name: str) -> None:
    """End the process here where the setting says so."""
    if settings.failpoint == name and settings.environment != "production":
        os._exit(EXIT_STATUS)
