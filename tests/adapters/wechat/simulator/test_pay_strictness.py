"""What WeChat Pay refuses, with the code it refuses it with."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.adapters.wechat.simulator.merchant import AMOUNT_FEN, Merchant
from tests.gateways import SimulatedGateway, wait_until


@pytest.fixture
def merchant(wechat_gateway: SimulatedGateway) -> Merchant:
    return Merchant(wechat_gateway)


@pytest.fixture
def open_id(wechat_gateway: SimulatedGateway) -> str:
    return wechat_gateway.citizen()


def test_a_good_order_gets_a_prepay_id(merchant: Merchant, open_id: str) -> None:
    answer = merchant.prepay(merchant.order(open_id))
    assert answer.status_code == 200
    assert answer.json()["prepay_id"].startswith("wx")
    assert answer.headers["wechatpay-serial"] == merchant.public_key_id
    assert answer.headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"
    assert answer.headers["request-id"]


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ({"sign": lambda text: text + b" "}, "SIGN_ERROR"),
        ({"timestamp": int(time.time()) - 301}, "SIGN_ERROR"),
        ({"timestamp": int(time.time()) + 3600}, "SIGN_ERROR"),
        ({"timestamp": int(time.time() * 1000)}, "SIGN_ERROR"),
        ({"serial": "0" * 39 + "1"}, "SIGN_ERROR"),
        ({"mchid": "1900000001"}, "SIGN_ERROR"),
        ({"nonce": "no nonce!"}, "SIGN_ERROR"),
        ({"headers": {"Authorization": None}}, "SIGN_ERROR"),
        ({"headers": {"Authorization": "Bearer x"}}, "SIGN_ERROR"),
    ],
)
def test_an_unproven_call_is_refused(
    merchant: Merchant, open_id: str, how: dict[str, Any], code: str
) -> None:
    answer = merchant.prepay(merchant.order(open_id), **how)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert merchant.gateway.all("payments") == []


def test_a_stale_timestamp_is_named(merchant: Merchant, open_id: str) -> None:
    answer = merchant.prepay(merchant.order(open_id), timestamp=int(time.time()) - 301)
    assert answer.json()["message"] == (
        "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟"
    )


def test_a_serial_in_lower_case_is_the_same_serial(merchant: Merchant, open_id: str) -> None:
    serial = merchant.keys["merchant_serial"].lower()
    assert merchant.prepay(merchant.order(open_id), serial=serial).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"Accept": "text/html"},
        {"User-Agent": ""},
        {"Content-Type": "text/plain"},
        {"Wechatpay-Serial": "PUB_KEY_ID_0000"},
        {"Wechatpay-Serial": "ABCDEF"},
    ],
)
def test_headers_must_be_right(merchant: Merchant, open_id: str, header: dict[str, str]) -> None:
    answer = merchant.prepay(merchant.order(open_id), headers=header)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"amount": {"total": "1999", "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": 19.99, "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": 1999.0, "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": True, "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": 0, "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": -1, "currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"currency": "CNY"}}, "/body/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/body/amount/currency"),
        ({"amount": 1999}, "/body/amount"),
        ({"description": None}, "/body/description"),
        ({"description": "字" * 128}, "/body/description"),
        ({"out_trade_no": "short"}, "/body/out_trade_no"),
        ({"out_trade_no": "x" * 33}, "/body/out_trade_no"),
        ({"out_trade_no": "with space"}, "/body/out_trade_no"),
        ({"out_trade_no": 123456}, "/body/out_trade_no"),
        ({"notify_url": None}, "/body/notify_url"),
        ({"notify_url": "http://example.com/n"}, "/body/notify_url"),
        ({"notify_url": "https://example.com/n?a=1"}, "/body/notify_url"),
        ({"time_expire": "2030-01-01 00:00:00"}, "/body/time_expire"),
        ({"time_expire": "2030-01-01T00:00:00"}, "/body/time_expire"),
        ({"attach": "a" * 129}, "/body/attach"),
        ({"payer": None}, "/body/payer"),
        ({"payer": {}}, "/body/payer/openid"),
        ({"appid": None}, "/body/appid"),
        ({"mchid": None}, "/body/mchid"),
    ],
)
def test_a_wrong_field_is_refused_by_its_place(
    merchant: Merchant, open_id: str, changed: dict[str, Any], field: str
) -> None:
    body = {n: v for n, v in {**merchant.order(open_id), **changed}.items() if v is not None}
    answer = merchant.prepay(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "PARAM_ERROR")
    assert answer.json()["detail"]["field"] == field


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"payer": {"openid": "o" * 28}}, 500, "OPENID_MISMATCH"),
        ({"payer": {"openid": "nobody"}}, 400, "PARAM_ERROR"),
        ({"appid": "wx0000000000000000"}, 400, "APPID_MCHID_NOT_MATCH"),
        ({"mchid": "1900000001"}, 400, "MCH_NOT_EXISTS"),
    ],
)
def test_strangers_are_refused(
    merchant: Merchant, open_id: str, changed: dict[str, Any], status: int, code: str
) -> None:
    answer = merchant.prepay(merchant.order(open_id, **changed))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_the_same_order_is_the_same_and_another_is_refused(
    merchant: Merchant, open_id: str
) -> None:
    body = merchant.order(open_id)
    first = merchant.prepay(body).json()["prepay_id"]
    assert merchant.prepay(body).json()["prepay_id"] == first
    answer = merchant.prepay({**body, "amount": {"total": 1, "currency": "CNY"}})
    assert (answer.status_code, answer.json()["code"]) == (403, "OUT_TRADE_NO_USED")
    merchant.gateway.confirm(first)
    answer = merchant.prepay(body)
    assert (answer.status_code, answer.json()["code"]) == (400, "ORDERPAID")


def test_an_unknown_order_is_not_found(merchant: Merchant) -> None:
    mchid = merchant.keys["merchant_id"]
    answer = merchant.call("GET", f"/v3/pay/transactions/out-trade-no/NOBODY1?mchid={mchid}")
    assert (answer.status_code, answer.json()["code"]) == (404, "ORDER_NOT_EXIST")
    answer = merchant.call("GET", "/v3/refund/domestic/refunds/NOBODY1")
    assert (answer.status_code, answer.json()["code"]) == (404, "RESOURCE_NOT_EXISTS")


def test_an_order_being_paid_is_not_closed(merchant: Merchant, open_id: str) -> None:
    body = merchant.order(open_id)
    prepay_id = merchant.prepay(body).json()["prepay_id"]
    path = f"/v3/pay/transactions/out-trade-no/{body['out_trade_no']}/close"
    merchant.gateway.control("POST", f"/payments/{prepay_id}/open")
    answer = merchant.call("POST", path, {"mchid": merchant.keys["merchant_id"]})
    assert (answer.status_code, answer.json()["code"]) == (202, "USER_PAYING")
    merchant.gateway.decline(prepay_id)
    answer = merchant.call("POST", path, {"mchid": merchant.keys["merchant_id"]})
    assert (answer.status_code, answer.content) == (204, b"")


def test_time_to_pay_runs_out_without_closing_the_order(merchant: Merchant, open_id: str) -> None:
    body = merchant.order(open_id, time_expire="2026-01-01T00:00:00+08:00")
    prepay_id = merchant.prepay(body).json()["prepay_id"]
    merchant.gateway.control("PUT", "/clock", {"skew_seconds": 61})
    answer = merchant.gateway.ask("POST", f"/payments/{prepay_id}/confirm")
    assert answer.status_code == 409
    merchant.gateway.control("PUT", "/clock", {"skew_seconds": 0})
    assert merchant.query(body["out_trade_no"])["trade_state"] == "NOTPAY"


def test_refunds_never_exceed_the_payment(merchant: Merchant, open_id: str) -> None:
    number = merchant.pay(open_id)
    assert merchant.refund(number, AMOUNT_FEN - 1).status_code == 200
    answer = merchant.refund(number, 2)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert merchant.refund(number, 1).status_code == 200


def test_a_repeated_refund_is_one_refund_and_another_amount_is_refused(
    merchant: Merchant, open_id: str
) -> None:
    number = merchant.pay(open_id)
    first = merchant.refund(number, 100, out_refund_no="SAME1").json()["refund_id"]
    assert merchant.refund(number, 100, out_refund_no="SAME1").json()["refund_id"] == first
    answer = merchant.refund(number, 101, out_refund_no="SAME1")
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")
    assert len(merchant.gateway.all("refunds")) == 1


def test_there_are_at_most_fifty_refunds(merchant: Merchant, open_id: str) -> None:
    number = merchant.pay(open_id)
    assert [merchant.refund(number, 1).status_code for _ in range(50)] == [200] * 50
    assert merchant.refund(number, 1).json()["code"] == "INVALID_REQUEST"


def test_a_closed_refund_gives_its_amount_back(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.control("PUT", "/policy", {"refund_seconds": None})
    number = merchant.pay(open_id)
    merchant.refund(number, AMOUNT_FEN, out_refund_no="CLOSED1")
    assert merchant.refund(number, 1).status_code == 400
    merchant.gateway.control("POST", "/refunds/CLOSED1/finish", {"state": "closed"})
    assert merchant.query(number)["trade_state"] == "SUCCESS"
    assert merchant.refund(number, AMOUNT_FEN).status_code == 200


def test_an_unpaid_order_cannot_be_refunded(merchant: Merchant, open_id: str) -> None:
    body = merchant.order(open_id)
    merchant.prepay(body)
    answer = merchant.refund(body["out_trade_no"], 1)
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_REQUEST")


def test_bills_wait_for_the_next_day(merchant: Merchant, open_id: str) -> None:
    merchant.pay(open_id)
    today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
    asked = f"/v3/bill/tradebill?bill_date={today}&bill_type=ALL"
    assert merchant.call("GET", asked).json()["code"] == "INVALID_REQUEST"
    empty = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86400))
    answer = merchant.call("GET", f"/v3/bill/tradebill?bill_date={empty}")
    assert (answer.status_code, answer.json()["code"]) == (400, "NO_STATEMENT_EXIST")


def test_the_cashier_opens_only_with_a_right_signature(merchant: Merchant, open_id: str) -> None:
    prepay_id = merchant.prepay(merchant.order(open_id)).json()["prepay_id"]
    parameters = {
        "timeStamp": "1",
        "nonceStr": "n",
        "package": f"prepay_id={prepay_id}",
        "signType": "RSA",
        "paySign": "AAAA",
    }
    answer = merchant.gateway.ask(
        "POST", f"/payments/{prepay_id}/confirm", {"client_parameters": parameters}
    )
    assert (answer.status_code, "验证签名失败" in answer.json()["detail"]) == (400, True)
    assert merchant.gateway.all("payments")[0]["state"] == "waiting"


def test_refund_results_come_by_themselves(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.control("PUT", "/policy", {"refund_seconds": 0.05})
    merchant.refund(merchant.pay(open_id), 1)
    wait_until(lambda: merchant.gateway.all("refunds")[0]["state"] == "succeeded")
