"""WeChat Pay through the simulated gateway: money in, money back, and every way to be unsure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from adapters.contract import (
    Channel,
    Inbound,
    NoticeRefused,
    PaymentLaunch,
    PaymentNotice,
    PaymentOrder,
    Payments,
    RefundOrder,
    Refusal,
    Unreachable,
)
from adapters.wechat.open_channel import open_channel
from tests.adapters.wechat.builders import MemoryTokens
from tests.gateways import NoticeReceiver, Received, SimulatedGateway, wait_until

NUMBER = "p2026010200000001"
REFUND_NUMBER = "r2026010200000001"
AMOUNT = 1999

Open = Callable[..., Payments]


@pytest.fixture
async def open_payments(wechat_gateway: SimulatedGateway) -> AsyncIterator[Open]:
    """Payments of the section, its merchant part changed; None leaves a key out."""
    opened: list[Channel] = []

    def make(app_id: str | None = None, **changed: Any) -> Payments:
        section = wechat_gateway.section
        section["app_id"] = app_id or section["app_id"]
        merged = {**section["merchant"], **changed}
        merchant = {key: value for key, value in merged.items() if value is not None}
        channel = open_channel("wechat", {**section, "merchant": merchant}, MemoryTokens())
        opened.append(channel)
        assert channel.payments is not None
        return channel.payments

    yield make
    for channel in opened:
        await channel.close()


@pytest.fixture
def payments(open_payments: Open) -> Payments:
    return open_payments()


@pytest.fixture
def account(wechat_gateway: SimulatedGateway) -> dict[str, Any]:
    found: dict[str, Any] = wechat_gateway.control("GET", "/account")
    return found


@pytest.fixture
def open_id(wechat_gateway: SimulatedGateway) -> str:
    return wechat_gateway.citizen()


def order(open_id: str, notice_url: str = "http://127.0.0.1:1/n", **changed: Any) -> PaymentOrder:
    given = {
        "payment_no": NUMBER,
        "amount_fen": AMOUNT,
        "description": "居民身份证工本费,含邮寄",
        "open_id": open_id,
        "expires_at": datetime.now(UTC) + timedelta(minutes=30),
        "notice_url": notice_url,
        **changed,
    }
    return PaymentOrder(**given)


async def pay(
    payments: Payments,
    gateway: SimulatedGateway,
    open_id: str,
    notice_url: str = "http://127.0.0.1:1/n",
) -> PaymentLaunch:
    launch = await payments.order(order(open_id, notice_url))
    parameters = {"client_parameters": launch.client_parameters}
    gateway.control("POST", f"/payments/{launch.channel_order_id}/confirm", parameters)
    return launch


def inbound(came: Received) -> Inbound:
    return Inbound(came.method, came.path.partition("?")[2], came.headers, came.body)


# ── Order, query, close ─────────────────────────────────────────────────────────────────


async def test_an_order_is_paid_and_the_payment_found(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    launch = await payments.order(order(open_id))
    assert set(launch.client_parameters) == {
        "timeStamp",
        "nonceStr",
        "package",
        "signType",
        "paySign",
    }
    waiting = await payments.query(NUMBER)
    assert (waiting.state, waiting.channel_payment_id) == ("pending", None)
    # The gateway checks the launch's signature as the app would.
    parameters = {"client_parameters": launch.client_parameters}
    wechat_gateway.control("POST", f"/payments/{launch.channel_order_id}/open", parameters)
    wechat_gateway.confirm(NUMBER)
    paid = await payments.query(NUMBER)
    assert (paid.state, paid.amount_fen, paid.payer_open_id) == ("paid", AMOUNT, open_id)
    assert paid.channel_payment_id
    assert paid.paid_at is not None
    assert abs(paid.paid_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_the_same_order_again_is_the_same_payment(payments: Payments, open_id: str) -> None:
    asked = order(open_id)
    first, again = await payments.order(asked), await payments.order(asked)
    assert first.channel_order_id == again.channel_order_id
    with pytest.raises(Refusal, match="state_wrong"):
        await payments.order(order(open_id, amount_fen=1, expires_at=asked.expires_at))


async def test_a_number_nobody_ordered_is_pending(payments: Payments) -> None:
    assert (await payments.query("p9999999999")).state == "pending"


async def test_an_unpaid_order_is_closed_and_cannot_be_ordered_again(
    payments: Payments, open_id: str
) -> None:
    asked = order(open_id)
    await payments.order(asked)
    assert (await payments.close(NUMBER)).state == "closed"
    assert (await payments.query(NUMBER)).state == "closed"
    assert (await payments.close(NUMBER)).state == "closed"
    with pytest.raises(Refusal, match="already_closed"):
        await payments.order(asked)


async def test_closing_a_paid_order_says_that_it_is_paid(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await pay(payments, wechat_gateway, open_id)
    assert (await payments.close(NUMBER)).state == "paid"
    with pytest.raises(Refusal, match="already_paid"):
        await payments.order(order(open_id))


async def test_closing_while_the_password_is_typed_is_pending(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await payments.order(order(open_id))
    wechat_gateway.control("POST", f"/payments/{NUMBER}/open")
    assert (await payments.close(NUMBER)).state == "pending"
    wechat_gateway.confirm(NUMBER)
    assert (await payments.close(NUMBER)).state == "paid"


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"hang": True}, "timeout"),
        ({"lose_reply": True}, "connection_failed"),
        ({"status": 500}, "channel_busy"),
        ({"status": 429}, "channel_busy"),
        ({"wrong_signature": True}, "answer_unproven"),
        ({"rotate_key": True}, "answer_unproven"),
    ],
)
async def test_an_order_without_a_proven_answer_is_unknown_and_not_repeated(
    payments: Payments,
    wechat_gateway: SimulatedGateway,
    open_id: str,
    switches: dict[str, Any],
    code: str,
) -> None:
    wechat_gateway.faults(**switches, only="payments.order")
    with pytest.raises(Unreachable) as raised:
        await payments.order(order(open_id))
    assert (raised.value.code, raised.value.sent) == (code, True)
    assert wechat_gateway.calls("payments.order") == 1


async def test_a_query_survives_one_failure(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await pay(payments, wechat_gateway, open_id)
    wechat_gateway.faults(status=500, only="payments.query", times=1)
    assert (await payments.query(NUMBER)).state == "paid"
    wechat_gateway.faults(status=500, only="payments.query")
    with pytest.raises(Unreachable, match="channel_busy"):
        await payments.query(NUMBER)


async def test_an_error_that_is_signed_wrong_is_not_believed(
    payments: Payments, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.faults(wrong_signature=True, only="payments.query")
    with pytest.raises(Unreachable, match="answer_unproven"):
        await payments.query("p9999999999")


@pytest.mark.parametrize("changed", [{"merchant_serial": "0A0B0C0D0E"}, {"merchant_id": "19"}])
async def test_a_wrong_merchant_is_the_operators(
    open_payments: Open, open_id: str, changed: dict[str, str]
) -> None:
    with pytest.raises(Refusal, match="not_permitted"):
        await open_payments(**changed).order(order(open_id))


async def test_the_gateways_clock_far_off_is_not_believed(
    payments: Payments, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.control("PUT", "/clock", {"skew_seconds": 3600})
    try:
        # It refuses our timestamp, and signs with one of its own that we refuse.
        with pytest.raises(Unreachable, match="answer_unproven"):
            await payments.query(NUMBER)
    finally:
        wechat_gateway.control("PUT", "/clock", {"skew_seconds": 0})


# ── Keys ────────────────────────────────────────────────────────────────────────────────


async def test_a_new_public_key_is_taken_beside_the_old(
    open_payments: Open, wechat_gateway: SimulatedGateway, account: dict[str, Any]
) -> None:
    keys = {**wechat_gateway.section["merchant"]["platform_keys"], **account["next_pay_key"]}
    payments = open_payments(platform_keys=keys)
    assert (await payments.query(NUMBER)).state == "pending"
    wechat_gateway.faults(rotate_key=True)
    assert (await payments.query(NUMBER)).state == "pending"


async def test_in_certificate_mode_certificates_are_fetched_when_first_met(
    open_payments: Open, wechat_gateway: SimulatedGateway
) -> None:
    payments = open_payments(platform_keys={})
    for _ in range(3):
        assert (await payments.query(NUMBER)).state == "pending"
    assert wechat_gateway.calls("certificates") == 1


async def test_certificates_are_not_fetched_again_for_every_unknown_serial(
    open_payments: Open, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    payments = open_payments(platform_keys={})
    await payments.query(NUMBER)
    forged = {
        "wechatpay-timestamp": str(int(datetime.now(UTC).timestamp())),
        "wechatpay-nonce": "n",
        "wechatpay-serial": "0F0F0F0F0F",
        "wechatpay-signature": "AAAA",
    }
    for _ in range(5):
        with pytest.raises(NoticeRefused, match="serial_unknown"):
            payments.read_notice(Inbound("POST", "", forged, b"{}"))
        await asyncio.sleep(0.01)
    assert wechat_gateway.calls("certificates") == 1


async def test_a_notice_before_any_call_makes_the_certificates_known(
    open_payments: Open,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    open_id: str,
) -> None:
    payer = open_payments(platform_keys={})
    fresh = open_payments(platform_keys={})
    await pay(payer, wechat_gateway, open_id, f"{notice_receiver.address}/n")
    (came,) = await asyncio.to_thread(notice_receiver.wait_for, 1)
    with pytest.raises(NoticeRefused, match="serial_unknown"):
        fresh.read_notice(inbound(came))
    await asyncio.to_thread(wait_until, lambda: wechat_gateway.calls("certificates") == 2)
    for _ in range(100):
        try:
            assert fresh.read_notice(inbound(came)).payment is not None
            return
        except NoticeRefused:
            await asyncio.sleep(0.02)
    raise AssertionError("the certificates did not become known")


async def test_in_public_key_mode_a_certificate_is_not_looked_for(
    payments: Payments, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.faults(rotate_key=True)
    with pytest.raises(Unreachable) as raised:
        await payments.query(NUMBER)
    assert raised.value.channel_code == "serial_unknown"
    assert wechat_gateway.calls("certificates") == 0


# ── Notices ─────────────────────────────────────────────────────────────────────────────


async def test_a_notice_tells_what_the_query_tells(
    payments: Payments,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    open_id: str,
) -> None:
    wechat_gateway.faults(duplicate=2, only="notice")
    await pay(payments, wechat_gateway, open_id, f"{notice_receiver.address}/n")
    came = await asyncio.to_thread(notice_receiver.wait_for, 3)
    notices = [payments.read_notice(inbound(one)) for one in came]
    assert len({notice.notice_id for notice in notices}) == 1
    assert notices[0].payment == await payments.query(NUMBER)


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"probe": True}, "signature_probe"),
        ({"wrong_signature": True}, "signature_wrong"),
        ({"rotate_key": True}, "serial_unknown"),
    ],
)
async def test_a_notice_that_is_not_proven_is_refused(
    payments: Payments,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    open_id: str,
    switches: dict[str, Any],
    code: str,
) -> None:
    wechat_gateway.faults(**switches, only="notice")
    await pay(payments, wechat_gateway, open_id, f"{notice_receiver.address}/n")
    came, *_ = await asyncio.to_thread(notice_receiver.wait_for, 1)
    with pytest.raises(NoticeRefused) as refused:
        payments.read_notice(inbound(came))
    assert refused.value.code == code


async def test_a_refused_notice_comes_again_and_an_accepted_one_does_not(
    payments: Payments,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    open_id: str,
) -> None:
    refused, accepted = payments.acknowledge(accepted=False), payments.acknowledge(accepted=True)
    notice_receiver.answers = [(refused.status, refused.body)]
    notice_receiver.answer = (accepted.status, accepted.body)
    await pay(payments, wechat_gateway, open_id, f"{notice_receiver.address}/n")
    await asyncio.to_thread(notice_receiver.wait_for, 2)
    await asyncio.sleep(0.5)
    assert len(notice_receiver.received) == 2


# ── Refunds ─────────────────────────────────────────────────────────────────────────────


def back(amount_fen: int = 999, **changed: Any) -> RefundOrder:
    given = {
        "refund_no": REFUND_NUMBER,
        "payment_no": NUMBER,
        "amount_fen": amount_fen,
        "payment_amount_fen": AMOUNT,
        "reason": "多收退回",
        **changed,
    }
    return RefundOrder(**given)


async def test_a_refund_is_processed_told_and_found(
    payments: Payments,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    open_id: str,
) -> None:
    wechat_gateway.control("PUT", "/policy", {"refund_seconds": 0.2})
    await pay(payments, wechat_gateway, open_id)
    asked = back(notice_url=f"{notice_receiver.address}/refunds")
    begun = await payments.refund(asked)
    assert (begun.state, begun.amount_fen) == ("processing", 999)
    (came,) = await asyncio.to_thread(notice_receiver.wait_for, 1)
    notice: PaymentNotice = payments.read_notice(inbound(came))
    assert notice.refund is not None
    assert notice.refund.state == "succeeded"
    found = await payments.query_refund(NUMBER, REFUND_NUMBER)
    assert (found.state, found.channel_refund_id) == ("succeeded", begun.channel_refund_id)
    assert found.succeeded_at == notice.refund.succeeded_at
    # The same number again gives no more money back.
    assert (await payments.refund(asked)).channel_refund_id == begun.channel_refund_id
    assert len(wechat_gateway.all("refunds")) == 1
    assert (await payments.query(NUMBER)).state == "partially_refunded"


@pytest.mark.parametrize("result", ["closed", "abnormal"])
async def test_a_refund_that_failed_says_how(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str, result: str
) -> None:
    wechat_gateway.control("PUT", "/policy", {"refund_seconds": 0, "refund_result": result})
    await pay(payments, wechat_gateway, open_id)
    await payments.refund(back())
    for _ in range(50):
        found = await payments.query_refund(NUMBER, REFUND_NUMBER)
        if found.state == result:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(found.state)


async def test_a_refund_of_more_than_is_left_is_refused(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await pay(payments, wechat_gateway, open_id)
    await payments.refund(back(1000))
    with pytest.raises(Refusal) as refused:
        await payments.refund(back(1000, refund_no="r2"))
    assert refused.value.code in {"parameter_wrong", "not_enough_funds"}


async def test_a_refund_nobody_asked_for_is_not_found(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await pay(payments, wechat_gateway, open_id)
    with pytest.raises(Refusal, match="not_found"):
        await payments.query_refund(NUMBER, "r404")


async def test_a_refund_whose_answer_is_lost_is_found_by_its_number(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    await pay(payments, wechat_gateway, open_id)
    wechat_gateway.faults(lose_reply=True, only="refunds.order")
    with pytest.raises(Unreachable) as raised:
        await payments.refund(back())
    assert raised.value.sent
    assert (await payments.query_refund(NUMBER, REFUND_NUMBER)).amount_fen == 999


# ── For a sub-merchant ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("with_app", [False, True])
async def test_everything_works_for_a_sub_merchant(
    open_payments: Open,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    account: dict[str, Any],
    open_id: str,
    with_app: bool,
) -> None:
    payments = open_payments(
        account["sub_app_id"] if with_app else None,
        mode="partner",
        merchant_id=account["provider_id"],
        sub_merchant_id=account["sub_merchant_id"],
        provider_app_id=wechat_gateway.section["app_id"] if with_app else None,
    )
    wechat_gateway.control("PUT", "/policy", {"bills": "at_once", "refund_seconds": 0})
    await pay(payments, wechat_gateway, open_id, f"{notice_receiver.address}/n")
    (came,) = await asyncio.to_thread(notice_receiver.wait_for, 1)
    notice = payments.read_notice(inbound(came))
    assert notice.payment is not None
    assert (notice.payment.state, notice.payment.payer_open_id) == ("paid", open_id)
    assert (await payments.query(NUMBER)).state == "paid"
    assert (await payments.refund(back())).state in {"processing", "succeeded"}
    assert (await payments.query_refund(NUMBER, REFUND_NUMBER)).amount_fen == 999
    lines = [line async for line in payments.bill_lines(_today())]
    assert [line.kind for line in lines] == ["payment", "refund"]
    await payments.order(order(open_id, payment_no="p2026010200000002"))
    assert (await payments.close("p2026010200000002")).state == "closed"


# ── Bills ───────────────────────────────────────────────────────────────────────────────


def _today() -> date:
    return datetime.now(timezone(timedelta(hours=8))).date()


async def test_the_bill_lists_every_payment_and_refund(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    wechat_gateway.control("PUT", "/policy", {"bills": "at_once", "refund_seconds": 0})
    await pay(payments, wechat_gateway, open_id)
    await payments.refund(back())
    lines = [line async for line in payments.bill_lines(_today())]
    (paid,) = [line for line in lines if line.kind == "payment"]
    (refunded,) = [line for line in lines if line.kind == "refund"]
    assert (paid.payment_no, paid.refund_no, paid.amount_fen) == (NUMBER, None, AMOUNT)
    assert paid.channel_payment_id == (await payments.query(NUMBER)).channel_payment_id
    assert (refunded.payment_no, refunded.refund_no, refunded.amount_fen) == (
        NUMBER,
        REFUND_NUMBER,
        999,
    )
    assert paid.fee_fen >= 0 >= refunded.fee_fen
    assert paid.happened_at.utcoffset() == timedelta(hours=8)


async def test_a_day_on_which_nothing_happened_has_no_lines(payments: Payments) -> None:
    assert [line async for line in payments.bill_lines(_today() - timedelta(days=3))] == []


async def test_a_bill_that_is_still_being_made_is_not_found(
    payments: Payments, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.faults(code="STATEMENT_CREATING", status=400, only="bills.trade")
    with pytest.raises(Refusal, match="not_found"):
        [line async for line in payments.bill_lines(_today() - timedelta(days=1))]


async def test_a_long_bill_is_read_whole(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    wechat_gateway.control("PUT", "/policy", {"bills": "at_once"})
    for number in range(30):
        await payments.order(order(open_id, payment_no=f"p20260102{number:08d}"))
        wechat_gateway.confirm(f"p20260102{number:08d}")
    lines = [line async for line in payments.bill_lines(_today())]
    assert sum(line.amount_fen for line in lines) == 30 * AMOUNT


async def test_a_download_that_fails_gives_no_line(
    payments: Payments, wechat_gateway: SimulatedGateway, open_id: str
) -> None:
    wechat_gateway.control("PUT", "/policy", {"bills": "at_once"})
    await pay(payments, wechat_gateway, open_id)
    wechat_gateway.faults(status=500, only="bills.download")
    found = []
    with pytest.raises(Unreachable):
        async for line in payments.bill_lines(_today()):
            found.append(line)
    assert found == []
