"""A trade's life as Alipay has it: created, opened, paid, closed, cancelled, finished."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.adapters.alipay.simulator.builders import SHANGHAI, Wire

CREATE, QUERY = "alipay.trade.create", "alipay.trade.query"
CLOSE, CANCEL = "alipay.trade.close", "alipay.trade.cancel"


def _status(wire: Wire, number: str) -> str:
    return str(wire.call(QUERY, {"out_trade_no": number})["trade_status"])


def test_a_repeated_order_is_the_same_trade(wire: Wire) -> None:
    order = wire.order("N_1")
    first, again = wire.call(CREATE, order), wire.call(CREATE, order)
    assert first == again
    assert len(wire.gateway.all("payments")) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"total_amount": "10.01"},
        {"subject": "另一项"},
        {"body": "另一项"},
        {"timeout_express": "30m"},
    ],
)
def test_an_order_with_other_words_is_inconsistent(wire: Wire, change: dict[str, str]) -> None:
    order = wire.order("N_1")
    wire.call(CREATE, order)
    assert wire.refused(CREATE, {**order, **change}) == "ACQ.CONTEXT_INCONSISTENT"


def test_a_paid_or_closed_number_takes_no_order(wire: Wire) -> None:
    paid, closed = wire.order("N_1"), wire.order("N_2")
    wire.gateway.confirm(wire.call(CREATE, paid)["trade_no"])
    assert wire.refused(CREATE, paid) == "ACQ.TRADE_HAS_SUCCESS"
    wire.gateway.decline(wire.call(CREATE, closed)["trade_no"])
    wire.call(CLOSE, {"out_trade_no": "N_2"})
    assert wire.refused(CREATE, closed) == "ACQ.TRADE_HAS_CLOSE"


@pytest.mark.parametrize(
    ("amount", "sub_code"),
    [
        ("0.00", "ACQ.INVALID_PARAMETER"),
        ("0", "ACQ.INVALID_PARAMETER"),
        ("-1.00", "ACQ.INVALID_PARAMETER"),
        ("1.234", "ACQ.INVALID_PARAMETER"),
        ("1e2", "ACQ.INVALID_PARAMETER"),
        ("01.00", "ACQ.INVALID_PARAMETER"),
        ("1,00", "ACQ.INVALID_PARAMETER"),
        (" 1.00", "ACQ.INVALID_PARAMETER"),
        ("1.00\n", "ACQ.INVALID_PARAMETER"),
        ("１.００", "ACQ.INVALID_PARAMETER"),
        (True, "ACQ.INVALID_PARAMETER"),
        (1.234, "ACQ.INVALID_PARAMETER"),
        ("100000000.01", "ACQ.TOTAL_FEE_EXCEED"),
    ],
)
def test_an_amount_must_be_a_decimal_in_range(wire: Wire, amount: Any, sub_code: str) -> None:
    assert wire.refused(CREATE, wire.order("N_1", amount)) == sub_code


@pytest.mark.parametrize(
    ("amount", "spelt"),
    [
        ("0.01", "0.01"),
        ("19.99", "19.99"),
        ("5", "5.00"),
        ("5.1", "5.10"),
        (19.99, "19.99"),
        (7, "7.00"),
        ("100000000.00", "100000000.00"),
    ],
)
def test_an_amount_comes_back_with_two_places(wire: Wire, amount: Any, spelt: str) -> None:
    wire.pay("N_1", amount)
    assert wire.call(QUERY, {"out_trade_no": "N_1"})["total_amount"] == spelt


@pytest.mark.parametrize(
    ("change", "sub_code"),
    [
        ({"out_trade_no": "a-b"}, "ACQ.INVALID_PARAMETER"),
        ({"out_trade_no": "a" * 65}, "ACQ.INVALID_PARAMETER"),
        ({"subject": "a/b"}, "ACQ.INVALID_PARAMETER"),
        ({"subject": "费" * 257}, "ACQ.INVALID_PARAMETER"),
        ({"subject": ""}, "ACQ.INVALID_PARAMETER"),
        ({"buyer_open_id": ""}, "ACQ.INVALID_PARAMETER"),
        ({"buyer_open_id": "nobody"}, "ACQ.BUYER_NOT_EXIST"),
        ({"buyer_id": "2088999999999999"}, "ACQ.BUYER_NOT_EXIST"),
        ({"op_app_id": ""}, "ACQ.INVALID_PARAMETER"),
        ({"op_app_id": "2021"}, "ACQ.OPEN_ID_NOT_TINY_APP"),
        ({"product_code": ""}, "ACQ.INVALID_PARAMETER"),
        ({"product_code": "FACE"}, "ACQ.PRODUCT_NOT_SUPPORT_IN_TINY_APP"),
        ({"seller_id": "2088000000000000"}, "ACQ.ACCESS_FORBIDDEN"),
        ({"time_expire": "2026-01-01"}, "ACQ.INVALID_PARAMETER"),
        ({"time_expire": "2020-01-01 00:00:00"}, "ACQ.NOW_TIME_AFTER_EXPIRE_TIME_ERROR"),
        ({"timeout_express": "30"}, "ACQ.INVALID_PARAMETER"),
    ],
)
def test_a_wrong_order_is_refused(wire: Wire, change: dict[str, str], sub_code: str) -> None:
    assert wire.refused(CREATE, {**wire.order("N_1"), **change}) == sub_code
    assert wire.gateway.all("payments") == []


def test_the_seller_and_a_blocked_person_cannot_buy(wire: Wire) -> None:
    order = {**wire.order("N_1"), "buyer_id": wire.section["seller_id"]}
    assert wire.refused(CREATE, order) == "ACQ.BUYER_SELLER_EQUAL"
    order = wire.order("N_1", buyer_open_id=wire.gateway.citizen(blocked=True))
    assert wire.refused(CREATE, order) == "ACQ.BUYER_ENABLE_STATUS_FORBID"


def test_an_old_identity_buys_too(wire: Wire) -> None:
    open_id = wire.gateway.citizen(user_id="2088123412341234")
    wire.pay("N_1", buyer_open_id="", buyer_id="2088123412341234")
    assert wire.call(QUERY, {"out_trade_no": "N_1"})["buyer_open_id"] == open_id


def test_before_the_cashier_is_opened_there_is_no_trade(wire: Wire) -> None:
    trade_no = wire.create("N_1")
    for named in ({"out_trade_no": "N_1"}, {"trade_no": trade_no}):
        assert wire.refused(QUERY, named) == "ACQ.TRADE_NOT_EXIST"
        assert wire.refused(CLOSE, named) == "ACQ.TRADE_NOT_EXIST"
    wire.gateway.control("POST", f"/payments/{trade_no}/open", {})
    waiting = wire.call(QUERY, {"trade_no": trade_no})
    assert waiting["trade_status"] == "WAIT_BUYER_PAY"
    assert (waiting["total_amount"], waiting["receipt_amount"]) == ("10.00", "0.00")
    assert "send_pay_date" not in waiting


def test_turning_away_leaves_the_trade_open(wire: Wire) -> None:
    trade_no = wire.create("N_1")
    wire.gateway.decline(trade_no)
    assert _status(wire, "N_1") == "WAIT_BUYER_PAY"
    wire.gateway.confirm(trade_no)
    assert _status(wire, "N_1") == "TRADE_SUCCESS"


def test_numbers_must_name_one_trade(wire: Wire) -> None:
    first, second = wire.pay("N_1"), wire.pay("N_2")
    assert wire.refused(QUERY, {}) == "ACQ.INVALID_PARAMETER"
    assert wire.refused(QUERY, {"out_trade_no": "N_3"}) == "ACQ.TRADE_NOT_EXIST"
    mixed = {"out_trade_no": "N_1", "trade_no": second}
    assert wire.refused(QUERY, mixed) == "ACQ.TRADE_NOT_EXIST"
    both = {"out_trade_no": "N_1", "trade_no": first}
    assert wire.call(QUERY, both)["trade_no"] == first


def test_only_a_waiting_trade_is_closed(wire: Wire) -> None:
    wire.pay("N_1")
    assert wire.refused(CLOSE, {"out_trade_no": "N_1"}) == "ACQ.TRADE_STATUS_ERROR"
    wire.gateway.decline(wire.create("N_2"))
    wire.call(CLOSE, {"out_trade_no": "N_2"})
    assert _status(wire, "N_2") == "TRADE_CLOSED"
    assert wire.refused(CLOSE, {"out_trade_no": "N_2"}) == "ACQ.REASON_TRADE_STATUS_INVALID"


@pytest.mark.parametrize("spelling", ["timeout_express", "time_expire"])
def test_a_trade_ends_with_its_time(wire: Wire, spelling: str) -> None:
    later = datetime.now(SHANGHAI) + timedelta(minutes=5)
    limit = {"timeout_express": "5m", "time_expire": f"{later:%Y-%m-%d %H:%M:%S}"}[spelling]
    trade_no = wire.create("N_1", **{spelling: limit})
    wire.gateway.decline(trade_no)
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 290})
    assert _status(wire, "N_1") == "WAIT_BUYER_PAY"
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 301})
    assert _status(wire, "N_1") == "TRADE_CLOSED"


def test_cancelling_closes_what_waits_and_gives_back_what_is_paid(wire: Wire) -> None:
    order = wire.order("N_1")
    wire.call(CREATE, order)
    done = wire.call(CANCEL, {"out_trade_no": "N_1"})
    assert (done["action"], done["retry_flag"]) == ("close", "N")
    assert wire.refused(CREATE, order) == "ACQ.TRADE_HAS_CLOSE"

    wire.pay("N_2")
    wire.refund("N_2", "R1", "4.00")
    done = wire.call(CANCEL, {"out_trade_no": "N_2"})
    assert (done["action"], done["retry_flag"]) == ("refund", "N")
    assert [r["amount_fen"] for r in wire.gateway.all("refunds")] == [400, 600]
    assert _status(wire, "N_2") == "TRADE_CLOSED"
    wire.call(CANCEL, {"out_trade_no": "N_2"})
    assert len(wire.gateway.all("refunds")) == 2


def test_an_unknown_number_is_cancelled_without_a_trade(wire: Wire) -> None:
    done = wire.call(CANCEL, {"out_trade_no": "N_1"})
    assert done == {"out_trade_no": "N_1", "retry_flag": "N"}


def test_cancelling_has_its_day(wire: Wire) -> None:
    wire.pay("N_1")
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 24 * 3600 + 1})
    assert wire.refused(CANCEL, {"out_trade_no": "N_1"}) == "ACQ.TRADE_CANCEL_TIME_OUT"


def test_a_finished_trade_is_past_refunding(wire: Wire) -> None:
    trade_no = wire.pay("N_1")
    wire.gateway.control("POST", "/events/trade_finished", {"details": {"trade_no": trade_no}})
    assert _status(wire, "N_1") == "TRADE_FINISHED"
    refund = {"out_trade_no": "N_1", "refund_amount": "10.00"}
    assert wire.refused("alipay.trade.refund", refund) == "ACQ.TRADE_HAS_FINISHED"
    assert wire.refused(CANCEL, {"out_trade_no": "N_1"}) == "ACQ.TRADE_HAS_FINISHED"


def test_the_app_opens_the_cashier_for_its_own_trade_only(wire: Wire) -> None:
    trade_no, other = wire.create("N_1"), wire.create("N_2")
    client = wire.gateway._client
    wrong = client.post(
        f"/payments/{trade_no}/confirm", json={"client_parameters": {"tradeNO": other}}
    )
    assert wrong.status_code == 400
    right = {"client_parameters": {"tradeNO": trade_no}}
    assert client.post(f"/payments/{trade_no}/confirm", json=right).status_code == 200
