"""Proves a clerk: the token's signature, then the session, which PostgreSQL knows alone."""

from __future__ import annotations

from api.access import Caller, Connection, bearer_token
from api.clerks import queries
from api.clerks.rows import SessionRow
from api.database import Database
from api.errors import Unauthorized
from api.sessions import Tokens
from api.settings import Settings


class ClerkProver:
    """Asks PostgreSQL on every call: clerks are few, and their rights may end at any moment."""

    def __init__(self, database: Database, tokens: Tokens, settings: Settings) -> None:
        self._database = database
        self._tokens = tokens
        self._idle_minutes = settings.clerk_idle_minutes

    async def prove(self, connection: Connection) -> Caller:
        """Raises Unauthorized for a wrong token and for a session that has ended or idled out."""
        claims = self._tokens.read(bearer_token(connection), "clerk")
        row = await self._find(claims.session_id)
        if row is None:
            raise Unauthorized("登录已失效，请重新登录。", "The session has ended. Sign in again.")
        return Caller(
            "clerk",
            row.user_name,
            session_id=claims.session_id,
            roles=frozenset(row.roles),
            service_prefixes=tuple(row.service_prefixes),
            region_prefixes=tuple(row.region_prefixes),
        )

    async def _find(self, session_id: str) -> SessionRow | None:
        async with self._database.connection() as connection:
            row = await queries.find_session(
                connection, session_id=session_id, idle_minutes=self._idle_minutes
            )
            if row is not None and row.due:
                await queries.see_session(connection, session_id=session_id)
        return row
