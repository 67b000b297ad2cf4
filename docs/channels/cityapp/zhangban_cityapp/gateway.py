"""Calls of the city app's server: signed by us, and believed only where signed by it.

Both sides hold one secret. A signature is `t=SECONDS,v1=HEX`: HMAC-SHA256 over the lines
time, what it is about (method and path; the status of an answer), and the body.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from adapters.contract import NoticeRefused, Refusal, Unreachable
from adapters.http import Call, Client
from zhangban_cityapp.wire import MESSAGE_FAILURES, REFUSALS, Failure

T = TypeVar("T", bound=Struct)

HEADER = "x-cityapp-signature"
WINDOW_SECONDS = 300


class Gateway:
    """One application's way to the city app's server."""

    def __init__(
        self, url: str, app_id: str, secret: bytes, client: Client, clock: Callable[[], float]
    ) -> None:
        self.app_id = app_id
        self.now = clock
        self._url = url
        self._secret = secret
        self._client = client

    async def post(
        self, operation: str, path: str, asked: Struct, answer: type[T], *, safe: bool = False
    ) -> T:
        """Raises Refusal or Unreachable, and nothing else. `safe`: a repeat changes nothing."""
        body = msgspec.json.encode(asked)
        headers = {
            "content-type": "application/json",
            "x-cityapp-app": self.app_id,
            HEADER: self.sign(f"POST {path}", body),
        }
        call = Call(operation, "POST", f"{self._url}{path}", headers, body, safe=safe)
        found = await self._client.call(call)
        if found.status >= 500 or found.status == 429:
            raise Unreachable("channel_busy", channel_code=str(found.status))
        # Prove first, then parse: an answer that anybody could have written says nothing.
        fault = self.fault_of(found.headers, str(found.status), found.body)
        if fault is not None:
            raise Unreachable("answer_unproven", channel_code=fault)
        if found.status != 200:
            raise _refusal(_read(found.body, Failure).error)
        return _read(found.body, answer)

    def sign(self, about: str, body: bytes) -> str:
        """A signature of now."""
        at = str(int(self.now()))
        return f"t={at},v1={self._digest(at, about, body)}"

    def fault_of(self, headers: Mapping[str, str], about: str, body: bytes) -> str | None:
        """Why a signature does not hold, in NoticeRefused's words; None: it holds."""
        at, _, digest = headers.get(HEADER, "").removeprefix("t=").partition(",v1=")
        if not (at.isascii() and at.isdigit() and len(at) <= 12):
            return "signature_wrong"
        if not hmac.compare_digest(self._digest(at, about, body).encode(), digest.encode()):
            return "signature_wrong"
        return "stale" if abs(self.now() - int(at)) >= WINDOW_SECONDS else None

    def open_code(self, code: str) -> bytes:
        """What is inside a login code, if it was made with our secret. Raises Refusal."""
        payload, _, mark = code.partition(".")
        wanted = hmac.digest(self._secret, payload.encode(), "sha256")
        try:
            given = base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
            content = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        except ValueError:
            raise Refusal("code_wrong") from None
        if not hmac.compare_digest(given, wanted):
            raise Refusal("code_wrong")
        return content

    def _digest(self, at: str, about: str, body: bytes) -> str:
        text = f"{at}\n{about}\n".encode() + body
        return hmac.new(self._secret, text, hashlib.sha256).hexdigest()


def _refusal(error: str) -> Refusal | Unreachable:
    if error in REFUSALS:
        return Refusal(REFUSALS[error], channel_code=error)
    if error in MESSAGE_FAILURES:
        return Refusal("user_refused", channel_code=error)
    return Unreachable("answer_unreadable", channel_code=error)


def _read(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable("answer_unreadable") from None


def read_push(body: bytes, kind: type[T]) -> T:
    """As above, for what came in. Raises NoticeRefused."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoticeRefused("malformed") from None
