"""Personal values at rest: each field sealed by itself, found again by a blind index.

A sealed value is `version|algorithm|key id|nonce|ciphertext|tag` (1, 1, 4, 12, n and 16
bytes). Its associated data `table|column|row|key id` bind it to its place: copied into
another row it does not open. AES-256-GCM (NIST SP 800-38D) and SM4-GCM (GB/T 32907 with
RFC 8998) are both read always; FIELD_ALGORITHM says which one seals.

A blind index is `key id|HMAC` (4 and 32 bytes), HMAC-SHA256 or HMAC-SM3 over purpose and
value: equal values are found without being opened. Whoever looks for or adds a unique
value first calls `freshen` in the same transaction and looks for all of `indexes`: so a
rotation under way neither hides a row nor lets a second one be made.

Data keys stand in `data_keys`, wrapped by a key-encryption key (`api/key_provider.py`);
in memory they are plain. Sealing and opening do no I/O, but for a key of another
process's making that has not been heard of yet.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections.abc import Mapping

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from api.database import DATABASE_AWAY, Database, open_connection
from api.errors import DatabaseUnavailable
from api.key_provider import KeyProvider, KeysWrong, Wrapped, open_key_provider
from api.logs import describe_error
from api.settings import Settings
from api.statements import Connection, Statements

log = structlog.get_logger()

VERSION = 1
# In the sealed value's second byte.
ALGORITHMS = {"aes-256-gcm": 1, "sm4-gcm": 2}
_KEY_BYTES = {"aes-256-gcm": 32, "sm4-gcm": 16, "hmac-sha256": 32, "hmac-sm3": 32}
_INDEX_OF = {"aes-256-gcm": "hmac-sha256", "sm4-gcm": "hmac-sm3"}
_HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "hmac-sha256": hashes.SHA256,
    "hmac-sm3": hashes.SM3,
}
_HEAD_BYTES, _NONCE_BYTES, _TAG_BYTES = 6, 12, 16
INDEX_KEY_BYTES = 4

# No process goes longer without a look at the list of keys.
REFRESH_SECONDS = 30.0
# A value with an invented key id must not cost a connection each time it is read.
_RELOAD_PAUSE_SECONDS = 1.0


class KeyRow(Struct, frozen=True):
    """A data key as the database holds it."""

    key_id: int
    purpose: str
    algorithm: str
    wrapped_by: str
    wrapped: bytes
    retired: bool


_statements = Statements("vault")
_list_keys = _statements.many("list_keys", KeyRow)
_measure_keys = _statements.value("measure_keys", list)
_hold_keys = _statements.execute("hold_keys")
_lock_keys = _statements.execute("lock_keys")
_reserve_key = _statements.value("reserve_key", int)
_add_key = _statements.execute("add_key")


class SealBroken(Exception):
    """A sealed value does not open: altered, moved to another place, or its key is gone."""


class DataKey(Struct, frozen=True):
    """A data key in memory; never shown, never logged."""

    key_id: int
    purpose: str
    algorithm: str
    key: bytes
    retired: bool

    def __repr__(self) -> str:
        return f"DataKey({self.key_id})"


class Keys(Struct, frozen=True):
    """The keys of a moment: all by number, and those used for what is written now."""

    every: Mapping[int, DataKey]
    sealing: DataKey
    indexing: DataKey


class Vault:
    """Seals, opens and indexes. One for a process; threads may share it."""

    def __init__(
        self, settings: Settings, database: Database, provider: KeyProvider, keys: Keys
    ) -> None:
        self._settings = settings
        self._database = database
        self._provider = provider
        self._keys = keys
        self._reload_lock = threading.Lock()
        self._reloaded_at = -_RELOAD_PAUSE_SECONDS
        self._watching: asyncio.Task[None] | None = None

    def seal(self, value: str | bytes, *, table: str, column: str, row: str) -> bytes:
        """The value sealed for this place; `row` is the row's primary key as text."""
        key = self._keys.sealing
        content = value.encode() if isinstance(value, str) else value
        about = _place(table, column, row, key.key_id)
        head = bytes((VERSION, ALGORITHMS[key.algorithm])) + key.key_id.to_bytes(4, "big")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + _encrypt(key, nonce, content, about)

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """The value again. Raises SealBroken."""
        if len(sealed) < _HEAD_BYTES + _NONCE_BYTES + _TAG_BYTES or sealed[0] != VERSION:
            raise SealBroken("unreadable")
        key = self._key(key_id_of(sealed))
        if key is None or ALGORITHMS.get(key.algorithm) != sealed[1]:
            raise SealBroken("key")
        nonce = sealed[_HEAD_BYTES : _HEAD_BYTES + _NONCE_BYTES]
        about = _place(table, column, row, key.key_id)
        try:
            return _decrypt(key, nonce, sealed[_HEAD_BYTES + _NONCE_BYTES :], about)
        except InvalidTag:
            raise SealBroken("tag") from None

    def open_text(self, sealed: bytes, *, table: str, column: str, row: str) -> str:
        """The text again. Raises SealBroken."""
        return self.open(sealed, table=table, column=column, row=row).decode()

    def index(self, value: str, *, purpose: str) -> bytes:
        """The blind index to write now; `purpose` keeps equal values of two kinds apart."""
        return _index(self._keys.indexing, value, purpose)

    def indexes(self, value: str, *, purpose: str) -> list[bytes]:
        """Every index under which a row with this value may stand, the newest first."""
        now = self._keys.indexing
        others = [
            key
            for key in sorted(self._keys.every.values(), key=lambda k: -k.key_id)
            if key.purpose == "index" and key.key_id != now.key_id
        ]
        return [_index(key, value, purpose) for key in (now, *others)]

    async def freshen(self, connection: Connection) -> None:
        """Hold the set of keys still until this transaction ends, and know all of it."""
        await _hold_keys(connection)
        known = self._keys.every
        if await _measure_keys(connection) != [max(known), len(known)]:
            rows = await _list_keys(connection)
            self._keys = await _read_keys(rows, self._provider, self._settings, self._keys)

    async def refresh(self) -> None:
        """Look at the list of keys anew."""
        rows = await self._database.read(_list_keys)
        self._keys = await _read_keys(rows, self._provider, self._settings, self._keys)

    @property
    def keys(self) -> Keys:
        """The keys known now."""
        return self._keys

    def watch(self) -> None:
        """From now on look at the list of keys every 30 s."""
        self._watching = asyncio.create_task(self._watch_for_ever())

    async def close(self) -> None:
        """Stop looking."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch_for_ever(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except (DatabaseUnavailable, KeysWrong) as error:
                log.warning("keys_not_refreshed", **describe_error(error))

    def _key(self, key_id: int) -> DataKey | None:
        found = self._keys.every.get(key_id)
        if found is None:
            self._reload_in_place()
            found = self._keys.every.get(key_id)
        return found if found is not None and found.purpose == "seal" else None

    def _reload_in_place(self) -> None:
        """Learn of a new key in the middle of a synchronous call: once per rotation, some ms.

        The thread brings a loop and a connection of its own, so that this one's may wait.
        """
        with self._reload_lock:
            if time.monotonic() - self._reloaded_at < _RELOAD_PAUSE_SECONDS:
                return
            thread = threading.Thread(target=self._reload, daemon=True)
            thread.start()
            thread.join(timeout=3)
            self._reloaded_at = time.monotonic()

    def _reload(self) -> None:
        async def reload() -> None:
            provider = open_key_provider(self._settings)
            async with open_connection(self._settings.database_url) as connection:
                rows = await _list_keys(connection)
            self._keys = await _read_keys(rows, provider, self._settings, self._keys)

        try:
            asyncio.run(asyncio.wait_for(reload(), timeout=2.5))
        except (*DATABASE_AWAY, KeysWrong) as error:
            log.warning("keys_not_refreshed", **describe_error(error))


async def open_vault(settings: Settings, database: Database) -> Vault:
    """The vault of this process, its first keys made where there are none. Raises KeysWrong."""
    provider = open_key_provider(settings)
    for purpose, algorithm in _wanted(settings):
        rows = await database.read(_list_keys)
        if not _usable(rows, purpose, algorithm):
            await make_key(database, provider, purpose, algorithm, only_first=True)
    rows = await database.read(_list_keys)
    vault = Vault(settings, database, provider, await _read_keys(rows, provider, settings, None))
    vault.watch()
    return vault


async def make_key(
    database: Database,
    provider: KeyProvider,
    purpose: str,
    algorithm: str,
    *,
    only_first: bool = False,
) -> int | None:
    """A new data key; `only_first`: unless another process has made one meanwhile (None)."""
    async with database.connection() as connection:
        key_id = await _reserve_key(connection)
    if key_id is None:
        raise LookupError("a sequence gives a number")
    key = secrets.token_bytes(_KEY_BYTES[algorithm])
    wrapped = await provider.wrap(key, about_key(key_id, purpose, algorithm))
    async with database.transaction() as connection:
        await _lock_keys(connection)
        if only_first and _usable(await _list_keys(connection), purpose, algorithm):
            return None
        await _add_key(
            connection,
            key_id=key_id,
            purpose=purpose,
            algorithm=algorithm,
            wrapped_by=wrapped.wrapped_by,
            wrapped=wrapped.wrapped,
        )
    return key_id


def about_key(key_id: int, purpose: str, algorithm: str) -> bytes:
    """What a data key's wrapping is bound to."""
    return f"data key|{key_id}|{purpose}|{algorithm}".encode()


def key_id_of(sealed: bytes) -> int:
    """The number of the key that a sealed value was sealed with."""
    return int.from_bytes(sealed[2:_HEAD_BYTES], "big")


def algorithms_of(settings: Settings) -> tuple[str, str]:
    """How values are sealed and indexed from now on."""
    return settings.field_algorithm, _INDEX_OF[settings.field_algorithm]


def _wanted(settings: Settings) -> tuple[tuple[str, str], tuple[str, str]]:
    sealing, indexing = algorithms_of(settings)
    return ("seal", sealing), ("index", indexing)


def _usable(rows: list[KeyRow], purpose: str, algorithm: str) -> list[KeyRow]:
    return [r for r in rows if (r.purpose, r.algorithm) == (purpose, algorithm) and not r.retired]


async def _read_keys(
    rows: list[KeyRow], provider: KeyProvider, settings: Settings, known: Keys | None
) -> Keys:
    every: dict[int, DataKey] = {}
    for row in rows:
        had = known.every.get(row.key_id) if known else None
        key = (
            had.key
            if had
            else await provider.unwrap(
                Wrapped(row.wrapped_by, row.wrapped),
                about_key(row.key_id, row.purpose, row.algorithm),
            )
        )
        every[row.key_id] = DataKey(row.key_id, row.purpose, row.algorithm, key, row.retired)
    wanted = [_newest(rows, *one) for one in _wanted(settings)]
    return Keys(every, every[wanted[0]], every[wanted[1]])


def _newest(rows: list[KeyRow], purpose: str, algorithm: str) -> int:
    """The key that is used from now on.

    Where a rotation has changed the algorithm before this process's settings did, its key.
    """
    usable = [row for row in rows if row.purpose == purpose and not row.retired]
    if not usable:
        raise KeysWrong(f"data_keys: no key for {purpose}; start the service once")
    return max(usable, key=lambda row: (row.algorithm == algorithm, row.key_id)).key_id


def _place(table: str, column: str, row: str, key_id: int) -> bytes:
    # Neither a table's nor a column's name holds a bar, and the number ends it: unambiguous.
    return f"{table}|{column}|{row}|{key_id}".encode()


def _index(key: DataKey, value: str, purpose: str) -> bytes:
    digest = hmac.HMAC(key.key, _HASHES[key.algorithm]())
    digest.update(purpose.encode() + b"\0" + value.encode())
    return key.key_id.to_bytes(INDEX_KEY_BYTES, "big") + digest.finalize()


def _encrypt(key: DataKey, nonce: bytes, content: bytes, about: bytes) -> bytes:
    if key.algorithm == "aes-256-gcm":
        return AESGCM(key.key).encrypt(nonce, content, about)
    encryptor = Cipher(algorithms.SM4(key.key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(about)
    return encryptor.update(content) + encryptor.finalize() + encryptor.tag


def _decrypt(key: DataKey, nonce: bytes, content: bytes, about: bytes) -> bytes:
    if key.algorithm == "aes-256-gcm":
        return AESGCM(key.key).decrypt(nonce, content, about)
    content, tag = content[:-_TAG_BYTES], content[-_TAG_BYTES:]
    decryptor = Cipher(algorithms.SM4(key.key), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(about)
    return decryptor.update(content) + decryptor.finalize()
