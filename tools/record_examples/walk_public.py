"""What anybody may ask without being known."""

from __future__ import annotations

import re
from typing import Any

from tools.record_examples.recorder import NOBODY, Recorder

GUANGZHOU = "440100000000"
TIANHE = "440106000000"
CARD = "440701003000"


LOOKS: dict[str, dict[str, Any]] = {
    "GET /v1/regions": {"parent": GUANGZHOU, "limit": 2},
    "GET /v1/regions/{code}": {"code": TIANHE},
    "GET /v1/home": {"region": TIANHE},
    "GET /v1/departments": {"region": TIANHE, "limit": 2},
    "GET /v1/services": {"q": "身份证丢了", "region": TIANHE, "limit": 2},
    "GET /v1/suggestions": {"q": "sfz", "region": TIANHE},
    "GET /v1/services/changes": {"after": 0, "limit": 2},
    "GET /health/live": {},
    "GET /health/ready": {},
    "GET /problems/{code}": {"code": "not_found"},
}


def look_around(recorder: Recorder) -> None:
    """Regions, the first screen, the catalogue, a guide, and how the service is."""
    for operation, given in LOOKS.items():
        recorder.call(NOBODY, operation, **given)
    at = "GET /v1/services/{basic_code}/at/{region_code}"
    found = recorder.call(NOBODY, at, basic_code=CARD, region_code=TIANHE)
    code = found["service_code"]
    recorder.call(NOBODY, "GET /v1/services/{service_code}", service_code=code)
    _open_in_app(recorder, code)


def _open_in_app(recorder: Recorder, service_code: str) -> None:
    operation = "GET /v1/services/{service_code}/links/{channel}"
    link = recorder.call(NOBODY, operation, service_code=service_code, channel="wechat")
    recorder.plain.show(link["url_link"], "https://wxaurl.cn/0123456789a")
    for app_id in re.findall(r"appid=(wx[0-9a-f]{16})", link["deep_link"]):
        recorder.plain.show(app_id, "wx0123456789abcdef")
