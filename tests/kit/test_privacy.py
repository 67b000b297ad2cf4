"""Masking shows enough to recognise and never enough to know."""

import time

import pytest

from api.privacy import mask_identity_number, mask_name, mask_phone, mask_text


def test_an_identity_number_keeps_its_ends() -> None:
    assert mask_identity_number("11010519491231002X") == "1****************X"


def test_a_phone_keeps_three_and_four() -> None:
    assert mask_phone("13800001234") == "138****1234"


@pytest.mark.parametrize(("name", "masked"), [("张", "张"), ("张三", "张*"), ("欧阳娜娜", "欧***")])
def test_a_name_keeps_its_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("身份证11010519491231002X号", "身份证1****************X号"),
        ("call 13800001234 now", "call 138****1234 now"),
        ("6222020000000000000", "6*****************0"),
        ("service 11440000006939756B2440101007000", "service 11440000006939756B2440101007000"),
        ("020-83135078", "020-83135078"),
    ],
)
def test_personal_numbers_in_text_are_masked_and_others_left(text: str, masked: str) -> None:
    assert mask_text(text) == masked


def test_masking_is_linear_in_the_length_of_the_text() -> None:
    began = time.perf_counter()
    mask_text("1" * 200_000)
    assert time.perf_counter() - began < 1
