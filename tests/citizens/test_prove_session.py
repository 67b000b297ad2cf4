"""The proof of a citizen costs nothing on the way of every request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from api.citizens.prove_session import CitizenProver
from api.database import open_database
from api.errors import Forbidden, Unauthorized
from api.sessions import Tokens, open_revocations, open_session
from api.settings import Settings
from tests.citizens.builders import sign_in
from tests.gateways import SimulatedGateway
from tests.kit.test_sessions import until


class Request:
    """Of a request only its headers."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers


async def test_a_citizen_is_proven_without_a_database(settings: Settings) -> None:
    database = await open_database(settings.database_url, settings)
    tokens = Tokens(settings.secret_key.encode())
    revocations = open_revocations(settings, database)
    async with database.transaction() as connection:
        claims = await open_session(connection, kind="citizen", subject="c" * 32, seconds=60)
    await until(lambda: revocations.hears)
    # From here on whoever asks the database is refused.
    await database.close()
    prover = CitizenProver(database, tokens, revocations)
    request: Any = Request(authorization=f"Bearer {tokens.sign(claims)}")
    caller = await prover.prove(request)
    assert (caller.kind, caller.owner, caller.session_id) == (
        "citizen",
        "c" * 32,
        claims.session_id,
    )
    await revocations.close()


async def test_a_clerks_token_proves_no_citizen(settings: Settings) -> None:
    database = await open_database(settings.database_url, settings)
    tokens = Tokens(settings.secret_key.encode())
    revocations = open_revocations(settings, database)
    async with database.transaction() as connection:
        claims = await open_session(connection, kind="clerk", subject="wang", seconds=60)
    prover = CitizenProver(database, tokens, revocations)
    request: Any = Request(authorization=f"Bearer {tokens.sign(claims)}")
    with pytest.raises(Unauthorized):
        await prover.prove(request)
    await revocations.close()
    await database.close()


async def test_acting_for_oneself_needs_no_header_and_gets_none(
    citizens_client: httpx.AsyncClient,
    citizens_settings: Settings,
    wechat_gateway: SimulatedGateway,
) -> None:
    person = await sign_in(citizens_client, wechat_gateway)
    database = await open_database(citizens_settings.database_url, citizens_settings)
    revocations = open_revocations(citizens_settings, database)
    prover = CitizenProver(database, Tokens(citizens_settings.secret_key.encode()), revocations)
    request: Any = Request(
        authorization=f"Bearer {person.token}", **{"x-on-behalf-of": person.citizen_id}
    )
    with pytest.raises(Forbidden):
        await prover.prove(request)
    await revocations.close()
    await database.close()
