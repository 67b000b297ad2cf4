"""Calls of the mini-program's API: the access token, errcodes, and API security where it is on.

The HTTP status is always 200; `errcode` says how it went. A call refused for its token is
made once more with a fresh one, after this very token was dropped: it had no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec
import structlog
from msgspec import Struct

from adapters.contract import ChannelError, Refusal, TokenKeeper, Unreachable
from adapters.http import BUDGET_SECONDS, Answer, Call, Client
from adapters.wechat import wire
from adapters.wechat.api_security import ApiShield
from adapters.wechat.codes import TOKEN_REFUSED, errcode_error
from adapters.wechat.config import Config

log = structlog.get_logger()
T = TypeVar("T", bound=Struct)

_JSON = {"content-type": "application/json"}
_TOKEN_SECONDS = 1.5
_LEAST_SECONDS = 0.2
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG")


class MiniProgram:
    """One application's way to `api_url`."""

    def __init__(
        self, config: Config, client: Client, tokens: TokenKeeper, clock: Callable[[], float]
    ) -> None:
        section = config.section
        self.app_id = section.app_id
        self._secret = section.app_secret
        self._url = section.api_url
        self._client = client
        self._tokens = tokens
        self._token_name = f"wechat:{section.app_id}"
        security = config.api_security
        self._shield = ApiShield(section.app_id, security, clock) if security else None

    async def get_session(self, code: str) -> wire.Session:
        """Exchange a login code, once: it takes the secret itself instead of a token."""
        query = urlencode(
            {
                "appid": self.app_id,
                "secret": self._secret,
                "js_code": code,
                "grant_type": "authorization_code",
            }
        )
        url = f"{self._url}/sns/jscode2session?{query}"
        answer = await self._client.call(Call("sign_in", "GET", url))
        return _read(_demand_well(answer).body, wire.Session)

    async def post(
        self, operation: str, path: str, asked: Struct, answer: type[T], *, safe: bool = False
    ) -> T:
        """Raises Refusal or Unreachable."""
        return _read(await self._post(operation, path, asked, safe=safe), answer)

    async def post_for_picture(self, operation: str, path: str, asked: Struct) -> bytes:
        """A picture's bytes; whether it is one is said by its first bytes."""
        body = await self._post(operation, path, asked, safe=True)
        if not body.startswith(_PICTURES):
            raise Unreachable("answer_unreadable")
        return body

    async def _post(self, operation: str, path: str, asked: Struct, *, safe: bool) -> bytes:
        last: ChannelError | None = None
        ends_at = monotonic() + BUDGET_SECONDS
        for _ in range(2):
            token = await self._token()
            left = ends_at - monotonic()
            if left < _LEAST_SECONDS:
                # Fetching the token took all the time there was.
                raise Unreachable("timeout", sent=False)
            body = await self._send(operation, path, token, asked, safe=safe, seconds=left)
            errcode = _errcode(body)
            if errcode == 0:
                return body
            last = errcode_error(errcode)
            if errcode not in TOKEN_REFUSED:
                break
            await self._tokens.drop(self._token_name, token)
        if last is None:
            raise AssertionError("unreachable")
        raise last

    async def _send(
        self, operation: str, path: str, token: str, asked: Struct, *, safe: bool, seconds: float
    ) -> bytes:
        url = f"{self._url}{path}"
        body = msgspec.json.encode(asked)
        headers: Mapping[str, str] = _JSON
        shield = self._shield if self._shield is not None and self._shield.covers(path) else None
        if shield is not None:
            body, headers = shield.seal(url, asked)
        answer = _demand_well(
            await self._client.call(
                Call(
                    operation,
                    "POST",
                    f"{url}?access_token={quote(token, safe='')}",
                    headers=headers,
                    body=body,
                    safe=safe,
                    budget_seconds=seconds,
                )
            )
        )
        if shield is None:
            return answer.body
        return shield.open(url, answer.headers, answer.body)

    async def _token(self) -> str:
        try:
            return await self._tokens.token(self._token_name, self._fetch_token)
        except Unreachable as error:
            # Whatever became of the token's fetching, the call itself was not made.
            raise Unreachable(error.code, sent=False, channel_code=error.channel_code) from None

    async def _fetch_token(self) -> tuple[str, int]:
        asked = msgspec.json.encode(wire.TokenAsked(self.app_id, self._secret))
        url = f"{self._url}/cgi-bin/stable_token"
        call = Call(
            "access_token", "POST", url, _JSON, asked, safe=True, budget_seconds=_TOKEN_SECONDS
        )
        body = _demand_well(await self._client.call(call)).body
        errcode = _errcode(body)
        if errcode in TOKEN_REFUSED:
            # Here this number says that the secret is wrong.
            log.error("channel_not_permitted", operation="access_token", channel_code=errcode)
            raise Refusal("not_permitted", channel_code=str(errcode))
        if errcode:
            raise errcode_error(errcode)
        token = _read(body, wire.Token)
        return token.access_token, token.expires_in


def _demand_well(answer: Answer) -> Answer:
    if answer.status == 429 or answer.status >= 500:
        raise Unreachable("channel_busy", channel_code=str(answer.status))
    if answer.status != 200:
        raise Unreachable("answer_unreadable", channel_code=str(answer.status))
    return answer


def _errcode(body: bytes) -> int:
    """0 also for what is no JSON object, such as a picture."""
    if not body.lstrip().startswith(b"{"):
        return 0
    return _decode(body, wire.Failure).errcode


def _read(body: bytes, kind: type[T]) -> T:
    errcode = _decode(body, wire.Failure).errcode
    if errcode:
        raise errcode_error(errcode)
    return _decode(body, kind)


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("answer_unreadable") from None
