"""The OpenAPI 3.1 document, complete, and its page, both from this process alone.

Litestar derives the document from the routes; what every operation shares
(error answers, headers, who may call) is added here once.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import swagger_ui
from litestar import Request
from litestar.enums import MediaType, OpenAPIMediaType
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Contact, License, Tag

from api import __version__
from api.bodies import close_bodies
from api.credentials import SCHEMES
from api.errors import MEDIA_TYPE
from api.examples import every_example, refer_to_problems, show_exchanges
from api.files import FILE_ENDINGS

# The page's own scripts and styles; Swagger UI sets styles on elements and draws with data: images.
CONTENT_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    b"img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
)
ASSETS = Path(swagger_ui.__file__).parent / "static"

# What can go wrong with any request, whatever it asks.
_EVERYWHERE = {
    "400": "The request cannot be read, or a value is not right (`errors` says which).",
    "405": "The address does not answer that method.",
    "408": "The body took too long to arrive.",
    "413": "The body is too large.",
    "414": "The address is too long.",
    "415": "The body must be application/json, and not compressed.",
    "429": "Too many requests; `Retry-After` says when to come back.",
    "500": "Our fault; nothing was lost.",
    "503": "Overloaded or the database is away; `Retry-After` says when to come back.",
}


_FILE_TYPES = {
    media_type: {"schema": {"type": "string", "contentEncoding": "binary"}}
    for media_type in FILE_ENDINGS
}


def _link_files(document: dict[str, Any]) -> dict[str, Any]:
    """From a guide to the files of its first material."""
    code, material = "$response.body#/service_code", "$response.body#/materials/0/material_id"
    base = "/v1/services/{service_code}/materials/{material_id}"
    return {
        kind: {
            "operationId": document["paths"][f"{base}/{kind}"]["get"]["operationId"],
            "parameters": {"service_code": code, "material_id": material},
        }
        for kind in ("blank-form", "sample")
    }


_LINKS = {"/v1/services/{service_code}": _link_files}
# Litestar names a generic by its module; readers want ServiceSummaryPage.
_PAGE_OF = re.compile(r"\bPage_api(?:\.\w+)+\.(\w+)_$")
_ETAG_HEADERS = {
    "ETag": {"description": "strong tag of these bytes", "schema": {"type": "string"}},
    "Cache-Control": {"schema": {"type": "string"}},
    "X-Request-Id": {"schema": {"type": "string"}},
}


class CompleteJson(JsonRenderPlugin):
    """The document as JSON, completed once and kept."""

    _kept: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        if self._kept is None:
            self._kept = msgspec.json.encode(complete(openapi_schema))
        return self._kept


class SwaggerPage(OpenAPIRenderPlugin):
    """Swagger UI with scripts of the installed package; no inline script, no CDN."""

    def __init__(self) -> None:
        super().__init__(path="/", media_type=MediaType.HTML)

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return b"""<!DOCTYPE html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>\xe6\x8e\x8c\xe5\x8a\x9e API</title>
<link rel="stylesheet" href="/schema/assets/swagger-ui.css"></head><body><div id="swagger-ui"></div>
<script src="/schema/assets/swagger-ui-bundle.js"></script>
<script src="/schema/page.js"></script></body></html>"""


class SwaggerStart(OpenAPIRenderPlugin):
    """The few lines that start the page, as a file so that the page needs no inline script."""

    def __init__(self) -> None:
        super().__init__(path="/page.js", media_type=OpenAPIMediaType.OPENAPI_JSON)
        self.media_type = "application/javascript"  # type: ignore[assignment]

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return b'SwaggerUIBundle({url: "/schema/openapi.json", dom_id: "#swagger-ui"});'


def openapi_config() -> OpenAPIConfig:
    """Litestar's configuration of the document."""
    return OpenAPIConfig(
        title="掌办 Zhangban",
        version=__version__,
        description=(
            "Government services on a phone: find what can be done, apply, pay, see where the "
            "case stands. Times are RFC 3339 with +08:00, money is integer fen, codes are strings."
        ),
        contact=Contact(name="Zhangban"),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        path="/schema",
        use_handler_docstrings=True,
        tags=[
            Tag("catalogue", "Services, their guides and files"),
            Tag("regions", "Administrative regions"),
            Tag("citizens", "Signing in, who one is, and the rights over one's own data"),
            Tag("agents", "Who acts for whom: written authority, organisations"),
            Tag("cases", "Applications: files, drafts, submission, corrections, progress"),
            Tag("payments", "What is owed, how it is paid, how it goes back, what channels tell"),
            Tag("receipts", "Fiscal e-receipts of what was paid, and whether one is genuine"),
            Tag("messages", "What people are told, and what channels report of it"),
            Tag("clerks", "Those who handle cases: signing in, managing clerks, the audit trail"),
            Tag("visibility", "Pages and maps for search engines"),
            Tag("platform", "What partners with keys may do; every call is signed (RFC 9421)"),
            Tag("operations", "Health, metrics, explanations of problems"),
        ],
        render_plugins=[SwaggerPage(), SwaggerStart(), CompleteJson()],
    )


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add to every operation what it shares with all others."""
    components = document["components"]
    components["securitySchemes"] = SCHEMES
    components["examples"] = every_example()
    close_bodies(components["schemas"])
    _write_for_everybody(document)
    _name_pages(components["schemas"])
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                _complete_operation(operation)
                show_exchanges(f"{method.upper()} {path}", operation)
    for path, links in _LINKS.items():
        document["paths"][path]["get"]["responses"]["200"]["links"] = links(document)
    return document


def _write_for_everybody(node: Any) -> None:
    r"""What only Python or Litestar says so: \A and \Z are ^ and $ in the regular expressions of
    JSON Schema (ECMA-262), a union takes what any part of it takes (an integer is a number too),
    pages are named by their items."""
    if isinstance(node, dict):
        if "oneOf" in node:
            node["anyOf"] = node.pop("oneOf")
        pattern, reference = node.get("pattern"), node.get("$ref")
        if isinstance(pattern, str):
            node["pattern"] = pattern.replace(r"\A", "^").replace(r"\Z", "$")
        if isinstance(reference, str):
            node["$ref"] = _PAGE_OF.sub(r"\1Page", reference)
        for value in node.values():
            _write_for_everybody(value)
    elif isinstance(node, list):
        for value in node:
            _write_for_everybody(value)


def _name_pages(schemas: dict[str, Any]) -> None:
    for name in list(schemas):
        plain = _PAGE_OF.sub(r"\1Page", name)
        schemas[plain] = {**schemas.pop(name), "title": plain} if plain != name else schemas[name]


def _complete_operation(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in _EVERYWHERE:
        responses.setdefault(status, {"description": ""})
    for status, response in responses.items():
        if int(status) >= 400:
            _complete_problem(status, response, operation)
        elif status == "200":
            if "application/octet-stream" in response.get("content", {}):
                response["content"] = _FILE_TYPES
            response.setdefault("headers", {}).update(_ETAG_HEADERS)
    if "200" in responses:
        responses.setdefault("304", {"description": "Not changed since `If-None-Match`."})
    # An empty list says in OpenAPI: no credentials needed.
    operation.setdefault("security", [])


def _complete_problem(status: str, response: dict[str, Any], operation: dict[str, Any]) -> None:
    """Every error answer is a problem: what the route names, and what may always come."""
    named = {
        code: example
        for content in response.get("content", {}).values()
        for code, example in content.get("examples", {}).items()
    }
    words = _EVERYWHERE.get(status, "")
    response["description"] = f"{response['description']} {words}".strip() if named else words
    response["content"] = {
        MEDIA_TYPE: {
            "schema": {"$ref": "#/components/schemas/ProblemAnswer"},
            "examples": refer_to_problems(status, operation, named),
        }
    }
