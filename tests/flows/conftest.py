"""The standing service, as the flows use it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.flows.people import Place, placed
from tests.standing import Standing


@pytest.fixture
async def place(standing: Standing) -> AsyncIterator[Place]:
    async with placed(standing) as place:
        yield place
