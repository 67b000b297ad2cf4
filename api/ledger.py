"""The ledger beneath all money: double entry, append-only, in whole fen.

An `Entry` is a list of lines that sum to zero: above zero is debit, below zero credit.
`post` writes it in the caller's transaction, so neither is without the other. Kind and
reference name the event (`payment.succeeded`, its payment number): the same again is
silence, the same with other lines is refused. Nothing is ever changed or taken out:
`reverse` adds what compensates. The tables hold all this by themselves, against any
writer: see `sql/migrations/20261122001100_ledger.sql`.

Every line has a subject, what the money is about, such as a bill. Accounts of some
kinds have a floor for each subject: nobody pays more than was assessed, no more is
refunded than the treasury took, no more leaves suspense than came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from api.statements import Connection, Statements

MOST_LINES = 100
MOST_FEN = 10**13
"""The most of one line: 100 thousand million yuan."""

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


class LedgerRefused(Exception):
    """The entry was not posted, and nothing of it is left in the caller's transaction."""


class EntryWrong(LedgerRefused, ValueError):
    """The entry is none: no lines, not balanced, an amount that is no whole number of fen."""


class EntryDiffers(LedgerRefused):
    """The kind and reference are known with other lines: the same name for two events."""


class EntryUnknown(LedgerRefused):
    """There is no entry to reverse."""


class AlreadyReversed(LedgerRefused):
    """The entry was reversed under another reference, or is a reversal itself."""


class FloorBroken(LedgerRefused):
    """A subject's balance would cross zero; `breaches` says where."""

    def __init__(self, breaches: list[Breach]) -> None:
        super().__init__(f"{len(breaches)} balances would cross zero")
        self.breaches = breaches


class Account(Struct, frozen=True):
    """An account by kind and name; it is opened by the first entry that names it."""

    kind: AccountKind
    name: str


class Line(Struct, frozen=True):
    """`amount_fen` above zero is debit, below zero credit; never zero, never a float."""

    account: Account
    subject: str
    amount_fen: int


class Entry(Struct, frozen=True):
    """One event of money. `occurred_at` is the event's own time, with its offset."""

    kind: str
    reference: str
    occurred_at: datetime
    lines: tuple[Line, ...]
    currency: str = "CNY"


class Posted(Struct, frozen=True):
    """`repeated`: it was there already, exactly so."""

    entry_id: int
    repeated: bool


class KeptEntry(Struct, frozen=True):
    """An entry as it stands; `reverses` names the entry that it compensates."""

    entry_id: int
    kind: str
    reference: str
    currency: str
    reverses: int | None
    occurred_at: datetime


class Breach(Struct, frozen=True):
    """A balance that is too small for what was asked of it; in fen, debit above zero."""

    kind: AccountKind
    name: str
    subject: str
    balance_fen: int


class Difference(Struct, frozen=True):
    """Where a projection is not the sum of its lines; no subject: the whole account."""

    kind: AccountKind
    name: str
    currency: str
    subject: str | None
    true_fen: int
    projected_fen: int


class _KeptLine(Struct, frozen=True):
    kind: AccountKind
    name: str
    subject: str
    amount_fen: int


_statements = Statements("ledger")
_insert_entry = _statements.value("insert_entry", int)
_find_entry = _statements.optional("find_entry", KeptEntry)
read_entry = _statements.optional("read_entry", KeptEntry)
_list_lines = _statements.many("list_lines", _KeptLine)
_open_accounts = _statements.execute("open_accounts")
_list_breaches = _statements.many("list_breaches", Breach)
_insert_lines = _statements.execute("insert_lines")
_sum_account = _statements.value("sum_account", int)
_sum_subject = _statements.value("sum_subject", int)
sum_everything = _statements.value("sum_everything", int)
_list_differences = _statements.many("list_differences", Difference)
_stop_posting = _statements.execute("stop_posting")
_forget_balances = _statements.execute("forget_balances")
_forget_subject_balances = _statements.execute("forget_subject_balances")
_project_balances = _statements.execute("project_balances")
_project_subject_balances = _statements.execute("project_subject_balances")


def receivable(bill_no: str) -> Account:
    """What is still owed for a bill."""
    return Account("receivable", bill_no)


def assessed(department_code: str, basis: str) -> Account:
    """What a department has asked for on a basis and nobody has paid yet."""
    return Account("assessed", f"{department_code}/{basis}")


def clearing(channel: str, merchant_id: str) -> Account:
    """What a channel holds for a merchant number."""
    return Account("clearing", f"{channel}/{merchant_id}")


def treasury(department_code: str, basis: str) -> Account:
    """What a department has taken on a basis, less what it has promised back."""
    return Account("treasury", f"{department_code}/{basis}")


def refunds_payable(channel: str, merchant_id: str) -> Account:
    """What was promised back through a channel and has not been sent."""
    return Account("refunds_payable", f"{channel}/{merchant_id}")


def suspense(channel: str, merchant_id: str) -> Account:
    """Money that came in and belongs to no open bill, until somebody sees to it."""
    return Account("suspense", f"{channel}/{merchant_id}")


async def post(connection: Connection, entry: Entry) -> Posted:
    """Post an entry in the caller's transaction; a transaction of its own where there is none.

    Raises EntryWrong, EntryDiffers and FloorBroken, each with nothing of the entry left and
    the caller's transaction as it was. Of equal entries posted at once, one is posted; the
    others wait for its commit and find it.
    """
    _demand_sound(entry)
    return await _write(connection, entry, None)


async def reverse(
    connection: Connection, entry_id: int, *, reference: str, occurred_at: datetime
) -> Posted:
    """Compensate an entry by one of the kind `reversal` that names it; once.

    The same reference again is silence. Raises EntryUnknown, AlreadyReversed, EntryDiffers,
    and FloorBroken where later entries stand on it.
    """
    kept = await read_entry(connection, entry_id=entry_id)
    if kept is None:
        raise EntryUnknown(str(entry_id))
    if kept.reverses is not None:
        raise AlreadyReversed(str(entry_id))
    lines = await list_lines(connection, entry_id=entry_id)
    opposite = tuple(Line(line.account, line.subject, -line.amount_fen) for line in lines)
    entry = Entry("reversal", reference, occurred_at, opposite, kept.currency)
    _demand_sound(entry)
    return await _write(connection, entry, entry_id)


async def list_lines(connection: Connection, *, entry_id: int) -> list[Line]:
    """The lines of an entry, in their order."""
    kept = await _list_lines(connection, entry_id=entry_id)
    return [Line(Account(line.kind, line.name), line.subject, line.amount_fen) for line in kept]


async def balance(connection: Connection, account: Account, *, currency: str = "CNY") -> int:
    """The balance in fen, debit above zero; 0 for an account that nobody opened."""
    found = await _sum_account(connection, kind=account.kind, name=account.name, currency=currency)
    return found or 0


async def balance_of_subject(
    connection: Connection, account: Account, subject: str, *, currency: str = "CNY"
) -> int:
    """What an account holds for one subject, in fen, debit above zero."""
    found = await _sum_subject(
        connection, kind=account.kind, name=account.name, currency=currency, subject=subject
    )
    return found or 0


async def compare_projection(connection: Connection) -> list[Difference]:
    """Every balance that is not the sum of its lines; reads all lines, disturbs nobody."""
    return await _list_differences(connection)


async def rebuild_projection(connection: Connection) -> None:
    """Make the balances anew from the lines. Posting waits meanwhile; reading does not."""
    async with connection.transaction():
        await _stop_posting(connection)
        await _forget_balances(connection)
        await _forget_subject_balances(connection)
        await _project_balances(connection)
        await _project_subject_balances(connection)


async def _write(connection: Connection, entry: Entry, reverses: int | None) -> Posted:
    # A savepoint inside a transaction: what is refused leaves nothing.
    async with connection.transaction():
        entry_id = await _insert_entry(
            connection,
            kind=entry.kind,
            reference=entry.reference,
            currency=entry.currency,
            line_count=len(entry.lines),
            reverses=reverses,
            occurred_at=entry.occurred_at,
        )
        if entry_id is None:
            return await _recognise(connection, entry, reverses)
        await _write_lines(connection, entry_id, entry)
    return Posted(entry_id, repeated=False)


async def _write_lines(connection: Connection, entry_id: int, entry: Entry) -> None:
    kinds = [line.account.kind for line in entry.lines]
    names = [line.account.name for line in entry.lines]
    subjects = [line.subject for line in entry.lines]
    amounts = [line.amount_fen for line in entry.lines]
    await _open_accounts(connection, kinds=kinds, names=names, currency=entry.currency)
    breaches = await _list_breaches(
        connection,
        kinds=kinds,
        names=names,
        subjects=subjects,
        amounts=amounts,
        currency=entry.currency,
    )
    if breaches:
        raise FloorBroken(breaches)
    await _insert_lines(
        connection,
        entry_id=entry_id,
        kinds=kinds,
        names=names,
        subjects=subjects,
        amounts=amounts,
        currency=entry.currency,
    )


async def _recognise(connection: Connection, entry: Entry, reverses: int | None) -> Posted:
    """The entry of this kind and reference, if it is this one."""
    kept = await _find_entry(connection, kind=entry.kind, reference=entry.reference)
    if kept is None:
        raise AlreadyReversed(str(reverses))
    lines = await list_lines(connection, entry_id=kept.entry_id)
    if (kept.currency, kept.reverses, _key(lines)) != (entry.currency, reverses, _key(entry.lines)):
        raise EntryDiffers(f"{entry.kind} {entry.reference}")
    # Its time may differ: a notice and a query tell the same event with clocks of their own.
    return Posted(kept.entry_id, repeated=True)


def _key(lines: Sequence[Line]) -> list[tuple[str, str, str, int]]:
    return sorted((x.account.kind, x.account.name, x.subject, x.amount_fen) for x in lines)


def _demand_sound(entry: Entry) -> None:
    """Say early and in words what the tables would refuse at commit."""
    if not 2 <= len(entry.lines) <= MOST_LINES:
        raise EntryWrong(f"{len(entry.lines)} lines")
    for line in entry.lines:
        # Exactly int: True is an int to Python, and 100.0 equals 100.
        if type(line.amount_fen) is not int or not 0 < abs(line.amount_fen) <= MOST_FEN:
            raise EntryWrong("an amount is no whole number of fen within bounds")
    if sum(line.amount_fen for line in entry.lines):
        raise EntryWrong("debits and credits differ")
    if entry.occurred_at.tzinfo is None:
        raise EntryWrong("the time has no offset")
