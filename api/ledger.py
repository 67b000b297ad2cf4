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

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from api.accounts import Account as Account
from api.accounts import AccountKind as AccountKind
from api.accounts import assessed as assessed
from api.accounts import clearing as clearing
from api.accounts import receivable as receivable
from api.accounts import refunds_payable as refunds_payable
from api.accounts import suspense as suspense
from api.accounts import treasury as treasury
from api.statements import Connection, Statements

MOST_LINES = 100
MOST_FEN = 10**13
"""The most of one line: 100 thousand million yuan."""


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


class _Inserted(Struct, frozen=True):
    entry_id: int
    kind: str
    reference: str


class _Opened(Struct, frozen=True):
    account_id: int
    kind: AccountKind
    name: str
    currency: str
    floor: int


class _Held(Struct, frozen=True):
    account_id: int
    subject: str
    balance_fen: int


class _Asked(Struct, frozen=True):
    entry: Entry
    reverses: int | None = None

    @property
    def name(self) -> tuple[str, str]:
        return self.entry.kind, self.entry.reference


class _KeptLine(Struct, frozen=True):
    kind: AccountKind
    name: str
    subject: str
    amount_fen: int


_statements = Statements("ledger")
_insert_entries = _statements.many("insert_entries", _Inserted)
find_entry = _statements.optional("find_entry", KeptEntry)
read_entry = _statements.optional("read_entry", KeptEntry)
_list_lines = _statements.many("list_lines", _KeptLine)
_find_accounts = _statements.many("find_accounts", _Opened)
_open_accounts = _statements.execute("open_accounts")
_hold_balances = _statements.many("hold_balances", _Held)
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


async def post(connection: Connection, entry: Entry) -> Posted:
    """Post an entry in the caller's transaction; a transaction of its own where there is none.

    Raises EntryWrong, EntryDiffers and FloorBroken, each with nothing of the entry left and
    the caller's transaction as it was. Of equal entries posted at once, one is posted; the
    others wait for its commit and find it.
    """
    return (await post_many(connection, [entry]))[0]


async def post_many(connection: Connection, entries: Sequence[Entry]) -> list[Posted]:
    """Post entries, in their order, by a handful of statements; what became of each.

    All or none: raises as `post` does, for the first that is refused. An entry that stands
    twice among them is posted once.
    """
    return await _write(connection, [_Asked(entry) for entry in entries])


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
    return (await _write(connection, [_Asked(entry, entry_id)]))[0]


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


async def _write(connection: Connection, asked: Sequence[_Asked]) -> list[Posted]:
    distinct: dict[tuple[str, str], _Asked] = {}
    for each in asked:
        _demand_sound(each.entry)
        first = distinct.setdefault(each.name, each)
        if _words(first) != _words(each):
            raise EntryDiffers(f"{each.entry.kind} {each.entry.reference}")
    # A savepoint inside a transaction: what is refused leaves nothing.
    async with connection.transaction():
        ids = await _insert(connection, list(distinct.values()))
        fresh = [(ids[name], each.entry) for name, each in distinct.items() if name in ids]
        known = {
            name: await _recognise(connection, each.entry, each.reverses)
            for name, each in distinct.items()
            if name not in ids
        }
        if fresh:
            await _write_lines(connection, fresh)
    answers = []
    for each in asked:
        answers.append(known.get(each.name) or Posted(ids[each.name], repeated=False))
        # The next of this name repeats it.
        known.setdefault(each.name, Posted(answers[-1].entry_id, repeated=True))
    return answers


async def _insert(connection: Connection, asked: Sequence[_Asked]) -> dict[tuple[str, str], int]:
    inserted = await _insert_entries(
        connection,
        kinds=[each.entry.kind for each in asked],
        names=[each.entry.reference for each in asked],
        currencies=[each.entry.currency for each in asked],
        line_counts=[len(each.entry.lines) for each in asked],
        reverses=[each.reverses for each in asked],
        moments=[each.entry.occurred_at for each in asked],
    )
    return {(row.kind, row.reference): row.entry_id for row in inserted}


async def _write_lines(connection: Connection, entries: Sequence[tuple[int, Entry]]) -> None:
    lines = [
        (entry_id, number, entry.currency, line)
        for entry_id, entry in entries
        for number, line in enumerate(entry.lines, 1)
    ]
    names = {(line.account, currency) for _, _, currency, line in lines}
    accounts = await _open(connection, sorted(names, key=_name_of))
    places = [(accounts[line.account, currency], line) for _, _, currency, line in lines]
    floors = sorted({(a.account_id, line.subject) for a, line in places if a.floor})
    held = await _hold_balances(
        connection, account_ids=[a for a, _ in floors], subjects=[s for _, s in floors]
    )
    _demand_floors([entry for _, entry in entries], accounts, held)
    await _insert_lines(
        connection,
        entry_ids=[entry_id for entry_id, *_ in lines],
        line_nos=[number for _, number, *_ in lines],
        account_ids=[account.account_id for account, _ in places],
        currencies=[currency for _, _, currency, _ in lines],
        subjects=[line.subject for _, line in places],
        amounts=[line.amount_fen for _, line in places],
    )


def _name_of(named: tuple[Account, str]) -> tuple[str, str, str]:
    account, currency = named
    return account.kind, account.name, currency


async def _open(
    connection: Connection, names: Sequence[tuple[Account, str]]
) -> dict[tuple[Account, str], _Opened]:
    """The accounts of these names; who is named first is opened."""
    given = {
        "kinds": [account.kind for account, _ in names],
        "names": [account.name for account, _ in names],
        "currencies": [currency for _, currency in names],
    }
    found = await _find_accounts(connection, **given)
    if len(found) < len(names):
        await _open_accounts(connection, **given)
        found = await _find_accounts(connection, **given)
    return {(Account(row.kind, row.name), row.currency): row for row in found}


def _demand_floors(
    entries: Sequence[Entry],
    accounts: Mapping[tuple[Account, str], _Opened],
    held: Sequence[_Held],
) -> None:
    """Each entry on what those before it leave. Raises FloorBroken."""
    balances: dict[tuple[int, str], int] = defaultdict(int)
    balances.update({(row.account_id, row.subject): row.balance_fen for row in held})
    for entry in entries:
        changes: dict[tuple[Account, str], int] = defaultdict(int)
        for line in entry.lines:
            changes[line.account, line.subject] += line.amount_fen
        breaches = []
        for (account, subject), change in changes.items():
            opened = accounts[account, entry.currency]
            place = opened.account_id, subject
            before = balances[place]
            balances[place] = before + change
            if balances[place] * opened.floor < 0:
                breaches.append(Breach(account.kind, account.name, subject, before))
        if breaches:
            raise FloorBroken(breaches)


async def _recognise(connection: Connection, entry: Entry, reverses: int | None) -> Posted:
    """The entry of this kind and reference, if it is this one."""
    kept = await find_entry(connection, kind=entry.kind, reference=entry.reference)
    if kept is None:
        raise AlreadyReversed(str(reverses))
    lines = await list_lines(connection, entry_id=kept.entry_id)
    if (kept.currency, kept.reverses, _key(lines)) != (entry.currency, reverses, _key(entry.lines)):
        raise EntryDiffers(f"{entry.kind} {entry.reference}")
    # Its time may differ: a notice and a query tell the same event with clocks of their own.
    return Posted(kept.entry_id, repeated=True)


def _words(asked: _Asked) -> tuple[str, int | None, list[tuple[str, str, str, int]]]:
    return asked.entry.currency, asked.reverses, _key(asked.entry.lines)


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
