"""The keys of all platforms, held by every process for a few seconds.

Platforms are few, so a process holds all their keys: a key id that nobody has costs a
stranger's request a look into a table in memory, and PostgreSQL at most ten queries a second.
A key that was revoked is refused everywhere within `KEEP_SECONDS`. Without PostgreSQL an
old list is not believed.
"""

from __future__ import annotations

import asyncio
import time

import structlog
from msgspec import Struct

from api.database import Database
from api.logs import describe_error
from api.platforms import queries
from api.platforms.rows import KeyRow
from api.signatures import Algorithm, Key
from api.vault import SealBroken, Vault

log = structlog.get_logger()

KEEP_SECONDS = 5.0
UNKNOWN_SECONDS = 0.1


class PlatformKey(Struct, frozen=True):
    """A key, whose it is, and what its holder may. Times in Unix seconds."""

    key: Key
    platform_id: str
    not_before: float
    expires_at: float | None
    service_prefixes: tuple[str, ...]
    region_prefixes: tuple[str, ...]
    calls_per_day: int
    calls_per_second: int

    def counts_at(self, now: float) -> bool:
        """Whether the key may be used at that time."""
        return self.not_before <= now and (self.expires_at is None or now < self.expires_at)


class Keyring:
    """Finds keys by their id, for one process."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault
        self._keys: dict[str, PlatformKey] = {}
        # What was opened last, so that an unchanged secret is not opened again.
        self._rows: dict[str, KeyRow] = {}
        self._read_at = -KEEP_SECONDS
        self._turn = asyncio.Lock()

    async def find(self, key_id: str) -> PlatformKey | None:
        """The key, or None where nobody has it (any more). Raises DatabaseUnavailable."""
        keep_seconds = KEEP_SECONDS if key_id in self._keys else UNKNOWN_SECONDS
        if time.monotonic() - self._read_at >= keep_seconds:
            await self._read(keep_seconds)
        return self._keys.get(key_id)

    async def _read(self, keep_seconds: float) -> None:
        async with self._turn:
            # Whoever waited for the turn finds it done.
            if time.monotonic() - self._read_at < keep_seconds:
                return
            began_at = time.monotonic()
            rows = await self._database.read(queries.list_keys)
            opened = [(row.key_id, self._open(row)) for row in rows]
            self._keys = {key_id: key for key_id, key in opened if key is not None}
            self._rows = {row.key_id: row for row in rows}
            self._read_at = began_at

    def _open(self, row: KeyRow) -> PlatformKey | None:
        if self._rows.get(row.key_id) == row and row.key_id in self._keys:
            return self._keys[row.key_id]
        try:
            key = self._material(row)
        except SealBroken as error:
            # One platform's trouble is not the others'.
            log.error("platform_key_unreadable", key_id=row.key_id, **describe_error(error))
            return None
        return PlatformKey(
            key=key,
            platform_id=row.platform_id,
            not_before=row.not_before.timestamp(),
            expires_at=row.expires_at.timestamp() if row.expires_at else None,
            service_prefixes=tuple(row.service_prefixes),
            region_prefixes=tuple(row.region_prefixes),
            calls_per_day=row.calls_per_day,
            calls_per_second=row.calls_per_second,
        )

    def _material(self, row: KeyRow) -> Key:
        algorithm: Algorithm = "ed25519" if row.algorithm == "ed25519" else "hmac-sha256"
        if row.secret_sealed is None:
            return Key(algorithm, row.public_key or b"")
        secret = self._vault.open(
            row.secret_sealed, table="platform_keys", column="secret_sealed", row=row.key_id
        )
        return Key(algorithm, secret)
