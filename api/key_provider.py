"""Key-encryption keys: what wraps the data keys, and never leaves its keeper.

The `file` provider keeps them in a JSON file of mode 0600, for the demonstration and for
small towns. A KMS or HSM is another provider: a package that names, in the entry point
group `zhangban.keys`, a callable that takes the `Settings` and gives a `KeyProvider`;
KEY_PROVIDER chooses it. Providers may call outside, so they are asked only when keys are
loaded or made, never while a connection is held.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import tempfile
from importlib.metadata import entry_points
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from api.settings import Settings, SettingsWrong

GROUP = "zhangban.keys"
_NONCE_BYTES = 12


class Wrapped(Struct, frozen=True):
    """A data key that only the key-encryption key called `wrapped_by` opens."""

    wrapped_by: str
    wrapped: bytes


class KeyProvider(Protocol):
    """Wraps and unwraps data keys. `about` is bound to the wrapping: another text, no key."""

    async def wrap(self, key: bytes, about: bytes) -> Wrapped:
        """Under the newest key-encryption key."""
        ...

    async def unwrap(self, wrapped: Wrapped, about: bytes) -> bytes:
        """Raises KeysWrong where the key-encryption key is unknown or does not fit."""
        ...

    async def renew(self) -> str:
        """Make a new key-encryption key and give its name; old ones still unwrap.

        Raises KeysWrong where that is done at the keeper's own console.
        """
        ...


class KeysWrong(SettingsWrong):
    """The keys cannot be used; the text names the file or key and how to mend it."""


def open_key_provider(settings: Settings) -> KeyProvider:
    """The provider that KEY_PROVIDER names. Raises KeysWrong."""
    if settings.key_provider == "file":
        return FileKeys(_keys_path(settings))
    for point in entry_points(group=GROUP):
        if point.name == settings.key_provider:
            provider: KeyProvider = point.load()(settings)
            return provider
    raise KeysWrong(f"KEY_PROVIDER: nothing installed is called {settings.key_provider!r}")


def _keys_path(settings: Settings) -> Path:
    if settings.keys_file:
        path = Path(settings.keys_file)
        if settings.environment == "production" and not path.exists():
            raise KeysWrong("KEYS_FILE names no file; `python -m api new-keys FILE` makes one")
        return path
    if settings.environment == "production":
        raise KeysWrong("ENVIRONMENT=production needs KEYS_FILE or another KEY_PROVIDER")
    return settings.data_path / "keys.json"


class _KeysDocument(Struct, frozen=True, forbid_unknown_fields=True):
    """The file: keys of 32 bytes in base64 by name, and which of them wraps from now on."""

    newest: str
    keys: dict[str, str]


class FileKeys:
    """Key-encryption keys in a file of mode 0600, AES-256-GCM; made where there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            make_keys_file(path)
        self._read()

    async def wrap(self, key: bytes, about: bytes) -> Wrapped:
        name = self._newest
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return Wrapped(name, nonce + self._keys[name].encrypt(nonce, key, about))

    async def unwrap(self, wrapped: Wrapped, about: bytes) -> bytes:
        if wrapped.wrapped_by not in self._keys:
            self._read()
        key = self._keys.get(wrapped.wrapped_by)
        if key is None:
            raise KeysWrong(
                f"{self._path} does not hold key {wrapped.wrapped_by!r}, which the database's "
                "data keys are wrapped with: restore the file that belongs to this database"
            )
        try:
            nonce, content = wrapped.wrapped[:_NONCE_BYTES], wrapped.wrapped[_NONCE_BYTES:]
            return key.decrypt(nonce, content, about)
        except InvalidTag:
            raise KeysWrong(
                f"{self._path}: key {wrapped.wrapped_by!r} does not open this database's data keys"
            ) from None

    async def renew(self) -> str:
        document = _load(self._path)
        name = _new_name()
        _write(self._path, _KeysDocument(name, {**document.keys, name: _new_key()}))
        self._read()
        return name

    def _read(self) -> None:
        document = _load(self._path)
        try:
            self._keys = {
                name: AESGCM(base64.b64decode(text, validate=True))
                for name, text in document.keys.items()
            }
        except (ValueError, binascii.Error):
            raise KeysWrong(f"{self._path}: a key is not 32 bytes in base64") from None
        if document.newest not in self._keys:
            raise KeysWrong(f"{self._path}: `newest` names no key of the file")
        self._newest = document.newest


def make_keys_file(path: Path) -> None:
    """A new file with one key. Where another process was first, its file stands."""
    name = _new_name()
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _write_draft(path, _KeysDocument(name, {name: _new_key()}))
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def _load(path: Path) -> _KeysDocument:
    if path.stat().st_mode & 0o077:
        raise KeysWrong(f"{path} can be read by others: chmod 600 {path}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=_KeysDocument)
    except msgspec.MsgspecError:
        raise KeysWrong(f"{path} is not a file of keys") from None


def _write(path: Path, document: _KeysDocument) -> None:
    _write_draft(path, document).replace(path)


def _write_draft(path: Path, document: _KeysDocument) -> Path:
    # mkstemp gives mode 0600; the name becomes the real one only when all is written.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document)))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)


def _new_name() -> str:
    return f"kek-{secrets.token_hex(4)}"


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
