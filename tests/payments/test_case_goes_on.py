"""A paid fee moves the case by itself; and what dies in between is found again."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from api.events import publish
from api.facts import PaymentSettled
from api.settings import Settings
from tests.live import PROJECT, free_port
from tests.payments.conftest import FEE_FEN, Counter, Payer, until
from tests.worker import working


async def case_of(counter: Counter, bill_no: str) -> str:
    found: str = await counter.value("select case_no from bills where bill_no = $1", bill_no)
    return found


async def test_a_paid_case_goes_on_once_and_says_so(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    case_no = await case_of(counter, bill_no)
    payment_no = await payer.begun(bill_no)
    await payer.confirm(payment_no)
    await counter.becomes(payment_no, "succeeded")
    async with working(counter.till.settings):

        async def is_on() -> bool:
            status = await counter.value("select status from cases where case_no = $1", case_no)
            return bool(status == "accepted")

        await until(is_on, 20)
        # Told again, the case stays where it is.
        async with counter.database.transaction() as connection:
            fact = PaymentSettled(payment_no=payment_no, bill_no=bill_no, case_no=case_no)
            await publish(connection, fact)
        await until(lambda: _queue_is_empty(counter), 20)
    paid = await counter.rows(
        "select actor from case_events where case_no = $1 and type = 'paid'", case_no
    )
    assert paid == [{"actor": f"system:payment:{payment_no}"}]
    progress = (await payer.get(f"/v1/cases/{case_no}/progress")).json()
    assert progress["payment"] == {"bill_no": bill_no, "status": "paid", "amount_fen": FEE_FEN}
    assert progress["clock"] == "running"


async def _queue_is_empty(counter: Counter) -> bool:
    return not await counter.value(
        "select exists (select from pgqueuer where entrypoint like 'payment.settled%')"
    )


class Doomed:
    """A process of the service that ends itself at a step."""

    def __init__(
        self, settings: Settings, folder: Path, failpoint: str, *, is_public: bool = False
    ) -> None:
        self.port = free_port()
        address = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "doomed.log").open("wb")
        environment = {
            **os.environ,
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": "off",
            "DATA_DIR": settings.data_dir,
            "KEYS_FILE": settings.keys_file,
            "SECRET_KEY": settings.secret_key,
            "CHANNELS_FILE": settings.channels_file,
            "PUBLIC_URL": address if is_public else settings.public_address,
            "DATABASE_ACQUIRE_SECONDS": "3",
            "FAILPOINT": failpoint,
        }
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "--factory", "api.app:create"),
                *("--port", str(self.port), "--log-level", "error"),
            ],
            cwd=PROJECT,
            env=environment,
            stdout=self._log,
            stderr=self._log,
        )

    async def until_up(self, client: httpx.AsyncClient) -> None:
        async def answers() -> bool:
            try:
                return (await client.get("/health/live")).status_code == 200
            except httpx.HTTPError:
                return False

        await until(answers, 30)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.mark.parametrize("failpoint", ["payment.intended", "payment.ordered"])
async def test_a_process_that_dies_while_ordering_loses_nothing(
    counter: Counter, tmp_path: Path, failpoint: str
) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    doomed = Doomed(counter.till.settings, tmp_path, failpoint)
    try:
        address = f"http://127.0.0.1:{doomed.port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
            await doomed.until_up(client)
            other = Payer(payer.citizen_id, client, payer.headers, counter)
            with pytest.raises(httpx.HTTPError):
                await other.begin(bill_no)
        assert await asyncio.to_thread(doomed.process.wait, 10) == 70
    finally:
        doomed.close()
    [row] = await counter.rows("select payment_no, status from payments")
    assert row["status"] == "pending"
    await counter.chase()
    again = await payer.begin(bill_no)
    assert (again.status_code, again.json()["payment_no"]) == (201, row["payment_no"]), again.text
    assert len(counter.gateways["wechat"].all("payments")) == 1
    await payer.confirm(row["payment_no"])
    await counter.becomes(row["payment_no"], "succeeded")


@pytest.mark.parametrize("failpoint", ["notice.proven", "notice.weighed", "notice.applied"])
async def test_a_process_that_dies_over_a_notice_loses_no_money(
    counter: Counter, tmp_path: Path, failpoint: str
) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    doomed = Doomed(counter.till.settings, tmp_path, failpoint, is_public=True)
    try:
        address = f"http://127.0.0.1:{doomed.port}"
        async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=20) as client:
            await doomed.until_up(client)
            other = Payer(payer.citizen_id, client, payer.headers, counter)
            payment_no = await other.begun(bill_no)
        await payer.confirm(payment_no)
        assert await asyncio.to_thread(doomed.process.wait, 10) == 70
    finally:
        doomed.close()
    await counter.chase()
    assert await counter.status(payment_no) == "succeeded"
    facts = await counter.value(
        "select count(*) from pgqueuer where entrypoint = 'payment.settled'"
        " and convert_from(payload, 'utf8') like $1",
        f"%{payment_no}%",
    )
    assert facts == 1
