"""A fiscal e-receipt as PDF, A5 across, in the form that people know from paper.

The same receipt gives the same bytes. What is drawn is sealed by nobody, so every page
says so (`DISCLAIMER`), and where a seal belongs there is a dashed place for it.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A5, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Table

from api.fiscal.capitals import write_capitals
from api.fiscal.receipt import FiscalReceipt

DISCLAIMER: Final = "演示票据，未经财政电子票据平台签章，不具有法律效力"
MISSING_GLYPH: Final = "〓"

_FONT_FILE = Path(__file__).resolve().parents[2] / "sql/seeds/fonts/NotoSansSC-Regular-subset.ttf"
_FONT = "NotoSansSC-receipt"
_PAGE = landscape(A5)
_MARGIN = 12 * mm
_HEAD = 40 * mm
# What reportlab leaves free around everything on a page.
_FRAME_PADDING = 6
_FOOT = 20 * mm
_WIDTHS = tuple(width * mm for width in (28, 52, 12, 14, 26, 32, 22))
_COLUMNS = ("项目编码", "项目名称", "单位", "数量", "标准", "金额（元）", "备注")
# The paper form has so many rows, filled or not.
_FORM_ROWS = 4
_ROW = 8 * mm
_FORM = HexColor("#9c4a1a")
_INK = HexColor("#1a1a1a")
_RED = HexColor("#c8102e")
_UNSEEN = ("Cf", "Mn", "Me", "Cn", "Co", "Cs")


def draw_receipt(receipt: FiscalReceipt) -> bytes:
    """Draw the receipt; longer ones go on over further pages, each with its head."""
    target = BytesIO()

    def paint(canvas: Canvas, _document: SimpleDocTemplate) -> None:
        _paint_page(canvas, receipt)

    SimpleDocTemplate(
        target,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_HEAD,
        bottomMargin=_FOOT,
        title=_drawable(f"{receipt.title} {receipt.name.number}"),
        subject=DISCLAIMER,
        author="",
        lang="zh-CN",
        invariant=1,
    ).build(
        [_items(receipt), KeepTogether([_sums(receipt)])], onFirstPage=paint, onLaterPages=paint
    )
    return target.getvalue()


def write_qr(receipt: FiscalReceipt) -> str:
    """What the QR code holds: code, number, check characters, day and yuan.

    The order is ours; the ministry's is not public.
    """
    name, day = receipt.name, f"{receipt.issued_on:%Y%m%d}"
    return ",".join((name.code, name.number, receipt.check, day, _plain_yuan(receipt.total_fen)))


def write_yuan(amount_fen: int) -> str:
    """Yuan with two places and thousands apart: -1,234.50."""
    sign, (yuan, rest) = "-" if amount_fen < 0 else "", divmod(abs(amount_fen), 100)
    return f"{sign}{yuan:,}.{rest:02d}"


def _plain_yuan(amount_fen: int) -> str:
    return write_yuan(amount_fen).replace(",", "")


def _items(receipt: FiscalReceipt) -> Table:
    # A figure over two lines could be read as two.
    room = _WIDTHS[5] - 13
    size = min(_fitting(write_yuan(item.amount_fen), 9, room) for item in receipt.items)
    figure = _style("figure", size, _colour(receipt), TA_RIGHT)
    rows = [[_paragraph(word, _LABEL) for word in _COLUMNS]]
    for item in receipt.items:
        plain = (item.code, item.name, item.unit, item.quantity, item.standard)
        rows.append(
            [
                *(_paragraph(text, _BODY) for text in plain),
                _paragraph(write_yuan(item.amount_fen), figure),
                _paragraph(item.note, _BODY),
            ]
        )
    return _leave_rows(rows, _FORM_ROWS - len(receipt.items), room=_measure(_sums(receipt)))


def _leave_rows(rows: list[list[Any]], blank: int, *, room: float) -> Table:
    """The table with as many blank rows as the form has, and as leave room below on the page."""
    filled = Table(rows, colWidths=_WIDTHS, repeatRows=1, style=_GRID)
    left = _PAGE[1] - _HEAD - _FOOT - 2 * _FRAME_PADDING - room - _measure(filled)
    blank = max(0, min(blank, int(left // _ROW)))
    return Table(
        [*rows, *([""] * len(_COLUMNS) for _ in range(blank))],
        colWidths=_WIDTHS,
        rowHeights=[*(None for _ in rows), *(_ROW for _ in range(blank))],
        repeatRows=1,
        style=_GRID,
    )


def _measure(table: Table) -> float:
    """How high it is."""
    _, height = table.wrap(sum(_WIDTHS), _PAGE[1])
    return float(height)


def _sums(receipt: FiscalReceipt) -> Table:
    colour = _colour(receipt)
    capitals = f"金额合计（大写）  {write_capitals(receipt.total_fen)}"
    figure = f"（小写）  ¥{write_yuan(receipt.total_fen)}"
    words = [receipt.remarks] if receipt.remarks else []
    if receipt.reverses:
        answered = receipt.reverses
        words.insert(0, f"红字票据，对应原票据代码 {answered.code}，号码 {answered.number}。")
    total = _style("total", 10, colour)
    return Table(
        [
            [_paragraph(capitals, total), _paragraph(figure, total)],
            [_paragraph("其他信息  " + " ".join(words), _BODY), ""],
        ],
        colWidths=(sum(_WIDTHS[:4]) + 6 * mm, sum(_WIDTHS[4:]) - 6 * mm),
        style=[*_GRID, ("SPAN", (0, 1), (1, 1)), ("BOTTOMPADDING", (0, 1), (1, 1), 10)],
    )


def _paint_page(canvas: Canvas, receipt: FiscalReceipt) -> None:
    _font()
    width, height = _PAGE
    _paint_watermark(canvas)
    _paint_qr(canvas, write_qr(receipt), _MARGIN, height - 31 * mm, 22 * mm)
    canvas.setFillColor(_FORM)
    canvas.setFont(_FONT, _fitting(receipt.title, 17, 128 * mm))
    canvas.drawCentredString(width / 2 + 4 * mm, height - 17 * mm, _drawable(receipt.title))
    canvas.setStrokeColor(_FORM)
    canvas.setLineWidth(0.6)
    for lower in (19.5, 20.3):
        canvas.line(
            width / 2 - 56 * mm, height - lower * mm, width / 2 + 64 * mm, height - lower * mm
        )
    if receipt.reverses:
        canvas.setFillColor(_RED)
        canvas.setFont(_FONT, 15)
        canvas.drawRightString(width - _MARGIN, height - 17 * mm, "红字")
    _paint_head(canvas, receipt)
    _paint_foot(canvas, receipt)


def _paint_head(canvas: Canvas, receipt: FiscalReceipt) -> None:
    day = receipt.issued_on
    left = (
        ("票据代码", receipt.name.code),
        ("交款人统一社会信用代码", receipt.payer_code or "—"),
        ("交款人", receipt.payer),
    )
    right = (
        ("票据号码", receipt.name.number),
        ("校验码", receipt.check),
        ("开票日期", f"{day.year}年{day.month}月{day.day}日"),
    )
    height = _PAGE[1]
    for across, most, pairs in ((38 * mm, 82 * mm, left), (140 * mm, 58 * mm, right)):
        for number, (label, value) in enumerate(pairs):
            up = height - (25.5 + 5 * number) * mm
            _paint_pair(canvas, across, up, most, f"{label}：", value)


def _paint_foot(canvas: Canvas, receipt: FiscalReceipt) -> None:
    width = _PAGE[0]
    places = (
        (_MARGIN, 92 * mm, "收款单位（章）：", receipt.issuer),
        (110 * mm, 40 * mm, "复核人：", receipt.reviewer or "—"),
        (156 * mm, 40 * mm, "收款人：", receipt.cashier or "—"),
    )
    for across, most, label, value in places:
        _paint_pair(canvas, across, 13 * mm, most, label, value)
    canvas.setFillColor(_INK)
    canvas.setFont(_FONT, 7)
    line = f"{DISCLAIMER}  ·  第 {canvas.getPageNumber()} 页"
    canvas.drawCentredString(width / 2, 6 * mm, line)


def _paint_pair(
    canvas: Canvas, across: float, up: float, most: float, label: str, value: str
) -> None:
    """A label of the form and what is filled in, made smaller where it is long."""
    canvas.setFillColor(_FORM)
    canvas.setFont(_FONT, 9)
    canvas.drawString(across, up, label)
    begin = pdfmetrics.stringWidth(label, _FONT, 9)
    canvas.setFillColor(_INK)
    canvas.setFont(_FONT, _fitting(value, 9, most - begin))
    canvas.drawString(across + begin, up, _drawable(value))


def _paint_watermark(canvas: Canvas) -> None:
    width, height = _PAGE
    canvas.saveState()
    canvas.setFillColor(Color(0.6, 0.3, 0.1, alpha=0.10))
    canvas.translate(width / 2, height / 2)
    canvas.rotate(25)
    canvas.setFont(_FONT, 80)
    canvas.drawCentredString(0, -30, "演示票据")
    canvas.restoreState()
    # Dashed and without a body's name: it shows where the seal goes and imitates none.
    canvas.saveState()
    canvas.setStrokeColor(Color(0.78, 0.06, 0.18, alpha=0.5))
    canvas.setFillColor(Color(0.78, 0.06, 0.18, alpha=0.5))
    canvas.setDash(3, 3)
    canvas.circle(62 * mm, 22 * mm, 11 * mm)
    canvas.setFont(_FONT, 9)
    canvas.drawCentredString(62 * mm, 21 * mm, "盖章处")
    canvas.restoreState()


def _paint_qr(canvas: Canvas, text: str, across: float, up: float, side: float) -> None:
    matrix = segno.make_qr(text, error="m").matrix
    cell = side / len(matrix)
    canvas.setFillColor(_INK)
    for row, modules in enumerate(matrix):
        for column, dark in enumerate(modules):
            if dark:
                # A hair larger, so that no reader sees white between two modules.
                canvas.rect(
                    across + column * cell,
                    up + side - (row + 1) * cell,
                    cell * 1.02,
                    cell * 1.02,
                    stroke=0,
                    fill=1,
                )


def _fitting(text: str, size: float, most: float) -> float:
    """The largest size up to `size` at which the text is no wider than `most`."""
    _font()
    width = pdfmetrics.stringWidth(_drawable(text), _FONT, size)
    return size if width <= most else size * most / width


def _colour(receipt: FiscalReceipt) -> Color:
    return _RED if receipt.reverses else _INK


def _style(name: str, size: float, colour: Color, alignment: int = 0) -> ParagraphStyle:
    return ParagraphStyle(
        name,
        fontName=_FONT,
        fontSize=size,
        leading=size * 1.4,
        wordWrap="CJK",
        textColor=colour,
        alignment=alignment,
    )


_LABEL = _style("label", 9, _FORM, TA_CENTER)
_BODY = _style("body", 9, _INK)
_GRID: list[Any] = [
    ("GRID", (0, 0), (-1, -1), 0.6, _FORM),
    ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
    ("TOPPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
]


def _paragraph(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_drawable(text)), style)


def _drawable(text: str) -> str:
    """The text with what the font lacks replaced by 〓, and joiners and marks dropped."""
    known = _font().face.charToGlyph
    kinds = ((sign, unicodedata.category(sign)) for sign in text)
    signs = (
        " " if kind in ("Cc", "Zl", "Zp") else sign for sign, kind in kinds if kind not in _UNSEEN
    )
    return "".join(sign if ord(sign) in known else MISSING_GLYPH for sign in signs)


@cache
def _font() -> Any:
    font = TTFont(_FONT, str(_FONT_FILE))
    pdfmetrics.registerFont(font)
    return font
