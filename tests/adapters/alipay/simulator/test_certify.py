"""Face checks: begun by a call, decided by a person on a page, asked for by another call."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.adapters.alipay.simulator.builders import Wire

BEGIN = "alipay.user.certify.open.initialize"
PAGE = "alipay.user.certify.open.certify"
ASK = "alipay.user.certify.open.query"
# Test data: area 999000 belongs to nobody, the check character is right.
ID_NUMBER = "999000199001011237"
BACK = "http://127.0.0.1:9/back?a=1&b=2"


def _wanted(number: str = "a" * 32, **identity: str) -> dict[str, Any]:
    return {
        "outer_order_no": number,
        "biz_code": "FACE",
        "identity_param": {
            "identity_type": "CERT_INFO",
            "cert_type": "IDENTITY_CARD",
            "cert_name": "测试",
            "cert_no": ID_NUMBER,
            **identity,
        },
        "merchant_config": {"return_url": BACK},
    }


def _page(wire: Wire, certify_id: str) -> Any:
    given = wire.sign(wire.parameters(PAGE, {"certify_id": certify_id}, return_url=BACK))
    return wire.client.get(f"{wire.url}?{urlencode(given)}")


@pytest.mark.parametrize(
    ("button", "expected"), [("yes", {"passed": "T"}), ("no", {"passed": "F"})]
)
def test_the_person_decides_on_the_page(wire: Wire, button: str, expected: dict[str, str]) -> None:
    certify_id = wire.call(BEGIN, _wanted())["certify_id"]
    assert wire.refused(ASK, {"certify_id": certify_id}) == "OPEN_CERTIFY_BILL_STATUS_ERROR"
    page = _page(wire, certify_id)
    assert page.headers["content-type"] == "text/html;charset=utf-8"
    assert "测*" in page.text
    assert ID_NUMBER not in page.text
    action = re.search(r'action="([^"]+)"', page.text)
    assert action is not None
    done = wire.client.post(wire.gateway.address + action[1], data={"passed": button})
    assert (done.status_code, done.headers["location"]) == (303, BACK)
    answer = wire.call(ASK, {"certify_id": certify_id})
    assert {"passed": answer["passed"]} == expected
    assert bool(answer.get("fail_reason")) is (button == "no")
    assert "结束" in _page(wire, certify_id).text


def test_a_check_can_be_ended_by_control(wire: Wire) -> None:
    certify_id = wire.call(BEGIN, _wanted())["certify_id"]
    wire.gateway.control("POST", f"/identity-checks/{certify_id}/pass", {})
    assert wire.call(ASK, {"certify_id": certify_id})["passed"] == "T"


def test_somebody_elses_number_does_not_pass(wire: Wire) -> None:
    wire.gateway.citizen(name="别人", id_number=ID_NUMBER)
    certify_id = wire.call(BEGIN, _wanted())["certify_id"]
    wire.gateway.control("POST", f"/identity-checks/{certify_id}/pass", {})
    assert wire.call(ASK, {"certify_id": certify_id})["passed"] == "F"


def test_a_repeat_begins_nothing_new(wire: Wire) -> None:
    first, again = wire.call(BEGIN, _wanted()), wire.call(BEGIN, _wanted())
    assert first == again
    other = _wanted(cert_name="别人")
    assert wire.refused(BEGIN, other) == "ILLEGAL_ARGUMENT_FORMAT"


@pytest.mark.parametrize(
    "wanted",
    [
        _wanted(number="a" * 31),
        _wanted(number="a" * 31 + "-"),
        _wanted(cert_no="999000199001011230"),
        _wanted(cert_no="12"),
        _wanted(cert_name=""),
        _wanted(cert_type="PASSPORT"),
        {**_wanted(), "biz_code": "SMILE"},
    ],
)
def test_a_wrong_beginning_is_refused(wire: Wire, wanted: dict[str, Any]) -> None:
    assert wire.refused(BEGIN, wanted) == "ILLEGAL_ARGUMENT_FORMAT"


def test_a_check_unknown_or_old_is_said_to_be_so(wire: Wire) -> None:
    assert wire.refused(ASK, {"certify_id": "0" * 32}) == "OPEN_CERTIFY_BILL_NOT_EXIST"
    certify_id = wire.call(BEGIN, _wanted())["certify_id"]
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 23 * 3600 + 1})
    assert wire.refused(ASK, {"certify_id": certify_id}) == "CERTIFY_ID_EXPIRED"


def test_an_unsigned_page_is_not_shown(wire: Wire) -> None:
    certify_id = wire.call(BEGIN, _wanted())["certify_id"]
    given = wire.sign(wire.parameters(PAGE, {"certify_id": certify_id}))
    changed = {**given, "biz_content": given["biz_content"].replace(certify_id, "0" * 32)}
    answer = wire.client.get(f"{wire.url}?{urlencode(changed)}")
    assert "isv.invalid-signature" in answer.text
    assert "<form" not in answer.text
