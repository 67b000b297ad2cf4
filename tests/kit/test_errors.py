"""Problems: one form, two languages, nothing of anybody's in them."""

from __future__ import annotations

import msgspec
import pytest
from litestar.exceptions import HTTPException, ValidationException

from api.errors import (
    FieldError,
    NotFound,
    Problem,
    ProblemAnswer,
    ValidationFailed,
    every_problem,
    render,
    wants_english,
)
from api.problems import to_problem


def read(problem: Problem, *, english: bool = False) -> ProblemAnswer:
    body = render(problem, request_id="id", english=english)
    return msgspec.json.decode(body, type=ProblemAnswer)


def test_every_problem_speaks_both_languages() -> None:
    for kind in every_problem():
        chinese, english = read(kind()), read(kind(), english=True)
        assert not chinese.detail.isascii(), kind
        assert not english.detail.startswith("服"), kind
        assert english.title.isascii(), kind


def test_codes_are_one_of_a_kind() -> None:
    codes = [kind.code for kind in every_problem()]
    assert len(codes) == len(set(codes))


def test_words_given_win_over_the_docstring() -> None:
    problem = NotFound("没有这个事项。", "There is no such service.")
    assert read(problem).detail == "没有这个事项。"
    assert read(problem, english=True).detail == "There is no such service."


def test_field_errors_are_in_the_language_asked_for() -> None:
    problem = ValidationFailed(errors=[FieldError("limit", "out_of_range", "超出", "is out")])
    assert [e.detail for e in read(problem).errors or ()] == ["超出"]
    assert [e.detail for e in read(problem, english=True).errors or ()] == ["is out"]


@pytest.mark.parametrize(
    ("header", "english"),
    [
        ("", False),
        ("zh-CN,zh;q=0.9,en;q=0.8", False),
        ("en", True),
        ("en-GB,en;q=0.9,zh;q=0.1", True),
        ("fr", False),
        ("en;q=nonsense", False),
        ("EN-us", True),
    ],
)
def test_english_must_be_asked_for(header: str, english: bool) -> None:
    assert wants_english(header) is english


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("110105194912310021"), "internal_error"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x"), "bad_request"),
        (RecursionError(), "bad_request"),
        (HTTPException(status_code=404), "not_found"),
        (HTTPException(status_code=418), "bad_request"),
        (
            ValidationException("x", extra=[{"message": "Expected `int`", "key": "a"}]),
            "validation_failed",
        ),
    ],
)
def test_any_exception_becomes_a_problem_without_its_text(error: Exception, code: str) -> None:
    problem = to_problem(error)
    assert problem.code == code
    assert b"110105194912310021" not in render(problem, request_id=None, english=False)
