"""The outermost ASGI layer: what every request goes through, whatever it asks.

In order: a request id, the lane it travels in, the rate limit of its caller, a
place among those in flight, a bounded body, a deadline; and on the way out the
security headers, one log line and one metric. Refusals are made here in
well under 50 ms, before any routing.
"""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import Sequence

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from msgspec import Struct

from api.admission import Admission, BodyLimit, Kind, body_limits, guard_body
from api.errors import (
    MEDIA_TYPE,
    Overloaded,
    Problem,
    RateLimited,
    UnsupportedMediaType,
    UriTooLong,
    render,
    wants_english,
)
from api.limits import Policy, RateLimiter, client_address, parse_networks, rate_headers
from api.logs import describe_error
from api.metrics import IN_FLIGHT, REFUSED, REQUEST_SECONDS
from api.settings import Settings

log = structlog.get_logger()

URI_LIMIT_BYTES = 8192
_REQUEST_ID = re.compile(rb"\A[\x21-\x7e]{1,100}\Z")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_SECURITY: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
CONTENT_POLICY = b"default-src 'none'; frame-ancestors 'none'"
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")


class Lane(Struct, frozen=True):
    """How a group of requests is limited. The first lane that fits counts.

    `policy` None: not rate-limited; `kind` None: takes no place (health must answer under load).
    `body` None: as large and as long as any body may be.
    """

    name: str
    methods: frozenset[str]
    prefix: str
    kind: Kind | None
    policy: Policy | None
    needs: bytes = b""
    deadline: bool = True
    media_types: tuple[bytes, ...] = (b"application/json",)
    content_policy: bytes = CONTENT_POLICY
    body: BodyLimit | None = None
    suffix: str = ""

    def fits(self, method: str, path: str, query: bytes) -> bool:
        """Whether a request travels here; `needs` is a query parameter that must be there."""
        return (
            method in self.methods
            and path.startswith(self.prefix)
            and path.endswith(self.suffix)
            and (not self.needs or query.startswith(self.needs) or b"&" + self.needs in query)
        )


class Envelope:
    """Wraps the whole application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        lanes: Sequence[Lane],
        limiter: RateLimiter,
        admission: Admission,
    ) -> None:
        self._app = app
        self._lanes = lanes
        self._limiter = limiter
        self._admission = admission
        self._body_limit = body_limits(settings)
        self._deadline = settings.app_deadline_seconds
        self._trusted = parse_networks(settings.trusted_proxies)
        self._security = [*_SECURITY]
        if settings.public_address.startswith("https://"):
            self._security.append(_HSTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        lane = lane_of(self._lanes, scope["method"], scope["path"], scope["query_string"])
        trip = _Trip(scope, lane, send, self._security)
        try:
            await self._travel(scope, receive, trip, lane)
        except TimeoutError:
            await trip.refuse(Overloaded(headers={"Retry-After": "1"}), "deadline")
        except Problem as problem:
            await trip.refuse(problem, problem.code)
        except Exception as error:
            # The last net: anything the application let through is a 500 without its text.
            log.error("unexpected_error", request_id=trip.request_id, **describe_error(error))
            if trip.status:
                raise
            await trip.refuse(Problem(), "unexpected")
        finally:
            trip.note()

    async def _travel(self, scope: HTTPScope, receive: Receive, trip: _Trip, lane: Lane) -> None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > URI_LIMIT_BYTES:
            raise UriTooLong()
        if lane.policy is not None:
            caller = client_address(scope, self._trusted)
            decision = await self._limiter.decide(lane.policy, caller)
            trip.limits = [
                (name.lower().encode(), value.encode())
                for name, value in rate_headers(lane.policy, decision).items()
            ]
            if not decision.allowed:
                raise RateLimited()
        _check_media_type(scope, lane)
        body = guard_body(scope, receive, lane.body or self._body_limit(scope["path"]))
        if lane.kind is None:
            await self._app(scope, body, trip)
            return
        async with self._admission.place(lane.kind):
            IN_FLIGHT.labels(lane.name).inc()
            try:
                async with asyncio.timeout(self._deadline if lane.deadline else None):
                    await self._app(scope, body, trip)
            finally:
                IN_FLIGHT.labels(lane.name).dec()


class _Trip:
    """One request's way out: headers added, status and time noted. Callable as ASGI `send`."""

    def __init__(
        self, scope: HTTPScope, lane: Lane, send: Send, security: list[tuple[bytes, bytes]]
    ) -> None:
        self._scope = scope
        self._lane = lane
        self._send = send
        self._security = security
        self._began = time.perf_counter()
        self._headers = dict(scope["headers"])
        given = self._headers.get(b"x-request-id", b"")
        self.request_id = given.decode() if _REQUEST_ID.match(given) else uuid.uuid4().hex
        self.status = 0
        self.limits: list[tuple[bytes, bytes]] = []
        # Not every server brings a state.
        scope.setdefault("state", {})["request_id"] = self.request_id

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = [*message["headers"], (b"x-request-id", self.request_id.encode())]
            headers += self._security
            names = {name for name, _ in headers}
            if b"content-security-policy" not in names:
                headers.append((b"content-security-policy", self._lane.content_policy))
            if b"cache-control" not in names:
                headers.append((b"cache-control", b"no-store"))
            headers += self.limits
            message = {**message, "headers": headers}
        await self._send(message)

    async def refuse(self, problem: Problem, reason: str) -> None:
        """Answer with a problem, unless an answer has begun."""
        REFUSED.labels(reason, self._lane.name).inc()
        if self.status:
            return
        language = self._headers.get(b"accept-language", b"").decode("latin-1")
        body = render(problem, request_id=self.request_id, english=wants_english(language))
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"vary", b"Accept-Language"),
            *((k.lower().encode(), v.encode()) for k, v in problem.headers.items()),
        ]
        await self({"type": "http.response.start", "status": problem.status, "headers": headers})
        if self._scope["method"] == "HEAD":
            body = b""
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def note(self) -> None:
        """One metric and one line; the route's template, never the address as typed."""
        seconds = time.perf_counter() - self._began
        route = str(self._scope.get("path_template") or "none")
        # A method is the caller's text: only known ones become a label.
        method = self._scope["method"] if self._scope["method"] in _METHODS else "OTHER"
        REQUEST_SECONDS.labels(method, route, str(self.status)).observe(seconds)
        log.info(
            "request",
            request_id=self.request_id,
            method=method,
            route=route,
            status=self.status,
            milliseconds=round(seconds * 1000, 2),
        )


def lane_of(lanes: Sequence[Lane], method: str, path: str, query: bytes) -> Lane:
    """The first lane that fits; the last one must fit everything."""
    for lane in lanes:
        if lane.fits(method, path, query):
            return lane
    return lanes[-1]


def _check_media_type(scope: HTTPScope, lane: Lane) -> None:
    """A body must say what it is: text/plain that happens to be JSON is refused."""
    if scope["method"] not in _WITH_BODY:
        return
    headers = dict(scope["headers"])
    if headers.get(b"content-length", b"0") == b"0" and b"transfer-encoding" not in headers:
        return
    media_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if media_type not in lane.media_types:
        raise UnsupportedMediaType()
