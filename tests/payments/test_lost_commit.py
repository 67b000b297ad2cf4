"""A commit whose answer is lost: the client is told that it is unknown, and its key finds out."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from api.settings import Settings
from tests.payments.conftest import FEE_FEN, Counter, Payer, until
from tests.payments.forging import hand_of, say
from tests.payments.test_notices import settled_facts
from tests.payments.test_refunds import ask_back
from tests.town import running

_COMMIT = b"Q\x00\x00\x00\x0cCOMMIT;\x00"


class LosingProxy:
    """Stands before PostgreSQL. Armed, it lets a commit through and cuts the line before its
    answer; `lost` counts."""

    def __init__(self, socket: str) -> None:
        self.to_pass = -1
        self.lost = 0
        self._socket = socket

    def lose_commit(self, number: int) -> None:
        """The answer to the commit of that number from now on, the next being 1."""
        self.to_pass = number

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(self._socket)
        is_lost = asyncio.Event()
        pouring = asyncio.create_task(self._pour_back(answers, writer, is_lost))
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                if chunk.endswith(_COMMIT) and self._is_next():
                    is_lost.set()
                asks.write(chunk)
                await asks.drain()
        asks.close()
        await asyncio.gather(pouring, return_exceptions=True)

    def _is_next(self) -> bool:
        self.to_pass -= 1
        return self.to_pass == 0

    async def _pour_back(
        self, answers: asyncio.StreamReader, writer: asyncio.StreamWriter, is_lost: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await answers.read(65536):
                if is_lost.is_set():
                    # The server has committed: it said so.
                    assert b"COMMIT\x00" in chunk
                    self.lost += 1
                    break
                writer.write(chunk)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def before(database_url: str) -> AsyncIterator[tuple[LosingProxy, str]]:
    """The proxy, and the address of the database behind it."""
    split = urlsplit(database_url)
    folder = parse_qs(split.query).get("host", [""])[0]
    port = parse_qs(split.query).get("port", ["5432"])[0]
    if not folder:
        pytest.skip("the proxy stands before the embedded server's socket")
    proxy = LosingProxy(f"{folder}/.s.PGSQL.{port}")
    tasks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(proxy.take(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()[1]
    try:
        url = f"postgresql://postgres@127.0.0.1:{address}{split.path}?sslmode=disable"
        yield proxy, url
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def behind(counter: Counter, **changed: float) -> AsyncIterator[tuple[LosingProxy, Counter]]:
    """The same counter, whose service reaches its database through the proxy."""
    settings: Settings = counter.till.settings
    async with before(settings.database_url) as (proxy, url):
        losing = msgspec.structs.replace(settings, database_url=url, **changed)
        async with running(losing) as client:
            yield proxy, msgspec.structs.replace(counter, client=client)


def there(payer: Payer, counter: Counter) -> Payer:
    return msgspec.structs.replace(payer, client=counter.client, counter=counter)


@pytest.mark.parametrize("number", [1, 2], ids=["the intent", "the answer"])
async def test_a_payment_whose_commit_went_unanswered_is_found_by_its_key(
    counter: Counter, number: int
) -> None:
    payer = await counter.citizen("wechat")
    bill_no = await payer.owing()
    async with behind(counter, app_deadline_seconds=1.0) as (proxy, losing):
        here = there(payer, losing)
        proxy.lose_commit(number)
        first = await here.begin(bill_no, key="once")
        assert (first.status_code, first.json()["code"]) == (503, "database_unavailable")
        assert int(first.headers["retry-after"]) >= 1
        assert proxy.lost == 1

        async def is_answered() -> bool:
            again = await here.begin(bill_no, key="once")
            return again.status_code == 201

        await until(is_answered)
        last = await here.begin(bill_no, key="once")
    [row] = await counter.rows("select payment_no from payments where bill_no = $1", bill_no)
    assert last.json()["payment_no"] == row["payment_no"]
    orders = [order["merchant_no"] for order in counter.gateways["wechat"].all("payments")]
    assert orders == [row["payment_no"]]


async def test_a_refund_whose_commit_went_unanswered_is_asked_once(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    await payer.confirm(payment_no)
    await counter.becomes(payment_no, "succeeded")
    async with behind(counter) as (proxy, losing):
        proxy.lose_commit(1)
        answers = [await ask_back(losing, payment_no, 500, FEE_FEN, key="once") for _ in range(3)]
    assert proxy.lost == 1
    assert [answer.status_code for answer in answers] == [503, 201, 201]
    assert answers[1].content == answers[2].content
    assert await counter.value("select count(*) from refunds") == 1


async def test_a_notice_whose_commit_went_unanswered_comes_again_and_counts_once(
    counter: Counter,
) -> None:
    payer = await counter.citizen("wechat")
    payment_no = await payer.begun(await payer.owing())
    hand = hand_of(counter.gateways["wechat"])
    body = hand.paid(payment_no, FEE_FEN)
    async with behind(counter) as (proxy, losing):
        proxy.lose_commit(1)
        answers = [await say(losing, hand, body) for _ in range(3)]
    assert proxy.lost == 1
    # Anything but a yes brings it again.
    assert [answer.status_code for answer in answers] == [503, 204, 204]
    assert await counter.status(payment_no) == "succeeded"
    assert await settled_facts(counter, payment_no) == 1
