"""Demonstration forms of a service item: a blank form (DOCX), a filled sample and a
sample of the result (PDF), all A4.

They show what a department would upload, and say on every page that they carry no
legal weight. The people in them cannot exist: the identity number has area 990000
(GB/T 2260 gives no province the prefix 99), serial 000 and a correct check digit
(GB 11643), the credit code has the same area (GB 32100), and no mobile number begins
with 100. The same guide gives the same bytes, since files are kept by their content.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.table import Table as WordTable
from docx.table import _Cell as WordCell
from msgspec import Struct
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table
from stdnum.cn import ric, uscc

from api.catalogue.schemas import Guide, Material

DISCLAIMER: Final = "演示表格，不具有法律效力"
COMMITMENT: Final = (
    "申请人承诺：以上所填内容和所交材料真实、准确、完整；"
    "已知悉办理条件和虚假承诺的法律责任；如有变化，及时告知受理部门。"
)
MISSING_GLYPH: Final = "〓"

_FONT_FILE = Path(__file__).resolve().parents[3] / "sql/seeds/fonts/NotoSansSC-Regular-subset.ttf"
_FONT = "NotoSansSC"
_INK = HexColor("#1d3f8f")
_SEAL = HexColor("#c0392b")
_PERSON = "张三丰（样例）"
_ORGANISATION = "样例市武当山茶叶有限公司（样例）"
_IDENTITY_BODY = "99000020000101000"
_IDENTITY_NUMBER = _IDENTITY_BODY + ric.calc_check_digit(_IDENTITY_BODY + "0")
_CREDIT_BODY = "91990000MA0000000"
_CREDIT_CODE = _CREDIT_BODY + uscc.calc_check_digit(_CREDIT_BODY)
_PHONE = "10012345678（样例）"
_ADDRESS = "样例省样例市样例区样例路1号（样例）"
_VERDICT = "受理意见（由工作人员填写）"
_VERDICT_HEIGHT_CM = 2.6
_SAMPLE_DATE = "2026年1月5日"
_BLANK_DATE = "      年    月    日"
_FIXED_MOMENT = datetime(2026, 1, 1)
_ZIP_MOMENT = (2026, 1, 1, 0, 0, 0)
_UNSEEN = ("Cf", "Mn", "Me")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Row(Struct, frozen=True):
    """One line of the form; `value` is what the sample says, `lines` the height to leave."""

    label: str
    value: str
    lines: int = 1
    printed: bool = False


def draw_blank_form(guide: Guide, material: Material) -> bytes:
    """Draw the application form of a material as DOCX, for filling by hand or computer."""
    document = Document()
    _prepare_word(document, material.name)
    _add_line(
        document, material.name, size=20, align=WD_ALIGN_PARAGRAPH.CENTER, font="方正小标宋简体"
    )
    _add_line(document, f"受理部门：{guide.department.name}")
    rows = _form_rows(guide)
    table = _word_table(document, len(rows), (3.4, 12.6))
    for row, cells in zip(rows, table.rows, strict=True):
        cells.height = Cm(0.9 * row.lines)
        label, value = cells.cells
        _write(label, row.label, centred=True)
        _write(value, row.value if row.printed else "")
    _add_line(document, "随附材料")
    _add_materials(document, guide, material)
    _add_line(document, COMMITMENT)
    _add_line(document, f"申请人（签名或盖章）：{' ' * 24}", align=WD_ALIGN_PARAGRAPH.RIGHT)
    _add_line(document, _BLANK_DATE, align=WD_ALIGN_PARAGRAPH.RIGHT)
    verdict = _word_table(document, 1, (3.4, 12.6)).rows[0]
    verdict.height = Cm(_VERDICT_HEIGHT_CM)
    _write(verdict.cells[0], _VERDICT, centred=True)
    return _save_word(document)


def draw_sample(guide: Guide, material: Material) -> bytes:
    """Draw the same form filled with an invented applicant as PDF, with the watermark 样表."""
    rows = [
        [_paragraph(row.label, _LABEL), _paragraph(row.value, _BODY if row.printed else _FILLED)]
        for row in _form_rows(guide)
    ]
    heights = [row.lines * 0.9 * cm if row.lines > 1 else None for row in _form_rows(guide)]
    verdict = [[_paragraph(_VERDICT, _LABEL), _paragraph("", _BODY)]]
    signed = [
        _paragraph(COMMITMENT, _BODY),
        Spacer(0, 0.5 * cm),
        _paragraph(f"申请人（签名或盖章）：{_PERSON}    ", _RIGHT),
        _paragraph(_SAMPLE_DATE, _RIGHT),
        Spacer(0, 0.4 * cm),
        _grid(verdict, (3.4 * cm, 13.6 * cm), [_VERDICT_HEIGHT_CM * cm]),
    ]
    flow = [
        _paragraph(material.name, _HEADING),
        _paragraph(f"受理部门：{guide.department.name}", _BODY),
        Spacer(0, 0.2 * cm),
        _grid(rows, (3.4 * cm, 13.6 * cm), heights),
        Spacer(0, 0.4 * cm),
        _paragraph("随附材料", _BODY),
        Spacer(0, 0.1 * cm),
        _grid(_material_rows(guide, material), (1.4 * cm, 12 * cm, 3.6 * cm), repeat=1),
        Spacer(0, 0.4 * cm),
        KeepTogether(signed),
    ]
    return _save_pdf(flow, title=f"{material.name}（样表）", watermark="样表")


def draw_result_sample(guide: Guide) -> bytes:
    """Draw what the citizen holds in the end as PDF, marked 样本; without a real seal."""
    name = (guide.result.name if guide.result else None) or f"{guide.name}办理结果"
    holder = _ORGANISATION if guide.audience == ["legal_person"] else _PERSON
    lines = [f"持有人：{holder}", f"办理事项：{guide.name}"]
    if guide.legal_basis:
        laws = "、".join(f"《{law.title.strip('《》')}》" for law in guide.legal_basis[:2])
        lines.append(f"办理依据：{laws}")
    lines.append("经审查，申请人提交的材料齐全，符合规定的条件，现予办结。")
    flow = [
        Spacer(0, 2.2 * cm),
        _paragraph(name, _TITLE),
        Spacer(0, 0.6 * cm),
        _paragraph("编号：样本〔2026〕000000号", _CENTRED),
        Spacer(0, 1.6 * cm),
        *(_paragraph(line, _STATEMENT) for line in lines),
        Spacer(0, 4 * cm),
        _paragraph(guide.department.name, _RIGHT_LARGE),
        _paragraph(_SAMPLE_DATE, _RIGHT_LARGE),
    ]
    return _save_pdf(flow, title=f"{name}（样本）", watermark="样本", framed=True)


def _form_rows(guide: Guide) -> list[Row]:
    applicant = (
        [
            Row("申请单位", _ORGANISATION),
            Row("统一社会信用代码", _CREDIT_CODE),
            Row("法定代表人", _PERSON),
        ]
        if guide.audience == ["legal_person"]
        else [Row("申请人姓名", _PERSON), Row("公民身份号码", _IDENTITY_NUMBER)]
    )
    reason = "本人（本单位）已了解办理条件，所需材料已备齐，现申请办理上述事项。"
    return [
        *applicant,
        Row("联系电话", _PHONE),
        Row("联系地址", _ADDRESS),
        Row("申请事项", guide.name, printed=True),
        Row("申请事由", reason, lines=3),
        Row("代办人（如有）", "无"),
    ]


def _enclosures(guide: Guide, material: Material) -> list[tuple[str, str, str]]:
    others = [other for other in guide.materials if other.material_id != material.material_id]
    return [
        (str(number), other.name, f"{other.copies}份" if other.copies else "按需")
        for number, other in enumerate(others, start=1)
    ] or [("1", "无", "")]


# PDF


def _style(name: str, size: float, **settings: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName=_FONT, fontSize=size, leading=size * 1.55, wordWrap="CJK", **settings
    )


_BODY = _style("body", 10.5)
_FILLED = _style("filled", 10.5, textColor=_INK)
_LABEL = _style("label", 10.5, alignment=TA_CENTER)
_RIGHT = _style("right", 10.5, alignment=TA_RIGHT)
_CENTRED = _style("centred", 12, alignment=TA_CENTER)
_HEADING = _style("heading", 20, alignment=TA_CENTER, spaceAfter=12)
_TITLE = _style("title", 26, alignment=TA_CENTER)
_STATEMENT = _style("statement", 14, leftIndent=44, rightIndent=44, spaceAfter=14)
_RIGHT_LARGE = _style("right large", 14, alignment=TA_RIGHT, rightIndent=50)


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


def _material_rows(guide: Guide, material: Material) -> list[list[Paragraph]]:
    head = [_paragraph(word, _LABEL) for word in ("序号", "材料名称", "份数")]
    return [head] + [
        [_paragraph(number, _LABEL), _paragraph(name, _BODY), _paragraph(copies, _LABEL)]
        for number, name, copies in _enclosures(guide, material)
    ]


def _grid(
    rows: list[list[Paragraph]],
    widths: tuple[float, ...],
    heights: list[float | None] | None = None,
    repeat: int = 0,
) -> Table:
    return Table(
        rows,
        colWidths=widths,
        rowHeights=heights,
        repeatRows=repeat,
        style=[
            ("GRID", (0, 0), (-1, -1), 0.7, HexColor("#333333")),
            ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
            ("TOPPADDING", (0, 0), (-1, -1), 5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 7),
        ],
    )


def _save_pdf(flow: list[Any], *, title: str, watermark: str, framed: bool = False) -> bytes:
    def paint(canvas: Canvas, _document: SimpleDocTemplate) -> None:
        _paint_page(canvas, watermark, framed)

    target = BytesIO()
    SimpleDocTemplate(
        target,
        pagesize=A4,
        leftMargin=2 * cm,
        rightMargin=2 * cm,
        topMargin=2 * cm,
        bottomMargin=2 * cm,
        title=_drawable(title),
        subject=DISCLAIMER,
        author="",
        lang="zh-CN",
        invariant=1,
    ).build(flow, onFirstPage=paint, onLaterPages=paint)
    return target.getvalue()


def _paint_page(canvas: Canvas, watermark: str, framed: bool) -> None:
    width, height = A4
    _font()
    canvas.saveState()
    canvas.setFillColor(Color(0.75, 0.2, 0.2, alpha=0.13))
    canvas.translate(width / 2, height / 2)
    canvas.rotate(40)
    canvas.setFont(_FONT, 150)
    canvas.drawCentredString(0, -50, watermark)
    canvas.restoreState()
    canvas.setFont(_FONT, 9)
    canvas.drawCentredString(
        width / 2, 1.15 * cm, f"{DISCLAIMER}  ·  第 {canvas.getPageNumber()} 页"
    )
    if framed:
        canvas.setStrokeColor(_SEAL)
        for inset, line in ((1.7 * cm, 2.5), (1.95 * cm, 0.8)):
            canvas.setLineWidth(line)
            canvas.rect(inset, inset, width - 2 * inset, height - 2 * inset)
        _paint_mock_seal(canvas, width - 6 * cm, 6 * cm)


def _paint_mock_seal(canvas: Canvas, across: float, up: float) -> None:
    # Dashed and without a body's name: it shows where the seal goes and imitates none.
    canvas.setDash(4, 3)
    canvas.circle(across, up, 1.9 * cm)
    canvas.setDash()
    canvas.setFillColor(_SEAL)
    canvas.setFont(_FONT, 15)
    canvas.drawCentredString(across, up - 5, "盖章处")


# DOCX


def _prepare_word(document: WordDocument, title: str) -> None:
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2)
    normal = document.styles["Normal"]
    normal.font.size = Pt(12)
    _set_font(normal, "仿宋")
    properties = document.core_properties
    properties.title = _safe_xml(title)[:255]
    properties.author, properties.comments = "", DISCLAIMER
    properties.language = "zh-CN"
    properties.created = properties.modified = _FIXED_MOMENT
    footer = section.footer.paragraphs[0]
    footer.text = DISCLAIMER
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _set_font(target: Any, name: str) -> None:
    # python-docx sets only the Latin font; Chinese is drawn by the East Asian one.
    target.font.name = name
    target.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), name)


def _add_line(
    document: WordDocument,
    text: str,
    *,
    size: float = 12,
    align: WD_ALIGN_PARAGRAPH = WD_ALIGN_PARAGRAPH.LEFT,
    font: str | None = None,
) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment = align
    paragraph.paragraph_format.space_before = Pt(6)
    paragraph.paragraph_format.space_after = Pt(6)
    run = paragraph.add_run(_safe_xml(text))
    run.font.size = Pt(size)
    if font:
        _set_font(run, font)


def _add_materials(document: WordDocument, guide: Guide, material: Material) -> None:
    lines = [("序号", "材料名称", "份数"), *_enclosures(guide, material)]
    table = _word_table(document, len(lines), (1.6, 11.6, 2.8))
    for line, row in zip(lines, table.rows, strict=True):
        for column, (text, cell) in enumerate(zip(line, row.cells, strict=True)):
            _write(cell, text, centred=column != 1)


def _word_table(document: WordDocument, rows: int, widths_cm: tuple[float, ...]) -> WordTable:
    table: WordTable = document.add_table(rows=rows, cols=len(widths_cm), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    for column, width in zip(table.columns, widths_cm, strict=True):
        column.width = Cm(width)
    for row in table.rows:
        for cell, width in zip(row.cells, widths_cm, strict=True):
            cell.width = Cm(width)
    return table


def _write(cell: WordCell, text: str, *, centred: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.add_run(_safe_xml(text))
    if centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _safe_xml(text: str) -> str:
    return _NOT_IN_XML.sub("", text)


def _save_word(document: WordDocument) -> bytes:
    """The document with the moment of writing taken out of the archive."""
    written, target = BytesIO(), BytesIO()
    document.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            fixed = zipfile.ZipInfo(entry.filename, date_time=_ZIP_MOMENT)
            fixed.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(fixed, source.read(entry))
    return target.getvalue()
