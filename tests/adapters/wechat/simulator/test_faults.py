"""What the gateway does wrong when it is told to, exactly as often as it is told."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.adapters.wechat.simulator.merchant import Merchant
from tests.gateways import NoticeReceiver, SimulatedGateway, simulating, wait_until


@pytest.fixture
def merchant(wechat_gateway: SimulatedGateway) -> Merchant:
    return Merchant(wechat_gateway)


@pytest.fixture
def open_id(wechat_gateway: SimulatedGateway) -> str:
    return wechat_gateway.citizen()


def bodies(receiver: NoticeReceiver) -> set[bytes]:
    return {request.body for request in receiver.received}


def test_a_status_is_answered_that_often_and_nothing_is_done(
    merchant: Merchant, open_id: str
) -> None:
    merchant.gateway.faults(status=500, only="payments.order", times=2, after=1)
    said = [merchant.prepay(merchant.order(open_id)) for _ in range(4)]
    assert [answer.status_code for answer in said] == [200, 500, 500, 200]
    assert said[1].json()["code"] == "SYSTEM_ERROR"
    assert said[1].headers["wechatpay-signature"]
    assert len(merchant.gateway.all("payments")) == 2


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"status": 429}, 429, "FREQUENCY_LIMITED"),
        ({"code": "NOT_ENOUGH"}, 403, "NOT_ENOUGH"),
        ({"code": "BANK_ERROR"}, 500, "BANK_ERROR"),
        ({"status": 404}, 404, "ORDER_NOT_EXIST"),
        ({"quota": 0}, 429, "FREQUENCY_LIMITED"),
    ],
)
def test_errors_come_in_wechats_words(
    merchant: Merchant, open_id: str, fault: dict[str, Any], status: int, code: str
) -> None:
    merchant.gateway.faults(**fault)
    answer = merchant.prepay(merchant.order(open_id))
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_lost_reply_is_cut_off_after_the_deed(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.faults(lose_reply=True, only="payments.order", times=1)
    body = merchant.order(open_id)
    with pytest.raises(httpx.RemoteProtocolError):
        merchant.prepay(body)
    assert merchant.query(body["out_trade_no"])["trade_state"] == "NOTPAY"


def test_an_error_after_the_deed_and_a_late_reply(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.faults(status_after=500, reply_late_ms=100, times=1)
    body = merchant.order(open_id)
    began = time.monotonic()
    assert merchant.prepay(body).status_code == 500
    assert time.monotonic() - began >= 0.1
    assert merchant.query(body["out_trade_no"])["trade_state"] == "NOTPAY"


def test_a_hanging_call_is_never_handled(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.faults(hang=True, times=1)
    merchant.client.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        merchant.prepay(merchant.order(open_id))
    assert merchant.gateway.all("payments") == []


def test_a_notice_comes_again_until_it_is_accepted(
    merchant: Merchant, open_id: str, notice_receiver: NoticeReceiver
) -> None:
    notice_receiver.answers = [(500, b""), (404, b"")]
    merchant.pay(open_id, f"{notice_receiver.address}/n")
    notice_receiver.wait_for(3)
    (notice,) = merchant.gateway.all("notices")
    wait_until(lambda: merchant.gateway.all("notices")[0]["state"] == "accepted")
    assert len({request.headers["wechatpay-nonce"] for request in notice_receiver.received}) == 3
    assert all(notice["notice_id"].encode() in body for body in bodies(notice_receiver))


def test_a_notice_that_is_never_accepted_is_given_up(
    merchant: Merchant, open_id: str, notice_receiver: NoticeReceiver
) -> None:
    notice_receiver.answer = (500, b"")
    merchant.pay(open_id, f"{notice_receiver.address}/n")
    wait_until(lambda: merchant.gateway.all("notices")[0]["state"] == "given_up")
    assert merchant.gateway.all("notices")[0]["attempts"] == ["500"] * 5


@pytest.mark.parametrize(
    ("fault", "count"),
    [({"duplicate": 3}, 4), ({"duplicate": True}, 2), ({"concurrent": 4}, 4)],
)
def test_a_notice_comes_more_than_once(
    merchant: Merchant,
    open_id: str,
    notice_receiver: NoticeReceiver,
    fault: dict[str, Any],
    count: int,
) -> None:
    merchant.gateway.faults(**fault, only="notice.payment")
    merchant.pay(open_id, f"{notice_receiver.address}/n")
    notice_receiver.wait_for(count)
    time.sleep(0.2)
    assert len(notice_receiver.received) == count


def test_a_mute_notice_is_sent_only_by_hand(
    merchant: Merchant, open_id: str, notice_receiver: NoticeReceiver
) -> None:
    merchant.gateway.faults(mute=True, times=1)
    merchant.pay(open_id, f"{notice_receiver.address}/n")
    (notice,) = merchant.gateway.all("notices")
    assert (notice["state"], notice_receiver.received) == ("muted", [])
    merchant.gateway.control("POST", f"/notices/{notice['notice_id']}/send")
    notice_receiver.wait_for(1)


def test_a_refund_is_told_before_its_payment(
    merchant: Merchant, open_id: str, notice_receiver: NoticeReceiver
) -> None:
    merchant.gateway.control("PUT", "/policy", {"refund_seconds": 0})
    merchant.gateway.faults(out_of_order=True, only="notice.payment", times=1)
    number = merchant.pay(open_id, f"{notice_receiver.address}/payments")
    merchant.refund(number, 1, notify_url=f"{notice_receiver.address}/refunds")
    first, second = notice_receiver.wait_for(2)
    assert (first.path, second.path) == ("/refunds", "/payments")


def test_a_late_notice_is_late(
    merchant: Merchant, open_id: str, notice_receiver: NoticeReceiver
) -> None:
    merchant.gateway.faults(late_ms=300, times=1)
    merchant.pay(open_id, f"{notice_receiver.address}/n")
    paid_at = time.monotonic()
    (notice,) = notice_receiver.wait_for(1)
    assert notice.at - paid_at >= 0.25


def test_notices_stay_on_this_machine(merchant: Merchant, open_id: str) -> None:
    merchant.pay(open_id, "https://example.com/notices")
    (notice,) = merchant.gateway.all("notices")
    assert (notice["state"], notice["attempts"]) == ("target_refused", [])


def test_faults_are_replaced_and_cleared(merchant: Merchant, open_id: str) -> None:
    merchant.gateway.control("PUT", "/faults", {"status": 500})
    merchant.gateway.control("PUT", "/faults", [{"status": 503}, {"latency_ms": 1}])
    assert merchant.prepay(merchant.order(open_id)).status_code == 503
    merchant.gateway.clear_faults()
    assert merchant.prepay(merchant.order(open_id)).status_code == 200
    assert merchant.gateway.ask("PUT", "/faults", {"no_such": True}).status_code == 400


def test_a_killed_gateway_keeps_what_it_answered(tmp_path: Any) -> None:
    with simulating("wechat", tmp_path) as gateway:
        merchant = Merchant(gateway)
        open_id = gateway.citizen(name="测试人")
        number = merchant.pay(open_id)
        merchant.refund(number, 5)
        keys = merchant.keys
    # A line torn by a crash was never answered.
    with (tmp_path / "journal.ndjson").open("ab") as journal:
        journal.write(b'["payments","wx1",{"order')
    with simulating("wechat", tmp_path) as gateway:
        merchant = Merchant(gateway)
        assert {**merchant.keys, "platform_keys": 0} == {**keys, "platform_keys": 0}
        assert gateway.all("citizens")[0]["open_id"] == open_id
        assert merchant.query(number)["trade_state"] == "REFUND"
        assert merchant.query(number)["out_trade_no"] == number


def test_the_page_shows_what_is_there_and_its_buttons_work(
    merchant: Merchant, open_id: str
) -> None:
    body = merchant.order(open_id)
    prepay_id = merchant.prepay(body).json()["prepay_id"]
    page = merchant.client.get("/").text
    assert "确认支付" in page
    assert "19.99 元" in page
    assert "http://" not in page.replace(merchant.gateway.address, "")
    pressed = merchant.client.post("/_page/confirm", data={"order_id": prepay_id})
    assert pressed.status_code == 303
    assert "已支付" in merchant.client.get("/").text
    merchant.client.post("/_page/faults", data={"duplicate": "2", "mute": "true", "only": "a b"})
    assert merchant.gateway.control("GET", "/faults")["items"] == [
        {"duplicate": 2, "mute": True, "only": ["a", "b"]}
    ]
