"""One door to Alipay's gateway: sign, send, prove, open, decode, translate.

Every call raises only Refusal and Unreachable. An answer that is not proven to be Alipay's
is `answer_unproven`: whether the call took effect is then unknown.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from msgspec import Struct

from adapters.alipay import codes, signing, wire
from adapters.alipay.config import Config, Trust
from adapters.contract import Unreachable
from adapters.http import Call, Client

Wanted = TypeVar("Wanted", bound=Struct)

DOWNLOAD_METHOD = "alipay.open.app.alipaycert.download"
# How often, at most, a certificate we do not know is asked for.
DOWNLOAD_EVERY_SECONDS = 30.0


class Gateway:
    """Calls by method name. `config` holds our key and theirs."""

    def __init__(self, config: Config, client: Client) -> None:
        self.config = config
        self.client = client
        self.keys = Keys(config)
        self._downloading = asyncio.Lock()
        self._downloaded_at: float | None = None

    async def call(
        self,
        method: str,
        ask: wire.Ask | dict[str, str],
        wanted: type[Wanted],
        *,
        safe: bool = False,
        notice_url: str | None = None,
    ) -> Wanted:
        """What Alipay answers. `ask` is the `biz_content`, or for the few methods that have
        none its parameters; `safe` calls change nothing and may be repeated."""
        parameters = self.parameters(method, ask, notice_url=notice_url)
        member = await self._send(method, parameters, safe=safe)
        await self._prove(member)
        return self._open(member, wanted)

    def parameters(
        self, method: str, ask: wire.Ask | dict[str, str], *, notice_url: str | None = None
    ) -> dict[str, str]:
        """A request's parameters, still without the signature."""
        config, trust = self.config, self.config.trust
        parameters = {
            "app_id": config.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": wire.now(),
            "version": "1.0",
        }
        if isinstance(ask, dict):
            parameters |= ask
        else:
            content = msgspec.json.encode(ask)
            if config.encrypt_content and config.aes_key is not None:
                parameters["encrypt_type"] = "AES"
                parameters["biz_content"] = signing.encrypt(content, config.aes_key)
            else:
                parameters["biz_content"] = content.decode()
        if trust is not None:
            parameters |= {"app_cert_sn": trust.app_sn, "alipay_root_cert_sn": trust.root_sn}
        if config.app_auth_token:
            parameters["app_auth_token"] = config.app_auth_token
        if notice_url:
            parameters["notify_url"] = notice_url
        return parameters

    def page_url(self, method: str, ask: wire.Ask, return_url: str) -> str:
        """The signed address of a page of Alipay's, to be opened on the person's phone."""
        parameters = self.parameters(method, ask) | {"return_url": return_url}
        return f"{self.config.gateway_url}?{signing.signed_query(parameters, self.config.app_key)}"

    async def fetch(self, operation: str, url: str) -> bytes:
        """A small file of Alipay's on whatever host it named, which nobody signs."""
        answer = await self.client.call(Call(operation, "GET", url, safe=True))
        if answer.status != 200:
            raise Unreachable("channel_busy" if answer.status >= 500 else "answer_unreadable")
        return answer.body

    async def _send(
        self, method: str, parameters: dict[str, str], *, safe: bool
    ) -> signing.SignedMember:
        signature = signing.sign(signing.request_text(parameters), self.config.app_key)
        content = {"biz_content": parameters["biz_content"]} if "biz_content" in parameters else {}
        common = {key: value for key, value in parameters.items() if key not in content}
        answer = await self.client.call(
            Call(
                operation=method,
                method="POST",
                url=f"{self.config.gateway_url}?{urlencode({**common, 'sign': signature})}",
                headers={"content-type": "application/x-www-form-urlencoded;charset=utf-8"},
                body=urlencode(content).encode(),
                safe=safe,
            )
        )
        if answer.status != 200:
            raise Unreachable("channel_busy" if answer.status >= 500 else "answer_unreadable")
        try:
            return signing.signed_member(answer.body, method)
        except signing.SigningWrong:
            raise Unreachable("answer_unreadable") from None

    async def _prove(self, member: signing.SignedMember) -> None:
        key = self.keys.named(member.certificate_sn)
        if key is None:
            await self._learn(member.certificate_sn or "")
            key = self.keys.named(member.certificate_sn)
        if key is None or not signing.is_signed(member.raw, member.signature, key):
            # Nobody vouches for these words, but an operator whose key is wrong needs them.
            raise Unreachable("answer_unproven", channel_code=_claimed(member.raw))

    def _open(self, member: signing.SignedMember, wanted: type[Wanted]) -> Wanted:
        raw = member.raw
        try:
            if raw.startswith(b'"') and self.config.aes_key is not None:
                sealed = msgspec.json.decode(raw, type=str)
                raw = signing.decrypt(sealed, self.config.aes_key)
            head = msgspec.json.decode(raw, type=wire.Head)
            error = codes.as_error(head.code, head.sub_code)
            if error is None and member.name != signing.ERROR_MEMBER:
                return msgspec.json.decode(raw, type=wanted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, signing.SigningWrong):
            raise Unreachable("answer_unreadable") from None
        raise error or Unreachable("answer_unreadable")

    async def _learn(self, certificate_sn: str) -> None:
        """Ask for a certificate that we do not know, and keep it if the chain says it is
        Alipay's. Its own answer proves nothing, so the chain must."""
        trust = self.config.trust
        if trust is None or not codes.channel_word(certificate_sn):
            return
        async with self._downloading:
            if self.keys.named(certificate_sn) is not None or not self._may_download():
                return
            ask = wire.NameCertificate(alipay_cert_sn=certificate_sn)
            parameters = self.parameters(DOWNLOAD_METHOD, ask)
            member = await self._send(DOWNLOAD_METHOD, parameters, safe=True)
            try:
                content = msgspec.json.decode(member.raw, type=wire.CertificateContent)
                pem = base64.b64decode(content.alipay_cert_content, validate=True).decode("ascii")
                self.keys.add(certificate_sn, signing.read_certificates(pem), datetime.now(UTC))
            except (msgspec.MsgspecError, binascii.Error, ValueError, signing.SigningWrong):
                raise Unreachable("answer_unproven") from None

    def _may_download(self) -> bool:
        now = time.monotonic()
        last, self._downloaded_at = self._downloaded_at, now
        if last is not None and now - last < DOWNLOAD_EVERY_SECONDS:
            self._downloaded_at = last
            return False
        return True


class Keys:
    """Alipay's keys: the one of the configuration, and those learnt since."""

    def __init__(self, config: Config) -> None:
        self._trust = config.trust
        self._first = config.alipay_key
        self._by_sn: dict[str, RSAPublicKey] = {}
        if config.trust is not None:
            self._by_sn[config.trust.alipay_sn] = config.alipay_key

    def named(self, certificate_sn: str | None) -> RSAPublicKey | None:
        """The key of that certificate; without a name, and in key mode, the configured one."""
        if self._trust is None or certificate_sn is None:
            return self._first
        return self._by_sn.get(certificate_sn)

    def every(self) -> list[RSAPublicKey]:
        """Those that may have signed something which names no certificate, the newest first."""
        return list(reversed(self._by_sn.values())) or [self._first]

    def add(self, certificate_sn: str, certificates: list[x509.Certificate], at: datetime) -> None:
        """Keep a certificate of the gateway. Raises SigningWrong where it is not one.

        Applications' certificates come from the same roots: it must also have the issuer
        of the one we were given.
        """
        trust = self._trust
        if trust is None or signing.certificate_sn(certificates[0]) != certificate_sn:
            raise signing.SigningWrong("another certificate than the one asked for")
        if not _is_gateways(certificates, trust, at):
            raise signing.SigningWrong("a certificate that nobody vouches for")
        self._by_sn[certificate_sn] = signing.certificate_key(certificates[0])


def _is_gateways(certificates: list[x509.Certificate], trust: Trust, at: datetime) -> bool:
    chain = [*certificates, *trust.alipay[1:]]
    return certificates[0].issuer == trust.alipay[0].issuer and signing.is_trusted(
        chain, trust.roots, at
    )


def _claimed(raw: bytes) -> str | None:
    try:
        head = msgspec.json.decode(raw, type=wire.Head)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return codes.channel_word(head.sub_code) or codes.channel_word(str(head.code))
