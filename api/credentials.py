"""What the OpenAPI document says of who may call: one security scheme per guard."""

from __future__ import annotations

from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api import access

SCHEMES: dict[str, Any] = {
    "citizen": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `POST /v1/sessions`. An agent names the citizen acted for in "
        "`X-On-Behalf-Of`.",
    },
    "clerk": {
        "type": "http",
        "scheme": "bearer",
        "description": "The token of `POST /v1/clerk/sessions` (password and one-time code).",
    },
    "platform": {
        "type": "apiKey",
        "in": "header",
        "name": "Signature",
        "description": "HTTP Message Signatures (RFC 9421), one signature: components `@method` "
        "`@target-uri` `content-digest` (RFC 9530; a GET or DELETE without a body has none), "
        "parameters `created` (within 300 s), `nonce` (8 to 128 visible characters, each used "
        "once), `keyid`; `hmac-sha256` with the secret's UTF-8 bytes, or `ed25519`.",
    },
}
_SCHEME_OF = {
    access.citizen: "citizen",
    access.citizen_or_agent: "citizen",
    access.clerk: "clerk",
    access.signed_by_platform: "platform",
}


def say_who_calls(app: Litestar) -> None:
    """Let every operation of the document name the scheme of its guard; public ones none."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                scheme = scheme_of(handler)
                if scheme is not None:
                    handler.security = [{scheme: []}]


def scheme_of(handler: HTTPRouteHandler) -> str | None:
    """The security scheme of a handler's guard."""
    guards: list[Any] = handler.resolve_guards()
    named = (_SCHEME_OF.get(getattr(guard, "func", guard)) for guard in guards)
    return next((scheme for scheme in named if scheme is not None), None)
