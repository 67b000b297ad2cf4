"""A day's bill as the gateway packs it: a ZIP of two tables, names and text in GBK.

Lines that begin with `#` are remarks, every cell ends with a tab, amounts are yuan, and
what went back is negative.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from msgspec import Struct

from adapters.alipay.simulator.amounts import now, spell_time, yuan

COLUMNS = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,"
    "对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,集分宝（元）,支付宝优惠（元）,"
    "商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,"
    "退款批次号/请求号,服务费（元）,分润（元）,备注"
)
TOTALS_COLUMNS = (
    "门店编号,门店名称,交易订单总笔数,退款订单总笔数,订单金额（元）,商家实收（元）,支付宝优惠（元）,"
    "商家优惠（元）,卡消费金额（元）,服务费（元）,分润（元）,实收净额（元）"
)
_BEGIN = "#-----------------------------------------{}----------------------------------------"
_END = "#-----------------------------------------{}结束------------------------------------"


class BillRow(Struct, frozen=True):
    """One movement, free of charge; `refund_no` is None for a payment, `amount_fen` positive."""

    trade_no: str
    merchant_no: str
    refund_no: str | None
    subject: str
    created_at: datetime
    finished_at: datetime
    account: str
    amount_fen: int

    @property
    def signed_fen(self) -> int:
        """Negative where money went back."""
        return self.amount_fen if self.refund_no is None else -self.amount_fen


def draw_bill(seller_id: str, first: date, last: date, rows: Sequence[BillRow]) -> bytes:
    """The ZIP of the days from `first` to `last`."""
    stem = f"{seller_id}0156_{first:%Y%m%d}"
    return _zip(
        (
            (f"{stem}_业务明细.csv".encode("gbk"), _details(seller_id, first, last, rows)),
            (f"{stem}_业务明细(汇总).csv".encode("gbk"), _totals(seller_id, first, last, rows)),
        )
    )


def _details(seller_id: str, first: date, last: date, rows: Sequence[BillRow]) -> bytes:
    paid = [row for row in rows if row.refund_no is None]
    back = [row for row in rows if row.refund_no is not None]
    lines = [
        "#支付宝业务明细查询",
        *_head(seller_id, first, last),
        _BEGIN.format("业务明细列表"),
        COLUMNS,
        *(_cells(_detail(row)) for row in rows),
        _END.format("业务明细列表"),
        f"#交易合计：{len(paid)}笔，商家实收共{yuan(_sum(paid))}元，商家优惠共0.00元",
        f"#退款合计：{len(back)}笔，商家实收退款共{yuan(_sum(back))}元，商家优惠退款共0.00元",
        f"#导出时间：[{now():%Y年%m月%d日 %H:%M:%S}]",
    ]
    return _text(lines)


def _totals(seller_id: str, first: date, last: date, rows: Sequence[BillRow]) -> bytes:
    paid = sum(1 for row in rows if row.refund_no is None)
    received = yuan(_sum(rows))
    total = (
        "合计",
        "",
        str(paid),
        str(len(rows) - paid),
        received,
        received,
        *["0.00"] * 5,
        received,
    )
    lines = [
        "#支付宝业务汇总查询",
        *_head(seller_id, first, last),
        _BEGIN.format("业务汇总列表"),
        TOTALS_COLUMNS,
        _cells(total),
        _END.format("业务汇总列表"),
        f"#导出时间：[{now():%Y年%m月%d日 %H:%M:%S}]",
    ]
    return _text(lines)


def _head(seller_id: str, first: date, last: date) -> tuple[str, str]:
    return (
        f"#账号：[{seller_id}0156]",
        f"#起始日期：[{first:%Y年%m月%d日} 00:00:00]   终止日期：[{last:%Y年%m月%d日} 23:59:59]",
    )


def _detail(row: BillRow) -> tuple[str, ...]:
    return (
        row.trade_no,
        row.merchant_no,
        "交易" if row.refund_no is None else "退款",
        # A comma in a title would end its cell, and no cell is quoted.
        row.subject.replace(",", "，"),
        spell_time(row.created_at),
        spell_time(row.finished_at),
        "",
        "",
        "",
        "",
        row.account,
        yuan(row.signed_fen),
        yuan(row.signed_fen),
        *["0.00"] * 5,
        "",
        "0.00",
        "0.00",
        row.refund_no or "",
        "0.00",
        "0.00",
        "",
    )


def _cells(values: Iterable[str]) -> str:
    return ",".join(f"{value}\t" for value in values)


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("gbk", "replace")


def _sum(rows: Iterable[BillRow]) -> int:
    return sum(row.signed_fen for row in rows)


def _zip(files: Iterable[tuple[bytes, bytes]]) -> bytes:
    """A ZIP whose names are the given bytes: the standard library only writes UTF-8 names."""
    body, directory, count = bytearray(), bytearray(), 0
    for name, content in files:
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(content) + packer.flush()
        common = struct.pack(
            "<HHHHHIIIHH",
            *(20, 0, 8, 0, 0x21, zlib.crc32(content), len(packed), len(content), len(name), 0),
        )
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
        directory += struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + name
        body += b"PK\x03\x04" + common + name + packed
        count += 1
    end = struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory) + b"PK\x05\x06" + end
