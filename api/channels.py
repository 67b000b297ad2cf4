"""The kit's door to the channels: opened from one file, asked for by name, their refusals said.

The channels file is TOML with a table per channel (CHANNELS_FILE, else `channels.toml` in the
data folder); no file, no channels. A channel whose section cannot be used is left out and
reported: the others work. Access tokens live in PostgreSQL, sealed, one for all processes.
"""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import time
import tomllib
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import structlog
from msgspec import Struct

from adapters import registry
from adapters.contract import (
    Channel,
    ChannelError,
    ConfigurationWrong,
    TokenKeeper,
    Unreachable,
)
from api.database import Database
from api.errors import FieldError, NotFound, Problem
from api.settings import Settings
from api.statements import Connection, Statements
from api.vault import SealBroken, Vault

log = structlog.get_logger()
T = TypeVar("T")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")


class ChannelUnknown(NotFound):
    """没有开通这个渠道。"""

    code = "channel_unknown"
    english = "There is no such channel here."


class ChannelCannot(Problem):
    """这个渠道不支持该功能。"""

    status = 409
    code = "channel_cannot"
    title = "渠道不支持"
    english_title = "Channel cannot do this"
    english = "This channel does not offer that."


class ChannelUnavailable(Problem):
    """渠道暂时没有回应，请稍后再试。"""

    status = 503
    code = "channel_unavailable"
    title = "渠道暂时不可用"
    english_title = "Channel unavailable"
    english = "The channel does not answer right now. Please try again shortly."


class ChannelRefused(Problem):
    """渠道没有接受这个请求。"""

    status = 422
    code = "channel_refused"
    title = "渠道未接受"
    english_title = "Refused by the channel"
    english = "The channel did not accept the request. See `errors`."


# What people are told of a refusal. What is not here is our fault or our contract's with the
# channel, and is said to be unavailable.
_WORDS = {
    "code_wrong": ("登录码无效或已过期，请重试。", "The code is wrong or has expired. Try again."),
    "user_blocked": ("该账号被渠道限制使用。", "The channel has blocked this account."),
    "user_refused": ("您没有同意此项授权。", "You have not consented to this."),
    "identity_mismatch": ("姓名与证件号码不一致。", "Name and number do not belong together."),
    "not_found": ("渠道没有这条记录。", "The channel has no such record."),
    "state_wrong": ("当前状态不允许这样做。", "The present state does not allow this."),
    "not_enough_funds": ("商户账户余额不足。", "The merchant's balance is too low."),
    "already_closed": ("订单已经关闭。", "The order is closed already."),
    "already_paid": ("订单已经支付。", "The order is paid already."),
}


def as_problem(error: ChannelError) -> Problem:
    """What a citizen or a platform is told of a channel's failure."""
    words = _WORDS.get(error.code)
    if isinstance(error, Unreachable) or words is None:
        return ChannelUnavailable(headers={"Retry-After": str(random.randint(2, 5))})
    return ChannelRefused(*words, errors=[FieldError("channel", error.code, *words)])


class Channels:
    """The opened channels, by name. `faults`: what is wrong with those that are not."""

    def __init__(self, opened: dict[str, Channel], faults: dict[str, str]) -> None:
        self._opened = opened
        self.faults = faults

    def named(self, name: str) -> Channel:
        """Raises ChannelUnknown."""
        try:
            return self._opened[name]
        except KeyError:
            raise ChannelUnknown() from None

    def all(self) -> tuple[Channel, ...]:
        """In the order of the file."""
        return tuple(self._opened.values())

    async def close(self) -> None:
        """Close every channel's connections."""
        for channel in self._opened.values():
            await channel.close()


def able(ability: T | None) -> T:
    """An ability of a channel: `able(channel.payments)`. Raises ChannelCannot where it is None."""
    if ability is None:
        raise ChannelCannot()
    return ability


async def open_channels(settings: Settings, database: Database, vault: Vault) -> Channels:
    """The channels of this process, their tokens shared with all others."""
    channels = open_sections(settings, SharedTokens(database, vault))
    for name, fault in channels.faults.items():
        log.error("channel_not_opened", channel=name, fault=fault)
    return channels


def open_sections(settings: Settings, tokens: TokenKeeper) -> Channels:
    """Open every section of the channels file that can be."""
    opened: dict[str, Channel] = {}
    faults: dict[str, str] = {}
    try:
        sections = _read_file(settings.channels_path)
    except ConfigurationWrong as error:
        return Channels({}, {"channels file": str(error)})
    for name, section in sections.items():
        try:
            opened[name] = _open(name, section, tokens)
        except ConfigurationWrong as error:
            faults[name] = str(error)
    return Channels(opened, faults)


async def try_channels(settings: Settings) -> tuple[tuple[str, ...], dict[str, str]]:
    """For the doctor: names of the channels that open, and what is wrong with the others."""
    channels = open_sections(settings, _NoTokens())
    names = tuple(channel.name for channel in channels.all())
    await channels.close()
    return names, channels.faults | registry.broken_entries()


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationWrong(f"cannot be read: {type(error).__name__}") from None
    except tomllib.TOMLDecodeError:
        # Its text quotes what it stumbled over, which may be a secret.
        raise ConfigurationWrong("is not TOML") from None


def _open(name: str, section: Any, tokens: TokenKeeper) -> Channel:
    if not _NAME.fullmatch(name) or not isinstance(section, dict):
        raise ConfigurationWrong("a section is a table named in small letters, digits and _")
    return registry.open_channel(name, section, tokens)


# ── Tokens that all processes share ─────────────────────────────────────────────────────

LEASE_SECONDS = 10.0
WAIT_SECONDS = 2.0
# A token is fetched anew before its end: the earlier of these two.
_EARLY_SECONDS = 240.0
_EARLY_PART = 0.2


class TokenRow(Struct, frozen=True):
    """A live token; how long until it is due for refreshing, and until it ends."""

    sealed: bytes
    fresh_seconds: float
    live_seconds: float


_statements = Statements("channels")
_find_token = _statements.optional("find_token", TokenRow)
_take_lease = _statements.value("take_lease", str)
_keep_token = _statements.execute("keep_token")
_release_lease = _statements.execute("release_lease")
_drop_token = _statements.execute("drop_token")
_forget_token = _statements.execute("forget_token")


class _Copy(Struct, frozen=True):
    token: str
    fresh_until: float


class _NoTokens:
    """For channels that are opened only to see whether they can be."""

    async def token(self, *_: object) -> str:
        """Raises Unreachable."""
        raise Unreachable("channel_busy", sent=False)

    async def drop(self, *_: object) -> None:
        """There is nothing to forget."""


class SharedTokens:
    """A TokenKeeper over PostgreSQL: one process of all refreshes, the others wait for it.

    What was read is kept in the process until it is due for refreshing. Nobody holds a
    connection while the channel is asked.
    """

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._copies: dict[str, _Copy] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def token(self, name: str, fetch: Callable[[], Awaitable[tuple[str, int]]]) -> str:
        """Raises what `fetch` raises, and Unreachable where another's refresh takes too long."""
        copy = self._copy(name)
        if copy is not None:
            return copy
        async with self._locks.setdefault(name, asyncio.Lock()):
            return self._copy(name) or await self._shared(name, fetch)

    async def drop(self, name: str, token: str) -> None:
        """Compare and delete, here and in PostgreSQL."""
        copy = self._copies.get(name)
        if copy is not None and copy.token == token:
            del self._copies[name]
        digests = self._vault.indexes(token, purpose="channel token")
        async with self._database.connection() as connection:
            await _drop_token(connection, name=name, digests=digests)

    def _copy(self, name: str) -> str | None:
        copy = self._copies.get(name)
        return copy.token if copy is not None and copy.fresh_until > time.monotonic() else None

    async def _shared(self, name: str, fetch: Callable[[], Awaitable[tuple[str, int]]]) -> str:
        ends_at = time.monotonic() + WAIT_SECONDS
        lease = secrets.token_hex(8)
        while time.monotonic() < ends_at:
            async with self._database.connection() as connection:
                row = await _find_token(connection, name=name)
                token = self._opened(name, row)
                if row is not None and token is not None and row.fresh_seconds > 0:
                    self._copies[name] = _Copy(token, time.monotonic() + row.fresh_seconds)
                    return token
                if row is not None and token is None:
                    await self._forget_broken(connection, name)
                taken = await _take_lease(connection, name=name, lease=lease, seconds=LEASE_SECONDS)
            if taken:
                return await self._refresh(name, lease, fetch)
            if token is not None:
                # Somebody refreshes, and the old one still serves.
                return token
            await asyncio.sleep(random.uniform(0.02, 0.08))
        raise Unreachable("timeout", sent=False)

    async def _refresh(
        self, name: str, lease: str, fetch: Callable[[], Awaitable[tuple[str, int]]]
    ) -> str:
        kept = False
        try:
            began_at = time.monotonic()
            token, seconds = await fetch()
            fresh = max(seconds - min(_EARLY_SECONDS, seconds * _EARLY_PART), 0.0)
            async with self._database.connection() as connection:
                await _keep_token(
                    connection,
                    name=name,
                    lease=lease,
                    sealed=self._vault.seal(
                        token, table="channel_tokens", column="sealed", row=name
                    ),
                    digest=self._vault.index(token, purpose="channel token"),
                    fresh_seconds=fresh,
                    live_seconds=float(seconds),
                )
            kept = True
        finally:
            if not kept:
                async with self._database.connection() as connection:
                    await _release_lease(connection, name=name, lease=lease)
        self._copies[name] = _Copy(token, began_at + fresh)
        return token

    def _opened(self, name: str, row: TokenRow | None) -> str | None:
        if row is None:
            return None
        try:
            return self._vault.open_text(
                row.sealed, table="channel_tokens", column="sealed", row=name
            )
        except SealBroken:
            return None

    async def _forget_broken(self, connection: Connection, name: str) -> None:
        """A token whose key is gone is a token that is gone."""
        log.warning("channel_token_broken", token=name)
        await _forget_token(connection, name=name)
