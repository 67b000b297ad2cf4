"""Makes a platform's key. Its secret is shown once and kept sealed, or not kept at all.

A shared secret is text; its UTF-8 bytes are the HMAC key. Of an Ed25519 pair only the public
half stays here: the private one is given away as PKCS #8 PEM.
"""

from __future__ import annotations

import secrets
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from msgspec import Struct

from api import audit
from api.kinds import new_id
from api.platforms import queries
from api.settings import Settings
from api.signatures import Algorithm
from api.statements import Connection
from api.vault import Vault

DEMONSTRATION = "demonstration"


class Rights(Struct, frozen=True):
    """What a platform may touch; None leaves what it has, an empty prefix is everything."""

    service_prefixes: list[str] | None = None
    region_prefixes: list[str] | None = None


class IssuedKey(Struct, frozen=True, omit_defaults=True):
    """A key as its holder gets it; of `secret` and `private_key_pem` one is there."""

    key_id: str
    algorithm: Algorithm
    secret: str | None = None
    private_key_pem: str | None = None

    def __repr__(self) -> str:
        return f"IssuedKey({self.key_id})"


async def issue_key(
    connection: Connection,
    vault: Vault,
    settings: Settings,
    name: str,
    rights: Rights,
    *,
    algorithm: Algorithm = "hmac-sha256",
    expires_at: datetime | None = None,
    actor: str = "operator:command",
) -> IssuedKey:
    """One more key for the platform of that name, which is made where there is none.

    In the caller's transaction. Rights that are given replace the platform's.
    """
    platform = await queries.store_platform(
        connection,
        platform_id=new_id(),
        name=name,
        service_prefixes=rights.service_prefixes,
        region_prefixes=rights.region_prefixes,
        calls_per_day=settings.platform_calls_per_day,
        calls_per_second=settings.platform_calls_per_second,
    )
    if platform is None:
        raise LookupError("an upsert gives a row")
    key_id = f"pk_{secrets.token_hex(8)}"
    issued, sealed, public_key = _make(vault, key_id, algorithm)
    await queries.store_key(
        connection,
        key_id=key_id,
        platform_id=platform.platform_id,
        algorithm=algorithm,
        secret_sealed=sealed,
        public_key=public_key,
        expires_at=expires_at,
    )
    await audit.note(
        connection,
        actor=actor,
        action="platform.key_issued",
        subject=f"platform:{platform.platform_id}",
        details={
            "key_id": key_id,
            "algorithm": algorithm,
            "service_prefixes": platform.service_prefixes,
            "region_prefixes": platform.region_prefixes,
        },
    )
    return issued


def _make(
    vault: Vault, key_id: str, algorithm: Algorithm
) -> tuple[IssuedKey, bytes | None, bytes | None]:
    if algorithm == "hmac-sha256":
        secret = secrets.token_urlsafe(32)
        sealed = vault.seal(secret, table="platform_keys", column="secret_sealed", row=key_id)
        return IssuedKey(key_id, algorithm, secret=secret), sealed, None
    private_key = Ed25519PrivateKey.generate()
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public_key = private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return IssuedKey(key_id, algorithm, private_key_pem=pem), None, public_key


async def revoke_key(connection: Connection, name: str, key_id: str) -> bool:
    """End a platform's key; False where the platform has none of that id. Counts within 5 s."""
    if not await queries.revoke_key(connection, name=name, key_id=key_id):
        return False
    await audit.note(
        connection,
        actor="operator:command",
        action="platform.key_revoked",
        subject=f"platform_key:{key_id}",
    )
    return True


async def demonstration_key(connection: Connection, vault: Vault, settings: Settings) -> IssuedKey:
    """The demonstration's key, the same at every start; made at the first. It may do everything."""
    found = await queries.find_own_key(connection, name=DEMONSTRATION)
    if found is None:
        rights = Rights([""], [""])
        actor = "operator:demonstration"
        return await issue_key(connection, vault, settings, DEMONSTRATION, rights, actor=actor)
    secret = vault.open_text(
        found.secret_sealed, table="platform_keys", column="secret_sealed", row=found.key_id
    )
    return IssuedKey(found.key_id, "hmac-sha256", secret=secret)
