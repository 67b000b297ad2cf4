"""What the gateway tells: signed without its kind of signature, again until `success`."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature

from tests.adapters.alipay.simulator.builders import Wire, read_form
from tests.gateways import NoticeReceiver, wait_until


def _prove(wire: Wire, body: bytes, *, without: tuple[str, ...]) -> dict[str, str]:
    form = read_form(body)
    text = "&".join(f"{k}={form[k]}" for k in sorted(form) if k not in without)
    wire.demand_signed(text.encode(), form["sign"])
    return form


def _notices(wire: Wire, receiver: NoticeReceiver, count: int) -> list[dict[str, str]]:
    received = receiver.wait_for(count)
    assert {r.path for r in received} == {"/n"}
    return [_prove(wire, r.body, without=("sign", "sign_type")) for r in received]


def _target(receiver: NoticeReceiver) -> str:
    return f"{receiver.address}/n"


def test_a_payment_is_told_with_every_field_a_caller_checks(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    trade_no = wire.pay("N_1", "19.99", _target(notice_receiver), passback_params="a%3D1%26b")
    (form,) = _notices(wire, notice_receiver, 1)
    paid = wire.gateway.all("payments")[0]
    wanted = {
        "notify_type": "trade_status_sync",
        "app_id": wire.section["app_id"],
        "seller_id": wire.section["seller_id"],
        "trade_no": trade_no,
        "out_trade_no": "N_1",
        "trade_status": "TRADE_SUCCESS",
        "total_amount": "19.99",
        "receipt_amount": "19.99",
        "buyer_open_id": paid["open_id"],
        "passback_params": "a%3D1%26b",
        "sign_type": "RSA2",
        "charset": "utf-8",
        "version": "1.0",
        "fund_bill_list": '[{"amount":"19.99","fundChannel":"ALIPAYACCOUNT"}]',
    }
    assert {name: form.get(name) for name in wanted} == wanted
    assert not {"refund_fee", "gmt_refund", "gmt_close", "body"} & form.keys()


def test_refunds_are_told_at_the_payments_address(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    wire.pay("N_1", "10.00", _target(notice_receiver))
    notice_receiver.wait_for(1)
    wire.refund("N_1", "R1", "4.00")
    part = _notices(wire, notice_receiver, 2)[1]
    assert (part["trade_status"], part["refund_fee"]) == ("TRADE_SUCCESS", "4.00")
    assert part["out_biz_no"] == "R1"
    assert part["gmt_refund"]
    wire.refund("N_1", "R2", "6.00")
    whole = _notices(wire, notice_receiver, 3)[2]
    assert (whole["trade_status"], whole["refund_fee"]) == ("TRADE_CLOSED", "10.00")
    assert whole["out_biz_no"] == "R2"
    assert len({part["notify_id"], whole["notify_id"]}) == 2


def test_the_end_of_an_unpaid_trade_is_told_without_a_payment(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    wire.gateway.decline(wire.create("N_1", "10.00", _target(notice_receiver)))
    wire.call("alipay.trade.close", {"out_trade_no": "N_1"})
    (form,) = _notices(wire, notice_receiver, 1)
    assert form["trade_status"] == "TRADE_CLOSED"
    assert form["gmt_close"]
    assert not {"gmt_payment", "refund_fee", "receipt_amount"} & form.keys()


def test_a_trade_whose_time_runs_out_is_told_unasked(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    target = _target(notice_receiver)
    wire.create("N_1", "10.00", target, timeout_express="5m")
    wire.gateway.decline(wire.create("N_2", "10.00", target, timeout_express="5m"))
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 301})
    (form,) = _notices(wire, notice_receiver, 1)
    # Of the first, which nobody opened, there is nothing to tell.
    assert (form["out_trade_no"], form["trade_status"]) == ("N_2", "TRADE_CLOSED")
    assert [p["state"] for p in wire.gateway.all("payments")] == ["closed", "closed"]


def test_the_end_of_the_time_for_refunds_is_a_second_notice(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    trade_no = wire.pay("N_1", "10.00", _target(notice_receiver))
    notice_receiver.wait_for(1)
    wire.gateway.control("POST", "/events/trade_finished", {"details": {"trade_no": trade_no}})
    first, second = _notices(wire, notice_receiver, 2)
    assert (first["trade_status"], second["trade_status"]) == ("TRADE_SUCCESS", "TRADE_FINISHED")
    assert first["notify_id"] != second["notify_id"]


@pytest.mark.parametrize("refusal", [(200, b"fail"), (200, b"success\n"), (500, b"success")])
def test_a_notice_comes_again_until_exactly_success(
    wire: Wire, notice_receiver: NoticeReceiver, refusal: tuple[int, bytes]
) -> None:
    notice_receiver.answers = [refusal]
    wire.pay("N_1", "10.00", _target(notice_receiver))
    first, again = _notices(wire, notice_receiver, 2)
    assert first["notify_id"] == again["notify_id"]
    wait_until(lambda: wire.gateway.all("notices")[0]["state"] == "accepted")
    assert len(notice_receiver.received) == 2


def test_nobody_is_told_where_no_address_was_given(wire: Wire) -> None:
    wire.pay("N_1")
    assert wire.gateway.all("notices") == []


def test_a_gateway_message_is_signed_with_its_kind_of_signature(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    wire.gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    details = {"details": {"trade_no": "1", "dback_status": "S"}}
    method = "alipay.trade.refund.depositback.completed"
    wire.gateway.control("POST", f"/events/{method}", details)
    (received,) = notice_receiver.wait_for(1)
    assert received.path == "/v1/notices/alipay"
    form = _prove(wire, received.body, without=("sign",))
    assert form["msg_method"] == method
    assert form["biz_content"] == '{"trade_no":"1","dback_status":"S"}'


def test_faults_spoil_notices_as_they_say(wire: Wire, notice_receiver: NoticeReceiver) -> None:
    target = _target(notice_receiver)
    wire.gateway.faults(wrong_amount=True, times=1)
    wire.pay("N_1", "9.99", target)
    assert _notices(wire, notice_receiver, 1)[0]["total_amount"] == "10.00"
    for switch in ("wrong_signature", "rotate_key"):
        seen = len(notice_receiver.received)
        wire.gateway.faults(**{switch: True}, times=1, only="notice")
        wire.pay(f"N_{switch}", "9.99", target)
        forged = notice_receiver.wait_for(seen + 1)[-1]
        with pytest.raises(InvalidSignature):
            _prove(wire, forged.body, without=("sign", "sign_type"))


def test_a_key_rotated_in_has_a_signature_of_its_own(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    """A wrong signature is the application's own, a rotated one is a stranger's."""
    forms: list[bytes] = []
    for switch in ("wrong_signature", "rotate_key"):
        wire.gateway.faults(**{switch: True}, times=1, only="notice")
        wire.pay(f"N_{switch}", "9.99", _target(notice_receiver))
        forms.append(notice_receiver.wait_for(len(forms) + 1)[-1].body)
    wire.theirs = wire.key.public_key()
    _prove(wire, forms[0], without=("sign", "sign_type"))
    with pytest.raises(InvalidSignature):
        _prove(wire, forms[1], without=("sign", "sign_type"))


@pytest.mark.parametrize(("switch", "count"), [("duplicate", 2), ("concurrent", 2)])
def test_a_notice_comes_more_than_once(
    wire: Wire, notice_receiver: NoticeReceiver, switch: str, count: int
) -> None:
    wire.gateway.faults(**{switch: True})
    wire.pay("N_1", "10.00", _target(notice_receiver))
    forms = _notices(wire, notice_receiver, count)
    assert len({form["notify_id"] for form in forms}) == 1


def test_a_refund_may_be_told_before_its_payment(
    wire: Wire, notice_receiver: NoticeReceiver
) -> None:
    wire.gateway.faults(out_of_order=True, times=1)
    wire.pay("N_1", "10.00", _target(notice_receiver))
    wire.refund("N_1", "R1", "10.00")
    refund, payment = _notices(wire, notice_receiver, 2)
    assert refund["out_biz_no"] == "R1"
    assert payment["trade_status"] == "TRADE_SUCCESS"


def test_a_mute_gateway_tells_only_by_hand(wire: Wire, notice_receiver: NoticeReceiver) -> None:
    wire.gateway.faults(mute=True)
    wire.pay("N_1", "10.00", _target(notice_receiver))
    (notice,) = wire.gateway.all("notices")
    assert notice["state"] == "muted"
    assert notice_receiver.received == []
    wire.gateway.control("POST", f"/notices/{notice['notice_id']}/send", {})
    assert _notices(wire, notice_receiver, 1)[0]["out_trade_no"] == "N_1"
