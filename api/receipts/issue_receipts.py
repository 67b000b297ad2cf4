"""A payment gets its receipt, and each refund one in red letters: once, whatever is told when.

Whichever fact comes first, and however often, everything is issued that is due and stands
nowhere yet. The subject of a number says what it is for, so two workers that issue the same
at once wait for each other and the second finds it done.
"""

from __future__ import annotations

import hmac
from datetime import datetime

from msgspec import Struct

from api.audit import note
from api.database import CHINA
from api.fiscal.numbers import CheckMaker, FiscalCode, KeyedCheck, mint
from api.fiscal.receipt import ROOM_FOR_NAME, cut
from api.kinds import new_id
from api.receipts import queries
from api.receipts.rows import BlueRow, RefundedRow, SettledRow
from api.receipts.sealed import UNNAMED, open_citizen_name, open_payer, seal_payer
from api.settings import Settings, secret_key
from api.statements import Connection
from api.vault import Vault

# 非税收入, and of it the receipt for everything that has none of its own. Which digits a
# finance department gives out is for it to say; here is the one place.
RECEIPT_CLASS, RECEIPT_KIND = "01", "01"
_NATION = "中央"


class Draft(Struct, frozen=True):
    """A receipt without its number; `reverses` and `refund_no` of one in red letters."""

    receipt_id: str
    payment_no: str
    bill_no: str
    title: str
    issuer_code: str
    issuer_name: str
    service_code: str
    item_name: str
    basis: str | None
    standard: str | None
    quantity: int
    amount_fen: int
    payer_sealed: bytes
    payer_code: str | None
    refund_no: str | None = None
    reverses: str | None = None

    @property
    def kind(self) -> str:
        return "red_letter" if self.reverses else "receipt"

    @property
    def subject(self) -> str:
        """What its number is for."""
        return f"refund:{self.refund_no}" if self.refund_no else f"payment:{self.payment_no}"


class Issuer(Struct, frozen=True):
    """What receipts are issued with."""

    vault: Vault
    make_check: CheckMaker


def open_issuer(settings: Settings, vault: Vault) -> Issuer:
    """Check characters by a key of their own, drawn from the service's."""
    key = hmac.digest(secret_key(settings), b"zhangban fiscal check 1", "sha256")
    return Issuer(vault, KeyedCheck(key))


async def issue_due(connection: Connection, issuer: Issuer, payment_no: str) -> None:
    """Everything that is due for a payment, in the caller's transaction.

    Nothing for money that paid no bill: it goes back and is nobody's revenue.
    """
    settled = await queries.find_settled(connection, payment_no=payment_no)
    if settled is None:
        return
    blue = await queries.find_blue(connection, payment_no=payment_no)
    if blue is None:
        await _issue(connection, issuer, settled, _draft(issuer, settled))
        blue = await queries.find_blue(connection, payment_no=payment_no)
    if blue is None:
        raise LookupError("a payment that has a number has its receipt")
    refunds = await queries.list_unanswered_refunds(connection, payment_no=payment_no)
    for refund in refunds:
        draft = _draft_red_letter(issuer, settled, blue, refund)
        await _issue(connection, issuer, settled, draft)


def _draft(issuer: Issuer, settled: SettledRow) -> Draft:
    receipt_id = new_id()
    return Draft(
        receipt_id=receipt_id,
        payment_no=settled.payment_no,
        bill_no=settled.bill_no,
        title=f"{settled.province_name or _NATION}非税收入统一票据（电子）",
        issuer_code=settled.department_code,
        issuer_name=cut(settled.department_name or settled.department_code, ROOM_FOR_NAME),
        service_code=settled.service_code,
        item_name=settled.service_name,
        basis=settled.basis,
        standard=settled.standard,
        quantity=1,
        amount_fen=settled.amount_fen,
        payer_sealed=seal_payer(issuer.vault, receipt_id, _payer(issuer, settled)),
        payer_code=settled.organisation_code,
    )


def _payer(issuer: Issuer, settled: SettledRow) -> str:
    """Who paid: the organisation whose case it is, else the citizen whose app it was. Whoever
    only typed a bill's number learns nothing of the person that it was written to."""
    if settled.organisation_name is not None:
        return cut(settled.organisation_name, ROOM_FOR_NAME)
    name = open_citizen_name(issuer.vault, settled.payer_id, settled.name_sealed)
    return cut(name or UNNAMED, ROOM_FOR_NAME)


def _draft_red_letter(
    issuer: Issuer, settled: SettledRow, blue: BlueRow, refund: RefundedRow
) -> Draft:
    """The same as the receipt, but for the amount; the name is the one printed there, whatever
    became of the person since."""
    receipt_id = new_id()
    payer = open_payer(issuer.vault, blue.receipt_id, blue.payer_sealed)
    return Draft(
        receipt_id=receipt_id,
        payment_no=settled.payment_no,
        bill_no=settled.bill_no,
        title=blue.title,
        issuer_code=blue.issuer_code,
        issuer_name=blue.issuer_name,
        service_code=blue.service_code,
        item_name=blue.item_name,
        basis=blue.basis,
        standard=blue.standard,
        quantity=blue.quantity,
        amount_fen=-refund.amount_fen,
        payer_sealed=seal_payer(issuer.vault, receipt_id, payer),
        payer_code=blue.payer_code,
        refund_no=refund.refund_no,
        reverses=blue.receipt_id,
    )


async def _issue(connection: Connection, issuer: Issuer, settled: SettledRow, draft: Draft) -> None:
    """Number it and keep it. Others wait for the number until the transaction ends: no more than
    this follows."""
    issued_at = datetime.now(CHINA).replace(microsecond=0)
    area, year = settled.region_code[:2], f"{issued_at:%y}"
    code = FiscalCode(area, RECEIPT_CLASS, RECEIPT_KIND, year)
    minted = await mint(connection, code, draft.subject)
    if minted.repeated:
        return
    await queries.add_receipt(
        connection,
        receipt_id=draft.receipt_id,
        code=minted.name.code,
        number=int(minted.name.number),
        check_characters=issuer.make_check(minted.name, issued_at.date(), draft.amount_fen),
        kind=draft.kind,
        payment_no=draft.payment_no,
        bill_no=draft.bill_no,
        refund_no=draft.refund_no,
        reverses=draft.reverses,
        title=draft.title,
        issuer_code=draft.issuer_code,
        issuer_name=draft.issuer_name,
        service_code=draft.service_code,
        item_name=draft.item_name,
        basis=draft.basis,
        standard=draft.standard,
        quantity=draft.quantity,
        amount_fen=draft.amount_fen,
        issued_at=issued_at,
        payer_sealed=draft.payer_sealed,
        payer_code=draft.payer_code,
    )
    await note(
        connection,
        actor="system",
        action=f"{draft.kind}.issued",
        subject=f"payment:{draft.payment_no}",
        details={
            "code": minted.name.code,
            "number": minted.name.number,
            "refund_no": draft.refund_no,
        },
    )
