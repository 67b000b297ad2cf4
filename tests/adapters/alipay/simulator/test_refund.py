"""Refunds: in parts, repeated, never above what was paid."""

from __future__ import annotations

import pytest

from tests.adapters.alipay.simulator.builders import Wire

REFUND, ASK = "alipay.trade.refund", "alipay.trade.fastpay.refund.query"


def _asked(refund_no: str, amount: str, number: str = "N_1") -> dict[str, str]:
    return {"out_trade_no": number, "out_request_no": refund_no, "refund_amount": amount}


def test_the_sum_of_refunds_is_told_and_the_last_one_closes(wire: Wire) -> None:
    wire.pay("N_1")
    first = wire.refund("N_1", "R1", "4.00")
    assert (first["fund_change"], first["refund_fee"]) == ("Y", "4.00")
    trade = wire.call("alipay.trade.query", {"out_trade_no": "N_1"})
    assert trade["trade_status"] == "TRADE_SUCCESS"
    second = wire.refund("N_1", "R2", "6.00")
    assert (second["fund_change"], second["refund_fee"]) == ("Y", "10.00")
    trade = wire.call("alipay.trade.query", {"out_trade_no": "N_1"})
    assert trade["trade_status"] == "TRADE_CLOSED"
    assert trade["send_pay_date"]
    assert wire.refused(REFUND, _asked("R3", "0.01")) == "ACQ.TRADE_HAS_CLOSE"


def test_a_repeated_refund_moves_no_money(wire: Wire) -> None:
    wire.pay("N_1")
    wire.refund("N_1", "R1", "10.00")
    again = wire.refund("N_1", "R1", "10.00")
    assert (again["fund_change"], again["refund_fee"]) == ("N", "10.00")
    assert len(wire.gateway.all("refunds")) == 1


def test_a_repeat_with_another_amount_is_discordant(wire: Wire) -> None:
    wire.pay("N_1")
    wire.refund("N_1", "R1", "4.00")
    assert wire.refused(REFUND, _asked("R1", "5.00")) == "ACQ.DISCORDANT_REPEAT_REQUEST"


def test_no_more_goes_back_than_came(wire: Wire) -> None:
    wire.pay("N_1")
    wire.refund("N_1", "R1", "4.00")
    assert wire.refused(REFUND, _asked("R2", "6.01")) == "ACQ.REASON_TRADE_REFUND_FEE_ERR"


def test_a_part_wants_a_number_of_its_own(wire: Wire) -> None:
    wire.pay("N_1")
    part = {"out_trade_no": "N_1", "refund_amount": "4.00"}
    assert wire.refused(REFUND, part) == "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL"
    wire.call(REFUND, {**part, "refund_amount": "10.00"})
    asked = {"out_trade_no": "N_1", "out_request_no": "N_1"}
    assert wire.call(ASK, asked)["refund_status"] == "REFUND_SUCCESS"


def test_what_is_not_paid_is_not_refunded(wire: Wire) -> None:
    trade_no = wire.create("N_1")
    assert wire.refused(REFUND, _asked("R1", "10.00")) == "ACQ.TRADE_NOT_EXIST"
    wire.gateway.decline(trade_no)
    assert wire.refused(REFUND, _asked("R1", "10.00")) == "ACQ.TRADE_STATUS_ERROR"


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.001", "1e1", ""])
def test_a_refunds_amount_is_a_decimal(wire: Wire, amount: str) -> None:
    wire.pay("N_1")
    assert wire.refused(REFUND, _asked("R1", amount)) == "ACQ.INVALID_PARAMETER"


def test_asking_for_a_refund_that_never_was_goes_well_without_a_status(wire: Wire) -> None:
    wire.pay("N_1")
    answer = wire.call(ASK, {"out_trade_no": "N_1", "out_request_no": "R9"})
    assert "refund_status" not in answer
    missing = {"out_trade_no": "N_2", "out_request_no": "R9"}
    assert wire.refused(ASK, missing) == "ACQ.TRADE_NOT_EXIST"


def test_a_refunds_time_is_told_only_where_it_was_asked_for(wire: Wire) -> None:
    wire.pay("N_1")
    wire.call(REFUND, {**_asked("R1", "4.00"), "refund_reason": "多收"})
    asked = {"out_trade_no": "N_1", "out_request_no": "R1"}
    short = wire.call(ASK, asked)
    assert (short["refund_amount"], short["total_amount"]) == ("4.00", "10.00")
    assert short["refund_reason"] == "多收"
    assert "gmt_refund_pay" not in short
    assert wire.call(ASK, {**asked, "query_options": ["gmt_refund_pay"]})["gmt_refund_pay"]


def test_two_trades_may_use_the_same_refund_number(wire: Wire) -> None:
    wire.pay("N_1")
    wire.pay("N_2")
    wire.refund("N_1", "R1", "4.00")
    assert wire.call(REFUND, _asked("R1", "5.00", "N_2"))["fund_change"] == "Y"
