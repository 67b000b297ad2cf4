"""The demonstration forms open, say what they are, and are the same for the same guide."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import cast

import pytest
from docx import Document
from msgspec.structs import replace
from pypdf import PageObject, PdfReader
from pypdf.generic import DictionaryObject
from reportlab.pdfbase.ttfonts import TTFont

from api.catalogue.demonstration.draw_forms import (
    DISCLAIMER,
    MISSING_GLYPH,
    draw_blank_form,
    draw_result_sample,
    draw_sample,
)
from api.catalogue.schemas import DepartmentRef, Guide, LegalBasis, Material, Result
from api.files import DOCX, PDF, sniff_media_type
from api.settings import PROJECT

FORM = Material("m1", "残疾人证申请表", is_form=True, copies=1)
GUIDE = Guide(
    service_code="11440000006939756B3440107001000",
    name="残疾人证办理",
    item_type="7",
    region_code="440100000000",
    exercise_level="3",
    department=DepartmentRef("11440000006939756B", "样例市残疾人联合会"),
    audience=["natural_person"],
    legal_basis=[LegalBasis("中华人民共和国残疾人保障法", "第二条")],
    materials=[FORM, Material("m2", "居民身份证", copies=2), Material("m3", "近期免冠照片")],
    result=Result("certificate", "残疾人证"),
)
DRAW: dict[str, Callable[[Guide], bytes]] = {
    "blank form": lambda guide: draw_blank_form(guide, guide.materials[0]),
    "sample": lambda guide: draw_sample(guide, guide.materials[0]),
    "result": draw_result_sample,
}


def pages(content: bytes) -> list[PageObject]:
    return list(PdfReader(BytesIO(content)).pages)


def said(content: bytes) -> str:
    """The words of a PDF or DOCX without spaces and line breaks, headers and footers included."""
    if sniff_media_type(content) == PDF:
        text = "".join(page.extract_text() for page in pages(content))
    else:
        document = Document(BytesIO(content))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        lines = [*document.paragraphs, *document.sections[0].footer.paragraphs]
        text = "".join([*(line.text for line in lines), *cells])
    return "".join(text.split())


def identity_number_is_whole(number: str) -> bool:
    """GB 11643: the check digit fits."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(weight * int(digit) for weight, digit in zip(weights, number[:17], strict=True))
    return number[17] == "10X98765432"[total % 11]


@pytest.mark.parametrize(("kind", "media_type"), [("blank form", DOCX), ("sample", PDF)])
def test_a_form_says_its_item_its_department_and_what_to_bring(kind: str, media_type: str) -> None:
    content = DRAW[kind](GUIDE)
    assert sniff_media_type(content) == media_type
    for words in (
        FORM.name,
        GUIDE.name,
        GUIDE.department.name,
        "居民身份证",
        "2份",
        "近期免冠照片",
    ):
        assert words in said(content)


@pytest.mark.parametrize("kind", DRAW)
def test_every_form_says_that_it_has_no_legal_weight(kind: str) -> None:
    assert DISCLAIMER in said(DRAW[kind](GUIDE))


@pytest.mark.parametrize("kind", DRAW)
def test_the_same_guide_gives_the_same_bytes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = DRAW[kind](GUIDE)
    # Both libraries would take the moment of drawing from here if they took it at all.
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert DRAW[kind](GUIDE) == first
    assert DRAW[kind](replace(GUIDE, name="残疾人证换领")) != first


def test_a_blank_form_is_blank() -> None:
    words = said(draw_blank_form(GUIDE, FORM))
    assert "公民身份号码" in words
    for invented in ("张三丰", "990000", "10012345678", "样例路"):
        assert invented not in words


def test_a_sample_shows_a_person_who_cannot_exist() -> None:
    words = said(draw_sample(GUIDE, FORM))
    number = words.partition("公民身份号码")[2][:18]
    assert number.startswith("990000")
    assert identity_number_is_whole(number)
    assert "张三丰（样例）" in words
    assert "样表" in words


def test_an_organisation_fills_in_its_credit_code() -> None:
    words = said(draw_sample(replace(GUIDE, audience=["legal_person"]), FORM))
    assert "统一社会信用代码91990000" in words
    assert "公民身份号码" not in words


def test_a_result_is_marked_as_a_sample() -> None:
    words = said(draw_result_sample(GUIDE))
    for part in ("残疾人证", "样本", "残疾人保障法", GUIDE.department.name):
        assert part in words


def test_an_item_without_a_named_result_gets_a_sample_too() -> None:
    assert "残疾人证办理办理结果" in said(draw_result_sample(replace(GUIDE, result=None)))


@pytest.mark.parametrize("kind", ["sample", "result"])
def test_the_only_font_with_chinese_is_embedded(kind: str) -> None:
    resources = [cast(DictionaryObject, page["/Resources"]) for page in pages(DRAW[kind](GUIDE))]
    used = [
        cast(DictionaryObject, font.get_object())
        for resource in resources
        for font in cast(DictionaryObject, resource["/Font"]).values()
    ]
    ours = [font for font in used if "NotoSansSC" in str(font["/BaseFont"])]
    assert ours
    assert all("/FontFile2" in cast(DictionaryObject, font["/FontDescriptor"]) for font in ours)


@pytest.mark.parametrize("kind", DRAW)
@pytest.mark.parametrize(
    "strange", ["𠮷", "😀", "\ud800", "\x07", "a\u0301", "👨\u200d👩", "<b>&amp;", "\u2028"]
)
def test_a_strange_character_breaks_no_form(kind: str, strange: str) -> None:
    form = replace(FORM, name=f"表{strange}格")
    guide = replace(
        GUIDE, name=f"办{strange}理", materials=[form, Material("m2", f"证{strange}件")]
    )
    assert sniff_media_type(DRAW[kind](guide)) in (PDF, DOCX)


def test_a_character_that_the_font_lacks_is_shown_as_missing() -> None:
    assert f"张{MISSING_GLYPH}证" in said(draw_sample(replace(GUIDE, name="张𠮷证"), FORM))


def test_markup_in_a_name_is_printed_and_not_obeyed() -> None:
    assert "<b>&amp;证" in said(draw_sample(replace(GUIDE, name="<b>&amp;证"), FORM))


@pytest.mark.parametrize("kind", DRAW)
def test_the_longest_guide_is_drawn_over_several_pages(kind: str) -> None:
    materials = [Material(f"m{number}", "材料" * 500) for number in range(1, 101)]
    guide = replace(GUIDE, name="事项" * 500, materials=materials)
    content = DRAW[kind](guide)
    assert said(content).count("材料" * 500) >= (100 if kind == "blank form" else 0)
    if kind == "sample":
        assert len(pages(content)) > 50


def test_a_form_is_an_archive_without_today_in_it() -> None:
    with zipfile.ZipFile(BytesIO(draw_blank_form(GUIDE, FORM))) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_the_font_draws_every_character_of_the_demonstration() -> None:
    fonts: Path = PROJECT / "sql/seeds/fonts"
    known = TTFont("tested", str(fonts / "NotoSansSC-Regular-subset.ttf")).face.charToGlyph.keys()
    texts = (fonts.parent / "demonstration").glob("*.json")
    wanted = {ord(sign) for path in texts for sign in path.read_text("utf-8") if sign.isprintable()}
    assert wanted <= known
    assert (fonts / "OFL.txt").exists()
