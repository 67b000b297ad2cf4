"""A database of each test's own: the ledger of other tests would be in the day's sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.settings import Settings


@pytest.fixture
def make_settings(
    make_settings: Callable[..., Settings], clean_database_url: str
) -> Callable[..., Settings]:
    def make(**changed: Any) -> Settings:
        return make_settings(**{"database_url": clean_database_url, **changed})

    return make
