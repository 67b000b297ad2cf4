"""WeChat Pay's simulator as the package wechatpayv3 sees it, in both of its key modes."""

from __future__ import annotations

import gzip
import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from tests.adapters.wechat.simulator.merchant import AMOUNT_FEN, Merchant, independent
from tests.gateways import NoticeReceiver, SimulatedGateway, wait_until

CHINA = timezone(timedelta(hours=8))
MODES = pytest.mark.parametrize("mode", ["public_key", "certificate"])


def place_order(pay: Any, open_id: str, number: str, **more: Any) -> str:
    code, message = pay.pay(
        description="不动产登记费",
        out_trade_no=number,
        amount={"total": AMOUNT_FEN, "currency": "CNY"},
        payer={"openid": open_id},
        **more,
    )
    assert code == 200, message
    prepay_id: str = json.loads(message)["prepay_id"]
    return prepay_id


@MODES
def test_an_order_is_paid_told_refunded_and_told(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver, mode: str
) -> None:
    address = f"{notice_receiver.address}/notices"
    open_id = wechat_gateway.citizen()
    wechat_gateway.control("PUT", "/policy", {"refund_seconds": 0.1})
    with independent(wechat_gateway, mode, address) as pay:
        prepay_id = place_order(pay, open_id, "ORDER20260001")
        code, message = pay.query(out_trade_no="ORDER20260001")
        assert (code, json.loads(message)["trade_state"]) == (200, "NOTPAY")

        wechat_gateway.confirm(prepay_id)
        (notice,) = notice_receiver.wait_for(1)
        told = pay.callback(notice.headers, notice.body)
        assert told["event_type"] == "TRANSACTION.SUCCESS"
        assert told["resource"]["out_trade_no"] == "ORDER20260001"
        assert told["resource"]["amount"]["total"] == AMOUNT_FEN
        assert told["resource"]["payer"] == {"openid": open_id}

        code, message = pay.query(transaction_id=told["resource"]["transaction_id"])
        assert (code, json.loads(message)["trade_state"]) == (200, "SUCCESS")

        code, message = pay.refund(
            out_refund_no="REFUND1",
            out_trade_no="ORDER20260001",
            amount={"refund": 500, "total": AMOUNT_FEN, "currency": "CNY"},
            notify_url=f"{address}/refunds",
        )
        assert (code, json.loads(message)["status"]) == (200, "PROCESSING")
        told = pay.callback(*_message(notice_receiver.wait_for(2)[1]))
        assert told["event_type"] == "REFUND.SUCCESS"
        assert told["resource"]["amount"]["refund"] == 500
        assert told["resource"]["refund_status"] == "SUCCESS"
        code, message = pay.query_refund(out_refund_no="REFUND1")
        assert (code, json.loads(message)["status"]) == (200, "SUCCESS")
        code, message = pay.query(out_trade_no="ORDER20260001")
        assert json.loads(message)["trade_state"] == "REFUND"


@MODES
def test_an_unpaid_order_is_closed_with_an_empty_signed_answer(
    wechat_gateway: SimulatedGateway, mode: str
) -> None:
    open_id = wechat_gateway.citizen()
    with independent(wechat_gateway, mode, "https://a.test/n") as pay:
        place_order(pay, open_id, "ORDER20260002")
        assert pay.close("ORDER20260002")[0] == 204
        code, message = pay.query(out_trade_no="ORDER20260002")
        assert (code, json.loads(message)["trade_state"]) == (200, "CLOSED")
        code, message = pay.close("ORDER20260002")
        assert (code, json.loads(message)["code"]) == (400, "ORDER_CLOSED")


@MODES
def test_the_bill_of_the_day_says_what_was_paid_and_refunded(
    wechat_gateway: SimulatedGateway, mode: str
) -> None:
    open_id = wechat_gateway.citizen()
    wechat_gateway.control("PUT", "/policy", {"bills": "at_once"})
    day = f"{datetime.now(CHINA):%Y-%m-%d}"
    with independent(wechat_gateway, mode, "https://a.test/n") as pay:
        wechat_gateway.confirm(place_order(pay, open_id, "ORDER20260003", attach="a,b"))
        pay.refund(
            out_refund_no="REFUND3",
            out_trade_no="ORDER20260003",
            amount={"refund": 1, "total": AMOUNT_FEN, "currency": "CNY"},
        )
        code, message = pay.trade_bill(day)
        assert code == 200
        place = json.loads(message)
        code, content = pay.download_bill(place["download_url"])
        text = gzip.decompress(content)
        assert hashlib.sha1(text).hexdigest() == place["hash_value"]  # noqa: S324
        assert text.startswith(b"\xef\xbb\xbf")
        lines = text.decode("utf-8-sig").split("\r\n")
        header, paid, refunded, summary_header, summary, end = lines
        columns = header.split(",")
        assert len(columns) == 27
        assert end == ""
        row = dict(zip(columns, paid.removeprefix("`").split(",`"), strict=True))
        assert (row["商户订单号"], row["订单金额"], row["交易状态"]) == (
            "ORDER20260003",
            "19.99",
            "SUCCESS",
        )
        assert row["商户数据包"] == "a,b"
        row = dict(zip(columns, refunded.removeprefix("`").split(",`"), strict=True))
        assert (row["商户退款单号"], row["申请退款金额"]) == ("REFUND3", "0.01")
        totals = dict(
            zip(summary_header.split(","), summary.removeprefix("`").split(",`"), strict=True)
        )
        assert (totals["总交易单数"], totals["订单总金额"]) == ("2", "19.99")
        assert pay.fundflow_bill(day)[0] == 200


def test_a_provider_pays_and_refunds_for_its_sub_merchant(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    account = wechat_gateway.control("GET", "/account")
    sub = account["sub_merchant_id"]
    open_id = wechat_gateway.citizen()
    address = f"{notice_receiver.address}/notices"
    with independent(
        wechat_gateway, "public_key", address, mchid=account["provider_id"], partner_mode=True
    ) as pay:
        code, message = pay.pay(
            description="登记费",
            out_trade_no="ORDER20260004",
            amount={"total": AMOUNT_FEN, "currency": "CNY"},
            payer={"sub_openid": open_id},
            sub_appid=account["sub_app_id"],
            sub_mchid=sub,
        )
        assert code == 200, message
        wechat_gateway.confirm("ORDER20260004")
        told = pay.callback(*_message(notice_receiver.wait_for(1)[0]))
        assert told["resource"]["sub_mchid"] == sub
        assert told["resource"]["payer"] == {"sub_openid": open_id}
        code, message = pay.query(out_trade_no="ORDER20260004", sub_mchid=sub)
        assert (code, json.loads(message)["trade_state"]) == (200, "SUCCESS")
        code, message = pay.refund(
            out_refund_no="REFUND4",
            out_trade_no="ORDER20260004",
            amount={"refund": AMOUNT_FEN, "total": AMOUNT_FEN, "currency": "CNY"},
            sub_mchid=sub,
        )
        assert code == 200, message
        assert pay.query_refund("REFUND4", sub_mchid=sub)[0] == 200


def test_an_abnormal_refund_goes_to_a_card_after_all(wechat_gateway: SimulatedGateway) -> None:
    open_id = wechat_gateway.citizen()
    wechat_gateway.control("PUT", "/policy", {"refund_seconds": 0, "refund_result": "abnormal"})
    with independent(wechat_gateway, "public_key", "https://a.test/n") as pay:
        wechat_gateway.confirm(place_order(pay, open_id, "ORDER20260005"))
        pay.refund(
            out_refund_no="REFUND5",
            out_trade_no="ORDER20260005",
            amount={"refund": AMOUNT_FEN, "total": AMOUNT_FEN, "currency": "CNY"},
        )

        def state() -> str:
            said: str = json.loads(pay.query_refund("REFUND5")[1])["status"]
            return said

        wait_until(lambda: state() == "ABNORMAL")
        refund_id = json.loads(pay.query_refund("REFUND5")[1])["refund_id"]
        code, message = pay.abnormal_refund(
            refund_id,
            "REFUND5",
            "USER_BANK_CARD",
            bank_type="ICBC_DEBIT",
            bank_account="6222020000000000000",
            real_name="测试",
        )
        assert code == 200, message
        wait_until(lambda: state() == "SUCCESS")


def test_a_wrongly_signed_answer_and_notice_do_not_convince(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    open_id = wechat_gateway.citizen()
    address = f"{notice_receiver.address}/notices"
    with independent(wechat_gateway, "public_key", address) as pay:
        prepay_id = place_order(pay, open_id, "ORDER20260006")
        wechat_gateway.faults(wrong_signature=True, only="payments", times=1)
        with pytest.raises(Exception, match="failed to verify the signature"):
            pay.query(out_trade_no="ORDER20260006")
        assert pay.query(out_trade_no="ORDER20260006")[0] == 200

        notice_receiver.answers = [(401, b""), (401, b"")]
        wechat_gateway.faults(wrong_signature=True, only="notice", times=1)
        wechat_gateway.faults(probe=True, only="notice", times=1)
        wechat_gateway.confirm(prepay_id)
        probe, wrong, right = notice_receiver.wait_for(3)
        assert probe.headers["wechatpay-signature"].startswith("WECHATPAY/SIGNTEST/")
        assert pay.callback(*_message(probe)) is None
        assert pay.callback(*_message(wrong)) is None
        assert pay.callback(*_message(right))["resource"]["trade_state"] == "SUCCESS"


def test_a_notice_with_another_amount_is_properly_signed(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    open_id = wechat_gateway.citizen()
    address = f"{notice_receiver.address}/notices"
    wechat_gateway.faults(wrong_amount=True)
    with independent(wechat_gateway, "public_key", address) as pay:
        wechat_gateway.confirm(place_order(pay, open_id, "ORDER20260008"))
        told = pay.callback(*_message(notice_receiver.wait_for(1)[0]))
        assert told["resource"]["amount"]["total"] == AMOUNT_FEN + 1
        assert json.loads(pay.query(out_trade_no="ORDER20260008")[1])["amount"]["total"] == (
            AMOUNT_FEN
        )


def test_a_rotated_public_key_comes_under_a_serial_that_nobody_knows(
    wechat_gateway: SimulatedGateway,
) -> None:
    merchant = Merchant(wechat_gateway)
    wechat_gateway.faults(rotate_key=True, only="payments.order", times=1)
    body = merchant.order(wechat_gateway.citizen())
    rotated, usual = merchant.prepay(body), merchant.prepay(body)
    assert rotated.headers["wechatpay-serial"] != merchant.public_key_id
    assert usual.headers["wechatpay-serial"] == merchant.public_key_id
    account = wechat_gateway.control("GET", "/account")
    assert rotated.headers["wechatpay-serial"] in account["next_pay_key"]


def test_a_rotated_certificate_is_found_by_its_serial(
    wechat_gateway: SimulatedGateway,
) -> None:
    open_id = wechat_gateway.citizen()
    with independent(wechat_gateway, "certificate", "https://a.test/n") as pay:
        place_order(pay, open_id, "ORDER20260007")
        wechat_gateway.faults(rotate_key=True)
        assert pay.query(out_trade_no="ORDER20260007")[0] == 200


def _message(received: Any) -> tuple[dict[str, str], bytes]:
    return received.headers, received.body
