"""An item opens in both apps: by a link on the phone, by a link on the web, by a code."""

from __future__ import annotations

import httpx
import pytest

from tests.standing import Standing


@pytest.fixture
def code(standing: Standing) -> str:
    found: str = standing.known()["services"]["free_instant"]
    return found


@pytest.mark.parametrize(
    ("channel", "deep", "web"),
    [
        ("wechat", "weixin://dl/business/?", "https://wxaurl.cn/"),
        ("alipay", "alipays://platformapi/startapp?", "https://ds.alipay.com/?"),
    ],
)
def test_an_item_has_links_into_the_app(
    standing: Standing, code: str, channel: str, deep: str, web: str
) -> None:
    path = f"{standing.address}/v1/services/{code}/links/{channel}"
    answer = httpx.get(path, timeout=10)
    assert answer.status_code == 200, answer.text
    link = answer.json()
    assert link["deep_link"].startswith(deep)
    assert link["url_link"].startswith(web)
    assert code in link["deep_link"]
    # The channel is asked once: the same link is given again.
    assert httpx.get(path, timeout=10).json() == link


@pytest.mark.parametrize("channel", ["wechat", "alipay"])
def test_an_item_has_a_code_to_scan(standing: Standing, code: str, channel: str) -> None:
    path = f"{standing.address}/v1/services/{code}/codes/{channel}"
    answer = httpx.get(path, timeout=10)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")
    assert httpx.get(path, timeout=10).content == answer.content


def test_an_unknown_channel_and_item_are_said_so(standing: Standing, code: str) -> None:
    for path in (f"{code}/links/pigeon", f"{'9' * 31}/links/wechat"):
        answer = httpx.get(f"{standing.address}/v1/services/{path}", timeout=10)
        assert answer.status_code == 404
