"""In whatever order and number a channel's words come, money is counted once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.contract import PaymentReport
from api.database import open_database
from api.kinds import new_id
from api.payments.reports.keep_books import Debt, assess
from api.payments.reports.take_report import take_report
from api.settings import Settings

WORDS = st.lists(
    st.sampled_from(["pending", "unknown", "paid", "closed", "wrong", "refused"]),
    min_size=1,
    max_size=7,
)
BILL = (
    "insert into bills (bill_no, origin, case_no, service_code, service_name, region_code,"
    " department_code, amount_fen, due_on)"
    " values ($1, 'platform', $2, 's', 's', '440106000000', 'd', 100, current_date)"
)
PAYMENT = (
    "insert into payments (payment_no, bill_no, citizen_id, channel, link_id, description,"
    " amount_fen, expires_at, query_at)"
    " values ($1, $2, 'c', $3, 'l', 'd', 100, now() + interval '1 hour', now())"
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=st.tuples(WORDS, WORDS), together=st.booleans())
def test_no_order_of_words_charges_twice(
    database_url: str, keys_file: object, words: tuple[list[str], list[str]], together: bool
) -> None:
    asyncio.run(_say(database_url, words, together))


async def _say(url: str, words: tuple[list[str], list[str]], together: bool) -> None:
    database = await open_database(url, Settings(database_lock_seconds=5.0))
    bill_no, numbers = f"{int(new_id(), 16) % 10**20:020d}", (new_id(), new_id())
    channels = ("wechat", "alipay")
    try:
        async with database.transaction() as connection:
            await connection.execute(BILL, bill_no, new_id())
            for number, channel in zip(numbers, channels, strict=True):
                await connection.execute(PAYMENT, number, bill_no, channel)
            await assess(connection, Debt(bill_no, "d", None, 100), datetime.now(UTC))

        async def tell(number: str, channel: str, word: str) -> None:
            amount = {"paid": 100, "wrong": 99}.get(word)
            state = {"wrong": "paid", "refused": "unknown"}.get(word, word)
            report = PaymentReport(number, state, amount_fen=amount)  # type: ignore[arg-type]
            async with database.transaction() as connection:
                await take_report(connection, channel, report)

        said = [
            (number, channel, word)
            for number, channel, spoken in zip(numbers, channels, words, strict=True)
            for word in spoken
        ]
        if together:
            await asyncio.gather(*(tell(*each) for each in said))
        else:
            for each in said:
                await tell(*each)
        async with database.connection() as connection:
            rows = await connection.fetch(
                "select p.payment_no, p.status, coalesce(sum(r.amount_fen), 0) as back"
                " from payments p left join refunds r on r.payment_no = p.payment_no"
                " where p.bill_no = $1 group by 1, 2",
                bill_no,
            )
            bill = await connection.fetchval("select status from bills where bill_no = $1", bill_no)
        for row in rows:
            spoken = words[numbers.index(row["payment_no"])]
            charged = 100 if "paid" in spoken else 0
            kept = 100 if row["status"] == "succeeded" else 0
            assert charged - row["back"] == kept, (row["status"], words)
        assert sum(row["status"] == "succeeded" for row in rows) == (bill == "paid")
    finally:
        await database.close()
