"""Proves a citizen by their token; and an agent by the written authority of the principal."""

from __future__ import annotations

from api.access import Authority, Caller, Connection, bearer_token
from api.citizens import queries
from api.database import Database
from api.errors import Forbidden
from api.sessions import Revocations, Tokens

ON_BEHALF_OF = "x-on-behalf-of"
_ID_LENGTH = 32


class CitizenProver:
    """No I/O for a citizen's own calls while revocations are heard; one read for an agent's."""

    def __init__(self, database: Database, tokens: Tokens, revocations: Revocations) -> None:
        self._database = database
        self._tokens = tokens
        self._revocations = revocations

    async def prove(self, connection: Connection) -> Caller:
        """Raises Unauthorized for the token, Forbidden for an authority that is not in force."""
        claims = self._tokens.read(bearer_token(connection), "citizen")
        await self._revocations.demand_live(claims)
        principal = connection.headers.get(ON_BEHALF_OF)
        if principal is None:
            return Caller(
                "citizen",
                claims.subject,
                session_id=claims.session_id,
                channel=claims.channel,
            )
        authority = await self._find_authority(claims.subject, principal)
        return Caller("citizen", principal, session_id=claims.session_id, authority=authority)

    async def _find_authority(self, agent_id: str, principal_id: str) -> Authority:
        if len(principal_id) != _ID_LENGTH or not principal_id.isalnum():
            raise _no_authority()
        row = await self._database.read(
            lambda c: queries.find_authority_in_force(
                c, principal_id=principal_id, agent_id=agent_id
            )
        )
        if row is None:
            raise _no_authority()
        return Authority(
            row.authority_id, row.agent_id, frozenset(row.scopes), frozenset(row.service_codes)
        )


def _no_authority() -> Forbidden:
    return Forbidden(
        "您没有此人的有效代办授权。", "You hold no authority in force from that person."
    )
