"""Codes, numbers and check characters of fiscal e-receipts (财政电子票据).

A receipt is named by its code, 8 digits (area 2, class 2, kind 2, year 2), and its
number, 10 digits. Numbers of a code run from 1 without gaps and none is used twice: `mint`
takes the next one in the transaction that issues the receipt. The 6 check characters let
whoever holds the paper ask whether it is genuine. How the ministry's platform makes them
is not public, so `CheckMaker` is what a platform's connection replaces; `KeyedCheck` is
ours, a keyed digest that nobody makes without the key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date
from typing import Final, Protocol

from msgspec import Struct

from api.statements import Connection, Statements

MOST_NUMBER: Final = 9_999_999_999

# Crockford's letters: none is taken for another, and 32 of them share a digest evenly.
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CHECK_LENGTH = 6
_TWO_DIGITS = re.compile(r"\A[0-9]{2}\Z")
_CODE = re.compile(r"\A[0-9]{8}\Z")
_NUMBER = re.compile(r"\A[0-9]{10}\Z")


class NumbersExhausted(Exception):
    """All numbers of the code are used: a new code is needed."""


class FiscalCode(Struct, frozen=True):
    """The code of a kind of receipt in a year; each part two digits. ValueError otherwise."""

    area: str
    receipt_class: str
    kind: str
    year: str

    def __post_init__(self) -> None:
        if not all(map(_TWO_DIGITS.match, (self.area, self.receipt_class, self.kind, self.year))):
            raise ValueError("every part of a fiscal code is two digits")

    @property
    def text(self) -> str:
        """All 8 digits."""
        return f"{self.area}{self.receipt_class}{self.kind}{self.year}"


class ReceiptName(Struct, frozen=True):
    """Code and number: what a receipt is known by. ValueError where it cannot be one."""

    code: str
    number: str

    def __post_init__(self) -> None:
        if not _CODE.match(self.code) or not _NUMBER.match(self.number) or not int(self.number):
            raise ValueError("a receipt has a code of 8 digits and a number of 10, from 1")


class Minted(Struct, frozen=True):
    """`repeated`: the subject had its name already."""

    name: ReceiptName
    repeated: bool


class CheckMaker(Protocol):
    """Makes the check characters of a receipt; the same receipt has the same ones for ever."""

    def __call__(self, name: ReceiptName, issued_on: date, amount_fen: int) -> str: ...


class KeyedCheck:
    """HMAC-SHA256 over what the receipt says, cut to 30 bits: 6 letters."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a key of at least 16 bytes")
        self._key = key

    def __call__(self, name: ReceiptName, issued_on: date, amount_fen: int) -> str:
        told = f"fiscal-receipt|{name.code}|{name.number}|{issued_on.isoformat()}|{amount_fen}"
        digest = hmac.new(self._key, told.encode(), hashlib.sha256).digest()
        bits = int.from_bytes(digest[:4], "big")
        return "".join(_LETTERS[bits >> 5 * place & 31] for place in range(_CHECK_LENGTH))


def is_genuine(
    make: CheckMaker, name: ReceiptName, issued_on: date, amount_fen: int, check: str
) -> bool:
    """Whether the characters are those of a receipt that says this; letters of either case."""
    right = make(name, issued_on, amount_fen).upper()
    return hmac.compare_digest(right.encode(), check.upper().encode())


class _Kept(Struct, frozen=True):
    code: str
    number: int


_statements = Statements("fiscal")
_open_sequence = _statements.execute("open_sequence")
_lock_sequence = _statements.value("lock_sequence", int)
_find_minted = _statements.optional("find_minted", _Kept)
_take_number = _statements.execute("take_number")


async def mint(connection: Connection, code: FiscalCode, subject: str) -> Minted:
    """The next number of the code, in the caller's transaction; the same subject keeps its name.

    Others who mint of this code wait until that transaction ends: without gaps there is no
    other way, since a number given back by a rollback must be the next one. So mint last.
    Raises NumbersExhausted.
    """
    async with connection.transaction():
        await _open_sequence(connection, code=code.text)
        last = await _lock_sequence(connection, code=code.text) or 0
        kept = await _find_minted(connection, subject=subject)
        if kept:
            return Minted(_name(kept.code, kept.number), repeated=True)
        if last >= MOST_NUMBER:
            raise NumbersExhausted(code.text)
        await _take_number(connection, code=code.text, number=last + 1, subject=subject)
    return Minted(_name(code.text, last + 1), repeated=False)


def _name(code: str, number: int) -> ReceiptName:
    return ReceiptName(code, f"{number:010d}")
