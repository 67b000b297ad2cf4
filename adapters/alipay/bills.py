"""Alipay's bill of a day, streamed: an address, a ZIP on another host, two tables in GBK.

The file is nobody's signed word, but its address came in a signed answer, and the ZIP's
checksums are held. It is spooled to disk and read in slices by a thread, with a bound on
everything: bytes fetched, bytes unpacked, the length of a line. Where the remarks below the
table count and sum its rows, they must be right.

Source: alipay.data.dataservice.bill.downloadurl.query and "账单字段说明".
"""

from __future__ import annotations

import asyncio
import io
import itertools
import lzma
import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import date
from typing import IO

from adapters.alipay import wire
from adapters.alipay.gateway import Gateway
from adapters.contract import BillLine, Refusal, Unreachable
from adapters.http import Call

DOWNLOAD_SECONDS = 300.0
PACKED_BYTES = 128 * 1024 * 1024
UNPACKED_BYTES = 2 * 1024 * 1024 * 1024
LINE_CHARACTERS = 16 * 1024
FILES_MOST = 16
_IN_MEMORY_BYTES = 4 * 1024 * 1024
_SLICE = 500

# Read by name: their order is nowhere promised.
_TRADE_NO, _PAYMENT_NO, _KIND = "支付宝交易号", "商户订单号", "业务类型"
_FINISHED, _AMOUNT = "完成时间", "订单金额（元）"
_REFUND_NO, _FEE = "退款批次号/请求号", "服务费（元）"
_NEEDED = frozenset({_TRADE_NO, _PAYMENT_NO, _KIND, _FINISHED, _AMOUNT, _REFUND_NO, _FEE})
_RECEIVED = "商家实收（元）"
_REMARK = re.compile(
    r"#(交易|退款)合计：([0-9]{1,12})笔(?:，商家实收(?:退款)?共(-?[0-9.]{1,20})元)?"
)
# There was no payment and no refund that day; a bill that is still being made says otherwise.
_NOTHING_HAPPENED = "NO_BILL_DATA"


async def read_bill(gateway: Gateway, day: date) -> AsyncIterator[BillLine]:
    """No line where nothing happened that day. Raises Refusal `not_found` where there is no bill
    yet, Unreachable where it cannot be read whole: then no line of it counts."""
    try:
        address = await gateway.call(
            "alipay.data.dataservice.bill.downloadurl.query",
            wire.NameBill(bill_type="trade", bill_date=wire.spell_day(day)),
            wire.BillAddress,
            safe=True,
        )
    except Refusal as refusal:
        if (refusal.channel_code or "").endswith(_NOTHING_HAPPENED):
            return
        raise
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY_BYTES) as file:
        await _download(gateway, address.bill_download_url, file)
        lines = read_lines(file)
        while slice_ := await asyncio.to_thread(_take, lines):
            for line in slice_:
                yield line


async def _download(gateway: Gateway, url: str, file: IO[bytes]) -> None:
    call = Call("bill_file", "GET", url, budget_seconds=DOWNLOAD_SECONDS)
    async with gateway.client.download(call, total_bytes=PACKED_BYTES) as (status, chunks):
        if status != 200:
            # The address lives half a minute; the next one may serve.
            raise Unreachable("channel_busy")
        async for chunk in chunks:
            file.write(chunk)


def _take(lines: Iterator[BillLine]) -> list[BillLine]:
    try:
        return list(itertools.islice(lines, _SLICE))
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        OSError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        wire.Unreadable,
    ):
        # The many ways of zipfile to say that a file is broken, locked or strange.
        raise Unreachable("answer_unreadable") from None


def read_lines(file: IO[bytes], unpacked_bytes: int = UNPACKED_BYTES) -> Iterator[BillLine]:
    """The details of a packed bill. Raises what zipfile raises, ValueError and Unreadable."""
    with zipfile.ZipFile(file, metadata_encoding="gbk") as archive:
        entries = archive.infolist()
        if len(entries) > FILES_MOST:
            raise wire.Unreadable("an archive of too many files")
        details = [entry for entry in entries if _is_details(entry.filename)]
        if len(details) != 1:
            raise wire.Unreadable("an archive without its table")
        with archive.open(details[0]) as packed:
            yield from _read_table(packed, unpacked_bytes)


def _is_details(name: str) -> bool:
    return name.lower().endswith(".csv") and "汇总" not in name


def _read_table(packed: IO[bytes], unpacked_bytes: int) -> Iterator[BillLine]:
    columns: list[str] | None = None
    is_closed = False
    tallies = {"交易": _Tally(), "退款": _Tally()}
    for line in _bounded_lines(packed, unpacked_bytes):
        if line.startswith("#") or not line.strip():
            # The table's own end; a file cut off before it is not a whole bill.
            is_closed = is_closed or (columns is not None and "列表结束" in line)
            remark = _REMARK.match(line)
            if remark is not None:
                tallies[remark[1]].compare(int(remark[2]), remark[3])
        elif columns is None:
            columns = [cell.strip() for cell in line.split(",")]
            if not columns or not set(columns) >= _NEEDED:
                raise wire.Unreadable("a table without its columns")
        elif is_closed:
            raise wire.Unreadable("a row below the table")
        else:
            row = dict(zip(columns, _cells(line, len(columns)), strict=True))
            yield _read_row(row)
            tallies[row[_KIND]].add(row)
    if not is_closed:
        raise wire.Unreadable("a table that is cut off")


class _Tally:
    """Rows of one kind, counted and summed."""

    def __init__(self) -> None:
        self._rows = 0
        self._received_fen: int | None = 0

    def add(self, row: Mapping[str, str]) -> None:
        self._rows += 1
        if self._received_fen is not None and _RECEIVED in row:
            self._received_fen += wire.read_yuan_text(row[_RECEIVED])
        else:
            self._received_fen = None

    def compare(self, rows: int, received: str | None) -> None:
        """Raises Unreadable where the remark is not what the rows are."""
        if rows != self._rows:
            raise wire.Unreadable("a table whose rows are not counted right")
        known = received is not None and self._received_fen is not None
        # Some files write what went back with a sign, others without.
        if known and abs(wire.read_yuan_text(received or "")) != abs(self._received_fen or 0):
            raise wire.Unreadable("a table whose sum is another")


def _bounded_lines(packed: IO[bytes], unpacked_bytes: int) -> Iterator[str]:
    text = io.TextIOWrapper(packed, encoding="gb18030", newline="\n")
    left = unpacked_bytes
    # What the archive says of its own size is not believed: what comes out is counted.
    while line := text.readline(LINE_CHARACTERS):
        left -= len(line)
        if left < 0 or (len(line) == LINE_CHARACTERS and not line.endswith("\n")):
            raise wire.Unreadable("a table that is too long")
        yield line.rstrip("\r\n")


def _cells(line: str, count: int) -> list[str]:
    """A cell ends with a tab, so a comma inside one does no harm; older files have no tabs."""
    for separator in ("\t,", ","):
        cells = line.rstrip("\t").split(separator)
        if len(cells) == count:
            return [cell.strip() for cell in cells]
        cells = line.rstrip(",").rstrip("\t").split(separator)
        if len(cells) == count:
            return [cell.strip() for cell in cells]
    raise wire.Unreadable("a row of another width")


def _read_row(row: dict[str, str]) -> BillLine:
    """Money that went back is negative in the file; our kinds say it instead. `fee_fen` is what
    the channel kept, negative where it gave a fee back."""
    amount_fen = wire.read_yuan_text(row[_AMOUNT])
    is_refund = {"交易": False, "退款": True}.get(row[_KIND])
    if is_refund is None or (amount_fen < 0) is not is_refund:
        raise wire.Unreadable("a row of an unknown kind")
    return BillLine(
        kind="refund" if is_refund else "payment",
        payment_no=row[_PAYMENT_NO],
        refund_no=row[_REFUND_NO] if is_refund else None,
        channel_payment_id=row[_TRADE_NO],
        channel_refund_id=None,
        amount_fen=abs(amount_fen),
        fee_fen=-wire.read_yuan_text(row[_FEE]),
        state="succeeded",
        happened_at=wire.read_time(row[_FINISHED]),
    )
