"""SIGTERM while everybody writes: whatever was done was answered, on every worker."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from api.database import Database
from api.kinds import new_id
from api.settings import Settings
from tests.cases.builders import add_submitted
from tests.live import PROJECT, free_port
from tests.platforms.builders import Partner, Signed, encode, new_partner

CLIENTS, ANSWERS = 8, 60
START_SECONDS, STOP_SECONDS = 60.0, 40.0


@contextmanager
def serving(settings: Settings, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Two workers on the settings' port, sooner or later."""
    given = {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "DATA_DIR": settings.data_dir,
        "KEYS_FILE": settings.keys_file,
        "SECRET_KEY": settings.secret_key,
        "PORT": str(settings.port),
        "DATABASE_ACQUIRE_SECONDS": "3",
        "RATE_PLATFORMS_PER_SECOND": "10000",
    }
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api", "serve", "--workers", "2"],
            cwd=PROJECT,
            env={**os.environ, **given},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()


async def until_up(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(START_SECONDS):
        while not await _is_up(client):  # noqa: ASYNC110 (what is waited for is a process)
            await asyncio.sleep(0.1)


async def _is_up(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/health/live")).status_code == 200
    except httpx.TransportError:
        return False


class Department:
    """Bills case after case, on a connection of its own each time, until nobody listens."""

    def __init__(self, client: httpx.AsyncClient, partner: Partner, cases: list[str]) -> None:
        self.answered: set[str] = set()
        self._client = client
        self._partner = partner
        self._cases = cases

    async def bill_on(self) -> None:
        while self._cases:
            case_no = self._cases.pop()
            content = encode({"reference": case_no, "case_no": case_no, "amount_fen": 2000})
            path = "/v1/platform/bills"
            signed = Signed("POST", f"{self._client.base_url}".rstrip("/") + path, content)
            headers = {"Content-Type": "application/json", **self._partner.headers(signed)}
            try:
                answer = await self._client.post(path, content=content, headers=headers)
            except httpx.ConnectError:
                return
            except httpx.TransportError:
                continue
            if answer.status_code == 503:
                # Nothing was done, says the answer: it is asked for again.
                self._cases.append(case_no)
                continue
            assert answer.status_code == 201, answer.text
            self.answered.add(case_no)


async def test_a_server_told_to_stop_answers_all_that_it_does(
    make_settings: Callable[..., Settings],
    clean_database_url: str,
    clean_database: Database,
    tmp_path: Path,
) -> None:
    # A database of its own: the facts of a thousand cases would keep the next test's worker busy.
    database = clean_database
    settings = make_settings(
        database_url=clean_database_url, port=free_port(), platform_calls_per_second=10_000
    )
    partner = await new_partner(settings, name=f"partner-{new_id()}")
    async with database.transaction() as connection:
        cases = [await add_submitted(connection, citizen_id=new_id()) for _ in range(1000)]
    limits = httpx.Limits(max_keepalive_connections=0)
    calling = httpx.AsyncClient(
        base_url=settings.public_address, trust_env=False, timeout=20, limits=limits
    )
    with serving(settings, tmp_path) as process:
        async with calling as client:
            await until_up(client)
            department = Department(client, partner, list(cases))
            await _stop_in_the_middle(process, department)
    async with database.connection() as connection:
        rows = await connection.fetch(
            "select case_no from bills where reference = any ($1::text[])", cases
        )
    done = {row["case_no"] for row in rows}
    assert ANSWERS <= len(done) < len(cases)
    # Who was not answered was not served either.
    assert done == department.answered


async def _stop_in_the_middle(process: subprocess.Popen[bytes], department: Department) -> None:
    billing = [asyncio.create_task(department.bill_on()) for _ in range(CLIENTS)]
    async with asyncio.timeout(STOP_SECONDS):
        while len(department.answered) < ANSWERS:  # noqa: ASYNC110 (what is waited for is others)
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    await asyncio.gather(*billing)
    assert await asyncio.to_thread(process.wait, STOP_SECONDS) == 0
