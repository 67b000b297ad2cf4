"""Proves that a request comes from a platform: RFC 9421 signature, body digest, fresh nonce.

In order, the cheap and harmless first: what the signature says of itself, its age, the key
(held in memory), one verification, the body against its digest; only what is proven until
here touches PostgreSQL. Then the nonce, written once for all processes; then the limits.
A forged request costs a verification and writes nothing; a replayed one spends nothing of
the platform's quota.

`@target-uri` is the address as the request shows it (scheme, Host, path and query as sent)
or the same path under PUBLIC_URL, for a proxy in front that ends TLS or rewrites Host.
"""

from __future__ import annotations

import hashlib
import secrets
import tempfile
import time
from typing import Any, BinaryIO, cast

from litestar import Request

from api.access import Caller, Connection
from api.database import Database
from api.errors import NonceUsed, RateLimited, SignatureWrong
from api.limits import Policy, RateLimiter, rate_headers
from api.platforms import queries
from api.platforms.count_calls import CallCounter
from api.platforms.keyring import Keyring, PlatformKey
from api.settings import Settings
from api.signatures import (
    ACCEPT_SIGNATURE,
    BodyDigest,
    Claim,
    Fields,
    Key,
    Message,
    Unproven,
    check_age,
    is_signed,
    read_claim,
    read_fields,
)

# A body that the handler reads from a file is kept in memory up to so much.
SPOOL_BYTES = 1024 * 1024

_WORDS: dict[str, tuple[str, str]] = {
    "missing": (
        "缺少 Signature-Input 或 Signature 请求头。",
        "The Signature-Input or the Signature header is missing.",
    ),
    "malformed": (
        "签名相关请求头格式不正确（RFC 9421、RFC 8941）。",
        "The signature's headers are not well formed (RFC 9421, RFC 8941).",
    ),
    "several": ("一个请求只能带一个签名。", "A request carries exactly one signature."),
    "components": (
        "签名必须覆盖 @method、@target-uri 和 content-digest。",
        "The signature must cover @method, @target-uri and content-digest.",
    ),
    "parameters": (
        "签名参数需要 created、nonce、keyid，可加 alg、expires、tag。",
        "The signature's parameters are created, nonce, keyid; alg, expires and tag may be added.",
    ),
    "nonce": (
        "nonce 应为 8 至 128 个可见字符。",
        "The nonce must be 8 to 128 visible characters.",
    ),
    "stale": (
        "签名时间与服务器时间相差超过 300 秒，或签名已过期。",
        "The signature was made more than 300 s from the server's time, or has expired.",
    ),
    "signature": ("签名与密钥不符。", "The signature does not fit the key."),
    "digest_missing": (
        "缺少 Content-Digest（sha-256 或 sha-512，RFC 9530）。",
        "Content-Digest with sha-256 or sha-512 is missing (RFC 9530).",
    ),
    "digest_wrong": (
        "Content-Digest 与请求内容不符。",
        "Content-Digest does not fit the body.",
    ),
}


class PlatformProver:
    """What `access.signed_by_platform` asks, for one process."""

    def __init__(
        self,
        database: Database,
        keys: Keyring,
        calls: CallCounter,
        limiter: RateLimiter,
        settings: Settings,
    ) -> None:
        self._database = database
        self._keys = keys
        self._calls = calls
        self._limiter = limiter
        self._public_address = settings.public_address
        # Nobody's key: an unknown key id costs what a wrong signature costs.
        self._decoy = Key("hmac-sha256", secrets.token_bytes(32))

    async def prove(self, connection: Connection) -> Caller:
        """The platform that signed it.

        Raises SignatureWrong, NonceUsed, RateLimited, QuotaUsed, DatabaseUnavailable.
        """
        try:
            claim, found = await self._prove_signed(connection)
        except Unproven as unproven:
            chinese, english = _WORDS[unproven.reason]
            headers = {"Accept-Signature": ACCEPT_SIGNATURE}
            raise SignatureWrong(chinese, english, headers=headers) from None
        await self._use_nonce(claim)
        await self._limit(found)
        return Caller(
            kind="platform",
            identifier=found.platform_id,
            key_id=claim.key_id,
            service_prefixes=found.service_prefixes,
            region_prefixes=found.region_prefixes,
        )

    async def _prove_signed(self, connection: Connection) -> tuple[Claim, PlatformKey]:
        scope: Any = connection.scope
        fields = read_fields(scope["headers"])
        claim = read_claim(scope["method"], fields)
        now = time.time()
        check_age(claim, now)
        found = await self._keys.find(claim.key_id)
        key = found.key if found is not None and found.counts_at(now) else self._decoy
        signed = any(
            is_signed(Message(scope["method"], target, fields), claim, key)
            for target in self._targets(scope, fields)
        )
        if found is None or key is self._decoy or not signed:
            raise Unproven("signature")
        await _check_body(cast("Request[Any, Any, Any]", connection), claim, fields)
        return claim, found

    def _targets(self, scope: Any, fields: Fields) -> list[str]:
        """What the platform may have called this address; equal ones once."""
        query = scope["query_string"].decode("latin-1")
        path = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        received = f"{scope['scheme']}://{fields.joined('host') or ''}{path}"
        return list(dict.fromkeys((received, self._public_address + path)))

    async def _use_nonce(self, claim: Claim) -> None:
        content = f"{claim.key_id}\0{claim.nonce}".encode()
        digest = hashlib.blake2b(content, digest_size=20, person=b"nonce").digest()
        async with self._database.connection() as connection:
            if not await queries.note_nonce(connection, digest=digest):
                raise NonceUsed()

    async def _limit(self, found: PlatformKey) -> None:
        policy = platform_policy(found.calls_per_second)
        decision = await self._limiter.decide(policy, found.platform_id)
        if not decision.allowed:
            raise RateLimited(headers=rate_headers(policy, decision))
        await self._calls.count(found.platform_id, found.calls_per_day)


def platform_policy(calls_per_second: int) -> Policy:
    """A platform's calls a second; twice as many may come at once."""
    return Policy("platform", per_second=calls_per_second, burst=2 * calls_per_second)


async def _check_body(request: Request[Any, Any, Any], claim: Claim, fields: Fields) -> None:
    """The whole body against its digest, before anybody parses any of it.

    A route with `opt={"spools_body": True}` finds it as `request.state.spooled`, at its start.
    """
    if request.scope["route_handler"].opt.get("spools_body"):
        request.state.spooled = await _spool(request, _digest_of(fields))
        return
    body = await request.body()
    if not claim.covers_digest:
        if body:
            raise Unproven("digest_missing")
        return
    digest = _digest_of(fields)
    digest.update(body)
    digest.check()


def _digest_of(fields: Fields) -> BodyDigest:
    return BodyDigest(fields.joined("content-digest") or "")


async def _spool(request: Request[Any, Any, Any], digest: BodyDigest) -> BinaryIO:
    """The body in a temporary file, so that memory stays flat. The file ends with its last user."""
    file = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 (outlives this block)
    async for part in request.stream():
        digest.update(part)
        file.write(part)
    digest.check()
    file.seek(0)
    return cast(BinaryIO, file)
