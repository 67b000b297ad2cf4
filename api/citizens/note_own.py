"""What citizens change about themselves, on the audit trail: that it was, never to what."""

from __future__ import annotations

from api.audit import note
from api.statements import Connection


async def note_own(connection: Connection, citizen_id: str, what: str, **details: str) -> None:
    """An entry in the transaction of the change; `details` are keys and levels only."""
    who = f"citizen:{citizen_id}"
    await note(connection, actor=who, action=f"citizen.{what}", subject=who, details=details)
