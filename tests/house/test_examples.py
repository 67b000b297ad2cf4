"""The document shows a real call of every operation, and every problem as it is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from api.settings import PROJECT
from tests.house.test_routes import document, operations

JSON = "application/json"
PROBLEM = "application/problem+json"

# Which operations show no JSON, and why.
UNSHOWN = {
    "GET /metrics": "plain text for Prometheus",
    "GET /robots.txt": "plain text for search engines",
    "GET /sitemap.xml": "XML for search engines",
    "GET /services/{service_code}": "a page for people",
    "GET /v1/payments/{payment_no}/receipt.pdf": "a file",
    "GET /v1/services/{service_code}/codes/{channel}": "a picture",
    "GET /v1/services/{service_code}/materials/{material_id}/blank-form": "a file",
    "GET /v1/services/{service_code}/materials/{material_id}/sample": "a file",
    "GET /v1/services/{service_code}/result-sample": "a file",
    "GET /v1/uploads/{upload_id}/content": "a file",
    "GET /v1/clerk/cases/{case_no}/files/{upload_id}": "a file",
    "GET /v1/cases/{case_no}/stream": "Server-Sent Events",
    "GET /v1/notices/{channel}/messages": "in the channel's own words",
    "POST /v1/notices/{channel}/messages": "in the channel's own words",
    "POST /v1/notices/{channel}": "in the channel's own words",
    "POST /v1/notices/{channel}/payments": "in the channel's own words",
    "POST /v1/notices/{channel}/refunds": "in the channel's own words",
    "POST /v1/platform/services:import": "NDJSON both ways",
}


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON that a caller sends: where, and schema with example."""
    for name, operation in operations():
        content = operation.get("requestBody", {}).get("content", {})
        if JSON in content:
            yield name, content[JSON]


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every JSON of a success: where, and schema with example."""
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if status.startswith("2") and JSON in response.get("content", {}):
                yield f"{name} {status}", response["content"][JSON]


def parameters() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every parameter that shows a value."""
    for name, operation in operations():
        for parameter in operation.get("parameters", ()):
            if "example" in parameter:
                yield f"{name} {parameter['name']}", parameter


def test_every_operation_shows_a_call_or_says_why_not() -> None:
    shown = [name for name, _ in bodies()] + [name.rsplit(" ", 1)[0] for name, _ in answers()]
    silent = {name for name, operation in operations() if operation["responses"].keys() >= {"204"}}
    assert {name for name, _ in operations()} - {*shown, *silent} == UNSHOWN.keys()


def test_every_body_and_every_answer_has_an_example() -> None:
    assert [name for name, content in (*bodies(), *answers()) if "example" not in content] == []


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(shown, id=name)
        for part in (bodies, answers, parameters)
        for name, shown in part()
    ],
)
def test_every_example_is_what_its_schema_says(shown: dict[str, Any]) -> None:
    schema = {**shown["schema"], "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    wrong = [(e.instance_path, e.message) for e in validator.iter_errors(shown["example"])]
    assert wrong == []


def test_a_wrong_example_would_be_seen() -> None:
    schema = {"$ref": "#/components/schemas/CaseBody", "components": document()["components"]}
    validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    assert not validator.is_valid({"service_code": "short"})
    assert not validator.is_valid({"service_code": "1" * 31, "unknown": 1})


def test_every_error_shows_problems_of_its_status() -> None:
    examples = document()["components"]["examples"]
    for name, operation in operations():
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            shown = response["content"][PROBLEM]["examples"]
            assert shown, (name, status)
            for code, reference in shown.items():
                assert reference == {"$ref": f"#/components/examples/{code}"}
                value = examples[code]["value"]
                assert (value["code"], str(value["status"])) == (code, status), name


def test_a_route_that_names_several_problems_of_a_status_shows_them_all() -> None:
    begin = document()["paths"]["/v1/cases"]["post"]["responses"]
    assert {"not_online", "request_in_progress"} <= begin["409"]["content"][PROBLEM][
        "examples"
    ].keys()
    assert "`not_online`" in begin["409"]["description"]
    assert "`request_in_progress`" in begin["409"]["description"]


def test_schemas_have_plain_names() -> None:
    names = document()["components"]["schemas"].keys()
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z0-9]+)+", name)] == []


def test_every_reference_leads_somewhere() -> None:
    whole = json.dumps(document(), default=str)
    components = document()["components"]
    for kind, name in set(re.findall(r'"\$ref": "#/components/(\w+)/([^"]+)"', whole)):
        assert name in components[kind], name


def test_the_examples_hold_nobody_and_no_secret() -> None:
    text = (PROJECT / "api" / "examples.json").read_text(encoding="utf-8")
    numbers = re.findall(r"(?<![0-9A-Z])[1-9]\d{16}[0-9X](?![0-9A-Z])", text)
    assert {number[:6] for number in numbers} == {"999000"}
    assert set(re.findall(r'"token": "([^"]+)"', text)) == {"eyJzdWIiOiIwMTkzYmQwMCJ9.c2lnbmF0dXJl"}
    assert set(re.findall(r'"secret": "([^"]+)"', text)) == {"whsec_" + "A" * 32}
    assert set(re.findall(r"https?://127\.0\.0\.1:(\d+)", text)) <= {"8000", "8101", "8102"}
