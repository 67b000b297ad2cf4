"""Codes to scan: an address in the answer, a picture behind it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.adapters.alipay.simulator.builders import Wire

METHOD = "alipay.open.app.qrcode.create"


def _wanted(**changes: Any) -> dict[str, Any]:
    wanted = {"url_param": "pages/index", "query_param": "a=1&b=2", "describe": "不动产登记"}
    return {**wanted, **changes}


def test_an_answer_names_pictures(wire: Wire) -> None:
    answer = wire.call(METHOD, _wanted(color="0x00BFFF"))
    assert answer.keys() == {
        "qr_code_url",
        "qr_code_url_circle_white",
        "qr_code_url_circle_blue",
    }
    for url in answer.values():
        picture = wire.client.get(url)
        assert picture.headers["content-type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG\r\n\x1a\n")
    missing = answer["qr_code_url"].replace("/qrcode/", "/qrcode/0")
    assert wire.client.get(missing).status_code == 404


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"url_param": ""}, "INVALID_PARAMETER"),
        ({"url_param": "p" * 257}, "INVALID_PARAMETER"),
        ({"describe": ""}, "QRCODE_DESC_CHECK_INVALID"),
        ({"describe": "长" * 33}, "QRCODE_DESC_CHECK_INVALID"),
        ({"color": "blue"}, "HM_BG_COLOR_INVALID"),
    ],
)
def test_a_wrong_wish_is_refused(wire: Wire, changes: dict[str, str], sub_code: str) -> None:
    assert wire.refused(METHOD, _wanted(**changes)) == sub_code
