"""Group commit of notices: those that come while a transaction runs share the next one.

A channel's notices come in crowds, and each by itself would wait for the disk alone. So a
process gathers proven notices, in the order they came, and applies up to `MOST_TOGETHER` in
one transaction. Each caller hears its own outcome, after the commit. Where a batch fails,
each of it is applied alone, so that one that cannot be applied hurts nobody else. Beyond
`MOST_WAITING` none is taken in: what is not acknowledged comes again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog
from msgspec import Struct

from api.errors import DatabaseUnavailable, Overloaded
from api.ledger import LedgerRefused
from api.logs import describe_error
from api.payments.reports import queries
from api.payments.reports.books import Outcome, Told
from api.payments.reports.take_report import take_reports
from api.payments.till import Till
from api.statements import Connection

log = structlog.get_logger()

MOST_TOGETHER = 128
MOST_WAITING = 4096
# A second transaction beside the first was measured: smaller batches, and not one notice more.
RUNNERS = 1
# So many in a row that the database did not take alone: it is gone, and the rest need not try.
_GONE_AFTER = 3


class KeptNotice(Struct, frozen=True):
    """A proven notice and what it says; `notice_key` is the same in every repeat."""

    notice_key: str
    notice_id: str
    said: str
    content_sealed: bytes
    told: Told


class _Waiting(Struct, frozen=True):
    notice: KeptNotice
    outcome: asyncio.Future[Outcome]


class NoticeGatherer:
    """One for a process and its event loop."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self._waiting: deque[_Waiting] = deque()
        self._runners: set[asyncio.Task[None]] = set()

    async def take(self, notice: KeptNotice) -> Outcome:
        """What became of it; it is committed then.

        Raises Overloaded, DatabaseUnavailable and LedgerRefused: it is not applied, as far as
        anybody knows, and must come again.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise Overloaded(headers={"Retry-After": "1"})
        outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(notice, outcome))
        # One that has just ended is still among them, and takes nobody along any more.
        if sum(not runner.done() for runner in self._runners) < RUNNERS:
            runner = asyncio.create_task(self._run())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)
        return await outcome

    async def _run(self) -> None:
        while self._waiting:
            count = min(MOST_TOGETHER, len(self._waiting))
            batch = [self._waiting.popleft() for _ in range(count)]
            if not await self._apply(batch, is_last=len(batch) == 1):
                await self._apply_alone(batch)

    async def _apply(self, batch: Sequence[_Waiting], *, is_last: bool) -> bool:
        """Whether all were applied; a failure is told only where nobody tries again."""
        notices = [each.notice for each in batch]
        try:
            outcomes = await self.till.database.decide(
                lambda c: apply_notices(self.till, c, notices)
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, each caller hears of it)
            if is_last:
                _fail(batch, error)
            return is_last
        for each, outcome in zip(batch, outcomes, strict=True):
            if not each.outcome.done():
                each.outcome.set_result(outcome)
        return True

    async def _apply_alone(self, batch: Sequence[_Waiting]) -> None:
        log.warning("payment_notices_taken_alone", count=len(batch))
        refused = 0
        for place, each in enumerate(batch):
            await self._apply([each], is_last=True)
            is_gone = isinstance(_error_of(each), DatabaseUnavailable)
            refused = refused + 1 if is_gone else 0
            if refused == _GONE_AFTER:
                _fail(batch[place + 1 :], DatabaseUnavailable())
                return


async def apply_notices(
    till: Till, connection: Connection, notices: Sequence[KeptNotice]
) -> list[Outcome]:
    """Apply proven notices and keep them, in the caller's transaction."""
    outcomes = await take_reports(connection, [notice.told for notice in notices])
    last = {n.notice_key: (n, o) for n, o in zip(notices, outcomes, strict=True)}
    times = dict.fromkeys(last, 0)
    for notice in notices:
        times[notice.notice_key] += 1
    kept = [last[key] for key in sorted(last)]
    refunds = [notice.told.refund for notice, _ in kept]
    await queries.keep_notices(
        connection,
        notice_keys=[notice.notice_key for notice, _ in kept],
        channels=[notice.told.channel for notice, _ in kept],
        notice_ids=[notice.notice_id for notice, _ in kept],
        payment_nos=[notice.told.payment_no[:64] for notice, _ in kept],
        refund_nos=[refund and refund.refund_no[:64] for refund in refunds],
        said=[notice.said for notice, _ in kept],
        outcomes=[outcome for _, outcome in kept],
        times=[times[notice.notice_key] for notice, _ in kept],
        contents=[notice.content_sealed for notice, _ in kept],
    )
    till.reach("notice.weighed")
    return outcomes


def _fail(batch: Sequence[_Waiting], error: Exception) -> None:
    if not isinstance(error, DatabaseUnavailable):
        # The ledger refuses what cannot be: somebody has to look.
        kind = "ledger" if isinstance(error, LedgerRefused) else "unknown"
        log.error("payment_notice_not_applied", kind=kind, **describe_error(error))
    for each in batch:
        if not each.outcome.done():
            each.outcome.set_exception(error)


def _error_of(each: _Waiting) -> BaseException | None:
    is_over = each.outcome.done() and not each.outcome.cancelled()
    return each.outcome.exception() if is_over else None
