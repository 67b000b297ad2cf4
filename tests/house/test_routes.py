"""Every route is guarded, limited, bounded and documented; nobody has to remember it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, get_args, get_type_hints

import msgspec
import pytest
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from api import access
from api.app import Service
from api.documents import complete
from api.envelope import lane_of
from api.lanes import lanes
from api.settings import Settings

SETTINGS = Settings(secret_key="a test's key, at least 32 characters long")
METHODS = {"get", "post", "put", "patch", "delete"}

# What can go wrong with any request, by what the request has.
ANYWHERE = {"400", "405", "429", "500", "503"}
WITH_BODY = {"408", "413", "415"}

# Routes of Litestar's own, which take no guard.
UNGUARDED = {
    "/schema": "the document's page: public, and off in production where it is not wanted",
    "/schema/openapi.json": "as above",
    "/schema/page.js": "as above",
    "/schema/{path:str}": "as above",
}


@cache
def service() -> Service:
    return Service(SETTINGS)


def handlers() -> list[tuple[str, str, HTTPRouteHandler]]:
    """Method, path and handler of every route; OPTIONS is Litestar's own answer."""
    return [
        (method, route.path, handler)
        for route in service().litestar.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        for method in sorted(str(m) for m in handler.http_methods)
        if method != "OPTIONS"
    ]


@cache
def document() -> dict[str, Any]:
    """As callers get it."""
    derived = service().litestar.openapi_schema.to_schema()
    written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(complete(derived)))
    return written


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        if method in METHODS
    ]


def parameters(*kinds: str) -> list[Any]:
    return [
        pytest.param(parameter, id=f"{name} {parameter['name']}")
        for name, operation in operations()
        for parameter in operation.get("parameters", ())
        if parameter["in"] in kinds
    ]


def test_every_route_has_one_guard_of_the_access_module() -> None:
    guards = {
        f"{method} {path}": [_plain(guard) for guard in handler.resolve_guards()]
        for method, path, handler in handlers()
        if path not in UNGUARDED
    }
    assert guards
    wrong = {
        name: found
        for name, found in guards.items()
        if len(found) != 1 or found[0].__module__ != access.__name__
    }
    assert wrong == {}


def test_no_guard_costs_a_thread() -> None:
    wrapped = [
        f"{method} {path}"
        for method, path, handler in handlers()
        for guard in handler.resolve_guards()
        if not inspect.iscoroutinefunction(guard)
    ]
    assert wrapped == []


def test_every_route_travels_in_a_lane_meant_for_it() -> None:
    every = lanes(SETTINGS)
    wrong = [
        f"{method} {path}"
        for method, path, _ in handlers()
        if lane_of(every, method, re.sub(r"\{[^}]*\}", "x", path), b"") is every[-1]
    ]
    assert wrong == []


def test_options_names_every_method_of_its_path() -> None:
    routes = [route for route in service().litestar.routes if isinstance(route, HTTPRoute)]
    assert routes
    for route in routes:
        handler, _ = route.route_handler_map[HttpMethod.OPTIONS]
        answer: Any = handler.fn({})
        assert answer.headers["Allow"] == ", ".join(sorted(route.methods)), route.path


def test_every_lane_but_the_operators_is_rate_limited() -> None:
    free = {lane.name for lane in lanes(SETTINGS) if lane.policy is None}
    assert free <= {"health", "metrics"}


def test_every_operation_has_a_summary_and_a_description() -> None:
    bare = [name for name, op in operations() if not op.get("summary") or not op.get("description")]
    assert bare == []


def test_every_operation_has_a_tag() -> None:
    known = {tag["name"] for tag in document()["tags"]}
    assert {name: op.get("tags") for name, op in operations() if not _tags(op) & known} == {}


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))


def test_every_operation_documents_its_errors() -> None:
    for name, operation in operations():
        wanted = set(ANYWHERE)
        if "requestBody" in operation:
            wanted |= WITH_BODY
        # What a path names may not be there.
        if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())):
            wanted |= {"404"}
        assert wanted <= operation["responses"].keys(), name


def test_every_error_is_a_problem() -> None:
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert list(response["content"]) == ["application/problem+json"], (name, status)
                assert response["description"], (name, status)


def test_every_operation_says_who_may_call() -> None:
    assert [name for name, operation in operations() if "security" not in operation] == []


@pytest.mark.parametrize("parameter", parameters("query", "header", "cookie"))
def test_every_parameter_is_bounded(parameter: dict[str, Any]) -> None:
    schema = parameter["schema"]
    for part in _alternatives(schema):
        if part.get("type") == "string":
            assert _is_bounded_text({**schema, **part}), schema
        if part.get("type") in ("integer", "number"):
            assert {"minimum", "maximum"} <= (schema.keys() | part.keys()), schema
        if part.get("type") == "array":
            assert "maxItems" in {**schema, **part}, schema


def test_every_body_refuses_fields_it_does_not_know() -> None:
    careless = {
        f"{method} {path}: {struct.__qualname__}"
        for method, path, handler in handlers()
        if "data" in handler.parsed_fn_signature.parameters
        for struct in _structs(handler.parsed_fn_signature.parameters["data"].annotation, set())
        if not struct.__struct_config__.forbid_unknown_fields
    }
    assert careless == set()


class Inner(msgspec.Struct):
    """Takes whatever comes."""

    number: int


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    """Careful itself, careless inside."""

    inner: dict[str, list[Inner | None]]


def test_a_careless_struct_inside_a_careful_one_is_seen() -> None:
    assert set(_structs(Outer, set())) == {Outer, Inner}


def _plain(guard: Any) -> Any:
    """A guard without the thread that Litestar wraps around one that is no coroutine."""
    return getattr(guard, "func", guard)


def _tags(operation: dict[str, Any]) -> set[str]:
    return set(operation.get("tags", ()))


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = schema.get("oneOf") or schema.get("anyOf") or [schema]
    return [
        {**part, "type": kind}
        for part in parts
        for kind in ([part.get("type")] if not isinstance(part.get("type"), list) else part["type"])
    ]


def _is_bounded_text(schema: dict[str, Any]) -> bool:
    if "enum" in schema or "const" in schema or "maxLength" in schema:
        return True
    # Dates, times and the like end by themselves; a pattern does where it repeats nothing freely.
    if schema.get("format") in {"date", "date-time", "uuid", "time"}:
        return True
    return "pattern" in schema and not re.search(r"[*+]|,\}", schema["pattern"])


def _structs(annotation: Any, seen: set[type]) -> Iterator[type[msgspec.Struct]]:
    """Every struct that an annotation reaches."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        if annotation not in seen:
            seen.add(annotation)
            yield annotation
            for hint in get_type_hints(annotation).values():
                yield from _structs(hint, seen)
        return
    for argument in get_args(annotation):
        yield from _structs(argument, seen)
