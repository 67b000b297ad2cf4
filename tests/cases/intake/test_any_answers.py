"""Whatever somebody writes into a form, it is taken or refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.cases.intake.check_answers import check_answers
from api.kinds import new_id
from api.processes import Choice, FormField
from tests.cases.intake.builders import RESIDENCE, service_at, sign_in

FIELDS = [
    FormField("text", "文字"),
    FormField("number", "数字", "number", minimum=0),
    FormField("date", "日期", "date"),
    FormField("phone", "电话", "phone"),
    FormField("identity", "号码", "identity_number"),
    FormField("choice", "选择", "choice", choices=[Choice("a", "甲")]),
    FormField("region", "区划", "region"),
    FormField("yes_no", "是否", "yes_no"),
]
NAMES = ("applicant_name", "id_number", "ground", "residence_region", "resided_since", "phone")
ANY = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=60)
    | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True)
    | st.from_regex(r"[0-9]{17}[0-9Xx]", fullmatch=True)
    | st.from_regex(r"[0-9]{12}", fullmatch=True)
    | st.lists(st.integers(), max_size=2)
    | st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from([f.name for f in FIELDS]) | st.text(max_size=5), ANY))
@settings(deadline=None, max_examples=300)
def test_a_check_never_fails(form: Mapping[str, Any]) -> None:
    for fault in check_answers(FIELDS, form):
        assert fault.field.startswith("form.")
        assert fault.detail
        assert fault.detail_english


async def test_no_form_is_our_fault(client: httpx.AsyncClient) -> None:
    person = await sign_in(client)
    code = await service_at(client, RESIDENCE)

    forms: list[bytes] = []

    @given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), ANY, max_size=6))
    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    def collect(form: dict[str, Any]) -> None:
        forms.append(msgspec.json.encode({"service_code": code, "form": form, "submit": True}))

    collect()
    for body in (
        *forms,
        b'{"service_code": "x", "form": ' + b"[" * 900,
        b'{"form": {"a": "\\ud800"}}',
    ):
        answer = await client.post(
            "/v1/cases",
            content=body,
            headers={
                **person.headers,
                "Content-Type": "application/json",
                "Idempotency-Key": new_id(),
            },
        )
        assert answer.status_code in (201, 400, 422, 429), answer.text
