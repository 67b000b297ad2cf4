"""Payments that are settled, and refunds that have gone out, put there as they would stand."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from api.database import Database
from api.kinds import new_id
from api.receipts.issue_receipts import Issuer, issue_due
from api.vault import Vault

FEE_FEN = 2000
DEPARTMENT = "11440106DM1GL9LR58"
NAME = "测试甲"


class Desk(Struct, frozen=True):
    """A database with its tools."""

    database: Database
    vault: Vault
    issuer: Issuer

    async def citizen(self, name: str | None = NAME) -> str:
        citizen_id = new_id()
        sealed = None
        if name is not None:
            sealed = self.vault.seal(name, table="citizens", column="name_sealed", row=citizen_id)
        await self.run(
            "insert into citizens (citizen_id, name_sealed) values ($1, $2)", citizen_id, sealed
        )
        return citizen_id

    async def paid(
        self,
        citizen_id: str | None = None,
        *,
        amount_fen: int = FEE_FEN,
        case_no: str | None = None,
        in_vain: bool = False,
        region_code: str = "440106000000",
    ) -> str:
        """A paid bill; gives the number of its payment, or of a second one that came in vain."""
        payment_no, bill_no = new_id(), f"{secrets.randbelow(10**20):020d}"
        owner = citizen_id or await self.citizen()
        await self.run(
            "insert into bills (bill_no, origin, citizen_id, case_no, service_code, service_name,"
            " region_code, department_code, amount_fen, basis, standard, status, payment_no,"
            " due_on) values ($1, 'platform', $2, $3, $4, '居民身份证补领', $5, $6, $7,"
            " '收费依据第一条', '每件20元', 'paid', $8, current_date)",
            *(bill_no, owner, case_no, f"{DEPARTMENT}4440701003000", region_code, DEPARTMENT),
            *(amount_fen, new_id() if in_vain else payment_no),
        )
        await self.run(
            "insert into payments (payment_no, bill_no, citizen_id, channel, link_id, description,"
            " amount_fen, status, expires_at, paid_at)"
            " values ($1, $2, $3, 'wechat', 'l', '事项', $4, 'succeeded', now(), now())",
            *(payment_no, bill_no, owner, amount_fen),
        )
        return payment_no

    async def refunded(self, payment_no: str, amount_fen: int, status: str = "succeeded") -> str:
        refund_no = new_id()
        await self.run(
            "insert into refunds (refund_no, payment_no, amount_fen, reason, status, succeeded_at)"
            " values ($1, $2, $3, '退费', $4, case when $4 = 'succeeded' then now() end)",
            *(refund_no, payment_no, amount_fen, status),
        )
        return refund_no

    async def issue(self, payment_no: str) -> None:
        """What both facts lead to."""
        await self.database.decide(lambda c: issue_due(c, self.issuer, payment_no))

    async def receipts(self, payment_no: str) -> list[dict[str, Any]]:
        """In the order of their numbers."""
        return await self.rows(
            "select r.*, w.payer_sealed, w.payer_code from receipts r"
            " join receipt_payers w using (receipt_id)"
            " where r.payment_no = $1 order by r.code, r.number",
            payment_no,
        )

    async def run(self, statement: str, *given: Any) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(statement, *given)

    async def rows(self, query: str, *given: Any) -> list[dict[str, Any]]:
        async with self.database.connection() as connection:
            return [dict(row) for row in await connection.fetch(query, *given)]


def amounts(receipts: Sequence[dict[str, Any]]) -> list[int]:
    return [row["amount_fen"] for row in receipts]
