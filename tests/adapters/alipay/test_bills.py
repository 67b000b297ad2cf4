"""Bill files: read row by row, whole or not at all, whatever somebody packed into them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.alipay import bills, wire
from adapters.alipay.simulator.bill_file import COLUMNS, BillRow, draw_bill
from adapters.contract import BillLine, Unreachable
from tests.adapters.alipay.builders import unhurried

DAY = date(2026, 11, 21)
AT = datetime(2026, 11, 21, 16, 18, 21, tzinfo=wire.SHANGHAI)
PAYMENT = BillRow("2026T1", "P1", None, "不动产登记费", AT, AT, "138****0000", 8000)
REFUND = BillRow("2026T1", "P1", "R1", "不动产登记费", AT, AT, "138****0000", 3000)

BEGIN, END = "#----业务明细列表----", "#----业务明细列表结束----"
ROW = {
    "支付宝交易号": "2026T1",
    "商户订单号": "P1",
    "业务类型": "交易",
    "完成时间": "2026-11-21 16:18:21",
    "订单金额（元）": "80.00",
    "退款批次号/请求号": "",
    "服务费（元）": "-0.48",
}


def read(packed: bytes, unpacked_bytes: int = bills.UNPACKED_BYTES) -> list[BillLine]:
    """Everything in a file, as the adapter takes it."""
    lines = bills.read_lines(io.BytesIO(packed), unpacked_bytes)
    found: list[BillLine] = []
    while slice_ := bills._take(lines):
        found += slice_
    return found


def pack(*texts: str, name: str = "20880156_业务明细.csv") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "\r\n".join(texts).encode("gbk") + b"\r\n")
    return packed.getvalue()


def table(row: dict[str, str], spell: Callable[[list[str]], str]) -> bytes:
    return pack("#支付宝", BEGIN, ",".join(row), spell(list(row.values())), END)


def with_tabs(cells: list[str]) -> str:
    return ",".join(f"{cell}\t" for cell in cells)


def test_payments_and_refunds_are_read_as_what_they_are() -> None:
    payment, refund = read(draw_bill("2088", DAY, DAY, [PAYMENT, REFUND]))
    assert payment == BillLine(
        kind="payment",
        payment_no="P1",
        refund_no=None,
        channel_payment_id="2026T1",
        channel_refund_id=None,
        amount_fen=8000,
        fee_fen=payment.fee_fen,
        state="succeeded",
        happened_at=AT,
    )
    assert (refund.kind, refund.refund_no, refund.amount_fen) == ("refund", "R1", 3000)


def test_a_fee_is_what_the_channel_kept() -> None:
    (line,) = read(table(ROW, with_tabs))
    assert line.fee_fen == 48


def test_columns_are_found_by_name_in_any_order() -> None:
    turned = dict(reversed(ROW.items()))
    assert read(table(turned, with_tabs)) == read(table(ROW, with_tabs))
    assert set(ROW) <= set(COLUMNS.split(","))


def test_commas_inside_a_cell_do_no_harm() -> None:
    titled = {"商品名称": "登记费,工本费", **ROW}
    assert read(table(titled, with_tabs)) == read(table(ROW, with_tabs))


def test_rows_without_tabs_are_read_too() -> None:
    assert read(table(ROW, ",".join)) == read(table(ROW, with_tabs))


def test_a_long_bill_comes_in_order() -> None:
    rows = [
        BillRow(f"T{n}", f"P{n}", None, "费", AT, AT, "138****0000", n + 1) for n in range(1234)
    ]
    assert [line.amount_fen for line in read(draw_bill("2088", DAY, DAY, rows))] == list(
        range(1, 1235)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"业务类型": "转账"},
        {"业务类型": "退款"},
        {"订单金额（元）": "-80.00"},
        {"订单金额（元）": "80.001"},
        {"订单金额（元）": ""},
        {"完成时间": "yesterday"},
        {"服务费（元）": "none"},
    ],
)
def test_a_row_that_makes_no_sense_is_refused(changes: dict[str, str]) -> None:
    with pytest.raises(Unreachable) as refused:
        read(table({**ROW, **changes}, with_tabs))
    assert refused.value.code == "answer_unreadable"


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"PK\x05\x06" + bytes(18),
        b'{"code":"40004"}',
        pack(BEGIN, ",".join(ROW), with_tabs(list(ROW.values()))),
        pack(BEGIN, "支付宝交易号,商户订单号", END),
        pack(BEGIN, ",".join(ROW), "a\t,b\t", END),
        pack(BEGIN, END),
        pack(BEGIN, ",".join(ROW), END, name="20880156_业务明细(汇总).csv"),
        pack(BEGIN, ",".join(ROW), END, name="readme.txt"),
    ],
    ids=["nothing", "empty", "json", "cut off", "columns", "narrow", "no table", "totals", "other"],
)
def test_a_file_that_is_no_whole_bill_is_refused(packed: bytes) -> None:
    with pytest.raises(Unreachable):
        read(packed)


def test_a_bomb_is_put_out_by_what_comes_out_of_it() -> None:
    bomb = pack(BEGIN, ",".join(ROW), *["#" + "0" * 1000] * 2000, END)
    assert len(bomb) < 20_000
    with pytest.raises(Unreachable):
        read(bomb, unpacked_bytes=1_000_000)


@pytest.mark.parametrize(
    "remark",
    [
        "#交易合计：2笔，商家实收共80.00元，商家优惠共0.00元",
        "#交易合计：1笔，商家实收共80.01元，商家优惠共0.00元",
        "#退款合计：1笔，商家实收退款共-30.00元，商家优惠退款共0.00元",
    ],
    ids=["count", "sum", "refunds"],
)
def test_rows_that_are_not_what_they_sum_to_are_no_bill(remark: str) -> None:
    row = {**ROW, "商家实收（元）": "80.00"}
    right = "#交易合计：1笔，商家实收共80.00元，商家优惠共0.00元"
    rows = (BEGIN, ",".join(row), with_tabs(list(row.values())), END)
    assert len(read(pack(*rows, right))) == 1
    with pytest.raises(Unreachable):
        read(pack(*rows, remark))


def test_a_row_below_the_table_is_refused() -> None:
    cells = with_tabs(list(ROW.values()))
    with pytest.raises(Unreachable):
        read(pack(BEGIN, ",".join(ROW), cells, END, cells))


@pytest.mark.parametrize("title", ['"登记费"', "`登记费,`", "=1+1", "登记费,,"])
def test_no_title_shifts_the_amounts(title: str) -> None:
    assert read(table({"商品名称": title, **ROW}, with_tabs)) == read(table(ROW, with_tabs))


def test_a_day_without_rows_has_no_lines() -> None:
    assert read(draw_bill("2088", DAY, DAY, [])) == []


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(Unreachable):
        read(pack(BEGIN, ",".join(ROW), "0" * 1_000_000, END))


def test_text_that_is_not_chinese_encoding_is_refused() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("业务明细.csv", b"\xff\xff\xff")
    with pytest.raises(Unreachable):
        read(packed.getvalue())


@unhurried
@given(st.integers(0, 2000), st.binary(min_size=1, max_size=6))
def test_no_damage_crashes_the_reader(at: int, damage: bytes) -> None:
    whole = draw_bill("2088", DAY, DAY, [PAYMENT, REFUND])
    place = at % len(whole)
    damaged = whole[:place] + damage + whole[place + len(damage) :]
    try:
        lines = read(damaged)
    except Unreachable:
        return
    # What the damage did not reach reads as before: checksums hold the rest.
    assert lines == read(whole)
