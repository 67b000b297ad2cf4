"""What every finished answer gets: strong ETag, 304, and the best encoding the client takes.

Handlers give plain bytes and a Cache-Control; this ASGI layer does the rest for
complete 200 answers to GET and HEAD (RFC 9110 §8.8.3, §12.5.3, §13.1.2). The
strong tag covers the encoded bytes, so each encoding has its own. Streams pass
through untouched.
"""

from __future__ import annotations

import gzip
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import brotli
import msgspec
import zstandard
from litestar import Response
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

# Below this an encoded body is hardly smaller than the plain one.
_LEAST_BYTES = 400
_KEPT_BYTES = 32 * 1024 * 1024
_TEXT = (b"application/json", b"application/problem+json", b"application/ld+json", b"text/")
_ALSO_TEXT = (b"application/xml", b"application/javascript", b"image/svg")
_CHOICE = (b"br", b"zstd", b"gzip")


def _zstd(body: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=6).compress(body)


_ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"br": lambda body: brotli.compress(body, quality=5),
    b"zstd": _zstd,
    b"gzip": lambda body: gzip.compress(body, compresslevel=6, mtime=0),
}


def public_answer(
    content: Any, *, max_age_seconds: int, headers: dict[str, str] | None = None
) -> Response[Any]:
    """A public answer: a struct, or its JSON as bytes; anybody may keep it for `max_age_seconds`.

    For as long again a cache may serve it while it asks anew (RFC 5861).
    """
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    cache = f"public, max-age={max_age_seconds}, stale-while-revalidate={max_age_seconds}"
    return Response(
        body,
        media_type="application/json",
        headers={"Cache-Control": cache, **(headers or {})},
    )


def private_answer(
    content: Any, *, status: int = 200, headers: dict[str, str] | None = None
) -> Response[Any]:
    """One person's answer: a struct, or its JSON as bytes; only their own client may keep it,
    and asks each time whether it still holds."""
    body = content if isinstance(content, bytes) else msgspec.json.encode(content)
    return Response(
        body,
        status_code=status,
        media_type="application/json",
        headers={"Cache-Control": "private, no-cache", **(headers or {})},
    )


def choose_encoding(accept: bytes) -> bytes | None:
    """The best of br, zstd, gzip by the client's weights; None means plain."""
    weights: dict[bytes, float] = {}
    for part in accept.lower().split(b","):
        name, _, parameter = part.strip().partition(b";")
        try:
            weight = float(parameter.strip().removeprefix(b"q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        weights[name.strip()] = weight
    default = weights.get(b"*", 0.0)
    best = max(_CHOICE, key=lambda name: weights.get(name, default))
    weight = weights.get(best, default)
    return best if weight > 0 and weight >= weights.get(b"identity", 0.0) else None


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Weak comparison of If-None-Match with our tag (RFC 9110 §13.1.2)."""
    if if_none_match.strip() == b"*":
        return True
    return any(part.strip().removeprefix(b"W/") == etag for part in if_none_match.split(b","))


class Answers:
    """The ASGI layer; keeps encoded bodies of recent answers, bounded by bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: OrderedDict[tuple[bytes, bytes], bytes] = OrderedDict()
        self._kept_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        finish = _Finish(self, scope, send)
        method = scope["method"]
        # HEAD is GET without its body (RFC 9110 §9.3.2): the routes know only GET.
        scope["method"] = "GET"
        try:
            await self._app(scope, receive, finish)
        finally:
            scope["method"] = method

    def encode(self, digest: bytes, body: bytes, encoding: bytes) -> bytes:
        """The body in that encoding, from the kept ones where possible."""
        key = (digest, encoding)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            return kept
        encoded = _ENCODERS[encoding](body)
        self._kept[key] = encoded
        self._kept_bytes += len(encoded)
        while self._kept_bytes > _KEPT_BYTES:
            _, dropped = self._kept.popitem(last=False)
            self._kept_bytes -= len(dropped)
        return encoded


class _Finish:
    """Holds the answer's head back until its whole body is known."""

    def __init__(self, answers: Answers, scope: HTTPScope, send: Send) -> None:
        self._answers = answers
        self._asked = {
            k: v for k, v in scope["headers"] if k in (b"accept-encoding", b"if-none-match")
        }
        self._head_only = scope["method"] == "HEAD"
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if message["status"] == 200:
                self._start = message
                return
        elif message["type"] == "http.response.body" and self._start is not None:
            start, self._start = self._start, None
            if message.get("more_body"):
                await self._send(start)
            else:
                await self._finish(start, message)
                return
        elif self._head_only and message["type"] == "http.response.body":
            message = {**message, "body": b""}
        await self._send(message)

    async def _finish(self, start: Message, message: Message) -> None:
        headers: Headers = list(start["headers"])  # type: ignore[typeddict-item]
        body, headers = self._shape(message["body"], headers)  # type: ignore[typeddict-item]
        etag = next(v for k, v in headers if k == b"etag")
        if matches(self._asked.get(b"if-none-match", b""), etag):
            kept = (b"etag", b"cache-control", b"vary", b"content-location", b"link")
            headers = [(k, v) for k, v in headers if k in kept]
            await self._send({"type": "http.response.start", "status": 304, "headers": headers})
            body = b""
        else:
            start["headers"] = headers  # type: ignore[typeddict-unknown-key]
            await self._send(start)
        if self._head_only:
            body = b""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def _shape(self, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
        """The body in its encoding, and the headers that go with it."""
        found = dict(headers)
        media_type = found.get(b"content-type", b"")
        digest = hashlib.blake2b(body, digest_size=12).hexdigest().encode()
        drop = (b"content-length", b"etag", b"vary")
        shaped = [(k, v) for k, v in headers if k not in drop]
        vary = found.get(b"vary")
        shaped.append((b"vary", vary + b", Accept-Encoding" if vary else b"Accept-Encoding"))
        encoding = None
        # A tag of the handler's own, such as a version, is kept; its one form is the plain one.
        own_tag = found.get(b"etag")
        if not own_tag and len(body) >= _LEAST_BYTES and media_type.startswith(_TEXT + _ALSO_TEXT):
            encoding = choose_encoding(self._asked.get(b"accept-encoding", b""))
        if encoding:
            body = self._answers.encode(digest, body, encoding)
            shaped.append((b"content-encoding", encoding))
            digest += b"-" + encoding
        shaped.append((b"etag", own_tag or b'"' + digest + b'"'))
        shaped.append((b"content-length", str(len(body)).encode()))
        return body, shaped
