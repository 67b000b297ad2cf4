"""Amounts of money in Chinese capitals (人民币大写), so that no stroke turns one into another.

Rules: 正确填写票据和结算凭证的基本规定, annex of 支付结算办法 (1997). Where they leave a
choice, the first of their own examples is followed: ¥1,680.32 is 壹仟陆佰捌拾元零叁角贰分,
¥107,000.53 is 壹拾万柒仟元零伍角叁分, and 整 stands after 元, not after 角.
"""

from __future__ import annotations

from typing import Final

MOST_FEN: Final = 10**14 - 1
"""One fen less than a million million yuan."""

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿")


def write_capitals(amount_fen: int) -> str:
    """The amount in words, without 人民币; 负 stands before one below zero.

    Raises ValueError beyond `MOST_FEN` either way.
    """
    if abs(amount_fen) > MOST_FEN:
        raise ValueError("the amount is too large to be written out")
    sign = "负" if amount_fen < 0 else ""
    yuan, rest = divmod(abs(amount_fen), 100)
    tenths, hundredths = divmod(rest, 10)
    if not rest:
        return f"{sign}{_write_yuan(yuan) or _DIGITS[0]}元整"
    written = f"{_write_yuan(yuan)}元" if yuan else ""
    # A zero next to the 元, on whichever side, is spoken.
    if yuan and (not tenths or yuan % 10 == 0):
        written += _DIGITS[0]
    if tenths:
        written += f"{_DIGITS[tenths]}角"
    if hundredths:
        written += f"{_DIGITS[hundredths]}分"
    return sign + written


def _write_yuan(yuan: int) -> str:
    """Whole yuan, in groups of four digits; nothing for none."""
    written = ""
    for group in reversed(range(len(_GROUPS))):
        number = yuan // 10_000**group % 10_000
        if not number:
            continue
        # Zeros that end the group before are silent; one that begins this group, or a whole
        # group of them between, is spoken.
        if written and (number < 1000 or not written.endswith(_GROUPS[group + 1])):
            written += _DIGITS[0]
        written += _write_group(number) + _GROUPS[group]
    return written


def _write_group(number: int) -> str:
    """1 to 9999, without zeros at its beginning and end."""
    written, waiting = "", False
    for place in reversed(range(4)):
        digit = number // 10**place % 10
        if digit:
            written += (_DIGITS[0] if waiting else "") + _DIGITS[digit] + _PLACES[place]
        waiting = bool(written) and not digit
    return written
