"""API security: chosen calls are encrypted and signed, and so must be their answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

import msgspec
from msgspec import Struct

from adapters.contract import Unreachable
from adapters.wechat import signing
from adapters.wechat.codes import TOKEN_REFUSED, errcode_error
from adapters.wechat.config import ApiSecurity
from adapters.wechat.wire import Failure

# What may come unsigned: our token or our seal was not accepted, so nothing was done.
_UNSIGNED = TOKEN_REFUSED | frozenset(range(40230, 40241))


class ApiShield:
    """Seals calls to the configured paths and opens their answers."""

    def __init__(self, app_id: str, security: ApiSecurity, clock: Callable[[], float]) -> None:
        self._app_id = app_id
        self._security = security
        self._clock = clock

    def covers(self, path: str) -> bool:
        """Whether calls to this path are sealed."""
        return path in self._security.paths

    def seal(self, url: str, asked: Struct) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a sealed call; `url` without its query."""
        envelope = signing.Envelope(url, self._app_id, int(self._clock()))
        plaintext = msgspec.json.encode(
            {
                **msgspec.to_builtins(asked),
                "_n": secrets.token_urlsafe(16),
                "_appid": self._app_id,
                "_timestamp": envelope.timestamp,
            }
        )
        body = msgspec.json.encode(
            signing.seal_call(
                envelope,
                self._security.symmetric_key,
                self._security.symmetric_serial,
                plaintext,
                iv=secrets.token_bytes(12),
            )
        )
        return body, {
            "content-type": "application/json",
            "wechatmp-appid": self._app_id,
            "wechatmp-timestamp": str(envelope.timestamp),
            "wechatmp-serial": self._security.serial,
            "wechatmp-signature": signing.sign_call(envelope, body, self._security.private_key),
        }

    def open(self, url: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The answer's plain JSON. Raises Unreachable `answer_unproven`."""
        try:
            if "wechatmp-signature" not in headers:
                return _refused_seal(body)
            envelope = signing.prove_call(
                headers,
                url,
                self._app_id,
                body,
                self._security.platform_keys,
                now=self._clock(),
            )
            return signing.open_call(
                envelope,
                self._security.symmetric_key,
                self._security.symmetric_serial,
                msgspec.json.decode(body, type=signing.Sealed),
            )
        except signing.Unproven as error:
            raise Unreachable("answer_unproven", channel_code=error.code) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable("answer_unreadable") from None


def _refused_seal(body: bytes) -> bytes:
    """An unsigned answer, where it can do no harm; else Unproven."""
    errcode = msgspec.json.decode(body, type=Failure).errcode
    if errcode in TOKEN_REFUSED:
        return body
    if errcode in _UNSIGNED:
        raise errcode_error(errcode)
    raise signing.Unproven("signature_wrong")
