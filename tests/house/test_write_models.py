"""Nobody writes what only we write: a field that is read and not written is refused by name.

Every field of every read model is put, one at a time, into every body that somebody may
send: over HTTP at its top, and by the decoder at every depth.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any, get_args, get_type_hints

import httpx
import msgspec
import pytest
from litestar.datastructures import UploadFile

from api.kinds import new_id
from api.settings import Settings
from tests.cases.intake.builders import sign_in
from tests.clerks.builders import clerk_named, headers_of
from tests.house.test_routes import document, handlers, operations
from tests.platforms.builders import Partner, new_partner
from tests.town import running

SERVICE = "11440106DM1GL9LR584440701003000"

# What somebody who knows the tables would like to set.
OURS_ALONE = ("assurance_level", "citizen_id", "fee_fen", "paid_at", "platform_id", "status")


@cache
def read_fields() -> frozenset[str]:
    """Every field name that any answer may hold."""
    return frozenset().union(*(_names_of(operation) for _, operation in operations()))


def _names_of(operation: dict[str, Any]) -> set[str]:
    names: set[str] = set()
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            for content in answer.get("content", {}).values():
                names |= _names_in(content.get("schema", {}), set())
    return names


def _names_in(schema: Any, seen: set[str]) -> set[str]:
    if isinstance(schema, list):
        return set().union(*(_names_in(part, seen) for part in schema))
    if not isinstance(schema, dict):
        return set()
    reference = schema.get("$ref")
    if reference is not None:
        if reference in seen:
            return set()
        seen.add(reference)
        return _names_in(document()["components"]["schemas"][reference.rsplit("/", 1)[1]], seen)
    names = set(schema.get("properties", {}))
    for key, part in schema.items():
        if key == "properties":
            names |= _names_in(list(part.values()), seen)
        elif key in ("items", "oneOf", "anyOf", "allOf", "additionalProperties"):
            names |= _names_in(part, seen)
    return names


def write_models() -> dict[str, type[msgspec.Struct]]:
    """Operation → the struct of its JSON body; a file has no fields."""
    return {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}": struct
        for method, path, handler in handlers()
        if "data" in handler.parsed_fn_signature.parameters
        for struct in structs_of(handler.parsed_fn_signature.parameters["data"].annotation)
        if UploadFile not in get_type_hints(struct).values()
    }


def structs_of(annotation: Any) -> Iterator[type[msgspec.Struct]]:
    """The structs that an annotation names itself."""
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        yield annotation
    for part in get_args(annotation):
        yield from structs_of(part)


def reached(struct: type[msgspec.Struct], seen: set[type]) -> Iterator[type[msgspec.Struct]]:
    """A struct and every struct in it."""
    if struct not in seen:
        seen.add(struct)
        yield struct
        for hint in get_type_hints(struct, include_extras=True).values():
            for inner in structs_of(hint):
                yield from reached(inner, seen)


def every_struct() -> list[type[msgspec.Struct]]:
    seen: set[type] = set()
    return [part for struct in write_models().values() for part in reached(struct, seen)]


class Callers:
    """Whoever an operation wants, with a call that it takes from them."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, Any], partner: Partner):
        self._client = client
        self._headers = headers
        self._partner = partner

    async def send(self, name: str, body: Any) -> httpx.Response:
        method, path = name.split(" ")
        path = re.sub(r"\{[^}]*\}", new_id(), path)
        [security] = dict(operations())[name]["security"] or [{"": []}]
        [kind] = security
        if kind == "platform":
            return await self._partner.call(self._client, method, path, body)
        headers = {"Idempotency-Key": new_id(), **self._headers.get(kind, {})}
        return await self._client.request(method, path, json=body, headers=headers)


@pytest.fixture
async def callers(
    make_settings: Callable[..., Settings], town_settings: Settings
) -> AsyncIterator[Callers]:
    # One caller makes hundreds of calls.
    patient = make_settings(
        database_url=town_settings.database_url,
        files_url=town_settings.files_url,
        rate_writes_per_second=5000,
    )
    async with running(patient) as client:
        clerk = await clerk_named(town_settings, f"clerk-{new_id()[-12:]}", "handler")
        headers = {
            "citizen": (await sign_in(client, level="face")).headers,
            "clerk": await headers_of(client, clerk),
        }
        yield Callers(client, headers, await new_partner(town_settings))


def test_every_operation_with_a_json_body_has_a_write_model() -> None:
    with_body = {
        name
        for name, operation in operations()
        if "application/json" in operation.get("requestBody", {}).get("content", {})
    }
    assert write_models().keys() == with_body
    assert len(read_fields()) > 200


@pytest.mark.parametrize("struct", every_struct(), ids=lambda struct: struct.__name__)
def test_no_write_model_takes_a_field_that_is_only_read(struct: type[msgspec.Struct]) -> None:
    decoder = msgspec.json.Decoder(struct)
    for field in sorted(read_fields() - set(struct.__struct_encode_fields__)):
        with pytest.raises(msgspec.ValidationError, match=f"contains unknown field `{field}`"):
            decoder.decode(msgspec.json.encode({field: None}))


async def test_a_field_that_is_only_read_is_refused_by_name(callers: Callers) -> None:
    wrong = {}
    for name, struct in write_models().items():
        answered = {*_answered(name), *OURS_ALONE} - set(struct.__struct_encode_fields__)
        for field in sorted(answered):
            answer = await callers.send(name, {field: None})
            body = answer.json()
            told = [error["code"] for error in body.get("errors") or ()]
            if (answer.status_code, told) != (400, ["unknown_field"]):
                wrong[f"{name} {field}"] = answer.text
    assert wrong == {}


async def test_what_a_form_does_not_ask_is_no_answer_either(callers: Callers) -> None:
    town = await callers.send("POST /v1/cases", {"service_code": SERVICE, "form": {"status": "x"}})
    assert town.status_code == 400, town.text
    assert [e["code"] for e in town.json()["errors"]] == ["unknown_field"]


async def test_a_row_of_a_batch_is_as_strict_as_a_single_event(callers: Callers) -> None:
    event = {
        "case_no": "no-such-case",
        "event_id": new_id(),
        "type": "accepted",
        "occurred_at": "2026-03-02T09:00:00+08:00",
    }
    rows = [{**event, field: None} for field in ("status", "version", "actor")]
    answer = await callers.send("POST /v1/platform/events", {"events": rows})
    assert answer.status_code == 202, answer.text
    codes = [item["error"]["code"] for item in answer.json()["items"]]
    assert codes == ["validation_failed"] * len(rows)


def _answered(name: str) -> set[str]:
    """What the operation itself answers."""
    return _names_of(dict(operations())[name])
