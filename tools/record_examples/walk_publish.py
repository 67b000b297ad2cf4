"""A department publishes an item of its own."""

from __future__ import annotations

from typing import Any

from tools.record_examples.recorder import NOBODY, Recorder, Who

BASIC_CODE = "442099001000"
GUIDE: dict[str, Any] = {
    "name": "居家养老服务补贴（示例）",
    "item_type": "5",
    "region_code": "440106000000",
    "exercise_level": "4",
    "basic_code": BASIC_CODE,
    "audience": ["natural_person"],
    "handling_type": "promised",
    "statutory_limit": {"value": 20, "unit": "working_day"},
    "promised_limit": {"value": 10, "unit": "working_day"},
    "conditions": ["年满六十周岁，本辖区户籍"],
    "steps": [
        {"name": "受理", "stage": "acceptance", "limit_days": 2},
        {"name": "审定", "stage": "decision", "limit_days": 8},
    ],
    "materials": [
        {
            "material_id": "m1",
            "name": "居民身份证",
            "necessity": "required",
            "type": "original",
            "form": "electronic",
            "source": "government",
            "issuer": "公安机关",
        }
    ],
    "visits": 0,
    "online": {"depth": "IV", "courier": True},
    "result": {"type": "payment", "name": "居家养老服务补贴"},
    "enquiry": {"phone": "0000-88415182"},
    "complaint": {"phone": "0000-88415183"},
    "keywords": ["养老补贴"],
    "demonstration": True,
}


def publish(recorder: Recorder, department: Who) -> None:
    """A small guide; the answer says what the lint finds in it."""
    known = recorder.demonstration["services"]["needs_correction"]
    path = "/v1/services/{service_code}"
    body = recorder.call(NOBODY, f"GET {path}", service_code=known)["department"]
    code = f"{body['code']}{GUIDE['exercise_level']}{BASIC_CODE}"
    guide = {
        "service_code": code,
        **GUIDE,
        "department": {"code": body["code"], "name": body["name"]},
    }
    operation = "PUT /v1/platform/services/{service_code}"
    recorder.call(department, operation, guide, service_code=code)
