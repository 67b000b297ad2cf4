"""Records real answers of a running service as the examples of the OpenAPI document.

make run                                # in another terminal
python tools/record_examples.py http://127.0.0.1:8000
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import httpx

EXAMPLES = Path(__file__).resolve().parent.parent / "api" / "examples.json"
TIANHE = "440106000000"
CARD = "440701003000"
LIST_ITEMS = 2

# Path → path parameters and query of the call worth showing.
CALLS: dict[str, dict[str, str]] = {
    "/v1/regions": {"parent": "440100000000", "limit": "2"},
    "/v1/regions/{code}": {"code": TIANHE},
    "/v1/home": {"region": TIANHE},
    "/v1/departments": {"region": TIANHE, "limit": "2"},
    "/v1/services": {"q": "身份证丢了", "region": TIANHE, "limit": "2"},
    "/v1/suggestions": {"q": "sfz", "region": TIANHE},
    "/v1/services/changes": {"after": "0", "limit": "2"},
    "/v1/services/{service_code}": {"service_code": ""},
    "/v1/services/{basic_code}/at/{region_code}": {"basic_code": CARD, "region_code": TIANHE},
    "/health/live": {},
    "/health/ready": {},
    "/problems/{code}": {"code": "not_found"},
}


def main(address: str) -> int:
    """Call each operation once and write down what was asked and answered."""
    found = httpx.get(f"{address}/v1/services/{CARD}/at/{TIANHE}").json()
    CALLS["/v1/services/{service_code}"]["service_code"] = found["service_code"]
    recorded = {path: _record(address, path, given) for path, given in CALLS.items()}
    EXAMPLES.write_text(json.dumps(recorded, ensure_ascii=False, indent=1) + "\n")
    return 0


def _record(address: str, path: str, given: dict[str, str]) -> dict[str, Any]:
    query = {name: value for name, value in given.items() if f"{{{name}}}" not in path}
    answer = httpx.get(address + path.format(**given), params=query)
    answer.raise_for_status()
    return {"parameters": given, "answer": _shorten(answer.json())}


def _shorten(value: Any) -> Any:
    """Lists cut to what a reader needs to see."""
    if isinstance(value, list):
        return [_shorten(item) for item in value[:LIST_ITEMS]]
    if isinstance(value, dict):
        return {name: _shorten(item) for name, item in value.items()}
    return value


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
