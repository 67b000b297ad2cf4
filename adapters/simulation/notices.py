"""Sends notices: at least once, repeated on a schedule, badly where a fault says so.

Targets must be this machine unless the simulator was told otherwise. What has not been
accepted when the simulator stops goes out again after its next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from httptools import HttpParserError, HttpResponseParser
from msgspec import Struct

from adapters.simulation.faults import HELD_SECONDS, NOTHING_WRONG, Fault, FaultBoard
from adapters.simulation.journal import Table
from adapters.simulation.records import Notice, NoticeState

ATTEMPT_SECONDS = 5.0
DUPLICATE_SECONDS = 0.05
_ANSWER_BYTES = 64 * 1024
_PROBE = Fault(probe=True)


class Delivery(Struct, frozen=True):
    """One attempt's request."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"


class Reaction(Struct, frozen=True):
    """What the caller answered; `said` is the status, or why there is none."""

    said: str
    status: int = 0
    body: bytes = b""


class NoticeSender:
    """Delivers, one task for each notice."""

    def __init__(
        self,
        notices: Table[Notice],
        faults: FaultBoard,
        *,
        sign: Callable[[Notice, Fault], Delivery],
        accepts: Callable[[Notice, int, bytes], bool],
        retry_seconds: Sequence[float],
        any_target: bool,
    ) -> None:
        self._notices = notices
        self._faults = faults
        self._sign = sign
        self._accepts = accepts
        self._waits = (0.0, *retry_seconds)
        self._any_target = any_target
        self._tasks: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()

    def send(self, notice: Notice) -> None:
        """Keep the notice and deliver it in the background."""
        self._notices.put(notice.notice_id, notice)
        if not self._any_target and not is_loopback(notice.url):
            self._settle(notice.notice_id, "target_refused")
            return
        fault = self._faults.take("notice", f"notice.{notice.kind}")
        if fault.mute:
            self._settle(notice.notice_id, "muted")
            return
        self._start(self._deliver(notice, fault))

    def send_again(self, notice_id: str) -> bool:
        """Deliver once more now, faults of whole notices aside. False: no such notice."""
        notice = self._notices.get(notice_id)
        if notice is None:
            return False
        self._start(self._deliver(notice, NOTHING_WRONG))
        return True

    def resume(self) -> None:
        """Go on with what an earlier run did not get accepted."""
        for notice in self._notices:
            if notice.state == "waiting":
                self._start(self._deliver(notice, NOTHING_WRONG))

    def cancel(self) -> None:
        """Stop delivering; what waits stays waiting."""
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """Stop delivering and wait until every task has noticed."""
        self.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, notice: Notice, fault: Fault) -> None:
        if fault.late_ms:
            await asyncio.sleep(fault.late_ms / 1000)
        if fault.out_of_order:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._gone.wait(), HELD_SECONDS)
        if fault.probe:
            await self._attempt(notice, _PROBE)
        if not await self._repeat_until_accepted(notice, fault):
            self._settle(notice.notice_id, "given_up")
            return
        self._settle(notice.notice_id, "accepted")
        for _ in range(int(fault.duplicate)):
            await asyncio.sleep(DUPLICATE_SECONDS)
            await self._attempt(notice, self._attempt_fault(notice))

    async def _repeat_until_accepted(self, notice: Notice, fault: Fault) -> bool:
        at_once = 2 if fault.concurrent is True else max(1, int(fault.concurrent))
        for wait in self._waits:
            await asyncio.sleep(wait)
            spoilt = self._attempt_fault(notice)
            tries = [self._attempt(notice, spoilt) for _ in range(at_once)]
            accepted = any(await asyncio.gather(*tries))
            # Whoever is held back by `out_of_order` may go now.
            self._gone.set()
            self._gone.clear()
            if accepted:
                return True
        return False

    def _attempt_fault(self, notice: Notice) -> Fault:
        return self._faults.take("attempt", f"notice.{notice.kind}")

    async def _attempt(self, notice: Notice, fault: Fault) -> bool:
        reaction = await exchange(self._sign(notice, fault))
        known = self._notices.get(notice.notice_id)
        if known is not None:
            said = f"probe {reaction.said}" if fault.probe else reaction.said
            changed = msgspec.structs.replace(known, attempts=(*known.attempts, said))
            self._notices.put(notice.notice_id, changed)
        return reaction.status != 0 and self._accepts(notice, reaction.status, reaction.body)

    def _settle(self, notice_id: str, state: NoticeState) -> None:
        known = self._notices.get(notice_id)
        if known is not None:
            self._notices.put(notice_id, msgspec.structs.replace(known, state=state))


def is_loopback(url: str) -> bool:
    """Whether an address names this machine without asking anybody."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def exchange(delivery: Delivery) -> Reaction:
    """Send it on a connection of its own; redirects are answers like any other. Never raises."""
    try:
        return await asyncio.wait_for(_exchange(delivery), ATTEMPT_SECONDS)
    except TimeoutError:
        return Reaction("timeout")
    except OSError:
        return Reaction("no_connection")
    except HttpParserError:
        return Reaction("no_http")


async def _exchange(delivery: Delivery) -> Reaction:
    target = urlsplit(delivery.url)
    secure = target.scheme == "https"
    port = target.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(target.hostname, port, ssl=secure or None)
    try:
        path = (target.path or "/") + (f"?{target.query}" if target.query else "")
        headers = {
            "Host": target.netloc,
            "Content-Length": str(len(delivery.body)),
            "Connection": "close",
            **delivery.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"{delivery.method} {path} HTTP/1.1\r\n{head}\r\n".encode() + delivery.body)
        await writer.drain()
        return await _read_answer(reader)
    finally:
        writer.close()


async def _read_answer(reader: asyncio.StreamReader) -> Reaction:
    answer = _AnswerReader()
    parser = HttpResponseParser(answer)
    while not answer.complete and len(answer.body) <= _ANSWER_BYTES:
        chunk = await reader.read(65536)
        if not chunk:
            break
        parser.feed_data(chunk)
    if not answer.headed:
        return Reaction("no_answer")
    status = parser.get_status_code()
    return Reaction(str(status), status, bytes(answer.body))


class _AnswerReader:
    """Collects what httptools tells of an answer."""

    def __init__(self) -> None:
        self.headed = False
        self.complete = False
        self.body = bytearray()

    def on_headers_complete(self) -> None:
        self.headed = True

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True
