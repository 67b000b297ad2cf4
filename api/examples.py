"""What the OpenAPI document shows of every operation: a call, its answer, and every problem.

The calls were really made and answered: `python -m tools.record_examples` wrote them down.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from api.errors import (
    BadRequest,
    BodyTooLarge,
    CursorWrong,
    DatabaseUnavailable,
    FieldError,
    MethodNotAllowed,
    Overloaded,
    Problem,
    RateLimited,
    RequestTimeout,
    UnsupportedMediaType,
    UriTooLong,
    ValidationFailed,
    every_problem,
    render,
)

_JSON = "application/json"
_REQUEST_ID = "6f1c0a52f7c94a3e8d0f3a5f1b7f9c21"
_FIELD_ERROR = FieldError(
    "limit", "out_of_range", "“limit”超出允许的范围。", "`limit` is too much."
)
# What any request may be answered, beside the problems that its route names.
_EVERYWHERE: tuple[type[Problem], ...] = (
    ValidationFailed,
    BadRequest,
    MethodNotAllowed,
    RequestTimeout,
    BodyTooLarge,
    UriTooLong,
    UnsupportedMediaType,
    RateLimited,
    Problem,
    Overloaded,
    DatabaseUnavailable,
)


class _Exchange(Struct, frozen=True):
    """One call and its answer. `operation` is method and path as the document writes them."""

    operation: str
    status: int
    parameters: dict[str, Any] = {}
    body: Any = None
    answer: Any = None


_EXCHANGES = msgspec.json.decode(
    Path(__file__).with_suffix(".json").read_bytes(), type=list[_Exchange]
)


def show_exchanges(name: str, operation: dict[str, Any]) -> None:
    """Put the recorded calls into an operation; `name` is such as `GET /v1/me`."""
    for exchange in _EXCHANGES:
        if exchange.operation == name:
            _show_exchange(exchange, operation)


def _show_exchange(exchange: _Exchange, operation: dict[str, Any]) -> None:
    for parameter in operation.get("parameters", ()):
        if parameter["name"] in exchange.parameters:
            parameter["example"] = exchange.parameters[parameter["name"]]
    if exchange.body is not None:
        operation["requestBody"]["content"][_JSON]["example"] = exchange.body
    if exchange.answer is not None:
        response = operation["responses"][str(exchange.status)]
        response["content"][_JSON]["example"] = exchange.answer


def every_example() -> dict[str, Any]:
    """For the document's components: every problem by its code, as it is answered."""
    return {kind.code: _show_problem(kind) for kind in every_problem()}


def refer_to_problems(status: str, operation: dict[str, Any], named: dict[str, Any]) -> Any:
    """The examples of one error answer: `named` by the route, and what may always come."""
    codes = [*named, *(kind.code for kind in _EVERYWHERE if str(kind.status) == status)]
    if status == "400" and any(p["name"] == "cursor" for p in operation.get("parameters", ())):
        codes.append(CursorWrong.code)
    return {code: {"$ref": f"#/components/examples/{code}"} for code in codes}


def _show_problem(kind: type[Problem]) -> dict[str, Any]:
    errors = [_FIELD_ERROR] if kind is ValidationFailed else None
    answer = render(kind(errors=errors), request_id=_REQUEST_ID, english=False)
    return {"summary": kind.english, "value": msgspec.json.decode(answer)}
