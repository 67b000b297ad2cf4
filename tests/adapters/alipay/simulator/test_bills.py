"""The bill of a day: a ZIP of GBK tables behind an address that dies."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import datetime, timedelta

import pytest

from tests.adapters.alipay.simulator.builders import SHANGHAI, Wire

METHOD = "alipay.data.dataservice.bill.downloadurl.query"
DAY_SECONDS = 24 * 3600


def _today() -> str:
    return f"{datetime.now(SHANGHAI):%Y-%m-%d}"


def _let_days_pass(wire: Wire, days: int) -> None:
    """To a quarter past nine in the morning, that many days from now."""
    now = datetime.now(SHANGHAI)
    then = now.replace(hour=9, minute=15) + timedelta(days=days)
    wire.gateway.control("PUT", "/clock", {"skew_seconds": (then - now).total_seconds()})


def _bill(wire: Wire, day: str) -> dict[str, list[str]]:
    url = wire.call(METHOD, {"bill_type": "trade", "bill_date": day})["bill_download_url"]
    assert url.startswith(wire.gateway.address)
    answer = wire.client.get(url)
    assert answer.headers["content-type"] == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.content), metadata_encoding="gbk")
    assert archive.testzip() is None
    return {name: archive.read(name).decode("gbk").split("\r\n") for name in archive.namelist()}


def _rows(lines: list[str]) -> list[dict[str, str]]:
    plain = [line for line in lines if line and not line.startswith("#")]
    assert all(line.endswith("\t") for line in plain[1:])
    rows = csv.DictReader(plain)
    return [{name: cell.strip() for name, cell in row.items()} for row in rows]


def test_a_bill_has_every_movement_of_its_day(wire: Wire) -> None:
    first = wire.pay("N_1", "12.30", subject="证照费,副本")
    wire.pay("N_2", "7.70")
    wire.refund("N_1", "R1", "2.30")
    wire.create("N_3")
    _let_days_pass(wire, 1)
    files = _bill(wire, _today())
    stem = f"{wire.section['seller_id']}0156_{_today().replace('-', '')}"
    assert list(files) == [f"{stem}_业务明细.csv", f"{stem}_业务明细(汇总).csv"]

    details = _rows(files[f"{stem}_业务明细.csv"])
    assert [
        (r["商户订单号"], r["业务类型"], r["订单金额（元）"], r["退款批次号/请求号"])
        for r in details
    ] == [
        ("N_1", "交易", "12.30", ""),
        ("N_2", "交易", "7.70", ""),
        ("N_1", "退款", "-2.30", "R1"),
    ]
    assert details[0]["支付宝交易号"] == first
    assert details[0]["商品名称"] == "证照费，副本"
    assert len(details[0]) == 25

    (total,) = _rows(files[f"{stem}_业务明细(汇总).csv"])
    assert (total["交易订单总笔数"], total["退款订单总笔数"]) == ("2", "1")
    assert total["实收净额（元）"] == "17.70"


def test_the_remarks_stand_around_the_lines(wire: Wire) -> None:
    wire.pay("N_1")
    _let_days_pass(wire, 1)
    lines = next(iter(_bill(wire, _today()).values()))
    begin, end = (f"#{'-' * 41}业务明细列表{rest}" for rest in ("-" * 40, "结束" + "-" * 36))
    assert lines.index(end) - lines.index(begin) == 3
    assert lines[0] == "#支付宝业务明细查询"
    assert lines[-2].startswith("#导出时间：")


def test_a_refund_stands_in_the_bill_of_its_own_day(wire: Wire) -> None:
    wire.pay("N_1")
    _let_days_pass(wire, 1)
    wire.refund("N_1", "R1", "10.00")
    _let_days_pass(wire, 2)
    tomorrow = f"{datetime.now(SHANGHAI) + timedelta(days=1):%Y-%m-%d}"
    for day, kind in ((_today(), "交易"), (tomorrow, "退款")):
        details = _rows(next(iter(_bill(wire, day).values())))
        assert [row["业务类型"] for row in details] == [kind]


def test_a_month_is_one_bill(wire: Wire) -> None:
    wire.pay("N_1")
    _let_days_pass(wire, 40)
    details = _rows(next(iter(_bill(wire, _today()[:7]).values())))
    assert [row["商户订单号"] for row in details] == ["N_1"]


def test_a_bill_stands_from_nine_the_next_morning(wire: Wire) -> None:
    wire.pay("N_1")
    asked = {"bill_type": "trade", "bill_date": _today()}
    assert wire.refused(METHOD, asked) == "BILL_NOT_EXIST"
    _let_days_pass(wire, 1)
    wire.call(METHOD, asked)


def test_a_day_without_movements_has_no_bill(wire: Wire) -> None:
    asked = {"bill_type": "trade", "bill_date": "2026-01-05"}
    assert wire.refused(METHOD, asked) == "NO_BILL_DATA"


@pytest.mark.parametrize("day", ["2026-02-30", "2026-13", "20260105", "2026-1-5", "", "0000-01-01"])
def test_a_day_must_be_one(wire: Wire, day: str) -> None:
    asked = {"bill_type": "trade", "bill_date": day}
    assert wire.refused(METHOD, asked) == "INVAILID_ARGUMENTS"


def test_other_bills_are_not_kept(wire: Wire) -> None:
    asked = {"bill_type": "settlementMerge", "bill_date": "2026-01-05"}
    assert wire.refused(METHOD, asked) == "TYPE_NOT_SUPPORTED"


def test_the_address_dies_in_half_a_minute(wire: Wire) -> None:
    wire.pay("N_1")
    _let_days_pass(wire, 1)
    asked = {"bill_type": "trade", "bill_date": _today()}
    url = wire.call(METHOD, asked)["bill_download_url"]
    assert wire.client.get(url).status_code == 200
    skew = wire.gateway.control("GET", "/clock")["skew_seconds"]
    wire.gateway.control("PUT", "/clock", {"skew_seconds": skew + 31})
    assert wire.client.get(url).status_code == 403
    assert wire.client.get(url.replace("billdownload/", "billdownload/0")).status_code == 403
