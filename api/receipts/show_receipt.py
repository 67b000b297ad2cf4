"""A receipt as its owner reads it, as JSON and as PDF, and as anybody may check it."""

from __future__ import annotations

import hmac

from msgspec import structs

from api.access import Caller, demand_scope
from api.access_log import note_access
from api.database import CHINA
from api.fiscal.capitals import write_capitals
from api.fiscal.numbers import ReceiptName
from api.fiscal.receipt import (
    ROOM_FOR_NAME,
    ROOM_FOR_REMARKS,
    ROOM_FOR_STANDARD,
    FiscalReceipt,
    ReceiptItem,
    cut,
)
from api.privacy import mask_name
from api.receipts import queries
from api.receipts.refusals import (
    ReceiptNone,
    no_such_payment,
    no_such_receipt,
    not_ready,
    paid_in_vain,
)
from api.receipts.rows import NamedRow, ReceiptRow
from api.receipts.schemas import (
    GenuineReceipt,
    PaymentReceiptAnswer,
    ReceiptAnswer,
    RedLetterAnswer,
)
from api.receipts.sealed import UNNAMED, open_payer
from api.statements import Connection
from api.vault import Vault

SCOPE = "pay"
_BASIC_CODE = slice(19, None)
_NOBODY = "......"
_IN_VAIN = frozenset({"succeeded", "refunding", "refunded", "partially_refunded"})


async def show_receipt(
    connection: Connection, vault: Vault, caller: Caller, payment_no: str
) -> PaymentReceiptAnswer:
    """With those in red letters. Raises NotFound, Forbidden, ReceiptNone, ReceiptNotReady."""
    blue, *reds = await _find_own(connection, caller, payment_no)
    return PaymentReceiptAnswer(
        **structs.asdict(_answer(vault, blue)),
        payment_no=blue.payment_no,
        bill_no=blue.bill_no,
        net_amount_fen=blue.amount_fen + sum(red.amount_fen for red in reds),
        red_letters=[
            RedLetterAnswer(**structs.asdict(_answer(vault, red)), refund_no=red.refund_no or "")
            for red in reds
        ],
    )


async def open_receipt(
    connection: Connection,
    vault: Vault,
    caller: Caller,
    payment_no: str,
    name: ReceiptName | None = None,
) -> FiscalReceipt:
    """What is to be drawn, with the whole name: the payment's receipt, or `name` among its own
    and those in red letters. An agent's look at the name is noted, in the caller's transaction.

    Raises NotFound, Forbidden, ReceiptNone, ReceiptNotReady.
    """
    rows = await _find_own(connection, caller, payment_no)
    row = next((row for row in rows if name in (None, _name(row))), None)
    if row is None:
        raise no_such_receipt()
    if caller.authority is not None:
        what = f"name on the receipt of payment {payment_no}"
        await note_access(connection, caller.owner, caller.actor, "查看票据", what)
    return _fill_form(vault, row)


async def check_receipt(connection: Connection, name: ReceiptName, check: str) -> GenuineReceipt:
    """What anybody may know who has the check characters, of either case. Raises NotFound, alike
    for wrong ones and for a receipt that is not there."""
    row = await queries.find_named(connection, code=name.code, number=int(name.number))
    kept = _NOBODY if row is None else row.check_characters
    is_right = hmac.compare_digest(check.upper().encode(), kept.encode())
    if row is None or not is_right:
        raise no_such_receipt()
    return _say_genuine(name, row)


async def _find_own(connection: Connection, caller: Caller, payment_no: str) -> list[ReceiptRow]:
    """The receipt first. There is one, or a problem is raised that says why not."""
    mine = {"payment_no": payment_no, "citizen_id": caller.owner}
    payment = await queries.find_own_payment(connection, **mine)
    if payment is None:
        raise no_such_payment()
    demand_scope(caller, SCOPE, payment.service_code)
    if not payment.has_settled:
        raise paid_in_vain() if payment.status in _IN_VAIN else ReceiptNone()
    rows = await queries.list_own_receipts(connection, **mine)
    if not rows:
        raise not_ready()
    return rows


def _answer(vault: Vault, row: ReceiptRow) -> ReceiptAnswer:
    name, payer = _name(row), open_payer(vault, row.receipt_id, row.payer_sealed)
    is_person = row.payer_code is None and payer != UNNAMED
    return ReceiptAnswer(
        code=name.code,
        number=name.number,
        check=row.check_characters,
        kind=row.kind,  # type: ignore[arg-type]
        title=row.title,
        payer=mask_name(payer) if is_person else payer,
        payer_code=row.payer_code,
        department_code=row.issuer_code,
        department_name=row.issuer_name,
        service_code=row.service_code,
        item_name=row.item_name,
        basis=row.basis,
        standard=row.standard,
        quantity=row.quantity,
        amount_fen=row.amount_fen,
        amount_capitals=write_capitals(row.amount_fen),
        issued_at=row.issued_at.astimezone(CHINA),
        pdf_url=f"/v1/payments/{row.payment_no}/receipt.pdf?code={name.code}&number={name.number}",
    )


def _fill_form(vault: Vault, row: ReceiptRow) -> FiscalReceipt:
    reverses = None
    if row.answered_code is not None and row.answered_number is not None:
        reverses = ReceiptName(row.answered_code, f"{row.answered_number:010d}")
    return FiscalReceipt(
        title=row.title,
        name=_name(row),
        check=row.check_characters,
        issued_on=row.issued_at.astimezone(CHINA).date(),
        payer=open_payer(vault, row.receipt_id, row.payer_sealed),
        payer_code=row.payer_code or "",
        items=(
            ReceiptItem(
                # What an item is called in the list of items; the fee schedule's own is not known.
                code=row.service_code[_BASIC_CODE],
                name=cut(row.item_name, ROOM_FOR_NAME),
                amount_fen=row.amount_fen,
                unit="件",
                quantity=str(row.quantity),
                standard=cut(row.standard or "", ROOM_FOR_STANDARD),
            ),
        ),
        issuer=row.issuer_name,
        remarks=cut(_write_remarks(row), ROOM_FOR_REMARKS),
        reverses=reverses,
    )


def _write_remarks(row: ReceiptRow) -> str:
    """Numbers before words: whatever there is no room for, it is the end of the basis."""
    told = [f"缴款码 {row.bill_no}。", f"支付单号 {row.payment_no}。"]
    if row.refund_no:
        told.append(f"退款单号 {row.refund_no}。")
    if row.basis:
        told.append(f"收费依据 {row.basis}")
    return " ".join(told)


def _say_genuine(name: ReceiptName, row: NamedRow) -> GenuineReceipt:
    return GenuineReceipt(
        code=name.code,
        number=name.number,
        kind=row.kind,  # type: ignore[arg-type]
        department_name=row.issuer_name,
        amount_fen=row.amount_fen,
        reversed_fen=row.reversed_fen,
        issued_on=row.issued_at.astimezone(CHINA).date(),
    )


def _name(row: ReceiptRow) -> ReceiptName:
    return ReceiptName(row.code, f"{row.number:010d}")
