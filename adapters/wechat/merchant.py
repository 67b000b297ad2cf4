"""Calls of WeChat Pay API v3: signed by us, and believed only where signed by them.

The platform's keys are the configured ones and, in certificate mode, those fetched from
`/v3/certificates`: at most once in five minutes, so that forged serials cost nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from time import monotonic
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from adapters import http
from adapters.contract import Unreachable
from adapters.http import Answer, Client
from adapters.wechat import config, wire
from adapters.wechat.codes import pay_error
from adapters.wechat.signing import (
    KeyWrong,
    Unproven,
    authorization,
    normal_serial,
    open_resource,
    prove_pay,
    read_public_key,
)

log = structlog.get_logger()
T = TypeVar("T", bound=Struct)

REFRESH_PAUSE_SECONDS = 300.0


class Merchant:
    """One merchant's way to `pay_url`."""

    def __init__(
        self,
        url: str,
        merchant: config.Merchant,
        client: Client,
        clock: Callable[[], float],
    ) -> None:
        self.settings = merchant
        self._url = url
        self._client = client
        self._clock = clock
        self._keys: dict[str, RSAPublicKey] = dict(merchant.platform_keys)
        self._refreshing = asyncio.Lock()
        self._refreshed_at = -REFRESH_PAUSE_SECONDS
        self._background: asyncio.Task[None] | None = None

    async def call(
        self,
        operation: str,
        method: Literal["GET", "POST"],
        target: str,
        asked: Struct | None = None,
        *,
        safe: bool = False,
    ) -> Answer:
        """A proven answer of 2xx; `target` is path and query exactly as they are sent.

        Raises Refusal; raises Unreachable also for an answer that is not proven theirs.
        """
        call = self.signed(operation, method, f"{self._url}{target}", asked, safe=safe)
        answer = await self._client.call(call)
        if answer.status < 300:
            await self._prove(answer)
            return answer
        # Not every error is signed; one that is, is signed right.
        if "wechatpay-signature" in answer.headers:
            await self._prove(answer)
        error = pay_error(answer.status, _code(answer.body))
        if error.code == "not_permitted":
            log.error("channel_not_permitted", operation=operation, channel_code=error.channel_code)
        raise error

    async def close(self) -> None:
        """Stop looking for certificates."""
        if self._background is not None:
            self._background.cancel()
            await asyncio.gather(self._background, return_exceptions=True)

    def signed(
        self,
        operation: str,
        method: Literal["GET", "POST"],
        url: str,
        asked: Struct | None = None,
        *,
        safe: bool = False,
        budget_seconds: float | None = None,
    ) -> http.Call:
        """A call with its Authorization."""
        body = b"" if asked is None else msgspec.json.encode(asked)
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = {
            "authorization": authorization(
                self.settings.key,
                method,
                target,
                body,
                timestamp=int(self._clock()),
                nonce=secrets.token_hex(16),
            ),
            "accept": "application/json",
            "content-type": "application/json",
        }
        if self.settings.asked_serial is not None:
            # Without it the answer may be signed with a certificate instead.
            headers["wechatpay-serial"] = self.settings.asked_serial
        return http.Call(
            operation, method, url, headers, body, safe=safe, budget_seconds=budget_seconds
        )

    def is_ours(self, url: str) -> bool:
        """Whether an address is on the gateway that we call."""
        mine, other = urlsplit(self._url), urlsplit(url)
        return (mine.scheme, mine.netloc) == (other.scheme, other.netloc)

    def prove_notice(self, headers: dict[str, str], body: bytes) -> None:
        """Raises Unproven. An unknown certificate is looked for in the background."""
        try:
            prove_pay(headers, body, self._keys, now=self._clock())
        except Unproven as error:
            if error.code == "serial_unknown":
                self._refresh_soon()
            raise

    def now(self) -> float:
        """Unix seconds."""
        return self._clock()

    @property
    def client(self) -> Client:
        """For downloads, whose answers are not signed."""
        return self._client

    async def _prove(self, answer: Answer) -> None:
        try:
            prove_pay(answer.headers, answer.body, self._keys, now=self._clock())
        except Unproven as error:
            if error.code == "serial_unknown" and await self._refresh():
                self._prove_again(answer)
                return
            raise Unreachable("answer_unproven", channel_code=error.code) from None

    def _prove_again(self, answer: Answer) -> None:
        try:
            prove_pay(answer.headers, answer.body, self._keys, now=self._clock())
        except Unproven as error:
            raise Unreachable("answer_unproven", channel_code=error.code) from None

    def _refresh_soon(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._may_refresh() and (self._background is None or self._background.done()):
            self._background = loop.create_task(self._refresh_quietly())

    async def _refresh_quietly(self) -> None:
        try:
            await self._refresh()
        except Unreachable as error:
            log.warning("platform_certificates_not_fetched", failure=error.code)

    def _may_refresh(self) -> bool:
        in_certificate_mode = self.settings.asked_serial is None
        return in_certificate_mode and monotonic() - self._refreshed_at >= REFRESH_PAUSE_SECONDS

    async def _refresh(self) -> bool:
        """Fetch the platform's certificates; False where it is not time or not the mode."""
        async with self._refreshing:
            if not self._may_refresh():
                return False
            self._refreshed_at = monotonic()
            url = f"{self._url}/v3/certificates"
            call = self.signed("certificates", "GET", url, safe=True, budget_seconds=1.5)
            answer = await self._client.call(call)
            if answer.status != 200:
                raise pay_error(answer.status, _code(answer.body))
            fetched = self._open_certificates(answer.body)
            try:
                # Sealed with our own key and then signed by one of themselves.
                known = self._keys | fetched
                prove_pay(answer.headers, answer.body, known, now=self._clock())
            except Unproven as error:
                raise Unreachable("answer_unproven", channel_code=error.code) from None
            self._keys = known
            return True

    def _open_certificates(self, body: bytes) -> dict[str, RSAPublicKey]:
        try:
            listed = msgspec.json.decode(body, type=wire.PlatformCertificates)
            return {
                normal_serial(one.serial_no): read_public_key(
                    self.open_sealed(one.encrypt_certificate).decode()
                )
                for one in listed.data
            }
        except (msgspec.DecodeError, UnicodeDecodeError, KeyWrong, Unproven):
            raise Unreachable("answer_unproven", channel_code="malformed") from None

    def open_sealed(self, sealed: wire.SealedResource) -> bytes:
        """What is inside a notice or a listed certificate. Raises Unproven."""
        if sealed.algorithm != "AEAD_AES_256_GCM":
            raise Unproven("malformed")
        return open_resource(
            self.settings.apiv3_key, sealed.nonce, sealed.associated_data, sealed.ciphertext
        )


def read(body: bytes, kind: type[T]) -> T:
    """Raises Unreachable `answer_unreadable`."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("answer_unreadable") from None


def _code(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=wire.PayFailure).code
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
