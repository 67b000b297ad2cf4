"""The report: whole, safe to open, and told on the command line."""

from __future__ import annotations

import argparse
import asyncio
import csv
import io
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from api.commands import reconcile as command
from api.database import CHINA
from api.files import open_files
from api.payments.reconciliation import keep_report, report_folder
from api.payments.reconciliation.draw_report import Report, draw_page, draw_table, guard
from api.payments.reconciliation.rows import CountRow, DayRow, DifferenceRow
from api.settings import SettingsWrong
from tests.payments.conftest import Counter
from tests.payments.reconciliation.builders import DAY, at_noon
from tests.payments.reconciliation.days import (
    bills_ready,
    paid,
    paid_in_silence,
    reconcile,
    today,
)

CHANNEL_DAY = DayRow(
    "wechat", DAY, "open", None, 3, 2, 400_000, 3, 600_000, 1, 500, 0, 0, 120, 399_500, 0, at_noon()
)
DIFFERENCE = DifferenceRow(
    1, "wechat", DAY, "payment", "0193a5b6c7d8e9f00112233445566778", "", 1, "missing_here", "open",
    None, 200_000, -200_000, None, "succeeded", None, at_noon(), "4200001234567890123456789012",
    None, None, None, None, None, None, at_noon(), at_noon(),
)  # fmt: skip


def report_of(*differences: DifferenceRow, days: tuple[DayRow, ...] = (CHANNEL_DAY,)) -> Report:
    counts = [CountRow("wechat", d.cause, d.status, 1, d.gap_fen) for d in differences]
    now = datetime(2026, 11, 21, 10, 30, tzinfo=CHINA)
    return Report(DAY, now, days, counts, differences, len(differences))


def rows_of(report: Report) -> list[list[str]]:
    table = draw_table(report)
    assert table.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))


def test_the_page_says_how_much_is_open_and_fetches_nothing() -> None:
    page = draw_page(report_of(DIFFERENCE)).decode()
    assert "1 项差异待处理" in page
    assert "我方缺失" in page
    assert "2,000.00" in page
    assert DIFFERENCE.payment_no in page
    assert "<svg" in page
    assert not re.search(r"<script|<link|<img|@import|url\(|https?://", page)


def test_a_clean_day_says_so() -> None:
    clean = structs.replace(CHANNEL_DAY, state="clean")
    page = draw_page(report_of(days=(clean,))).decode()
    assert "账目一致" in page
    assert "待处理</span>" not in page


def test_a_ledger_that_differs_is_said() -> None:
    page = draw_page(report_of(days=(structs.replace(CHANNEL_DAY, ledger_fen=0),))).decode()
    assert "总账不符" in page
    assert "账目一致" not in page


def test_a_day_without_a_bill_says_why() -> None:
    waiting = structs.replace(CHANNEL_DAY, state="waiting", reason="no_bill", finished_at=None)
    page = draw_page(report_of(days=(waiting,))).decode()
    assert "渠道还没有这一天的账单" in page
    assert "<svg" not in page


@given(note=st.text(max_size=50), number=st.text(min_size=1, max_size=20))
def test_nothing_that_somebody_wrote_becomes_markup_or_a_formula(note: str, number: str) -> None:
    hostile = structs.replace(DIFFERENCE, note=f"<b>{note}", payment_no=f"=cmd|{number}")
    report = report_of(hostile)
    assert "<b>" not in draw_page(report).decode("utf-8", "surrogatepass")
    _, row = rows_of(report)
    assert row[3].startswith("'=cmd|")


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("4200001234567890123456789012", "'4200001234567890123456789012"),
        ("12345678e9012", "'12345678e9012"),
        ("2026-11-20", "2026-11-20"),
        ("已查明", "已查明"),
        (None, ""),
    ],
)
def test_a_spreadsheet_shows_what_is_there(cell: str | None, shown: str) -> None:
    assert guard(cell) == shown


def test_amounts_stay_numbers() -> None:
    _, row = rows_of(report_of(DIFFERENCE))
    assert row[7:10] == ["", "2000.00", "-2000.00"]


async def test_the_report_is_kept_under_its_hash_and_its_name(counter: Counter) -> None:
    payer = await counter.citizen("wechat")
    await paid(counter, payer, "wechat")
    await reconcile(counter, "wechat")
    files = open_files(counter.till.settings.files_address)
    kept = await keep_report(counter.database, files, report_folder(counter.till), today())
    digest = await counter.value("select page_sha256 from reconciliation_reports")
    assert await files.read(digest) == kept.page.read_bytes()
    assert "账目一致" in kept.page.read_text()
    assert kept.table.name == f"{today()}.csv"


async def test_the_command_says_clean_open_and_cannot(
    counter: Counter, capsys: pytest.CaptureFixture[str]
) -> None:
    async def reconciled(channel: str | None) -> tuple[int, str]:
        given = argparse.Namespace(day=f"{today()}", channel=channel)
        status = await asyncio.to_thread(command.run_reconcile, counter.till.settings, given)
        return status, capsys.readouterr().err

    payer = await counter.citizen()
    for channel in counter.gateways:
        await paid(counter, payer, channel)
    with bills_ready(counter.gateways["wechat"]):
        status, told = await reconciled("wechat")
        assert (status, "state: clean" in told, "payments here: 1 = 20.00 yuan" in told) == (
            0,
            True,
            True,
        )
        assert f"{today()}.html" in told
        # Alipay's bill of today is not there yet.
        status, told = await reconciled(None)
        assert status == 2
        assert "渠道还没有这一天的账单" in told
    await paid_in_silence(counter, payer, "wechat")
    async with counter.database.transaction() as connection:
        await connection.execute("delete from payments where status = 'pending'")
    with bills_ready(counter.gateways["alipay"]):
        status, told = await reconciled(None)
    assert status == 1
    assert "in the bill, not ours: 1" in told


@pytest.mark.parametrize("day", ["2126-01-01", "2026-13-01", "soon"])
def test_a_day_must_be_one_that_has_begun(day: str) -> None:
    with pytest.raises(SettingsWrong, match="DATE"):
        command.read_day(day)
