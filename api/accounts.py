"""The accounts of the ledger, by kind and name."""

from __future__ import annotations

import hashlib
from typing import Literal

from msgspec import Struct

MOST_BASIS = 100
"""So many characters of a basis are in an account's name."""

AccountKind = Literal[
    "receivable",  # debit: what a person still owes; floor
    "assessed",  # credit: what was asked for and is not yet paid; floor
    "clearing",  # debit: what a channel holds for a merchant
    "treasury",  # credit: what a department took on a basis; floor
    "refunds_payable",  # credit: what was promised back and not yet sent; floor
    "suspense",  # credit: money that came and fits no bill; floor
    "bank",  # debit: what a channel has handed over
    "fees",  # debit: what a channel kept for itself
]


class Account(Struct, frozen=True):
    """An account by kind and name; it is opened by the first entry that names it."""

    kind: AccountKind
    name: str


def receivable(department_code: str, basis: str | None) -> Account:
    """What is still owed to a department on a basis."""
    return Account("receivable", _department(department_code, basis))


def assessed(department_code: str, basis: str | None) -> Account:
    """What a department has asked for on a basis and nobody has paid yet."""
    return Account("assessed", _department(department_code, basis))


def treasury(department_code: str, basis: str | None) -> Account:
    """What a department has taken on a basis, less what it has promised back."""
    return Account("treasury", _department(department_code, basis))


def clearing(channel: str, merchant_id: str) -> Account:
    """What a channel holds for a merchant number."""
    return Account("clearing", f"{channel}/{merchant_id}")


def refunds_payable(channel: str, merchant_id: str) -> Account:
    """What was promised back through a channel and has not been sent."""
    return Account("refunds_payable", f"{channel}/{merchant_id}")


def suspense(channel: str, merchant_id: str) -> Account:
    """Money that came in and belongs to no open bill, until somebody sees to it."""
    return Account("suspense", f"{channel}/{merchant_id}")


def _department(department_code: str, basis: str | None) -> str:
    """A basis is a code or the words of a law: long ones are cut, and told apart by a digest."""
    words = basis or "-"
    if len(words) > MOST_BASIS:
        mark = hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
        words = f"{words[:MOST_BASIS]}#{mark}"
    return f"{department_code}/{words}"
