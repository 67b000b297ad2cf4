"""An application is taken back by whoever made it."""

from __future__ import annotations

from api.cases.decide_move import Move
from api.cases.intake.hand_in import Desk, lock_case
from api.cases.intake.schemas import WithdrawalBody
from api.cases.move_case import move_case
from api.privacy import mask_text
from api.statements import Connection


async def withdraw_case(
    connection: Connection, desk: Desk, case_no: str, body: WithdrawalBody
) -> None:
    """Withdraw; one that was withdrawn stays so. Raises NotFound and InvalidMove (too late)."""
    row = await lock_case(connection, desk, case_no)
    if row.status == "withdrawn":
        return
    move = Move(event_type="withdrawn", actor=desk.caller.actor, reason=mask_text(body.reason))
    await move_case(connection, case_no, move)
