"""The report of a day: a page for people, self-contained and fit for paper and phones, and a
table for Excel."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from msgspec import Struct

from api.payments.reconciliation import words
from api.payments.reconciliation.draw_chart import draw_chart, spell_yuan
from api.payments.reconciliation.rows import CountRow, DayRow, DifferenceRow

SHOWN = 500
"""Differences on the page; the table has more."""

_TEMPLATES = Path(__file__).resolve().parent / "templates"
_STYLE = Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))  # noqa: S704 (ours)
_PAGES = Environment(
    loader=FileSystemLoader(_TEMPLATES),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ORDER = {status: place for place, status in enumerate(words.STATUSES)}
_COLUMNS = (
    "日期 date",
    "渠道 channel",
    "类型 kind",
    "订单号 payment_no",
    "退款单号 refund_no",
    "差异 cause",
    "状态 status",
    "我方金额（元） here",
    "渠道金额（元） there",
    "差额（元） gap",
    "我方状态 here",
    "渠道状态 there",
    "我方时间 here",
    "渠道时间 there",
    "渠道单号 channel_payment_id",
    "渠道退款单号 channel_refund_id",
    "事项编码 service_code",
    "处理说明 note",
)
# What Excel would run as a formula, or turn from a long number into a rounded one.
_FORMULA = re.compile(r"\A[=+\-@\t\r\n|%]")
_LONG_NUMBER = re.compile(r"\A[0-9]+(?:\.[0-9]*)?(?:[eE][0-9]+)?\Z")


class Report(Struct, frozen=True):
    """What a day's report is drawn from. `differences` may be fewer than `whole`."""

    day: date
    drawn_at: datetime
    days: Sequence[DayRow]
    counts: Sequence[CountRow]
    differences: Sequence[DifferenceRow]
    whole: int


class Cell(Struct, frozen=True):
    """How often a cause stands in a channel with one status."""

    cause: tuple[str, str]
    status: str
    differences: int
    gap_fen: int


def draw_page(report: Report) -> bytes:
    """The whole page: no script, nothing fetched."""
    shown = sort_differences(report.differences)[:SHOWN]
    page = _PAGES.get_template("report.html").render(
        report=report,
        shown=shown,
        open=sum(c.differences for c in report.counts if c.status == "open"),
        unsettled=[day for day in report.days if day.state != "clean"],
        chart=draw_chart([day for day in report.days if day.finished_at is not None]),
        cells={day.channel: _cells(report, day.channel) for day in report.days},
        words=words,
        yuan=spell_yuan,
        style=_STYLE,
    )
    return page.encode()


def sort_differences(differences: Sequence[DifferenceRow]) -> list[DifferenceRow]:
    """What waits for somebody comes first."""
    return sorted(differences, key=lambda d: (_ORDER[d.status], d.channel, d.difference_id))


def _cells(report: Report, channel: str) -> list[Cell]:
    return [
        Cell(words.CAUSES[c.cause], c.status, c.differences, c.gap_fen)
        for c in sorted(report.counts, key=lambda c: _ORDER[c.status])
        if c.channel == channel and c.status != "closed"
    ]


def draw_table(report: Report) -> bytes:
    """CSV in UTF-8 with a byte-order mark, which Excel wants; amounts in yuan."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    for difference in sort_differences(report.differences):
        writer.writerow([guard(cell) for cell in _row(difference)])
    if report.whole > len(report.differences):
        left = report.whole - len(report.differences)
        writer.writerow([f"另有 {left} 项未列出 {left} more are not listed here"])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _row(d: DifferenceRow) -> list[str | int | None]:
    return [
        d.day.isoformat(),
        words.channel_words(d.channel)[0],
        words.KINDS[d.kind][0],
        d.payment_no,
        d.refund_no,
        words.CAUSES[d.cause][0],
        words.STATUSES[d.status][0],
        _plain_yuan(d.here_fen),
        _plain_yuan(d.there_fen),
        _plain_yuan(d.gap_fen),
        d.here_state,
        d.there_state,
        _time(d.here_at),
        _time(d.there_at),
        d.channel_payment_id,
        d.channel_refund_id,
        d.service_code,
        d.note,
    ]


class Yuan(str):
    """An amount: it may begin with a minus and stays a number."""

    __slots__ = ()


def _plain_yuan(fen: int | None) -> str:
    if fen is None:
        return ""
    return Yuan(f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}")


def _time(moment: datetime | None) -> str:
    return "" if moment is None else f"{moment:%Y-%m-%d %H:%M:%S}"


def guard(cell: str | int | None) -> str:
    """A cell that a spreadsheet shows as it is: an apostrophe before what it would interpret."""
    if isinstance(cell, Yuan):
        return str(cell)
    text = "" if cell is None else str(cell).replace("\x00", "")
    if _FORMULA.match(text) or (len(text) > 11 and _LONG_NUMBER.match(text)):
        return f"'{text}"
    return text
