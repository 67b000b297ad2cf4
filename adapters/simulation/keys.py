"""The gateway's own secrets: made at the first start, kept in the data folder, mode 0600."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

_ALPHABET = string.ascii_letters + string.digits


class KeyRing:
    """Named secrets in one folder; asking for one that is missing makes it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder

    def rsa(self, name: str) -> RSAPrivateKey:
        """An RSA key of 2048 bits, kept as PKCS#8 PEM."""
        path = self._folder / f"{name}.pem"
        if not path.exists():
            key = generate_private_key(public_exponent=65537, key_size=2048)
            write_private(path, private_pem(key).encode())
        loaded = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(loaded, RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key")
        return loaded

    def text(self, name: str, length: int) -> str:
        """A random text of letters and digits."""
        return self.kept(name, "".join(secrets.choice(_ALPHABET) for _ in range(length)))

    def kept(self, name: str, made: str) -> str:
        """The text kept under this name; the first time, `made` is what is kept."""
        path = self._folder / name
        if not path.exists():
            write_private(path, made.encode())
        return path.read_text(encoding="utf-8")


def private_pem(key: RSAPrivateKey) -> str:
    """PKCS#8, unencrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: RSAPrivateKey) -> str:
    """SubjectPublicKeyInfo of the key's public half."""
    public = key.public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def write_private(path: Path, content: bytes) -> None:
    """Write a file only its owner may read, whole or not at all."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    fresh.replace(path)


def draw_toml(name: str, values: Mapping[str, Any]) -> str:
    """A table of texts, numbers, truths, lists of texts and tables, as TOML."""
    lines = [f"[{name}]"]
    tables = {key: value for key, value in values.items() if isinstance(value, Mapping)}
    # A JSON text, number, truth or list of texts is spelt the same in TOML.
    lines += [
        f"{key} = {msgspec.json.encode(value).decode()}"
        for key, value in values.items()
        if key not in tables
    ]
    drawn = ["\n".join(lines) + "\n"]
    drawn += [draw_toml(f"{name}.{key}", table) for key, table in tables.items()]
    return "\n".join(drawn)
