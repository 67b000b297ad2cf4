"""What a fiscal e-receipt (财政电子票据) says.

A receipt is never changed or taken back. What was wrong, or was paid back, is answered by
one in red letters (红字票据): the same with amounts below zero, naming the one it answers.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from api.fiscal.numbers import ReceiptName

ROOM_FOR_NAME: Final = 100
"""Characters of an item, a payer or an issuer that can be printed."""

ROOM_FOR_STANDARD: Final = 60
ROOM_FOR_REMARKS: Final = 300

_ROOM = {
    "code": 30,
    "name": ROOM_FOR_NAME,
    "unit": 20,
    "quantity": 20,
    "standard": ROOM_FOR_STANDARD,
    "note": 60,
}
_ROOM_AROUND = {
    "title": 60,
    "check": 20,
    "payer": ROOM_FOR_NAME,
    "payer_code": 18,
    "issuer": ROOM_FOR_NAME,
    "reviewer": 30,
    "cashier": 30,
    "remarks": ROOM_FOR_REMARKS,
}


class ReceiptItem(Struct, frozen=True):
    """One line. `code` and `standard` are the fee schedule's; `quantity` as it is printed.

    ValueError for a text that there is no room for.
    """

    code: str
    name: str
    amount_fen: int
    unit: str = ""
    quantity: str = ""
    standard: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        _demand_room(self, _ROOM)


class FiscalReceipt(Struct, frozen=True):
    """Everything that is printed. ValueError where amounts have the wrong sign, or a text no room.

    `title`: 广东省非税收入统一票据（电子）. `payer_code`: the payer's credit code, empty for a
    person. `reverses`: the receipt that this one in red letters answers.
    """

    title: str
    name: ReceiptName
    check: str
    issued_on: date
    payer: str
    items: tuple[ReceiptItem, ...]
    issuer: str
    payer_code: str = ""
    reviewer: str = ""
    cashier: str = ""
    remarks: str = ""
    reverses: ReceiptName | None = None

    def __post_init__(self) -> None:
        _demand_room(self, _ROOM_AROUND)
        sign = -1 if self.reverses else 1
        if not self.items or any(item.amount_fen * sign <= 0 for item in self.items):
            raise ValueError("amounts are above zero, in red letters below it")

    @property
    def total_fen(self) -> int:
        """The sum of its items; below zero in red letters."""
        return sum(item.amount_fen for item in self.items)


def write_red_letter(
    receipt: FiscalReceipt, name: ReceiptName, check: str, issued_on: date
) -> FiscalReceipt:
    """The receipt in red letters that answers this one in full. ValueError for a red one."""
    if receipt.reverses:
        raise ValueError("a receipt in red letters is not answered by another")
    opposite = tuple(replace(item, amount_fen=-item.amount_fen) for item in receipt.items)
    return replace(
        receipt,
        name=name,
        check=check,
        issued_on=issued_on,
        items=opposite,
        reverses=receipt.name,
    )


def cut(text: str, room: int) -> str:
    """The text, with … in place of what there is no room for."""
    return text if len(text) <= room else f"{text[: room - 1]}…"


def _demand_room(struct: Struct, room: dict[str, int]) -> None:
    for field, most in room.items():
        if len(getattr(struct, field)) > most:
            raise ValueError(f"{field} has room for {most} characters")
