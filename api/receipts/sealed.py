"""Where the payer's name stands, sealed, in one spelling."""

from __future__ import annotations

from api.vault import Vault

# An app account that was never verified has no name that we know.
UNNAMED = "未实名缴款人"


def seal_payer(vault: Vault, receipt_id: str, payer: str) -> bytes:
    """A payer's name, for `receipt_payers.payer_sealed`."""
    return vault.seal(payer, table="receipt_payers", column="payer_sealed", row=receipt_id)


def open_payer(vault: Vault, receipt_id: str, sealed: bytes) -> str:
    """The name as it was when the receipt was issued."""
    return vault.open_text(sealed, table="receipt_payers", column="payer_sealed", row=receipt_id)


def open_citizen_name(vault: Vault, citizen_id: str | None, sealed: bytes | None) -> str | None:
    """A citizen's name as their record has it; None where it has none."""
    if citizen_id is None or sealed is None:
        return None
    return vault.open_text(sealed, table="citizens", column="name_sealed", row=citizen_id)
