"""A partner for tests: it signs by hand, so that nothing of ours proves itself."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import Any

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from api.database import Database, open_database
from api.platforms.issue_key import IssuedKey, Rights, issue_key
from api.settings import Settings
from api.signatures import Algorithm
from api.vault import open_vault

SERVICE = "11440106DM1GL9LR584440701003000"


class Signed(msgspec.Struct, frozen=True):
    """What is signed; tests change a part of it before or after signing."""

    method: str
    url: str
    body: bytes = b""
    created: int | None = None
    nonce: str | None = None
    key_id: str | None = None
    algorithm: str | None = None
    components: tuple[str, ...] = ("@method", "@target-uri", "content-digest")
    extra: str = ""
    label: str = "sig1"


class Partner:
    """Holds one key."""

    def __init__(self, key: IssuedKey) -> None:
        self.key = key

    def headers(self, signed: Signed) -> dict[str, str]:
        """The three fields of a signed request (RFC 9421 §2.5, §3.1; RFC 9530 §2)."""
        digest = base64.b64encode(hashlib.sha256(signed.body).digest()).decode()
        values = {
            "@method": signed.method,
            "@target-uri": signed.url,
            "content-digest": f"sha-256=:{digest}:",
        }
        covered = " ".join(f'"{name}"' for name in signed.components)
        created = int(time.time()) if signed.created is None else signed.created
        parameters = f'({covered});created={created};nonce="{signed.nonce or new_nonce()}"'
        parameters += f';keyid="{signed.key_id or self.key.key_id}"'
        if signed.algorithm is not None:
            parameters += f';alg="{signed.algorithm}"'
        parameters += signed.extra
        lines = [f'"{name}": {values[name]}' for name in signed.components]
        base = "\n".join([*lines, f'"@signature-params": {parameters}'])
        signature = base64.b64encode(self._sign(base.encode())).decode()
        return {
            "Signature-Input": f"{signed.label}={parameters}",
            "Signature": f"{signed.label}=:{signature}:",
            "Content-Digest": values["content-digest"],
        }

    def _sign(self, base: bytes) -> bytes:
        if self.key.secret is not None:
            return hmac.digest(self.key.secret.encode(), base, "sha256")
        loaded = load_pem_private_key((self.key.private_key_pem or "").encode(), None)
        assert isinstance(loaded, Ed25519PrivateKey)
        return loaded.sign(base)

    async def call(
        self, client: httpx.AsyncClient, method: str, path: str, body: Any = None, **changed: Any
    ) -> httpx.Response:
        """One signed call; `body` is JSON unless it is bytes already."""
        content = encode(body)
        url = f"{str(client.base_url).rstrip('/')}{path}"
        signed = Signed(method, url, content, **changed)
        media_type = "application/x-ndjson" if path.endswith(":import") else "application/json"
        headers = {
            "Content-Type": media_type,
            "Idempotency-Key": new_nonce(),
            **self.headers(signed),
        }
        return await client.request(method, path, content=content, headers=headers)


def encode(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else msgspec.json.encode(body)


def new_nonce() -> str:
    return secrets.token_urlsafe(16)


async def new_partner(
    settings: Settings,
    *,
    services: list[str] | None = None,
    regions: list[str] | None = None,
    algorithm: Algorithm = "hmac-sha256",
    name: str | None = None,
) -> Partner:
    """A platform of a name of its own, by default with every right."""
    database = await open_database(settings.database_url, settings)
    vault = await open_vault(settings, database)
    try:
        async with database.transaction() as connection:
            rights = Rights(services or [""], regions or [""])
            key = await issue_key(
                connection,
                vault,
                settings,
                name or f"partner-{secrets.token_hex(6)}",
                rights,
                algorithm=algorithm,
            )
    finally:
        await vault.close()
        await database.close()
    return Partner(key)


async def forget_partners(database: Database) -> None:
    """Leave no platform behind in a database that tests share."""
    async with database.connection() as connection:
        await connection.execute(
            "truncate platforms, platform_keys, platform_usage, platform_nonces, webhooks, "
            "webhook_slots, webhook_deliveries"
        )
