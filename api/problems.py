"""Turns whatever the framework or the code raised into one of our problems.

Words of a library never reach a caller: msgspec's messages are translated by
pattern into a stable code and words in both languages.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from api.errors import (
    MEDIA_TYPE,
    BadRequest,
    FieldError,
    MethodNotAllowed,
    NotFound,
    Problem,
    ProblemAnswer,
    ValidationFailed,
    problem_for_status,
    render,
    wants_english,
)
from api.logs import describe_error

log = structlog.get_logger()

# msgspec's message → our code, Chinese words, English words.
_MESSAGES: tuple[tuple[re.Pattern[str], str, str, str], ...] = tuple(
    (re.compile(pattern), code, chinese, english)
    for pattern, code, chinese, english in (
        (r"missing required", "missing", "必填", "is required"),
        (r"contains unknown field", "unknown_field", "不认识这个字段", "is not a known field"),
        (r"of length", "wrong_length", "长度不符合要求", "has a wrong length"),
        (r"(<=|>=|<|>) ?-?\d", "out_of_range", "超出允许的范围", "is out of range"),
        (r"matching regex", "wrong_format", "格式不正确", "has a wrong format"),
        (r"Invalid enum value", "unknown_value", "不是可选的值", "is not one of the known values"),
        (
            r"Invalid (RFC3339|date|uuid|datetime)",
            "wrong_format",
            "格式不正确",
            "has a wrong format",
        ),
        (r"Expected", "wrong_type", "类型不正确", "has a wrong type"),
    )
)


def problems(*kinds: type[Problem]) -> dict[int, ResponseSpec]:
    """For a route's `responses`: the problems it raises itself, by status, each with its code."""
    by_status: dict[int, list[type[Problem]]] = {}
    for kind in kinds:
        by_status.setdefault(kind.status, []).append(kind)
    return {
        status: ResponseSpec(
            ProblemAnswer,
            description=" ".join(f"`{kind.code}`: {kind.english}" for kind in same),
            generate_examples=False,
            examples=[Example(id=kind.code) for kind in same],
        )
        for status, same in by_status.items()
    }


def to_problem(error: Exception) -> Problem:
    """The problem that stands for an exception; unexpected ones become a plain 500."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, ValidationException):
        return ValidationFailed(errors=[_field_error(e) for e in _extras(error)])
    if isinstance(error, HTTPException):
        return _from_http(error)
    if isinstance(error, (UnicodeDecodeError, RecursionError)):
        return BadRequest()
    return Problem()


def _from_http(error: HTTPException) -> Problem:
    if error.status_code == 405:
        given = {name.lower(): value for name, value in (error.headers or {}).items()}
        allow = given.get("allow", "").replace("GET", "GET, HEAD")
        return MethodNotAllowed(headers={"Allow": allow})
    if error.status_code == 404:
        return NotFound()
    return problem_for_status(error.status_code)


def _extras(error: ValidationException) -> list[dict[str, str]]:
    extra: Any = error.extra
    return [e for e in extra if isinstance(e, dict)] if isinstance(extra, list) else []


def field_error_of(error: msgspec.ValidationError) -> FieldError:
    """What msgspec says of one value, in our words: for what is decoded beside a route's body."""
    message, _, place = str(error).partition(" - at `")
    return _field_error({"message": message, "key": place.rstrip("`").removeprefix("$.")})


def _field_error(extra: dict[str, str]) -> FieldError:
    message = str(extra.get("message", ""))
    field = str(extra.get("key", "")) or "body"
    for pattern, code, chinese, english in _MESSAGES:
        if pattern.search(message):
            return FieldError(field, code, f"“{field}”{chinese}。", f"`{field}` {english}.")
    return FieldError(field, "invalid", f"“{field}”不正确。", f"`{field}` is not right.")


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything; unexpected errors are logged by class only."""
    problem = to_problem(error)
    if problem.status == 500:
        log.error("unexpected_error", **describe_error(error))
    return Response(
        render(
            problem,
            request_id=request.scope.get("state", {}).get("request_id"),
            english=wants_english(request.headers.get("accept-language", "")),
        ),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "Vary": "Accept-Language", **problem.headers},
    )
