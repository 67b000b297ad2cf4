"""Amounts in Chinese capitals: the regulation's own examples, and a second opinion."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from api.fiscal.capitals import MOST_FEN, write_capitals

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ["元", "拾", "佰", "仟", "万", "拾", "佰", "仟", "亿", "拾", "佰", "仟"]


def write_naively(amount_fen: int) -> str:
    """Every digit with its place, and then out with the zeros, as one learns it at school."""
    figure = f"{abs(amount_fen):03d}"
    yuan, tenths, hundredths = figure[:-2], int(figure[-2]), int(figure[-1])
    text = "".join(
        DIGITS[int(digit)] + PLACES[place]
        for digit, place in zip(yuan, reversed(range(len(yuan))), strict=True)
    )
    text = re.sub("零[拾佰仟]", "零", text)
    text = re.sub("零+(?=[万亿元])", "", text)
    # A group of nothing but zeros leaves its 万 behind.
    text = text.replace("亿万", "亿零")
    text = re.sub("零+", "零", text)
    text = text.replace("零元", "元")
    if text == "元":
        text = ""
    if not tenths and not hundredths:
        return ("负" if amount_fen < 0 else "") + (text or "零元") + "整"
    if text and (tenths == 0 or yuan.endswith("0")):
        text += "零"
    text += f"{DIGITS[tenths]}角" if tenths else ""
    text += f"{DIGITS[hundredths]}分" if hundredths else ""
    return ("负" if amount_fen < 0 else "") + text


def read_back(words: str) -> int:
    """The amount that somebody reads in them, in fen."""
    sign = -1 if words.startswith("负") else 1
    total = group = digit = 0
    for sign_of in words.removeprefix("负").removesuffix("整"):
        if sign_of in DIGITS:
            digit = DIGITS.index(sign_of)
        elif sign_of in "拾佰仟":
            group, digit = group + digit * 10 ** ("拾佰仟".index(sign_of) + 1), 0
        elif sign_of in "万亿元":
            factor = {"万": 10**6, "亿": 10**10, "元": 100}[sign_of]
            total, group, digit = total + (group + digit) * factor, 0, 0
        else:
            total, digit = total + digit * {"角": 10, "分": 1}[sign_of], 0
    return sign * total


@pytest.mark.parametrize(
    ("yuan", "words"),
    [
        # As the regulation prints them.
        ("1409.50", "壹仟肆佰零玖元伍角"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("1680.32", "壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "壹拾万柒仟元零伍角叁分"),
        ("16409.02", "壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        # The corners.
        ("0.00", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角"),
        ("10.00", "壹拾元整"),
        ("10000.00", "壹万元整"),
        ("100000000.00", "壹亿元整"),
        ("100000001.00", "壹亿零壹元整"),
        ("100005000.00", "壹亿零伍仟元整"),
        ("1000100000.00", "壹拾亿零壹拾万元整"),
        ("10010001.01", "壹仟零壹万零壹元零壹分"),
        ("999999999999.99", "玖仟玖佰玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
        ("-95.50", "负玖拾伍元伍角"),
    ],
)
def test_an_amount_is_written_as_the_regulation_says(yuan: str, words: str) -> None:
    assert write_capitals(int(yuan.replace(".", ""))) == words


amounts = st.integers(-MOST_FEN, MOST_FEN) | st.from_regex(
    r"\A[1-9](0|[0-9]){0,13}\Z", fullmatch=True
).map(int)
# Mostly zeros: there lie the mistakes.
zeroes = st.lists(st.sampled_from("00000015"), min_size=1, max_size=14).map("".join).map(int)


@given(amounts | zeroes)
@example(100_0500)
@examples(max_examples=2000, deadline=None)
def test_two_ways_of_writing_agree(amount_fen: int) -> None:
    assert write_capitals(amount_fen) == write_naively(amount_fen)


@given(amounts | zeroes)
@examples(max_examples=2000, deadline=None)
def test_what_is_written_reads_back(amount_fen: int) -> None:
    words = write_capitals(amount_fen)
    assert read_back(words) == amount_fen
    assert "零零" not in words
    assert words.endswith("整") == (amount_fen % 100 == 0)


@pytest.mark.parametrize("amount_fen", [MOST_FEN + 1, -MOST_FEN - 1])
def test_an_amount_beyond_words_is_refused(amount_fen: int) -> None:
    with pytest.raises(ValueError, match="too large"):
        write_capitals(amount_fen)
