"""A cashier settles a difference: what they found out about it stands beside it for good."""

from __future__ import annotations

from api.access import Caller
from api.audit import note
from api.payments.reconciliation import queries
from api.payments.reconciliation.rows import DifferenceRow
from api.payments.reconciliation.show_differences import no_such_difference, rights_of
from api.payments.refusals import NothingWaiting
from api.statements import Connection


async def resolve_difference(
    connection: Connection, caller: Caller, difference_id: int, words: str
) -> DifferenceRow:
    """The same words again are silence. Raises NotFound, NothingWaiting."""
    found = await _find(connection, caller, difference_id)
    # A run that is matching the day now would not see what is written here.
    await queries.wait_for_channel(connection, channel=found.channel)
    resolved = await queries.resolve_difference(
        connection, difference_id=difference_id, note=words, resolved_by=caller.owner
    )
    now = await _find(connection, caller, difference_id)
    if not resolved:
        if (now.status, now.note, now.resolved_by) == ("resolved", words, caller.owner):
            return now
        raise NothingWaiting()
    await queries.settle_day(connection, channel=now.channel, day=now.day)
    await note(
        connection,
        actor=caller.actor,
        action="reconciliation.resolved",
        subject=f"difference:{difference_id}",
        details={"cause": now.cause, "gap_fen": now.gap_fen, "from": found.status},
    )
    return now


async def _find(connection: Connection, caller: Caller, difference_id: int) -> DifferenceRow:
    row = await queries.find_difference(
        connection, difference_id=difference_id, **rights_of(caller)
    )
    if row is None:
        raise no_such_difference()
    return row
