"""Payments through the simulated gateway: every operation, every fault, in both modes."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from adapters.alipay.wire import SHANGHAI
from adapters.contract import (
    BillLine,
    NoticeRefused,
    PaymentNotice,
    PaymentOrder,
    RefundOrder,
    Refusal,
    Unreachable,
)
from tests.adapters.alipay.conftest import Open, Opened, as_inbound
from tests.gateways import NoticeReceiver, SimulatedGateway

_numbers = count(1)


def order(simulated: SimulatedGateway, **changes: Any) -> PaymentOrder:
    """A new order of 80 yuan by a new person."""
    return PaymentOrder(
        **{
            "payment_no": f"P{next(_numbers):031d}",
            "amount_fen": 8000,
            "description": "不动产登记费/工本费",
            "open_id": changes.pop("open_id", None) or simulated.citizen(),
            "expires_at": datetime.now(UTC) + timedelta(minutes=15),
            "notice_url": "http://127.0.0.1:9/v1/notices/alipay",
            "attach": "bill=1&2",
            **changes,
        }
    )


def refund(of: PaymentOrder, amount_fen: int = 3000, **changes: Any) -> RefundOrder:
    return RefundOrder(
        **{
            "refund_no": f"R{next(_numbers):031d}",
            "payment_no": of.payment_no,
            "amount_fen": amount_fen,
            "payment_amount_fen": of.amount_fen,
            "reason": "多缴",
            **changes,
        }
    )


async def paid(alipay: Opened, simulated: SimulatedGateway, **changes: Any) -> PaymentOrder:
    """An order that is ordered and paid."""
    made = order(simulated, **changes)
    await alipay.payments.order(made)
    simulated.confirm(made.payment_no)
    return made


def told(alipay: Opened, receiver: NoticeReceiver, number: int) -> list[PaymentNotice]:
    """The notices as they came, read."""
    return [
        alipay.payments.read_notice(as_inbound(received)) for received in receiver.wait_for(number)
    ]


# ── Ordering, querying, closing ─────────────────────────────────────────────────────────


async def test_a_payment_from_order_to_paid(alipay: Opened, simulated: SimulatedGateway) -> None:
    made = order(simulated)
    launch = await alipay.payments.order(made)
    assert launch.client_parameters == {"tradeNO": launch.channel_order_id}
    before = await alipay.payments.query(made.payment_no)
    assert (before.state, before.paid_at) == ("pending", None)

    simulated.confirm(launch.client_parameters["tradeNO"])
    after = await alipay.payments.query(made.payment_no)
    assert (after.state, after.amount_fen, after.payer_open_id) == ("paid", 8000, made.open_id)
    assert after.channel_payment_id == launch.channel_order_id
    assert after.paid_at is not None
    assert abs(after.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_repeating_an_order_gives_the_same_payment(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = order(simulated)
    launches = await asyncio.gather(*(alipay.payments.order(made) for _ in range(3)))
    assert len({launch.channel_order_id for launch in launches}) == 1
    assert len(simulated.all("payments")) == 1


async def test_a_person_known_by_the_old_identity_pays_too(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen(user_id="2088000000000077")
    await alipay.payments.order(order(simulated, open_id="2088000000000077"))
    (payment,) = simulated.all("payments")
    assert payment["open_id"] == open_id


async def test_an_order_that_is_paid_or_closed_is_not_ordered_again(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.order(made)
    assert (refused.value.code, refused.value.channel_code) == (
        "already_paid",
        "ACQ.TRADE_HAS_SUCCESS",
    )
    other = order(simulated)
    await alipay.payments.order(other)
    await alipay.payments.close(other.payment_no)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.order(other)
    assert refused.value.code == "already_closed"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"open_id": "nobody"}, "user_blocked"),
        ({"amount_fen": 0}, "parameter_wrong"),
        ({"amount_fen": 10_000_000_001}, "parameter_wrong"),
        ({"expires_at": datetime(2020, 1, 1, tzinfo=UTC)}, "state_wrong"),
    ],
)
async def test_an_order_that_alipay_does_not_take_is_refused(
    alipay: Opened, simulated: SimulatedGateway, changes: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await alipay.payments.order(order(simulated, **changes))
    assert refused.value.code == code


async def test_the_same_number_with_another_amount_is_refused(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = order(simulated)
    await alipay.payments.order(made)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.order(
            order(simulated, payment_no=made.payment_no, open_id=made.open_id, amount_fen=1)
        )
    assert refused.value.code == "parameter_wrong"


async def test_a_number_nobody_knows_is_pending(alipay: Opened) -> None:
    report = await alipay.payments.query("P9")
    assert (report.state, report.channel_state) == ("pending", "ACQ.TRADE_NOT_EXIST")


async def test_closing_ends_an_order_whether_the_cashier_was_opened_or_not(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    seen, unseen = order(simulated), order(simulated)
    for made in (seen, unseen):
        await alipay.payments.order(made)
    simulated.control("POST", f"/payments/{seen.payment_no}/open")
    for made in (seen, unseen):
        assert (await alipay.payments.close(made.payment_no)).state == "closed"
    assert {payment["state"] for payment in simulated.all("payments")} == {"closed"}
    assert (await alipay.payments.close(seen.payment_no)).state == "closed"


async def test_closing_what_was_just_paid_says_so_and_gives_nothing_back(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    assert (await alipay.payments.close(made.payment_no)).state == "paid"
    assert simulated.all("refunds") == []


# ── Refunds ─────────────────────────────────────────────────────────────────────────────


async def test_refunds_in_parts_until_all_is_back(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    first, rest = refund(made, 3000), refund(made, 5000)
    for part in (first, rest):
        report = await alipay.payments.refund(part)
        assert (report.state, report.amount_fen) == ("succeeded", part.amount_fen)
        asked = await alipay.payments.query_refund(made.payment_no, part.refund_no)
        assert (asked.state, asked.amount_fen) == ("succeeded", part.amount_fen)
        assert asked.succeeded_at is not None
    report_of_all = await alipay.payments.query(made.payment_no)
    assert (report_of_all.state, report_of_all.refunded_fen) == ("refunded", 8000)


async def test_a_repeated_refund_moves_no_money_and_is_to_be_queried(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    part = refund(made)
    await alipay.payments.refund(part)
    assert (await alipay.payments.refund(part)).state == "processing"
    assert len(simulated.all("refunds")) == 1
    with pytest.raises(Refusal) as refused:
        await alipay.payments.refund(refund(made, 2999, refund_no=part.refund_no))
    assert (refused.value.code, refused.value.channel_code) == (
        "parameter_wrong",
        "ACQ.DISCORDANT_REPEAT_REQUEST",
    )


async def test_a_refund_that_nobody_knows_is_no_success(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    report = await alipay.payments.query_refund(made.payment_no, "R9")
    assert (report.state, report.amount_fen) == ("processing", None)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.query_refund("P9", "R9")
    assert refused.value.code == "not_found"


async def test_more_than_was_paid_is_not_given_back(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    made = await paid(alipay, simulated)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.refund(refund(made, 8001))
    assert refused.value.code == "parameter_wrong"
    unpaid = order(simulated)
    await alipay.payments.order(unpaid)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.refund(refund(unpaid))
    assert refused.value.code == "not_found"


@pytest.mark.parametrize(
    ("sub_code", "code"),
    [
        ("ACQ.SELLER_BALANCE_NOT_ENOUGH", "not_enough_funds"),
        ("ACQ.TRADE_HAS_FINISHED", "state_wrong"),
    ],
)
async def test_a_refund_refused_says_why(
    alipay: Opened, simulated: SimulatedGateway, sub_code: str, code: str
) -> None:
    made = await paid(alipay, simulated)
    simulated.faults(code=sub_code, only="refunds.order", times=1)
    with pytest.raises(Refusal) as refused:
        await alipay.payments.refund(refund(made))
    assert refused.value.code == code


# ── Notices ─────────────────────────────────────────────────────────────────────────────


async def test_payment_refund_and_end_are_told_on_the_payments_address(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    made = await paid(alipay, simulated, notice_url=notice_receiver.address)
    (first,) = told(alipay, notice_receiver, 1)
    assert first.payment is not None
    assert (first.payment.state, first.payment.amount_fen) == ("paid", 8000)
    assert first.payment.payment_no == made.payment_no
    assert (first.merchant_id, first.app_id) == (
        simulated.section["seller_id"],
        simulated.section["app_id"],
    )

    part = refund(made)
    await alipay.payments.refund(part)
    second = told(alipay, notice_receiver, 2)[1]
    assert second.payment is None
    assert second.refund is not None
    assert (second.refund.refund_no, second.refund.state) == (part.refund_no, "succeeded")

    trade_no = first.payment.channel_payment_id
    simulated.control("POST", "/events/trade_finished", {"details": {"trade_no": trade_no}})
    third = told(alipay, notice_receiver, 3)[2]
    assert third.payment is not None
    assert (third.payment.state, third.payment.refunded_fen) == ("partially_refunded", 3000)
    assert len({first.notice_id, second.notice_id, third.notice_id}) == 3


async def test_a_closed_order_and_a_whole_refund_are_told_apart(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    unpaid = order(simulated, notice_url=notice_receiver.address)
    await alipay.payments.order(unpaid)
    simulated.control("POST", f"/payments/{unpaid.payment_no}/open")
    await alipay.payments.close(unpaid.payment_no)
    (closed,) = told(alipay, notice_receiver, 1)
    assert closed.payment is not None
    assert closed.payment.state == "closed"

    made = await paid(alipay, simulated, notice_url=notice_receiver.address)
    told(alipay, notice_receiver, 2)
    whole = refund(made, 8000)
    await alipay.payments.refund(whole)
    last = told(alipay, notice_receiver, 3)[2]
    assert last.refund is not None
    assert last.refund.refund_no == whole.refund_no
    assert last.refund.channel_state == "TRADE_CLOSED"


async def test_a_notice_not_accepted_comes_again_as_the_same(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    refused = alipay.payments.acknowledge(accepted=False)
    accepted = alipay.payments.acknowledge(accepted=True)
    notice_receiver.answers = [(refused.status, refused.body)]
    notice_receiver.answer = (accepted.status, accepted.body)
    await paid(alipay, simulated, notice_url=notice_receiver.address)
    first, second = told(alipay, notice_receiver, 2)
    assert first.notice_id == second.notice_id
    await asyncio.sleep(0.3)
    assert len(notice_receiver.received) == 2


@pytest.mark.parametrize("switches", [{"wrong_signature": True}, {"probe": True}])
async def test_a_notice_with_a_wrong_signature_is_refused(
    alipay: Opened,
    simulated: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    switches: dict[str, Any],
) -> None:
    simulated.faults(**switches, only="notice", times=1)
    notice_receiver.answers = [(200, b"fail")]
    await paid(alipay, simulated, notice_url=notice_receiver.address)
    bad, good = notice_receiver.wait_for(2)
    with pytest.raises(NoticeRefused) as refused:
        alipay.payments.read_notice(as_inbound(bad))
    assert refused.value.code == "signature_wrong"
    assert alipay.payments.read_notice(as_inbound(good)).payment is not None


async def test_a_notice_tells_the_amount_it_was_told_with(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    simulated.faults(wrong_amount=True, only="notice", times=1)
    await paid(alipay, simulated, notice_url=notice_receiver.address)
    (notice,) = told(alipay, notice_receiver, 1)
    assert notice.payment is not None
    assert notice.payment.amount_fen == 8001


async def test_a_gateway_message_is_read_as_one(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    simulated.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    simulated.control(
        "POST", "/events/alipay.trade.refund.depositback.completed", {"details": {"a": "1"}}
    )
    (received,) = notice_receiver.wait_for(1)
    news, reply = alipay.messages.read_push(as_inbound(received))
    assert (news, reply.body) == ([], b"success")


# ── Bills ───────────────────────────────────────────────────────────────────────────────


def today(simulated: SimulatedGateway) -> date:
    """The day the simulator writes down now; its clock then moves on until the bill stands."""
    now: float = simulated.control("GET", "/clock")["now"]
    simulated.control("PUT", "/clock", {"skew_seconds": 2 * 86400})
    return datetime.fromtimestamp(now, SHANGHAI).date()


async def lines_of(alipay: Opened, day: date) -> list[BillLine]:
    return [line async for line in alipay.payments.bill_lines(day)]


async def test_a_days_bill_has_every_payment_and_refund(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    simulated.control("PUT", "/clock", {"skew_seconds": 0})
    made = await paid(alipay, simulated)
    await paid(alipay, simulated, amount_fen=1)
    part = refund(made)
    await alipay.payments.refund(part)
    try:
        lines = await lines_of(alipay, today(simulated))
    finally:
        simulated.control("PUT", "/clock", {"skew_seconds": 0})
    assert sorted((line.kind, line.amount_fen) for line in lines) == [
        ("payment", 1),
        ("payment", 8000),
        ("refund", 3000),
    ]
    (back,) = [line for line in lines if line.kind == "refund"]
    assert (back.payment_no, back.refund_no) == (made.payment_no, part.refund_no)
    assert back.happened_at.utcoffset() == timedelta(hours=8)


async def test_a_day_without_a_bill_is_not_found(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    simulated.control("PUT", "/clock", {"skew_seconds": 0})
    with pytest.raises(Refusal) as refused:
        await lines_of(alipay, datetime.now(SHANGHAI).date())
    assert refused.value.code == "not_found"
    # Nothing happened that day, and the channel says so.
    assert await lines_of(alipay, date(2026, 1, 1)) == []


@pytest.mark.parametrize("switches", [{"status": 500}, {"lose_reply": True}])
async def test_a_bill_that_does_not_arrive_is_unreachable(
    alipay: Opened, simulated: SimulatedGateway, switches: dict[str, Any]
) -> None:
    simulated.control("PUT", "/clock", {"skew_seconds": 0})
    await paid(alipay, simulated)
    simulated.faults(**switches, only="bills.download")
    try:
        with pytest.raises(Unreachable):
            await lines_of(alipay, today(simulated))
    finally:
        simulated.control("PUT", "/clock", {"skew_seconds": 0})


# ── Faults ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"hang": True}, "timeout"),
        ({"latency_ms": 1500}, "timeout"),
        ({"reply_late_ms": 1500}, "timeout"),
        ({"status": 503}, "channel_busy"),
        ({"status_after": 500}, "channel_busy"),
        ({"status": 400}, "answer_unreadable"),
        ({"code": "ACQ.SYSTEM_ERROR"}, "channel_busy"),
        ({"code": "isp.unknow-error"}, "channel_busy"),
        ({"lose_reply": True}, "connection_failed"),
        ({"wrong_signature": True}, "answer_unproven"),
        ({"quota": 0}, "channel_busy"),
    ],
)
async def test_after_a_fault_the_outcome_is_unknown_and_the_query_tells(
    impatient: Opened, simulated: SimulatedGateway, switches: dict[str, Any], code: str
) -> None:
    made = order(simulated)
    simulated.faults(**switches, only="payments.order")
    with pytest.raises(Unreachable) as unknown:
        await impatient.payments.order(made)
    assert (unknown.value.code, unknown.value.sent) == (code, True)
    simulated.clear_faults()
    assert (await impatient.payments.query(made.payment_no)).state == "pending"
    launch = await impatient.payments.order(made)
    assert launch.channel_order_id is not None
    assert len(simulated.all("payments")) == 1


@pytest.mark.parametrize(
    "switches", [{"lose_reply": True}, {"reply_late_ms": 1500}, {"wrong_signature": True}]
)
async def test_a_refund_whose_answer_is_lost_is_found_by_its_number(
    impatient: Opened, simulated: SimulatedGateway, switches: dict[str, Any]
) -> None:
    made = await paid(impatient, simulated)
    part = refund(made)
    simulated.faults(**switches, only="refunds.order", times=1)
    with pytest.raises(Unreachable):
        await impatient.payments.refund(part)
    assert (
        await impatient.payments.query_refund(made.payment_no, part.refund_no)
    ).state == "succeeded"
    assert len(simulated.all("refunds")) == 1


async def test_a_query_is_tried_twice(alipay: Opened, simulated: SimulatedGateway) -> None:
    made = await paid(alipay, simulated)
    simulated.faults(lose_reply=True, only="payments.query", times=1)
    assert (await alipay.payments.query(made.payment_no)).state == "paid"


async def test_a_gateway_that_is_not_there_was_sent_nothing(open_alipay: Open) -> None:
    alipay = open_alipay(gateway_url="http://127.0.0.1:9/gateway.do")
    with pytest.raises(Unreachable) as unreachable:
        await alipay.payments.close("P9")
    assert (unreachable.value.code, unreachable.value.sent) == ("connection_failed", False)


async def test_a_changed_key_is_learnt_where_a_certificate_vouches_for_it(
    alipay: Opened, simulated: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    made = order(simulated, notice_url=notice_receiver.address)
    await alipay.payments.order(made)
    simulated.faults(rotate_key=True)
    simulated.confirm(made.payment_no)
    (received,) = notice_receiver.wait_for(1)
    with pytest.raises(NoticeRefused):
        alipay.payments.read_notice(as_inbound(received))
    if simulated.section["mode"] == "key":
        with pytest.raises(Unreachable) as unknown:
            await alipay.payments.query(made.payment_no)
        assert unknown.value.code == "answer_unproven"
        return
    for _ in range(2):
        assert (await alipay.payments.query(made.payment_no)).state == "paid"
    assert simulated.calls("certificates") == 1
    assert alipay.payments.read_notice(as_inbound(received)).payment is not None
    simulated.clear_faults()
    assert (await alipay.payments.query(made.payment_no)).state == "paid"


async def test_encrypted_content_is_spoken_too(
    open_alipay: Open, simulated: SimulatedGateway
) -> None:
    alipay = open_alipay(encrypt_content=True)
    made = await paid(alipay, simulated)
    assert (await alipay.payments.query(made.payment_no)).amount_fen == 8000
    with pytest.raises(Refusal):
        await alipay.payments.order(made)
