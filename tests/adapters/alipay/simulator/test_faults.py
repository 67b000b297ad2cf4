"""What goes wrong on purpose, by method, and what the gateway then remembers."""

from __future__ import annotations

import httpx
import pytest
from cryptography.exceptions import InvalidSignature

from tests.adapters.alipay.simulator.builders import Wire

CREATE, QUERY = "alipay.trade.create", "alipay.trade.query"


def _query(wire: Wire, number: str = "N_1") -> httpx.Response:
    return wire.send(wire.sign(wire.parameters(QUERY, {"out_trade_no": number})))


def test_a_fault_is_for_the_method_it_names(wire: Wire) -> None:
    wire.gateway.faults(status=502, only="payments.query")
    wire.pay("N_1")
    assert _query(wire).status_code == 502
    wire.gateway.clear_faults()
    assert _query(wire).status_code == 200


def test_calls_are_counted_by_method(wire: Wire) -> None:
    wire.pay("N_1")
    _query(wire)
    _query(wire)
    assert wire.gateway.calls("payments.order") == 1
    assert wire.gateway.calls("payments.query") == 2


def test_a_lost_answer_leaves_its_effect(wire: Wire) -> None:
    wire.gateway.faults(lose_reply=True, only="payments.order")
    order = wire.order("N_1")
    with pytest.raises(httpx.RemoteProtocolError):
        wire.ask(CREATE, order)
    (held,) = wire.gateway.all("payments")
    wire.gateway.clear_faults()
    assert wire.call(CREATE, order)["trade_no"] == held["trade_no"]


def test_an_error_after_the_deed_leaves_it_done(wire: Wire) -> None:
    wire.pay("N_1")
    wire.gateway.faults(status_after=500, only="refunds")
    content = {"out_trade_no": "N_1", "out_request_no": "R1", "refund_amount": "4.00"}
    given = wire.sign(wire.parameters("alipay.trade.refund", content))
    assert wire.send(given).status_code == 500
    wire.gateway.clear_faults()
    assert wire.refund("N_1", "R1", "4.00")["fund_change"] == "N"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ACQ.SYSTEM_ERROR", "40004"),
        ("isp.unknow-error", "20000"),
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "40004"),
        ("ACQ.NEVER_HEARD_OF", "40004"),
    ],
)
def test_a_named_error_is_a_signed_answer(wire: Wire, code: str, said: str) -> None:
    wire.gateway.faults(code=code, only="payments.query")
    name, node = wire.prove(_query(wire))
    assert (name, node["code"], node["sub_code"]) == ("alipay_trade_query_response", said, code)


def test_calls_beyond_the_quota_are_limited(wire: Wire) -> None:
    wire.pay("N_1")
    wire.gateway.faults(quota=1)
    assert wire.prove(_query(wire))[1]["code"] == "10000"
    _, node = wire.prove(_query(wire))
    assert (node["code"], node["sub_code"]) == ("40005", "isv.app-call-limited")


@pytest.mark.parametrize("switch", ["wrong_signature", "rotate_key"])
def test_an_answer_is_signed_by_another_key(wire: Wire, switch: str) -> None:
    wire.gateway.faults(**{switch: True}, times=1)
    with pytest.raises(InvalidSignature):
        wire.prove(_query(wire))
    wire.prove(_query(wire))


def test_a_hanging_gateway_answers_nothing(wire: Wire) -> None:
    wire.gateway.faults(hang=True, times=1)
    wire.client.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        _query(wire)


def test_a_late_answer_was_handled_at_once(wire: Wire) -> None:
    wire.gateway.faults(reply_late_ms=2000, only="payments.order")
    order = wire.order("N_1")
    wire.client.timeout = httpx.Timeout(0.3)
    with pytest.raises(httpx.ReadTimeout):
        wire.ask(CREATE, order)
    assert len(wire.gateway.all("payments")) == 1
