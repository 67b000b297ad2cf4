"""Who is signed in: signed tokens, and the list of those that were signed out.

A token is `payload.signature`, both base64url without padding: MessagePack of
`TokenClaims`, and HMAC-SHA256 over the payload's characters with a key derived from
SECRET_KEY. It is read without any I/O; there is one algorithm and no header to choose
another. A session is also a row of `sessions`, so that it can be ended: `revoke` commits
with the caller's transaction and NOTIFY tells every process within milliseconds.

Each process keeps the revoked sessions that have not yet expired (some 100 bytes each).
While its listening connection is away, or silent, it asks the database about every
request instead: signed out stays signed out. Redis has no part in this.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Literal

import msgspec
import structlog
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from api.database import DATABASE_AWAY, Database, open_connection
from api.errors import Unauthorized
from api.kinds import new_id
from api.logs import describe_error
from api.settings import Settings
from api.statements import Connection, Statements

log = structlog.get_logger()

Kind = Literal["citizen", "clerk"]

LONGEST_TOKEN = 600
CHANNEL = "session_revoked"
# A listening connection that has fallen silent is noticed after these two together.
HEARTBEAT_SECONDS = 2.0
HEARTBEAT_TIMEOUT_SECONDS = 1.0
RECONNECT_SECONDS = 0.5
_FORGET_SECONDS = 600.0
_LONGEST_SESSION_SECONDS = 366 * 86_400.0


class _Ended(Struct, frozen=True):
    session_id: str
    expires_at: datetime


_statements = Statements("sessions")
_add_session = _statements.value("add_session", datetime)
_revoke_session = _statements.many("revoke_session", _Ended)
_revoke_sessions_of = _statements.many("revoke_sessions_of", _Ended)
_tell_revoked = _statements.execute("tell_revoked")
_list_revoked = _statements.many("list_revoked", _Ended)
_is_live = _statements.value("is_live", bool)
_forget_sessions = _statements.execute("forget_sessions")


class TokenClaims(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """What a token says. `expires_at` in Unix seconds; `channel` by which a citizen came."""

    kind: Kind
    session_id: str
    subject: str
    expires_at: int
    channel: str | None = None


class Tokens:
    """Signs and reads tokens. Processes with one SECRET_KEY read each other's."""

    def __init__(self, key: bytes) -> None:
        self._key = HKDF(SHA256(), 32, salt=None, info=b"zhangban session 1").derive(key)

    def sign(self, claims: TokenClaims) -> str:
        """The token for these claims."""
        payload = _text(msgspec.msgpack.encode(claims))
        return f"{payload}.{_text(self._signature(payload))}"

    def read(self, token: str, kind: Kind | None = None) -> TokenClaims:
        """What a token says. Raises Unauthorized: altered, expired, or of another `kind`."""
        payload, dot, signature = token.partition(".")
        if not dot or len(token) > LONGEST_TOKEN or not token.isascii():
            raise _signed_out()
        # The comparison is of characters: base64 has other spellings of the same bytes.
        if not hmac.compare_digest(signature, _text(self._signature(payload))):
            raise _signed_out()
        try:
            content = base64.b64decode(payload + "=" * (-len(payload) % 4), b"-_", validate=True)
            claims = msgspec.msgpack.decode(content, type=TokenClaims)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            raise _signed_out() from None
        if claims.expires_at <= time.time() or kind not in (None, claims.kind):
            raise _signed_out()
        return claims

    def _signature(self, payload: str) -> bytes:
        return hmac.digest(self._key, payload.encode(), "sha256")


class Revocations:
    """Which sessions were ended before their time, as this process knows it."""

    def __init__(self, database: Database, database_url: str) -> None:
        self._database = database
        self._url = database_url
        self._ended: dict[str, float] = {}
        self._hears = False
        self._forgot_at = time.monotonic()
        self._listening: asyncio.Task[None] | None = None

    async def demand_live(self, claims: TokenClaims) -> None:
        """Raises Unauthorized where the session was ended, DatabaseUnavailable if unknown."""
        if await self.is_revoked(claims.session_id):
            raise _signed_out()

    async def is_revoked(self, session_id: str) -> bool:
        """From memory while the listener hears; else one question to the database."""
        if session_id in self._ended:
            return True
        if self._hears:
            return False
        live = await self._database.read(lambda c: _is_live(c, session_id=session_id))
        return not live

    def note(self, session_id: str) -> None:
        """What this process has just committed it need not wait to hear."""
        self._ended.setdefault(session_id, time.time() + _LONGEST_SESSION_SECONDS)

    @property
    def hears(self) -> bool:
        """Whether memory alone answers at this moment."""
        return self._hears

    async def close(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        self._hears = False

    def listen(self) -> None:
        """Begin to hear, in a task of its own; connects again for as long as it lives."""
        self._listening = asyncio.create_task(self._listen_for_ever())

    async def _listen_for_ever(self) -> None:
        while True:
            try:
                await self._listen_once()
            except DATABASE_AWAY as error:
                log.warning("revocations_not_heard", **describe_error(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen_once(self) -> None:
        async with open_connection(self._url) as connection:
            lost = asyncio.Event()
            connection.add_termination_listener(_call(lost.set))
            await connection.add_listener(CHANNEL, self._hear)
            # Listening first: what is revoked during the reading is then in one of the two.
            for ended in await _list_revoked(connection):
                self._ended[ended.session_id] = ended.expires_at.timestamp()
            self._hears = True
            try:
                await self._stay(connection, lost)
            finally:
                # Before the connection is closed, which may take its time.
                self._hears = False

    async def _stay(self, connection: Any, lost: asyncio.Event) -> None:
        while not lost.is_set():
            try:
                await asyncio.wait_for(lost.wait(), timeout=HEARTBEAT_SECONDS)
            except TimeoutError:
                await connection.fetchval("select 1", timeout=HEARTBEAT_TIMEOUT_SECONDS)
            self._forget_expired()

    def _hear(self, _connection: Any, _pid: int, _channel: str, payload: object) -> None:
        session_id, _, expires_at = str(payload).partition(" ")
        self._ended[session_id] = float(expires_at)

    def _forget_expired(self) -> None:
        if time.monotonic() - self._forgot_at < _FORGET_SECONDS:
            return
        self._forgot_at = time.monotonic()
        # Longer than clocks differ: a token read by a slow clock is still refused.
        over = time.time() - 3600
        self._ended = {s: expires for s, expires in self._ended.items() if expires > over}


def open_revocations(settings: Settings, database: Database) -> Revocations:
    """The list of this process, listening from now on."""
    revocations = Revocations(database, settings.database_url)
    revocations.listen()
    return revocations


async def open_session(
    connection: Connection, *, kind: Kind, subject: str, seconds: float, channel: str | None = None
) -> TokenClaims:
    """Begin a session of a citizen (id) or clerk (user name), in the caller's transaction."""
    session_id = new_id()
    expires_at = await _add_session(
        connection,
        session_id=session_id,
        kind=kind,
        subject=subject,
        channel=channel,
        seconds=seconds,
    )
    if expires_at is None:
        raise LookupError("an insert gives a row")
    return TokenClaims(kind, session_id, subject, int(expires_at.timestamp()), channel)


async def revoke_session(connection: Connection, session_id: str) -> None:
    """End one session; every process hears of it when the transaction commits."""
    await _tell(connection, await _revoke_session(connection, session_id=session_id))


async def revoke_sessions_of(
    connection: Connection, kind: Kind, subject: str, channel: str | None = None
) -> None:
    """End every session of a citizen or clerk, or only those that came by a channel."""
    ended = await _revoke_sessions_of(connection, kind=kind, subject=subject, channel=channel)
    await _tell(connection, ended)


async def forget_sessions(connection: Connection) -> None:
    """Delete sessions that ended half a year ago. For the timetable."""
    await _forget_sessions(connection)


async def _tell(connection: Connection, ended: list[_Ended]) -> None:
    for session in ended:
        payload = f"{session.session_id} {session.expires_at.timestamp():.0f}"
        await _tell_revoked(connection, payload=payload)


def _call(act: Callable[[], None]) -> Callable[[Any], None]:
    return lambda _connection: act()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _signed_out() -> Unauthorized:
    return Unauthorized("登录已失效，请重新登录。", "The session has ended. Please sign in again.")
