"""Every notice that a channel, or somebody who would like to be one, can send.

Notices are signed by the gateways' own keys with packages nobody here wrote, and posted to the
address the channels know. A forged one is 401 and costs no connection; what is proven and not
taken is not acknowledged; nothing is answered with a 5xx but a no to WeChat, and all in time.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest

from tests.payments.conftest import FEE_FEN, Counter
from tests.payments.forging import (
    ALIPAY,
    WECHAT,
    WECHAT_REFUNDS,
    AlipayHand,
    WeChatHand,
    hand_of,
    is_yes,
    say,
    tell,
    waiting,
)

BOTH = pytest.mark.parametrize("channel", ["wechat", "alipay"])


async def demand_refused(counter: Counter, answer: httpx.Response, payment_no: str) -> None:
    """Not proven: 401, nothing kept, nothing moved."""
    assert answer.status_code == 401, answer.text
    assert not is_yes(answer)
    assert await counter.status(payment_no) == "pending"
    assert await counter.value("select count(*) from payment_notices") == 0


# ── Whose word it is ────────────────────────────────────────────────────────────────────


@BOTH
async def test_what_the_channels_own_hand_tells_counts_at_once(
    counter: Counter, channel: str
) -> None:
    payment_no, hand = await waiting(counter, channel)
    answer = await say(counter, hand, hand.paid(payment_no, FEE_FEN))
    assert is_yes(answer), answer.text
    assert await counter.status(payment_no) == "succeeded"


@pytest.mark.parametrize("seconds_ago", [300, 301, 86400, -301])
async def test_a_stale_notice_is_refused(counter: Counter, seconds_ago: int) -> None:
    payment_no, hand = await waiting(counter, "wechat")
    assert isinstance(hand, WeChatHand)
    body = hand.paid(payment_no, FEE_FEN)
    headers = hand.headers(body, seconds_ago=seconds_ago)
    await demand_refused(counter, await tell(counter, WECHAT, body, headers), payment_no)
    # One second inside the window counts, on either side of our clock.
    headers = hand.headers(body, seconds_ago=290 if seconds_ago > 0 else -290)
    assert is_yes(await tell(counter, WECHAT, body, headers))


@pytest.mark.parametrize(
    "changed",
    [
        {"Wechatpay_Serial": "PUB_KEY_ID_0116000000009999999999999999"},
        {"Wechatpay_Serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"},
        {"Wechatpay_Serial": "\xff\xfe"},
        {"Wechatpay_Serial": None},
        {"Wechatpay_Signature": None},
        {"Wechatpay_Signature": "WECHATPAY/SIGNTEST/bm90IGEgc2lnbmF0dXJl"},
        {"Wechatpay_Signature": "bm90IGEgc2lnbmF0dXJl"},
        {"Wechatpay_Signature": "not base64 at all!"},
        {"Wechatpay_Nonce": None},
        {"Wechatpay_Nonce": "another"},
        {"Wechatpay_Timestamp": None},
        {"Wechatpay_Timestamp": "９" * 10},
        {"Wechatpay_Timestamp": "9" * 400},
        {"Wechatpay_Timestamp": "-1"},
        {"Wechatpay_Signature_Type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
    ids=lambda changed: "-".join(f"{k}={str(v)[:20]}" for k, v in changed.items()),
)
async def test_a_notice_without_its_whole_proof_is_refused(
    counter: Counter, changed: dict[str, Any]
) -> None:
    payment_no, hand = await waiting(counter, "wechat")
    assert isinstance(hand, WeChatHand)
    body = hand.paid(payment_no, FEE_FEN)
    raw = [(n.encode(), v.encode()) for n, v in hand.headers(body, **changed).items()]
    answer = await counter.client.post(WECHAT, content=body, headers=raw)
    await demand_refused(counter, answer, payment_no)
    # Who has a public key looks for no certificate, however unknown the serial.
    assert counter.gateways["wechat"].calls("certificates") == 0


@pytest.mark.parametrize(
    ("channel", "changed"),
    [
        ("wechat", {"mchid": "1600000009"}),
        ("wechat", {"mchid": None}),
        ("wechat", {"mchid": None, "sp_mchid": "1600000009", "sub_mchid": "1600000010"}),
        ("wechat", {"appid": "wx0000000000000000"}),
        ("alipay", {"app_id": "2021000000000009", "auth_app_id": "2021000000000009"}),
        ("alipay", {"seller_id": "2088000000000009"}),
        ("alipay", {"seller_id": None}),
    ],
)
async def test_what_is_told_of_another_merchant_or_application_is_not_ours(
    counter: Counter, channel: str, changed: dict[str, Any]
) -> None:
    payment_no, hand = await waiting(counter, channel)
    answer = await say(counter, hand, hand.paid(payment_no, FEE_FEN, **changed))
    await demand_refused(counter, answer, payment_no)


@BOTH
async def test_a_body_that_was_changed_is_refused(counter: Counter, channel: str) -> None:
    payment_no, hand = await waiting(counter, channel)
    body = hand.paid(payment_no, FEE_FEN)
    headers = hand.headers(body)
    if channel == "wechat":
        changed = body + b" "
    else:
        changed = urlencode({**dict(parse_qsl(body.decode())), "extra": "unsigned"}).encode()
    answer = await tell(counter, hand.path, changed, headers)
    await demand_refused(counter, answer, payment_no)


async def test_what_one_channel_signs_says_nothing_of_anothers_payments(counter: Counter) -> None:
    payment_no, _ = await waiting(counter, "alipay")
    hand = hand_of(counter.gateways["wechat"])
    assert not is_yes(await say(counter, hand, hand.paid(payment_no, FEE_FEN)))
    assert await counter.status(payment_no) == "pending"
    answer = await tell(counter, ALIPAY, body := hand.paid(payment_no, FEE_FEN), hand.headers(body))
    assert (answer.status_code, answer.content) == (401, b"fail")


# ── What is told ────────────────────────────────────────────────────────────────────────


async def test_another_currency_is_not_our_money(counter: Counter) -> None:
    payment_no, hand = await waiting(counter, "wechat")
    amount = {"total": FEE_FEN, "payer_total": FEE_FEN, "currency": "USD"}
    answer = await say(counter, hand, hand.paid(payment_no, FEE_FEN, amount=amount))
    assert not is_yes(answer)
    [row] = await counter.rows("select status, flag from payments")
    assert row == {"status": "unknown", "flag": "wrong_amount"}


@BOTH
@pytest.mark.parametrize("amount_fen", [FEE_FEN - 1, FEE_FEN + 1, 1])
async def test_another_amount_is_flagged_and_not_acknowledged(
    counter: Counter, channel: str, amount_fen: int
) -> None:
    payment_no, hand = await waiting(counter, channel)
    assert not is_yes(await say(counter, hand, hand.paid(payment_no, amount_fen)))
    [row] = await counter.rows("select status, flag from payments")
    assert row == {"status": "unknown", "flag": "wrong_amount"}
    assert await counter.value("select status from bills") == "unpaid"


@BOTH
async def test_an_order_that_nobody_knows_is_kept_and_not_acknowledged(
    counter: Counter, channel: str
) -> None:
    hand = hand_of(counter.gateways[channel])
    body = hand.paid("p" * 32, FEE_FEN)
    for _ in range(2):
        assert not is_yes(await say(counter, hand, body))
    kept = await counter.rows("select payment_no, said, outcome, times from payment_notices")
    known = {"payment_no": "p" * 32, "said": "paid", "outcome": "unknown_order", "times": 2}
    assert kept == [known]


@BOTH
async def test_fields_that_we_do_not_know_are_signed_like_any_other(
    counter: Counter, channel: str
) -> None:
    payment_no, hand = await waiting(counter, channel)
    more = {"new_field": "100% & more = 新", "": "nameless", "blank": ""}
    if channel == "wechat":
        more = {"new_field": {"deep": [1, {"er": None}]}}  # type: ignore[dict-item]
    assert is_yes(await say(counter, hand, hand.paid(payment_no, FEE_FEN, **more)))
    assert await counter.status(payment_no) == "succeeded"


@BOTH
async def test_twenty_at_once_and_one_later_count_once(counter: Counter, channel: str) -> None:
    payment_no, hand = await waiting(counter, channel)
    body = hand.paid(payment_no, FEE_FEN)
    async with asyncio.timeout(10):
        answers = await asyncio.gather(
            *(
                counter.client.post(hand.path, content=body, headers=hand.headers(body))
                for _ in range(20)
            )
        )
    assert all(is_yes(answer) for answer in answers), {a.text for a in answers}
    assert is_yes(await say(counter, hand, hand.paid(payment_no, FEE_FEN)))
    facts = await counter.value(
        "select count(*) from pgqueuer where entrypoint = 'payment.settled'"
        " and convert_from(payload, 'utf8')::json ->> 'payment_no' = $1",
        payment_no,
    )
    assert facts == 1
    assert await counter.value("select count(*) from refunds") == 0


@pytest.mark.parametrize("status", ["cancelled", "expired", "failed"])
@BOTH
async def test_what_is_paid_after_its_end_is_taken_flagged_and_goes_back_by_itself(
    counter: Counter, channel: str, status: str
) -> None:
    payment_no, hand = await waiting(counter, channel)
    async with counter.database.transaction() as connection:
        await connection.execute("update payments set status = $1", status)
    body = hand.paid(payment_no, FEE_FEN)
    for _ in range(3):
        assert is_yes(await say(counter, hand, body))
    [row] = await counter.rows("select status, flag from payments")
    assert row == {"status": "refunding", "flag": "paid_after_end"}
    back = await counter.rows("select amount_fen, status from refunds")
    assert back == [{"amount_fen": FEE_FEN, "status": "asked"}]


async def test_a_second_word_of_a_finished_trade_changes_nothing(counter: Counter) -> None:
    payment_no, hand = await waiting(counter, "alipay")
    assert is_yes(await say(counter, hand, hand.paid(payment_no, FEE_FEN)))
    later = hand.paid(payment_no, FEE_FEN, trade_status="TRADE_FINISHED")
    assert is_yes(await say(counter, hand, later))
    assert await counter.status(payment_no) == "succeeded"
    outcomes = await counter.rows("select outcome from payment_notices order by first_at")
    assert [row["outcome"] for row in outcomes] == ["applied", "repeated"]


@pytest.mark.parametrize("refund_status", ["SUCCESS", "CLOSED", "ABNORMAL"])
async def test_a_refund_that_nobody_asked_for_is_kept_and_not_acknowledged(
    counter: Counter, refund_status: str
) -> None:
    payment_no, hand = await waiting(counter, "wechat")
    assert isinstance(hand, WeChatHand)
    told = {
        "mchid": hand.merchant["merchant_id"],
        "out_trade_no": payment_no,
        "out_refund_no": "r" * 32,
        "refund_id": "5" * 29,
        "refund_status": refund_status,
        "amount": {"total": FEE_FEN, "refund": FEE_FEN, "currency": "CNY"},
    }
    body = hand.sealed(told, f"REFUND.{refund_status}")
    assert not is_yes(await tell(counter, WECHAT_REFUNDS, body, hand.headers(body)))
    assert await counter.status(payment_no) == "pending"


# ── What it costs ───────────────────────────────────────────────────────────────────────


@BOTH
async def test_yes_and_no_are_said_within_a_second(counter: Counter, channel: str) -> None:
    payment_no, hand = await waiting(counter, channel)
    took = []
    for number in [payment_no, "p" * 32] * 10:
        body = hand.paid(number, FEE_FEN)
        began = time.monotonic()
        await say(counter, hand, body)
        took.append(time.monotonic() - began)
    # The machine may be busy with other things for some of them, not for most.
    assert statistics.median(took) < 1.0


@BOTH
async def test_a_forged_notice_borrows_no_connection(counter: Counter, channel: str) -> None:
    """With every connection taken a forged one is refused at once, and a proven one must wait."""
    payment_no, hand = await waiting(counter, channel)
    database = counter.service.litestar.state.database
    body = hand.paid(payment_no, FEE_FEN)
    forged = body.replace(payment_no.encode(), b"p" * 32) if channel == "alipay" else body + b" "
    async with AsyncExitStack() as taken:
        for _ in range(counter.till.settings.database_pool_size):
            await taken.enter_async_context(database.connection())
        size = database.size
        assert size == (counter.till.settings.database_pool_size, 0)
        answers = [await tell(counter, hand.path, forged, hand.headers(body)) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {401}
        assert database.size == size
        late = await counter.client.post(hand.path, content=body, headers=hand.headers(body))
        assert late.status_code == 503
    assert is_yes(await say(counter, hand, body))


async def test_the_words_of_yes_and_no_are_the_channels_own(counter: Counter) -> None:
    payment_no, hand = await waiting(counter, "alipay")
    assert isinstance(hand, AlipayHand)
    yes = await say(counter, hand, hand.paid(payment_no, FEE_FEN))
    assert (yes.status_code, yes.content) == (200, b"success")
    assert yes.headers["content-type"].startswith("text/plain")
    no = await say(counter, hand, hand.paid("p" * 32, FEE_FEN))
    assert (no.status_code, no.content) == (200, b"fail")
    payment_no, wechat = await waiting(counter, "wechat")
    yes = await say(counter, wechat, wechat.paid(payment_no, FEE_FEN))
    assert (yes.status_code, yes.content) == (204, b"")
    no = await say(counter, wechat, wechat.paid("p" * 32, FEE_FEN))
    assert no.status_code == 500
    assert json.loads(no.content)["code"] == "FAIL"
