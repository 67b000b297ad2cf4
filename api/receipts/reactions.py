"""Receipts follow the facts about money."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from api.database import Database
from api.facts import PaymentRefunded, PaymentSettled
from api.receipts.issue_receipts import issue_due, open_issuer
from api.settings import Settings
from api.vault import Vault


def issue_when_paid(
    settings: Settings, database: Database, vault: Vault
) -> Callable[[PaymentSettled], Awaitable[None]]:
    """A bill was paid: whoever paid gets a receipt."""
    issuer = open_issuer(settings, vault)

    async def issue_receipt_when_paid(fact: PaymentSettled) -> None:
        await database.decide(lambda c: issue_due(c, issuer, fact.payment_no))

    return issue_receipt_when_paid


def issue_when_refunded(
    settings: Settings, database: Database, vault: Vault
) -> Callable[[PaymentRefunded], Awaitable[None]]:
    """Money went back: the receipt is answered in red letters, and issued before where this
    fact overtook the payment's."""
    issuer = open_issuer(settings, vault)

    async def issue_red_letter_when_refunded(fact: PaymentRefunded) -> None:
        await database.decide(lambda c: issue_due(c, issuer, fact.payment_no))

    return issue_red_letter_when_refunded
