"""Processes die at every step while people pay, and the books agree to the fen afterwards."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from api.failpoints import NAMES
from tests.chaos.storm import Plan, run_storm

KILLS, SECONDS = 40, 40.0


async def test_whatever_dies_no_money_is_lost_or_taken_twice(
    clean_database_url: str, tmp_path: Path
) -> None:
    """A slice of `make chaos`. CHAOS_SEED repeats the whims of a run."""
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    outcome = await run_storm(clean_database_url, tmp_path, Plan(KILLS, SECONDS, seed))
    said = f"CHAOS_SEED={seed}"
    assert outcome.differences == [], said
    assert outcome.left == {}, said
    assert outcome.kills >= KILLS, (said, outcome.deaths)
    assert len(outcome.deaths.keys() & set(NAMES)) >= 6, (said, outcome.deaths)
    assert outcome.payments["succeeded"] > 0, (said, outcome.payments)
