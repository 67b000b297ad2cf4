"""Whatever a guide asks is answered so that the service takes it."""

from __future__ import annotations

import random
from email import message_from_bytes

import pytest

from api.cases.intake.check_answers import check_answers
from api.files import inspect_upload
from api.kinds import is_identity_number
from api.processes import Choice, FormField
from loadtests import answers
from loadtests.fill_form import (
    answer_form,
    make_sheet,
    some_identity_number,
    some_phone,
    wrap_sheet,
)

REGION = "440106000000"
FIELDS = [
    FormField("text", "文字", "text", max_length=12),
    FormField("one", "一个字", "text", max_length=1),
    FormField("bounded", "数", "number", minimum=3, maximum=5),
    FormField("above", "数", "number", minimum=1000),
    FormField("free", "数", "number"),
    FormField("day", "日期", "date"),
    FormField("phone", "电话", "phone"),
    FormField("number", "号码", "identity_number"),
    FormField("choice", "选择", "choice", choices=[Choice("a", "甲"), Choice("b", "乙")]),
    FormField("region", "地区", "region"),
    FormField("yes", "是否", "yes_no"),
    FormField("optional", "可不填", "text", required=False),
]


def as_read(field: FormField) -> answers.FormField:
    """The question as the load reads it from a guide."""
    return answers.FormField(
        field.name,
        field.label,
        field.kind,
        field.required,
        field.max_length,
        field.minimum,
        field.maximum,
        [answers.Choice(choice.code, choice.label) for choice in field.choices],
        field.prefill,
    )


@pytest.mark.parametrize("seed", range(50))
def test_every_answer_fits_its_question(seed: int) -> None:
    form = answer_form([as_read(field) for field in FIELDS], REGION, random.Random(seed))
    assert list(check_answers(FIELDS, form)) == []
    assert {field.name for field in FIELDS if field.required} <= form.keys()


def test_optional_questions_are_answered_now_and_then() -> None:
    asked = [as_read(FIELDS[-1])]
    answered = [bool(answer_form(asked, REGION, random.Random(seed))) for seed in range(50)]
    assert {True, False} == set(answered)


def test_identity_numbers_are_well_formed_and_nobodys() -> None:
    chance = random.Random(1)
    numbers = [some_identity_number(chance) for _ in range(200)]
    assert all(is_identity_number(number) for number in numbers)
    assert all(number.startswith("999000") for number in numbers)
    assert len(some_phone(chance)) == 11


def test_a_sheet_is_a_pdf_and_no_two_are_the_same() -> None:
    chance = random.Random(1)
    sheets = [make_sheet(chance) for _ in range(20)]
    assert {inspect_upload(sheet) for sheet in sheets} == {"application/pdf"}
    assert len(set(sheets)) == 20
    assert max(map(len, sheets)) < 50_000


def test_a_sheet_comes_out_of_its_wrapping_as_it_went_in() -> None:
    sheet = make_sheet(random.Random(1))
    media_type, body = wrap_sheet(sheet)
    message = message_from_bytes(f"Content-Type: {media_type}\r\n\r\n".encode() + body)
    (part,) = [part for part in message.walk() if not part.is_multipart()]
    content = part.get_payload(decode=True)
    assert part.get_param("name", header="content-disposition") == "file"
    assert isinstance(content, bytes)
    assert content.rstrip(b"\n") == sheet.rstrip(b"\n")
