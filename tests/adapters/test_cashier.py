"""What a person sees and presses at either gateway's cashier, on a phone and without a script."""

from __future__ import annotations

import re
import secrets
from typing import Any

import httpx
import pytest

from tests.adapters.alipay.simulator.builders import Wire
from tests.adapters.wechat.simulator.merchant import Merchant
from tests.gateways import SimulatedGateway


@pytest.fixture(params=["wechat", "alipay"])
def gateway(request: pytest.FixtureRequest) -> SimulatedGateway:
    found: SimulatedGateway = request.getfixturevalue(f"{request.param}_gateway")
    return found


def ordered(gateway: SimulatedGateway) -> str:
    """An order of 16 yuan; gives the gateway's number."""
    number = f"P{secrets.token_hex(12)}"
    if gateway.name == "alipay":
        return Wire(gateway).create(number, "16.00")
    amount = {"total": 1600, "currency": "CNY"}
    merchant = Merchant(gateway)
    body = merchant.order(gateway.citizen(), out_trade_no=number, amount=amount)
    return str(merchant.prepay(body).json()["prepay_id"])


def look(gateway: SimulatedGateway, number: str) -> str:
    """The cashier's page."""
    page = httpx.get(f"{gateway.address}/cashier/{number}", trust_env=False)
    assert page.status_code == 200, page.text
    return page.text


def press(gateway: SimulatedGateway, page: str, words: str) -> str:
    """Press the button of that name; gives the page that follows."""
    form = rf'action="([^"]+)"><button[^>]*>{words}</button>'
    [path] = re.findall(form, page)
    answer = httpx.post(f"{gateway.address}{path}", follow_redirects=True, trust_env=False)
    assert answer.status_code == 200, answer.text
    return answer.text


def state(gateway: SimulatedGateway, number: str) -> Any:
    [payment] = [p for p in gateway.all("payments") if p["order_id"] == number]
    return payment["state"], payment["declines"]


def test_a_person_turns_away_comes_back_and_pays(gateway: SimulatedGateway) -> None:
    number = ordered(gateway)
    page = look(gateway, number)
    assert "16.00" in page
    assert "不动产登记费" in page
    page = press(gateway, page, "暂不支付")
    assert "您还没有支付" in page
    assert state(gateway, number) == ("waiting", 1)
    page = press(gateway, page, "确认支付")
    assert "支付成功" in page
    assert "<button" not in page
    assert state(gateway, number) == ("paid", 1)
    # Coming back to it shows how it stands, and a second press charges nobody.
    again = httpx.post(f"{gateway.address}/cashier/{number}/confirm", trust_env=False)
    assert again.status_code == 303
    assert "支付成功" in look(gateway, number)


def test_what_is_over_cannot_be_paid(gateway: SimulatedGateway) -> None:
    number = ordered(gateway)
    page = look(gateway, number)
    gateway.control("PUT", "/clock", {"skew_seconds": 16 * 86400})
    if gateway.name == "alipay":
        assert "订单已关闭" in look(gateway, number)
        press(gateway, page, "确认支付")
        assert state(gateway, number)[0] == "closed"
    else:
        # WeChat's orders without an end can be paid until somebody closes them.
        assert "待支付" in look(gateway, number)


def test_a_number_that_nobody_ordered_is_said_to_be_none(gateway: SimulatedGateway) -> None:
    for number in ("nothing", "%3Cscript%3E", "%00"):
        page = httpx.get(f"{gateway.address}/cashier/{number}", trust_env=False)
        assert page.status_code == 404
        assert "没有找到这笔订单" in page.text
        assert "<script" not in page.text


def test_the_page_is_made_for_a_phone_and_for_old_eyes(gateway: SimulatedGateway) -> None:
    page = look(gateway, ordered(gateway))
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert 'lang="zh-CN"' in page
    # Text of 20 px, buttons of 60: what a thumb hits and an old eye reads.
    assert "font: 1.25rem" in page
    assert "min-height: 3.75rem" in page
    assert "<script" not in page
    assert "http://" not in page.replace(gateway.address, "")
