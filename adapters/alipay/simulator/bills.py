"""alipay.data.dataservice.bill.downloadurl.query, and the file its answer names.

A day's bill stands from nine in the morning of the next day, a month's from the third. Who
needs it earlier moves the gateway's clock.
"""

from __future__ import annotations

import re
import secrets
from calendar import monthrange
from datetime import date, datetime, timedelta

from msgspec import Struct

from adapters.alipay.simulator import notices
from adapters.alipay.simulator.amounts import SHANGHAI
from adapters.alipay.simulator.bill_file import BillRow, draw_bill
from adapters.alipay.simulator.books import Asked, Books, read_content
from adapters.alipay.simulator.codes import Refused
from adapters.simulation.gateway import Answer, Call

URL_SECONDS = 30
PATH = "/billdownload/{token}.csv.zip"
_DAY_READY = timedelta(days=1, hours=9)
_MONTH_READY = timedelta(days=2, hours=9)
_DATE = re.compile(r"\A([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?\Z")


class BillQuery(Struct, frozen=True):
    bill_type: str
    bill_date: str


class BillFound(Struct, frozen=True):
    bill_download_url: str


def find_bill(books: Books, asked: Asked) -> BillFound:
    wanted = read_content(asked, BillQuery, "INVAILID_ARGUMENTS")
    if wanted.bill_type != "trade":
        raise Refused("TYPE_NOT_SUPPORTED")
    first, last, ready = _span(wanted.bill_date)
    now = books.now()
    if now < ready:
        raise Refused("BILL_NOT_EXIST")
    rows = sorted(_rows(books, first, last), key=lambda row: row.finished_at)
    if not rows:
        raise Refused("NO_BILL_DATA")
    token = secrets.token_hex(16)
    until = now.timestamp() + URL_SECONDS
    books.bill_urls = {k: v for k, v in books.bill_urls.items() if v[0] > now.timestamp()}
    books.bill_urls[token] = until, draw_bill(books.seller_id, first, last, rows)
    return BillFound(books.options.address + PATH.replace("{token}", token))


def download(books: Books, call: Call) -> Answer:
    """The ZIP; no signature is asked for, the address is the secret, and it dies soon."""
    until, content = books.bill_urls.get(call.parameters["token"], (0.0, b""))
    if books.clock.now() > until:
        return Answer(403, b"expired", "text/plain")
    return Answer(200, content, "application/zip")


def _span(text: str) -> tuple[date, date, datetime]:
    """First and last day, and when their bill stands."""
    match = _DATE.match(text)
    if match is None:
        raise Refused("INVAILID_ARGUMENTS")
    year, month, day = int(match[1]), int(match[2]), int(match[3] or 1)
    try:
        first = datetime(year, month, day, tzinfo=SHANGHAI)
        if match[3]:
            return first.date(), first.date(), first + _DAY_READY
        last = first + timedelta(days=monthrange(year, month)[1] - 1)
        return first.date(), last.date(), last + timedelta(days=1) + _MONTH_READY
    except (ValueError, OverflowError) as wrong:
        raise Refused("INVAILID_ARGUMENTS") from wrong


def _rows(books: Books, first: date, last: date) -> list[BillRow]:
    rows = []
    for payment in books.payments:
        account = notices.logon_id(books.citizens.get(payment.open_id))
        if payment.paid_at is not None and first <= books.time(payment.paid_at).date() <= last:
            rows.append(
                BillRow(
                    trade_no=payment.order_id,
                    merchant_no=payment.merchant_no,
                    refund_no=None,
                    subject=payment.description,
                    created_at=books.time(payment.created_at),
                    finished_at=books.time(payment.paid_at),
                    account=account,
                    amount_fen=payment.amount_fen,
                )
            )
    for refund in books.refunds:
        payment_of = books.payments.get(refund.order_id)
        at = books.time(refund.created_at)
        if payment_of is not None and first <= at.date() <= last:
            rows.append(
                BillRow(
                    trade_no=refund.order_id,
                    merchant_no=refund.merchant_no,
                    refund_no=refund.refund_no,
                    subject=payment_of.description,
                    created_at=at,
                    finished_at=at,
                    account=notices.logon_id(books.citizens.get(payment_of.open_id)),
                    amount_fen=refund.amount_fen,
                )
            )
    return rows
