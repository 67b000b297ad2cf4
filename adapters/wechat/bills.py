"""The day's trade bill: downloaded, its hash checked over the whole, then read line by line.

The file is CSV in UTF-8 with a byte-order mark; every cell begins with a backtick, and
names may hold commas, even backticks after commas. Columns are found by their headings, of
which there have been more and fewer; the last two lines sum up, and what they say must be
what the lines are. Amounts are yuan, times China Standard Time.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import tempfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import IO
from urllib.parse import urlencode

from adapters.contract import BillLine, Refusal, Unreachable
from adapters.wechat import wire
from adapters.wechat.merchant import Merchant, read

CHINA = timezone(timedelta(hours=8))
DOWNLOAD_SECONDS = 600.0
_MEMORY_BYTES = 8 * 1024 * 1024
_FILE_BYTES = 2 * 1024 * 1024 * 1024
_LINE_BYTES = 16 * 1024
_LINES_AT_ONCE = 500
_YUAN = 10**12
_GZIP = b"\x1f\x8b"
# There was no payment and no refund that day; a bill that is still being made says otherwise.
_NOTHING_HAPPENED = "NO_STATEMENT_EXIST"
# A column of the lines and what the last line calls its sum. Fees are settled rounded, and are
# not held against theirs.
_SUMS = {
    "应结订单金额": "应结订单总金额",
    "退款金额": "退款总金额",
    "订单金额": "订单总金额",
    "申请退款金额": "申请退款总金额",
}
_COUNT = "总交易单数"
# A failed refund stays in the merchant's account, or is sent another way by hand.
_REFUND_STATES = {
    "SUCCESS": "succeeded",
    "PROCESSING": "processing",
    "FAIL": "failed",
    "CLOSED": "failed",
    "CHANGE": "failed",
    "ABNORMAL": "failed",
}


async def read_bill(merchant: Merchant, day: date) -> AsyncIterator[BillLine]:
    """No line where nothing happened that day. Raises Refusal `not_found` where there is no bill
    yet, Unreachable for a broken file: then no line of it counts."""
    query = {"bill_date": day.isoformat(), "bill_type": "ALL", "tar_type": "GZIP"}
    if merchant.settings.sub_merchant_id is not None:
        query["sub_mchid"] = merchant.settings.sub_merchant_id
    target = f"/v3/bill/tradebill?{urlencode(query)}"
    try:
        answer = await merchant.call("bill", "GET", target, safe=True)
    except Refusal as refusal:
        if refusal.channel_code == _NOTHING_HAPPENED:
            return
        raise
    place = read(answer.body, wire.BillPlace)
    # Our signature goes with the download, so it goes nowhere else.
    if place.hash_type != "SHA1" or not merchant.is_ours(place.download_url):
        raise Unreachable("answer_unreadable")
    with tempfile.SpooledTemporaryFile(_MEMORY_BYTES) as file:
        await _download(merchant, place, file)
        file.seek(0)
        for count, line in enumerate(read_lines(file)):
            if count % _LINES_AT_ONCE == 0:
                await asyncio.sleep(0)
            yield line


async def _download(merchant: Merchant, place: wire.BillPlace, file: IO[bytes]) -> None:
    """The file uncompressed, which is what the hash is of."""
    call = merchant.signed("bill_file", "GET", place.download_url, budget_seconds=DOWNLOAD_SECONDS)
    digest = hashlib.sha1(usedforsecurity=False)
    inflater: zlib._Decompress | None = None
    length = 0
    async with merchant.client.download(call) as (status, chunks):
        if status != 200:
            raise Unreachable("answer_unreadable", channel_code=str(status))
        async for chunk in chunks:
            if length == 0 and inflater is None and chunk.startswith(_GZIP):
                inflater = zlib.decompressobj(wbits=31)
            for part in _inflate(inflater, chunk):
                length += len(part)
                if length > _FILE_BYTES:
                    raise Unreachable("answer_unreadable")
                digest.update(part)
                file.write(part)
    if inflater is not None and not inflater.eof:
        raise Unreachable("answer_unreadable")
    if not hmac.compare_digest(digest.hexdigest().encode(), place.hash_value.lower().encode()):
        raise Unreachable("answer_unproven", channel_code="hash_wrong")


def _inflate(inflater: zlib._Decompress | None, chunk: bytes) -> Iterator[bytes]:
    if inflater is None:
        yield chunk
        return
    try:
        while chunk:
            yield inflater.decompress(chunk, _MEMORY_BYTES)
            chunk = inflater.unconsumed_tail
    except zlib.error:
        raise Unreachable("answer_unreadable") from None


def read_lines(file: IO[bytes]) -> Iterator[BillLine]:
    """Every line of the details. Raises Unreachable `answer_unreadable`, at the end too: lines
    that are not what the file says they sum to are no bill."""
    texts = _texts(file)
    headings = [heading.strip() for heading in next(texts, "").split(",")]
    if "商户订单号" not in headings:
        raise Unreachable("answer_unreadable")
    sums = {heading: Decimal() for heading in _SUMS if heading in headings}
    for count, text in enumerate(texts):
        if not text.startswith("`"):
            # The heading of the sums: the details have ended.
            _compare(_row(text.split(","), next(texts, "")), sums, count)
            break
        row = _row(headings, text)
        for heading in sums:
            if row.get(heading):
                sums[heading] += _yuan(row, heading)
        yield _line(row)
    else:
        raise Unreachable("answer_unreadable")
    if next(texts, None) is not None:
        raise Unreachable("answer_unreadable")


def _texts(file: IO[bytes]) -> Iterator[str]:
    """The lines that are not empty, none of them endless."""
    while raw := file.readline(_LINE_BYTES):
        if len(raw) == _LINE_BYTES and not raw.endswith(b"\n"):
            raise Unreachable("answer_unreadable")
        try:
            text = raw.decode("utf-8-sig").strip("\r\n")
        except UnicodeDecodeError:
            raise Unreachable("answer_unreadable") from None
        if text:
            yield text


def _row(headings: Sequence[str], text: str) -> dict[str, str]:
    cells = text.removeprefix("`").split(",`")
    extra = len(cells) - len(headings)
    if extra > 0 and "商品名称" in headings:
        # A name, or what we attached beside it, held what divides cells; neither is read.
        at = headings.index("商品名称")
        cells[at : at + extra + 1] = [",`".join(cells[at : at + extra + 1])]
    if len(cells) != len(headings):
        raise Unreachable("answer_unreadable")
    return dict(zip((heading.strip() for heading in headings), cells, strict=True))


def _compare(told: Mapping[str, str], sums: Mapping[str, Decimal], count: int) -> None:
    """Hold what the last line says against the lines."""
    if told.get(_COUNT, "").strip() != str(count):
        raise Unreachable("answer_unreadable")
    for heading, yuan in sums.items():
        total = _SUMS[heading]
        if total in told and _yuan(told, total) != yuan:
            raise Unreachable("answer_unreadable")


def _line(row: Mapping[str, str]) -> BillLine:
    state = row.get("交易状态", "")
    # REVOKED takes back a payment that has a line of its own.
    if state in ("REFUND", "REVOKED"):
        return _refund_line(row)
    return BillLine(
        kind="payment",
        payment_no=_text(row, "商户订单号"),
        refund_no=None,
        channel_payment_id=_text(row, "微信订单号"),
        channel_refund_id=None,
        amount_fen=_fen(row, "订单金额", "应结订单金额", "总金额"),
        fee_fen=_fee_fen(row),
        state="succeeded" if state == "SUCCESS" else "unknown",
        happened_at=_time(row),
    )


def _refund_line(row: Mapping[str, str]) -> BillLine:
    return BillLine(
        kind="refund",
        payment_no=_text(row, "商户订单号"),
        refund_no=_given(row, "商户退款单号"),
        channel_payment_id=_text(row, "微信订单号"),
        channel_refund_id=_given(row, "微信退款单号"),
        amount_fen=abs(_fen(row, "申请退款金额", "退款金额")),
        fee_fen=_fee_fen(row),
        state=_REFUND_STATES.get(row.get("退款状态", "").strip(), "unknown"),
        happened_at=_time(row),
    )


def _text(row: Mapping[str, str], heading: str) -> str:
    value = row.get(heading, "").strip()
    if not value:
        raise Unreachable("answer_unreadable")
    return value


def _given(row: Mapping[str, str], heading: str) -> str | None:
    # A number that does not apply is empty or 0.
    value = row.get(heading, "").strip()
    return value if value.strip("0") else None


def _fen(row: Mapping[str, str], *headings: str) -> int:
    """Yuan as whole fen, from the first heading that the file has."""
    fen = _yuan(row, *headings) * 100
    if fen != fen.to_integral_value():
        raise Unreachable("answer_unreadable")
    return int(fen)


def _fee_fen(row: Mapping[str, str]) -> int:
    """The fee is told with five decimals and settled in whole fen."""
    return int((_yuan(row, "手续费") * 100).to_integral_value(ROUND_HALF_UP))


def _yuan(row: Mapping[str, str], *headings: str) -> Decimal:
    text = next((row[heading] for heading in headings if row.get(heading)), "")
    try:
        yuan = Decimal(text.strip())
    except InvalidOperation:
        raise Unreachable("answer_unreadable") from None
    if not yuan.is_finite() or abs(yuan) >= _YUAN:
        raise Unreachable("answer_unreadable")
    return yuan


def _time(row: Mapping[str, str]) -> datetime:
    try:
        return datetime.strptime(row.get("交易时间", "").strip(), "%Y-%m-%d %H:%M:%S").replace(
            tzinfo=CHINA
        )
    except ValueError:
        raise Unreachable("answer_unreadable") from None
