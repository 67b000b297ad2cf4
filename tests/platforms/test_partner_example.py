"""The example partner of the documents, run as a newcomer would, against a live service."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from api.catalogue import queries
from api.database import Database
from api.settings import PROJECT, Settings
from tests.live import SECRET_KEY, serving
from tests.platforms.builders import forget_partners, new_partner

PARTNER = PROJECT / "docs" / "partner" / "partner.py"


@contextmanager
def working(folder: Path, **environment: str) -> Iterator[None]:
    """The job worker in a process of its own."""
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "work"],
            cwd=PROJECT,
            env={**os.environ, "SECRET_KEY": SECRET_KEY, "LOG_FORMAT": "json", **environment},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "ed25519"])
async def test_the_example_partner_walks_to_the_end(
    tmp_path: Path, town_settings: Settings, town: Database, algorithm: Any
) -> None:
    async with town.transaction() as connection:
        # What other tests left undone would come to this partner first.
        await connection.execute("delete from pgqueuer")
    partner = await new_partner(town_settings, algorithm=algorithm)
    examples = await town.read(queries.list_examples)
    demonstration = tmp_path / "demonstration.json"
    demonstration.write_text(
        json.dumps(
            {
                "platform": {
                    "key_id": partner.key.key_id,
                    "algorithm": algorithm,
                    "secret": partner.key.secret,
                    "private_key_pem": partner.key.private_key_pem,
                },
                "services": {example.first: example.second for example in examples},
            }
        )
    )
    environment = {
        "DATABASE_URL": town_settings.database_url,
        "REDIS_URL": town_settings.redis_url,
        "KEYS_FILE": town_settings.keys_file,
        "DATA_DIR": str(tmp_path),
        "WEBHOOK_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    try:
        with serving(tmp_path, **environment) as address, working(tmp_path, **environment):
            arguments = ["--demonstration", str(demonstration), "--address", address]
            done = await asyncio.to_thread(_run, *arguments)
    finally:
        await forget_partners(town)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the inbox says: completed" in done.stdout
    assert done.stdout.count("applied True") == 4


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PARTNER, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
