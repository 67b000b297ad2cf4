"""Sends what stands to be sent, signed by Standard Webhooks, until it is taken or dead.

The rows say everything, so any worker goes on where another died. A receiver has two slots
over all workers, and one, now and then, after five failures in a row: who hangs takes
nobody else's time. No connection is held while a receiver is asked: slot and claim are
written, the receiver is asked, its answer is written.

A delivery that was not taken is tried again after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and
24 h, each ± 20 %; then it is dead, stays to be seen and can be replayed. 410 switches the
webhook off.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import random
import time
from datetime import timedelta

import structlog
from msgspec import Struct

from adapters.webhooks import DeliveryFailed, Sender, TargetRefused
from api.database import Database
from api.errors import DatabaseUnavailable
from api.logs import describe_error
from api.platforms import queries
from api.platforms.make_webhook import SECRET_PREFIX
from api.platforms.rows import ClaimedRow, SlotRow
from api.vault import SealBroken, Vault

log = structlog.get_logger()

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
RETRIES = (
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
FAILURES_MOST = 5
DUE_AT_ONCE = 200
GONE = 410
USER_AGENT = "zhangban-webhooks/1"


class Outcome(Struct, frozen=True):
    """How one try ended: a status, or the reason why there is none that counts."""

    status: int | None
    error: str | None = None
    final: bool = False

    @property
    def is_taken(self) -> bool:
        """Whether the receiver has it."""
        return self.error is None


class Courier:
    """Sends for one worker process. Receivers are served apart from the worker's jobs."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        sender: Sender,
        *,
        at_once: int = 64,
        shift_seconds: float = 20.0,
    ) -> None:
        self._database = database
        self._vault = vault
        self._sender = sender
        self._at_once = at_once
        self._shift_seconds = shift_seconds
        self._running: set[asyncio.Task[None]] = set()

    def start(self, webhook_id: str) -> bool:
        """Begin to serve a receiver; False where too much runs: the clock will ask again."""
        if len(self._running) >= self._at_once:
            return False
        task = asyncio.create_task(self._serve_quietly(webhook_id))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def start_delivery(self, delivery_id: str) -> None:
        """Begin to serve the receiver of a delivery."""
        webhook_id = await self._database.read(
            lambda connection: queries.find_receiver(connection, delivery_id=delivery_id)
        )
        if webhook_id is not None:
            self.start(webhook_id)

    async def start_due(self) -> None:
        """Begin to serve every receiver that has something due. For the clock."""
        due = await self._database.read(
            lambda connection: queries.list_due(connection, limit=DUE_AT_ONCE)
        )
        for receiver in due:
            self.start(receiver.webhook_id)

    async def close(self) -> None:
        """Stop; what was being sent is sent again when its claim is over."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def serve(self, webhook_id: str) -> int:
        """Send what is due to one receiver until nothing is, or the shift ends; gives how many.

        Gives 0 at once where both slots are taken or the receiver is left alone.
        """
        async with self._database.connection() as connection:
            slot = await queries.take_slot(
                connection, webhook_id=webhook_id, failures_most=FAILURES_MOST
            )
        if slot is None:
            return 0
        sent, ends_at = 0, time.monotonic() + self._shift_seconds
        while await self._send_next(webhook_id):
            sent += 1
            if time.monotonic() > ends_at or not (slot := await self._keep(webhook_id, slot)):
                break
        if slot is not None:
            await self._free(webhook_id, slot)
        return sent

    async def _keep(self, webhook_id: str, slot: SlotRow) -> SlotRow | None:
        """The slot anew, so that it lasts for one more try; None where the receiver fails now."""
        await self._free(webhook_id, slot)
        async with self._database.connection() as connection:
            return await queries.take_slot(
                connection, webhook_id=webhook_id, failures_most=FAILURES_MOST
            )

    async def _free(self, webhook_id: str, slot: SlotRow) -> None:
        async with self._database.connection() as connection:
            await queries.free_slot(
                connection, webhook_id=webhook_id, slot=slot.slot, busy_until=slot.busy_until
            )

    async def _send_next(self, webhook_id: str) -> bool:
        """Send the delivery that has waited longest; False where none is due."""
        async with self._database.connection() as connection:
            claimed = await queries.claim_delivery(connection, webhook_id=webhook_id)
        if claimed is None:
            return False
        outcome = await self._try(webhook_id, claimed)
        await self._note(webhook_id, claimed, outcome)
        return True

    async def _try(self, webhook_id: str, claimed: ClaimedRow) -> Outcome:
        try:
            secret = self._vault.open_text(
                claimed.secret_sealed, table="webhooks", column="secret_sealed", row=webhook_id
            )
            headers = sign(secret, claimed.delivery_id, int(time.time()), claimed.body)
            status = await self._sender.post(claimed.url, headers, claimed.body)
        except SealBroken:
            return Outcome(None, "secret_unreadable")
        except TargetRefused as refused:
            return Outcome(None, refused.code)
        except DeliveryFailed as failed:
            return Outcome(None, failed.code)
        if 200 <= status < 300:
            return Outcome(status)
        if 300 <= status < 400:
            return Outcome(status, "redirect_refused")
        return Outcome(status, "status_refused", final=status == GONE)

    async def _note(self, webhook_id: str, claimed: ClaimedRow, outcome: Outcome) -> None:
        mark = {"delivery_id": claimed.delivery_id, "claimed_until": claimed.claimed_until}
        dead = claimed.attempts > len(RETRIES)
        async with self._database.transaction() as connection:
            if outcome.is_taken:
                await queries.note_delivered(connection, **mark, last_status=outcome.status)
                return
            await queries.note_failed(
                connection,
                **mark,
                dead=dead,
                wait_seconds=wait_seconds(claimed.attempts),
                last_status=outcome.status,
                last_error=outcome.error,
                failures_most=FAILURES_MOST,
            )
            if outcome.final:
                await queries.disable_webhook(connection, webhook_id=webhook_id, reason="gone")
        # No address: a platform's may carry a secret of its own.
        log.warning(
            "webhook_failed",
            webhook_id=webhook_id,
            attempt=claimed.attempts,
            status=outcome.status,
            error=outcome.error,
            dead=dead or outcome.final,
        )

    async def _serve_quietly(self, webhook_id: str) -> None:
        try:
            await self.serve(webhook_id)
        except DatabaseUnavailable:
            # The rows are as they were, and the clock asks again.
            return
        except Exception as error:  # noqa: BLE001 (one receiver's trouble is not the worker's)
            log.error("courier_failed", webhook_id=webhook_id, **describe_error(error))


def sign(secret: str, delivery_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The headers of a delivery (Standard Webhooks 1.0, symmetric signature `v1`).

    `secret`: `whsec_` and base64 of the key. What is signed: `id.timestamp.body`.
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{delivery_id}.{timestamp}.".encode() + body
    signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": delivery_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{signature}",
    }


def wait_seconds(attempts: int) -> float:
    """The wait after so many failed tries, the first being 1; jitter keeps retries apart."""
    wait = RETRIES[min(attempts, len(RETRIES)) - 1]
    return wait.total_seconds() * random.uniform(0.8, 1.2)
