"""What no channel sends, signed or not: refused in time, and never an error of ours."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import pytest

from tests.payments.conftest import FEE_FEN, Counter
from tests.payments.forging import (
    ALIPAY,
    WECHAT,
    WECHAT_REFUNDS,
    WeChatHand,
    hand_of,
    is_yes,
    say,
    tell,
)

JUNK: Sequence[bytes] = (
    b"",
    b"\x00",
    b"\x00" * 4096,
    b"\xff\xfe\xfd" * 50,
    b"{",
    b"[" * 5000,
    b'{"id":' * 2000,
    b"null",
    b'"text"',
    b'{"id": 1, "event_type": 2, "resource": 3}',
    b'{"resource":{"ciphertext":"","nonce":"","associated_data":null}}',
    b"a=b&" * 500,
    b"sign=x&sign=y",
    b"sign=%zz&out_trade_no=%00",
    b"charset=utf-7&sign=x",
    "sign=签&sign_type=RSA2".encode(),
    b"msg_method=x&sign=x",
)


@pytest.mark.parametrize("path", [WECHAT, WECHAT_REFUNDS, ALIPAY])
async def test_junk_is_refused_and_never_an_error_of_ours(counter: Counter, path: str) -> None:
    kinds = ("application/json", "application/x-www-form-urlencoded", "text/xml")
    for body in JUNK:
        for kind in kinds:
            answer = await tell(counter, path, body, {"Content-Type": kind})
            assert 400 <= answer.status_code < 500, (body[:40], kind, answer.text)
    assert await counter.value("select count(*) from payment_notices") == 0


@pytest.mark.parametrize(
    "told",
    [
        b"",
        b"\x00\x00",
        b"[" * 1000,
        b"{}",
        {"out_trade_no": "p\x00p", "trade_state": "SUCCESS"},
        {"out_trade_no": 7, "trade_state": None},
        {"out_trade_no": "p" * 6, "trade_state": "SUCCESS", "amount": {"total": "16.00"}},
        {"out_trade_no": "p" * 6, "trade_state": "SUCCESS", "amount": {"total": 16.5}},
        {"out_trade_no": "p" * 6, "trade_state": "SUCCESS", "amount": {"total": 1e300}},
    ],
    ids=lambda told: str(told)[:40],
)
async def test_signed_junk_is_refused_too(counter: Counter, told: Any) -> None:
    hand = hand_of(counter.gateways["wechat"])
    assert isinstance(hand, WeChatHand)
    body = hand.sealed(told)
    answer = await tell(counter, WECHAT, body, hand.headers(body))
    assert (answer.status_code, is_yes(answer)) == (401, False)


async def test_a_number_that_no_table_can_hold_is_no_error_of_ours(counter: Counter) -> None:
    """Properly signed, and of a size or with a character that no table takes."""
    for channel in ("wechat", "alipay"):
        hand = hand_of(counter.gateways[channel])
        named = "transaction_id" if channel == "wechat" else "trade_no"
        for number in ("p\x00p", "p" * 5000, "\U0001f4b0"):
            for body in (
                hand.paid(number, FEE_FEN),
                hand.paid("p" * 32, FEE_FEN, **{named: number}),
            ):
                answer = await say(counter, hand, body)
                assert (answer.status_code, is_yes(answer)) == (401, False)
        answer = await say(counter, hand, hand.paid("p" * 32, 2**63))
        assert not is_yes(answer)


@pytest.mark.parametrize("path", [WECHAT, ALIPAY])
async def test_what_is_too_big_or_packed_is_not_read(counter: Counter, path: str) -> None:
    kind = {"Content-Type": "application/json"}
    big = await counter.client.post(path, content=b" " * (64 * 1024 + 1), headers=kind)
    assert big.status_code == 413
    packed = {**kind, "Content-Encoding": "gzip"}
    bomb = zlib.compress(b" " * 1_000_000)
    assert (await tell(counter, path, bomb, packed)).status_code == 415
    other = await tell(counter, path, b"x", {"Content-Type": "image/png"})
    assert other.status_code == 415
    assert (await counter.client.get(path)).status_code == 405
