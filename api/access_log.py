"""Who read whose personal data, and for what (个人信息保护法 §§45, 54): the citizen can read it.

A note is written in the transaction that reads, so that no reading goes unnoted. It says
who and why, never what was read. Kept for `KEPT_DAYS`.
"""

from __future__ import annotations

from api.statements import Connection, Statements

# Six months at least (网络安全法 §21); more than a year, for what is noticed late.
KEPT_DAYS = 400

_statements = Statements("access_log")
_add_access = _statements.execute("add_access")
_forget_access = _statements.execute("forget_access")


async def note_access(
    connection: Connection, citizen_id: str, actor: str, purpose: str, what: str
) -> None:
    """Note one reading. `actor` as `Caller.actor` gives it; `what` names fields, not values."""
    await _add_access(connection, citizen_id=citizen_id, actor=actor, purpose=purpose, what=what)


async def forget_access(connection: Connection) -> None:
    """Delete notes older than `KEPT_DAYS`. For the timetable."""
    await _forget_access(connection, days=KEPT_DAYS)
