"""Password and second factor, or nothing: what was wrong is not said.

An unknown user costs the same work as a known one. Five failures in a row lock the user
for a quarter of an hour, a code of the authenticator counts once (RFC 6238, 5.2), and
one step of clock difference is allowed either way.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from datetime import datetime
from functools import lru_cache

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from api.audit import note
from api.clerks import queries
from api.clerks.rows import SignInRow
from api.clerks.schemas import ClerkAnswer, ClerkSignedIn, ClerkSignInBody
from api.database import CHINA, Database
from api.errors import Unauthorized
from api.sessions import Tokens, open_session
from api.settings import Settings
from api.vault import Vault

FAILURES_MOST = 5
LOCKED_MINUTES = 15
STEP_SECONDS = 30

_HASHER = PasswordHasher()
# Each hash takes 64 MiB and a core for a twentieth of a second: sign-ins wait for each other.
_HASHING = asyncio.Semaphore(2)


class SignInWrong(Unauthorized):
    """用户名、密码或动态口令不正确。"""

    code = "sign_in_wrong"
    english = "User name, password or one-time code is not right."


class ClerkLocked(Unauthorized):
    """连续输错次数过多，账号已锁定 15 分钟。"""

    code = "clerk_locked"
    english = "Too many failures in a row. The user is locked for 15 minutes."


async def sign_in(
    database: Database, vault: Vault, tokens: Tokens, settings: Settings, body: ClerkSignInBody
) -> ClerkSignedIn:
    """Raises SignInWrong, and ClerkLocked only to somebody who knows the password."""
    row = await database.read(lambda c: queries.find_for_sign_in(c, user_name=body.user))
    password_right = await _check_password(row, body.password)
    step = _find_step(row, vault, body.totp) if row is not None else None
    if row is None or not password_right or row.disabled:
        await _note_failure(database, body.user, known=row is not None)
        raise SignInWrong()
    if row.locked:
        raise ClerkLocked(headers={"Retry-After": str(LOCKED_MINUTES * 60)})
    if step is None:
        await _note_failure(database, body.user, known=True)
        raise SignInWrong()
    return await _start(database, tokens, settings, row, step)


async def hash_password(password: str) -> str:
    """Argon2id with the library's parameters (RFC 9106, low memory)."""
    async with _HASHING:
        return await asyncio.to_thread(_HASHER.hash, password)


async def _start(
    database: Database, tokens: Tokens, settings: Settings, row: SignInRow, step: int
) -> ClerkSignedIn:
    async with database.transaction() as connection:
        if await queries.note_success(connection, user_name=row.user_name, step=step) is None:
            raise SignInWrong()
        claims = await open_session(
            connection,
            kind="clerk",
            subject=row.user_name,
            seconds=settings.clerk_session_hours * 3600,
        )
        await queries.start_session(connection, session_id=claims.session_id)
        await note(
            connection,
            actor=f"clerk:{row.user_name}",
            action="clerk.signed_in",
            subject=f"clerk:{row.user_name}",
        )
    expires_at = datetime.fromtimestamp(claims.expires_at, CHINA)
    who = ClerkAnswer(row.user_name, row.name, row.roles, row.service_prefixes, row.region_prefixes)
    return ClerkSignedIn(tokens.sign(claims), expires_at, who)


async def _check_password(row: SignInRow | None, password: str) -> bool:
    stored = row.password_hash if row is not None else _nobodys_hash()
    async with _HASHING:
        try:
            right = await asyncio.to_thread(_HASHER.verify, stored, password)
        except (VerificationError, InvalidHashError):
            return False
    return right and row is not None


def _find_step(row: SignInRow, vault: Vault, code: str) -> int | None:
    secret = vault.open_text(
        row.totp_sealed, table="clerks", column="totp_sealed", row=row.user_name
    )
    totp = pyotp.TOTP(secret)
    now = int(time.time()) // STEP_SECONDS
    for step in (now, now - 1, now + 1):
        right = hmac.compare_digest(totp.at(step * STEP_SECONDS), code)
        if right and step > row.totp_step:
            return step
    return None


async def _note_failure(database: Database, user_name: str, *, known: bool) -> None:
    if not known:
        return
    async with database.transaction() as connection:
        failures = await queries.note_failure(
            connection, user_name=user_name, most=FAILURES_MOST, minutes=LOCKED_MINUTES
        )
        await note(
            connection,
            actor=f"clerk:{user_name}",
            action="clerk.sign_in_failed",
            subject=f"clerk:{user_name}",
            details={"failures": failures},
        )


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _HASHER.hash("nobody's password")
