"""One receipt for a payment, one in red letters for each refund, whatever is told how often."""

from __future__ import annotations

import asyncio
import random
from itertools import permutations

import asyncpg
import pytest

from api.database import CHINA
from api.fiscal.numbers import ReceiptName, is_genuine
from api.kinds import new_id
from api.receipts.sealed import UNNAMED, open_payer, seal_payer
from tests.cases.builders import add_submitted
from tests.receipts.builders import DEPARTMENT, FEE_FEN, NAME, Desk, amounts


async def payers(desk: Desk, payment_no: str) -> list[str]:
    return [
        open_payer(desk.vault, row["receipt_id"], row["payer_sealed"])
        for row in await desk.receipts(payment_no)
    ]


async def test_a_receipt_says_who_paid_whom_what_for(desk: Desk) -> None:
    payment_no = await desk.paid()
    await desk.issue(payment_no)
    [row] = await desk.receipts(payment_no)
    assert (row["code"][:6], row["number"], row["kind"]) == ("440101", 1, "receipt")
    assert row["code"][6:] == f"{row['issued_at'].astimezone(CHINA):%y}"
    assert (row["title"], row["amount_fen"], row["quantity"]) == (
        "广东省非税收入统一票据（电子）",
        FEE_FEN,
        1,
    )
    assert (row["issuer_code"], row["issuer_name"]) == (DEPARTMENT, "天河区公安局（演示）")
    assert (row["item_name"], row["basis"], row["standard"]) == (
        "居民身份证补领",
        "收费依据第一条",
        "每件20元",
    )
    assert await payers(desk, payment_no) == [NAME]
    assert NAME.encode() not in row["payer_sealed"]
    name = ReceiptName(row["code"], f"{row['number']:010d}")
    issued_on = row["issued_at"].astimezone(CHINA).date()
    assert is_genuine(desk.issuer.make_check, name, issued_on, FEE_FEN, row["check_characters"])


async def test_a_payment_that_is_told_again_keeps_its_one_receipt(desk: Desk) -> None:
    payment_no = await desk.paid()
    await asyncio.gather(*(desk.issue(payment_no) for _ in range(8)))
    await desk.issue(payment_no)
    assert amounts(await desk.receipts(payment_no)) == [FEE_FEN]
    [told] = await desk.rows(
        "select count(*) from audit_entries where action = 'receipt.issued' and subject = $1",
        f"payment:{payment_no}",
    )
    assert told["count"] == 1


async def test_32_payments_at_once_leave_no_gap(desk: Desk) -> None:
    payments = [await desk.paid() for _ in range(32)]
    for payment_no in payments[::4]:
        await desk.refunded(payment_no, 500)
    asked = payments * 2
    random.shuffle(asked)
    await asyncio.gather(*(desk.issue(payment_no) for payment_no in asked))
    found = await desk.rows("select kind, number, payment_no from receipts order by number")
    assert [row["number"] for row in found] == list(range(1, 41))
    blue = [row["payment_no"] for row in found if row["kind"] == "receipt"]
    assert sorted(blue) == sorted(payments)


async def test_money_that_came_in_vain_has_no_receipt(desk: Desk) -> None:
    payment_no = await desk.paid(in_vain=True)
    await desk.refunded(payment_no, FEE_FEN)
    await desk.issue(payment_no)
    await desk.issue(new_id())
    assert await desk.rows("select * from fiscal_numbers") == []


async def test_parts_that_went_back_are_answered_in_red_and_sum_up(desk: Desk) -> None:
    payment_no = await desk.paid()
    await desk.issue(payment_no)
    for part in (500, 1, FEE_FEN - 501):
        await desk.refunded(payment_no, part)
        await desk.issue(payment_no)
        await desk.issue(payment_no)
    blue, *red = await desk.receipts(payment_no)
    assert amounts(red) == [-500, -1, -(FEE_FEN - 501)]
    assert sum(amounts([blue, *red])) == 0
    assert {row["reverses"] for row in red} == {blue["receipt_id"]}
    same = ("title", "issuer_code", "issuer_name", "item_name", "basis", "standard", "bill_no")
    assert all(row[field] == blue[field] for row in red for field in same)
    assert await payers(desk, payment_no) == [NAME] * 4


async def test_a_refund_that_did_not_succeed_is_not_answered(desk: Desk) -> None:
    payment_no = await desk.paid()
    for status in ("asked", "processing", "failed"):
        await desk.refunded(payment_no, 100, status)
    await desk.issue(payment_no)
    assert amounts(await desk.receipts(payment_no)) == [FEE_FEN]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
async def test_in_whatever_order_it_is_told_the_receipts_are_the_same(
    desk: Desk, order: tuple[int, ...]
) -> None:
    """The payment and two refunds of it: a fact may overtake the others, and comes twice."""
    payment_no = await desk.paid()
    for told in order:
        if told:
            await desk.refunded(payment_no, 500 * told)
        await desk.issue(payment_no)
        await desk.issue(payment_no)
    blue, *red = await desk.receipts(payment_no)
    assert blue["kind"] == "receipt"
    assert sorted(amounts(red)) == [-1000, -500]


async def test_two_refunds_that_are_told_at_once_are_each_answered_once(desk: Desk) -> None:
    payment_no = await desk.paid()
    for _ in range(4):
        await desk.refunded(payment_no, 500)
    await asyncio.gather(*(desk.issue(payment_no) for _ in range(8)))
    blue, *red = await desk.receipts(payment_no)
    assert amounts([blue, *red]) == [FEE_FEN, -500, -500, -500, -500]


async def test_red_letters_never_take_back_more_than_came(desk: Desk) -> None:
    payment_no = await desk.paid()
    await desk.refunded(payment_no, FEE_FEN)
    await desk.issue(payment_no)
    # No payment's row would let it come so far; the receipts do not rely on that.
    await desk.refunded(payment_no, 1)
    with pytest.raises(asyncpg.CheckViolationError, match="more in red letters"):
        await desk.issue(payment_no)
    assert amounts(await desk.receipts(payment_no)) == [FEE_FEN, -FEE_FEN]
    assert len(await desk.rows("select * from fiscal_numbers")) == 2


async def test_red_letters_answer_a_receipt_of_their_own_payment(desk: Desk) -> None:
    one, other = await desk.paid(), await desk.paid()
    await desk.issue(one)
    await desk.refunded(other, 100)
    await desk.issue(other)
    [blue] = await desk.receipts(one)
    _, red = await desk.receipts(other)
    for wrong in (blue["receipt_id"], red["receipt_id"]):
        with pytest.raises(asyncpg.CheckViolationError, match="same payment"):
            await desk.run(
                "insert into receipts (receipt_id, code, number, check_characters, kind,"
                " payment_no, bill_no, refund_no, reverses, title, issuer_code, issuer_name,"
                " service_code, item_name, amount_fen, issued_at)"
                " select 'x', code, number, check_characters, kind, payment_no, bill_no, 'x', $2,"
                " title, issuer_code, issuer_name, service_code, item_name, amount_fen, issued_at"
                " from receipts where receipt_id = $1",
                *(red["receipt_id"], wrong),
            )


@pytest.mark.parametrize(
    "statement",
    [
        "update receipts set amount_fen = 1",
        "update receipts set issued_at = now()",
        "delete from receipts",
        "truncate receipts cascade",
        "update receipt_payers set payer_code = '91350100M000100Y43'",
        "delete from receipt_payers",
        "truncate receipt_payers",
    ],
)
async def test_what_was_issued_stays_as_it_is(desk: Desk, statement: str) -> None:
    await desk.issue(await desk.paid())
    with pytest.raises(asyncpg.RestrictViolationError):
        await desk.run(statement)


async def test_a_name_can_be_sealed_anew(desk: Desk) -> None:
    payment_no = await desk.paid()
    await desk.issue(payment_no)
    [row] = await desk.receipts(payment_no)
    sealed = seal_payer(desk.vault, row["receipt_id"], NAME)
    assert sealed != row["payer_sealed"]
    await desk.run("update receipt_payers set payer_sealed = $1", sealed)
    assert await payers(desk, payment_no) == [NAME]


async def test_a_payer_without_a_verified_name_is_called_so(desk: Desk) -> None:
    payment_no = await desk.paid(await desk.citizen(None))
    await desk.issue(payment_no)
    assert await payers(desk, payment_no) == [UNNAMED]


async def test_a_receipt_for_an_organisations_case_names_the_organisation(desk: Desk) -> None:
    organisation_id = new_id()
    await desk.run(
        "insert into organisations (organisation_id, credit_code, name)"
        " values ($1, '91350100M000100Y43', '演示有限公司')",
        organisation_id,
    )
    citizen_id = await desk.citizen()
    async with desk.database.transaction() as connection:
        case_no = await add_submitted(connection, citizen_id=citizen_id)
        await connection.execute(
            "update cases set organisation_id = $1 where case_no = $2", organisation_id, case_no
        )
    payment_no = await desk.paid(citizen_id, case_no=case_no)
    await desk.issue(payment_no)
    [row] = await desk.receipts(payment_no)
    assert await payers(desk, payment_no) == ["演示有限公司"]
    assert row["payer_code"] == "91350100M000100Y43"


async def test_whose_record_was_joined_with_another_is_named_as_that_one_is(desk: Desk) -> None:
    gone, kept = await desk.citizen(None), await desk.citizen("测试乙")
    payment_no = await desk.paid(gone)
    # The payment still says whose it was: the fact of the merger is on its way.
    await desk.run("update citizens set merged_into = $1 where citizen_id = $2", kept, gone)
    await desk.issue(payment_no)
    assert await payers(desk, payment_no) == ["测试乙"]


async def test_what_the_law_keeps_outlives_an_erased_citizen(desk: Desk) -> None:
    citizen_id = await desk.citizen()
    payment_no = await desk.paid(citizen_id)
    await desk.issue(payment_no)
    await desk.run(
        "update citizens set name_sealed = null, erased_at = now() where citizen_id = $1",
        citizen_id,
    )
    await desk.refunded(payment_no, 500)
    await desk.issue(payment_no)
    # Both are the treasury's; the name stands on them sealed, as it was printed.
    assert amounts(await desk.receipts(payment_no)) == [FEE_FEN, -500]
    assert await payers(desk, payment_no) == [NAME, NAME]


async def test_a_national_bodys_receipt_is_numbered_by_itself(desk: Desk) -> None:
    for region_code in ("440106000000", "000000000000", "310000000000"):
        await desk.issue(await desk.paid(region_code=region_code))
    found = await desk.rows("select code, number, title from receipts order by code")
    assert [(row["code"][:2], row["number"]) for row in found] == [("00", 1), ("31", 1), ("44", 1)]
    assert found[0]["title"] == "中央非税收入统一票据（电子）"
