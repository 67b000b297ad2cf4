"""Sessions: tokens read strictly, signed out is signed out in every process at once."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import pytest

from api.database import Database, open_connection, open_database
from api.errors import Unauthorized
from api.sessions import (
    Revocations,
    TokenClaims,
    Tokens,
    open_revocations,
    open_session,
    revoke_session,
    revoke_sessions_of,
)
from api.settings import Settings

TOKENS = Tokens(b"a test's key, at least 32 characters long")
CLAIMS = TokenClaims("citizen", "5" * 32, "c" * 32, int(time.time()) + 3600, "wechat")


def test_a_token_says_what_was_signed() -> None:
    token = TOKENS.sign(CLAIMS)
    assert TOKENS.read(token) == CLAIMS
    assert TOKENS.read(token, "citizen") == CLAIMS
    assert token.isascii()
    assert len(token) < 250


def test_no_altered_character_goes_unseen() -> None:
    token = TOKENS.sign(CLAIMS)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(Unauthorized):
            TOKENS.read(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a", "a.b", "None.None", "x" * 5000, "甲.乙", "\x00.\x00", "a.b.c"],
)
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(Unauthorized):
        TOKENS.read(token)


def test_another_spelling_of_the_same_bytes_is_refused() -> None:
    payload, _, signature = TOKENS.sign(CLAIMS).partition(".")
    for spelled in (
        f"{payload}=.{signature}",
        f"{payload}.{signature}=",
        f"{payload}.{signature} ",
    ):
        with pytest.raises(Unauthorized):
            TOKENS.read(spelled)


def test_a_token_ends_when_it_says() -> None:
    over = TokenClaims("citizen", "5" * 32, "c" * 32, int(time.time()) - 1)
    with pytest.raises(Unauthorized):
        TOKENS.read(TOKENS.sign(over))


def test_a_citizens_token_is_no_clerks() -> None:
    with pytest.raises(Unauthorized):
        TOKENS.read(TOKENS.sign(CLAIMS), "clerk")


def test_a_token_of_another_key_is_refused() -> None:
    with pytest.raises(Unauthorized):
        TOKENS.read(Tokens(b"another key, also of at least 32 bytes").sign(CLAIMS))


def test_a_signature_of_something_that_is_no_claims_is_refused() -> None:
    payload = base64.urlsafe_b64encode(b"\x93\x01\x02\x03").rstrip(b"=").decode()
    signature = TOKENS._signature(payload)
    token = f"{payload}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    with pytest.raises(Unauthorized):
        TOKENS.read(token)


@pytest.fixture
async def elsewhere(settings: Settings) -> AsyncIterator[Revocations]:
    """The list of another process, with connections of its own."""
    database = await open_database(settings.database_url, settings)
    revocations = open_revocations(settings, database)
    await until(lambda: revocations.hears)
    yield revocations
    await revocations.close()
    await database.close()


async def until(true: Callable[[], bool], seconds: float = 10) -> float:
    """Wait for something to be so; gives how long it took in seconds."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds
        await asyncio.sleep(0.001)
    return time.monotonic() - began


def known(revocations: Revocations, claims: TokenClaims) -> bool:
    return claims.session_id in revocations._ended


async def signed_in(database: Database, subject: str = "c" * 32) -> TokenClaims:
    async with database.transaction() as connection:
        return await open_session(connection, kind="citizen", subject=subject, seconds=3600)


async def test_signing_out_is_known_elsewhere_at_once(
    database: Database, elsewhere: Revocations
) -> None:
    waits = []
    for _ in range(21):
        claims = await signed_in(database)
        await elsewhere.demand_live(claims)
        async with database.transaction() as connection:
            await revoke_session(connection, claims.session_id)
        waits.append(await until(partial(known, elsewhere, claims)))
        with pytest.raises(Unauthorized):
            await elsewhere.demand_live(claims)
    # The middle of them: a test's machine may be busy with something else now and then.
    assert sorted(waits)[len(waits) // 2] < 0.05


async def test_all_sessions_of_a_person_end_together(
    database: Database, elsewhere: Revocations
) -> None:
    mine = [await signed_in(database, "a" * 32) for _ in range(3)]
    other = await signed_in(database, "b" * 32)
    async with database.transaction() as connection:
        await revoke_sessions_of(connection, "citizen", "a" * 32)
    await until(lambda: all(claims.session_id in elsewhere._ended for claims in mine))
    await elsewhere.demand_live(other)


async def test_what_is_rolled_back_was_never_signed_out(
    database: Database, elsewhere: Revocations
) -> None:
    claims = await signed_in(database)
    with pytest.raises(RuntimeError):
        async with database.transaction() as connection:
            await revoke_session(connection, claims.session_id)
            raise RuntimeError
    await asyncio.sleep(0.1)
    await elsewhere.demand_live(claims)


async def test_what_was_signed_out_before_the_start_is_known_after_it(
    database: Database, settings: Settings
) -> None:
    claims = await signed_in(database)
    async with database.transaction() as connection:
        await revoke_session(connection, claims.session_id)
    revocations = open_revocations(settings, database)
    try:
        with pytest.raises(Unauthorized):
            await revocations.demand_live(claims)
        await until(lambda: revocations.hears)
        with pytest.raises(Unauthorized):
            await revocations.demand_live(claims)
    finally:
        await revocations.close()


async def test_without_the_listener_the_database_is_asked(
    database: Database, settings: Settings, elsewhere: Revocations
) -> None:
    claims, live = await signed_in(database), await signed_in(database)
    await elsewhere.close()
    assert not elsewhere.hears
    async with database.transaction() as connection:
        await revoke_session(connection, claims.session_id)
    with pytest.raises(Unauthorized):
        await elsewhere.demand_live(claims)
    await elsewhere.demand_live(live)
    unknown = TokenClaims("citizen", "e" * 32, "c" * 32, CLAIMS.expires_at)
    with pytest.raises(Unauthorized):
        await elsewhere.demand_live(unknown)


async def test_a_lost_listener_comes_back_and_has_missed_nothing(
    database: Database, settings: Settings, elsewhere: Revocations
) -> None:
    claims = await signed_in(database)
    async with open_connection(settings.database_url) as connection:
        killed = await connection.fetchval(
            "select count(pg_terminate_backend(pid)) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and application_name <> 'zhangban'"
        )
        assert killed >= 1
        await until(lambda: not elsewhere.hears)
        async with connection.transaction():
            await revoke_session(connection, claims.session_id)
    with pytest.raises(Unauthorized):
        await elsewhere.demand_live(claims)
    await until(lambda: elsewhere.hears)
    assert claims.session_id in elsewhere._ended
