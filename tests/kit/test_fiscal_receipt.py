"""The receipt as people get it: what stands on it, and in red."""

from __future__ import annotations

import asyncio
from datetime import date
from io import BytesIO
from typing import Any

import pytest
from msgspec.structs import replace
from pypdf import PdfReader

from api.fiscal.draw_receipt import (
    DISCLAIMER,
    MISSING_GLYPH,
    draw_receipt,
    write_qr,
    write_yuan,
)
from api.fiscal.numbers import ReceiptName
from api.fiscal.receipt import FiscalReceipt, ReceiptItem, write_red_letter

DAY = date(2026, 11, 22)
RECEIPT = FiscalReceipt(
    title="广东省非税收入统一票据（电子）",
    name=ReceiptName("44010126", "0000000017"),
    check="R1ZKB1",
    issued_on=DAY,
    payer="张三丰（样例）",
    items=(
        ReceiptItem("103044801", "不动产登记费", 5500, "件", "1", "55元/件", "住宅"),
        ReceiptItem("103044802", "居民身份证补领工本费", 4050, "证", "1", "40.50元/证"),
    ),
    issuer="样例市政务服务数据管理局",
    reviewer="李样例",
    cashier="王样例",
    remarks="支付渠道 微信支付",
)
RED = write_red_letter(RECEIPT, ReceiptName("44010126", "0000000018"), "PJCTBY", DAY)


def pages(receipt: FiscalReceipt) -> list[str]:
    return [page.extract_text() for page in PdfReader(BytesIO(draw_receipt(receipt))).pages]


def test_everything_that_the_receipt_says_is_on_the_page() -> None:
    [text] = pages(RECEIPT)
    for told in (
        RECEIPT.title,
        *("44010126", "0000000017", "R1ZKB1", "2026年11月22日", RECEIPT.payer, RECEIPT.issuer),
        *("103044801", "不动产登记费", "55.00", "55元/件", "居民身份证补领工本费", "40.50", "住宅"),
        *("玖拾伍元伍角", "¥95.50", RECEIPT.remarks, "李样例", "王样例"),
    ):
        assert told in text, told


def test_every_page_says_that_it_has_no_legal_weight() -> None:
    many = replace(RECEIPT, items=RECEIPT.items * 12)
    found = pages(many)
    assert len(found) > 1
    for number, text in enumerate(found, start=1):
        assert f"{DISCLAIMER}  ·  第 {number} 页" in text
        assert "0000000017" in text
    assert sum("金额合计" in text for text in found) == 1


def test_blank_rows_of_the_form_never_make_another_page() -> None:
    item = ReceiptItem("103044801", "项" * 100, 5500, standard="标" * 60)
    long = replace(RECEIPT, items=(item,))
    assert len(pages(long)) == 1


async def test_pages_drawn_at_once_are_what_they_are_alone() -> None:
    wanted = [draw_receipt(RECEIPT), draw_receipt(RED)]
    drawn = await asyncio.gather(
        *(asyncio.to_thread(draw_receipt, receipt) for receipt in (RECEIPT, RED) * 6)
    )
    assert drawn == wanted * 6


def test_the_page_is_a_landscape_a5() -> None:
    [page] = PdfReader(BytesIO(draw_receipt(RECEIPT))).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 420)


def test_the_same_receipt_gives_the_same_bytes() -> None:
    assert draw_receipt(RECEIPT) == draw_receipt(RECEIPT)


def test_a_receipt_in_red_letters_names_what_it_answers() -> None:
    [text] = pages(RED)
    assert "红字票据，对应原票据代码 44010126，号码 0000000017。" in text
    for told in ("红字", "-55.00", "-40.50", "负玖拾伍元伍角", "¥-95.50", "0000000018"):
        assert told in text, told
    assert "红字" not in pages(RECEIPT)[0]


def test_amounts_in_red_letters_are_red() -> None:
    def colours(receipt: FiscalReceipt) -> str:
        [page] = PdfReader(BytesIO(draw_receipt(receipt))).pages
        return str(page.get_contents().get_data())  # type: ignore[union-attr]

    red = ".784314 .062745 .180392 rg"
    assert colours(RED).count(red) == 5
    assert red not in colours(RECEIPT)


def test_original_and_answer_add_up_to_nothing() -> None:
    assert RECEIPT.total_fen + RED.total_fen == 0
    assert RED.reverses == RECEIPT.name
    with pytest.raises(ValueError, match="red letters"):
        write_red_letter(RED, ReceiptName("44010126", "0000000019"), "x", DAY)


@pytest.mark.parametrize("amount_fen", [0, -1])
def test_an_amount_that_does_not_fit_the_kind_is_refused(amount_fen: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        replace(RECEIPT, items=(ReceiptItem("1", "费", amount_fen),))
    with pytest.raises(ValueError, match="above zero"):
        replace(RECEIPT, items=())
    with pytest.raises(ValueError, match="below it"):
        replace(RED, items=RECEIPT.items)


@pytest.mark.parametrize(
    "changed",
    [
        {
            "title": "票" * 60,
            "payer": "名" * 100,
            "issuer": "局" * 100,
            "reviewer": "员" * 30,
            "cashier": "员" * 30,
            "remarks": "注" * 300,
            "payer_code": "9" * 18,
            "check": "W" * 20,
            "items": (
                ReceiptItem(
                    "W" * 30, "项" * 100, 10**13, "个" * 20, "9" * 20, "标" * 60, "备" * 60
                ),
            )
            * 3,
        },
        {"payer": "<b>&amp;\x00\n\u200b", "remarks": "\u202e<para>"},
    ],
    ids=["longest", "odd"],
)
def test_any_receipt_that_there_is_can_be_drawn(changed: dict[str, Any]) -> None:
    assert "".join(pages(replace(RECEIPT, **changed))).count("金额合计") == 1


@pytest.mark.parametrize("field", ["title", "payer", "remarks", "issuer"])
def test_a_text_without_room_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="room"):
        replace(RECEIPT, **{field: "长" * 301})
    with pytest.raises(ValueError, match="room"):
        ReceiptItem("1", "费" * 101, 1)


def test_a_character_that_the_font_lacks_is_shown_as_lacking() -> None:
    assert MISSING_GLYPH in pages(replace(RECEIPT, payer="𠮷某"))[0]


def test_the_code_to_scan_holds_what_names_and_checks_the_receipt() -> None:
    assert write_qr(RECEIPT) == "44010126,0000000017,R1ZKB1,20261122,95.50"
    assert write_qr(RED) == "44010126,0000000018,PJCTBY,20261122,-95.50"


@pytest.mark.parametrize(
    ("fen", "yuan"), [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (123456789, "1,234,567.89")]
)
def test_yuan_are_written_from_whole_fen(fen: int, yuan: str) -> None:
    assert write_yuan(fen) == yuan
