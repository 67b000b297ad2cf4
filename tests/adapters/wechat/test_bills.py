"""The trade bill's file: headings of either number, commas in names, amounts to the fen."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.contract import BillLine, Payments, Unreachable
from adapters.wechat import bills
from adapters.wechat.bills import read_lines
from tests.adapters.wechat.builders import opened, signed_inbound

HEADINGS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,"
    "付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,"
    "退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"
)
SUMS = (
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
)
PAID = (
    "`2025-01-01 10:00:00,`wx1,`1600000001,`0,`,`4200001,`p0123456789,`o1,`JSAPI,`SUCCESS,"
    "`OTHERS,`CNY,`19.99,`0.00,`0,`0,`0.00,`0.00,`,`,`工本费,含邮寄,`,`0.12000,`0.60%,"
    "`19.99,`0.00,`"
)
BACK = (
    "`2025-01-01 11:00:00,`wx1,`1600000001,`0,`,`4200001,`p0123456789,`o1,`JSAPI,`REFUND,"
    "`OTHERS,`CNY,`0.00,`0.00,`5000001,`r0123456789,`9.99,`0.00,`ORIGINAL,`PROCESSING,`工本费,`,"
    "`-0.06000,`0.60%,`0.00,`9.99,`"
)
TOTALS = "`2,`19.99,`9.99,`0.00,`0.06000,`19.99,`9.99"


def file_of(*lines: str, end: str = "\r\n") -> io.BytesIO:
    return io.BytesIO(b"\xef\xbb\xbf" + (end.join(lines) + end).encode())


def test_payments_and_refunds_are_read_and_the_sums_are_not() -> None:
    found = list(read_lines(file_of(HEADINGS, PAID, BACK, SUMS, TOTALS)))
    at = datetime.fromisoformat
    assert found == [
        BillLine(
            "payment", "p0123456789", None, "4200001", None, 1999, 12, "succeeded",
            at("2025-01-01T10:00:00+08:00"),
        ),
        BillLine(
            "refund", "p0123456789", "r0123456789", "4200001", "5000001", 999, -6, "processing",
            at("2025-01-01T11:00:00+08:00"),
        ),
    ]  # fmt: skip


def test_the_older_headings_are_read_too() -> None:
    keep = [n for n, h in enumerate(HEADINGS.split(",")) if h not in
            {"订单金额", "申请退款金额", "费率备注"}]  # fmt: skip
    headings = ",".join(HEADINGS.split(",")[n] for n in keep)
    lines = ["`" + ",`".join(line[1:].split(",`")[n] for n in keep) for line in (PAID, BACK)]
    found = list(read_lines(file_of(headings, *lines, SUMS, TOTALS)))
    assert [line.amount_fen for line in found] == [1999, 999]


def test_a_day_without_anything_has_no_lines() -> None:
    assert list(read_lines(file_of(HEADINGS, SUMS, "`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00"))) == []


@pytest.mark.parametrize(
    "wrong",
    [
        PAID.replace("`19.99,`0.00,`\x20".strip(), "`19.995,`0.00,`"),
        PAID.replace("`19.99", "`abc"),
        PAID.replace("`19.99", "`NaN"),
        PAID.replace("`19.99", "`1e99"),
        PAID.replace("`2025-01-01", "`2025-13-01"),
        PAID.replace("`p0123456789", "`"),
        PAID + ",`more",
        PAID.rsplit(",`", 1)[0],
    ],
)
def test_a_line_that_cannot_be_read_ends_the_reading(wrong: str) -> None:
    assert wrong != PAID
    with pytest.raises(Unreachable, match="answer_unreadable"):
        list(read_lines(file_of(HEADINGS, wrong, SUMS, TOTALS)))


@pytest.mark.parametrize(
    "totals",
    [
        TOTALS.replace("`2,", "`3,"),
        TOTALS.replace("`19.99,`9.99,", "`19.98,`9.99,"),
        TOTALS.replace("`19.99,`9.99", "`19.99,`9.98"),
        TOTALS[:-6],
        TOTALS.replace("`2", "`two"),
        f"{TOTALS}\r\n{PAID}",
        "",
    ],
    ids=["count", "paid", "back", "cut short", "no number", "lines below", "none"],
)
def test_lines_that_are_not_what_they_sum_to_are_no_bill(totals: str) -> None:
    with pytest.raises(Unreachable, match="answer_unreadable"):
        list(read_lines(file_of(HEADINGS, PAID, BACK, SUMS, totals)))


def test_a_file_cut_off_between_two_lines_is_no_bill() -> None:
    with pytest.raises(Unreachable, match="answer_unreadable"):
        list(read_lines(file_of(HEADINGS, PAID, BACK)))


@pytest.mark.parametrize("name", ["工本费,`含邮寄,`", "`,`", '"工本费","', "=1+1", "a`b"])
def test_no_name_of_goods_shifts_the_amounts(name: str) -> None:
    lines = [line.replace("工本费,含邮寄", name) for line in (PAID, BACK)]
    assert lines[0] != PAID
    found = list(read_lines(file_of(HEADINGS, *lines, SUMS, TOTALS)))
    assert [(line.amount_fen, line.fee_fen) for line in found] == [(1999, 12), (999, -6)]


def test_an_endless_line_is_refused() -> None:
    with pytest.raises(Unreachable, match="answer_unreadable"):
        list(read_lines(io.BytesIO(HEADINGS.encode() + b"\n`" + b"0" * 1_000_000)))


@pytest.mark.parametrize(
    ("word", "state"), [("SUCCESS", "succeeded"), ("CHANGE", "failed"), ("", "unknown")]
)
def test_the_state_of_a_refund_is_said_in_our_words(word: str, state: str) -> None:
    back = BACK.replace("`PROCESSING", f"`{word}")
    _, line = read_lines(file_of(HEADINGS, PAID, back, SUMS, TOTALS))
    assert line.state == state


@pytest.mark.parametrize("content", [b"", b"<html>", b"\xff\xfe\x00", b'{"code":"X"}'])
def test_what_is_no_bill_is_not_read(content: bytes) -> None:
    with pytest.raises(Unreachable, match="answer_unreadable"):
        list(read_lines(io.BytesIO(content)))


@given(content=st.binary(max_size=300), lines=st.lists(st.text(max_size=60), max_size=5))
def test_no_file_crashes(content: bytes, lines: list[str]) -> None:
    for file in (io.BytesIO(content), file_of(HEADINGS, *lines), file_of(HEADINGS, "`" + PAID)):
        codes = set()
        try:
            list(read_lines(file))
        except Unreachable as error:
            codes.add(error.code)
        assert codes <= {"answer_unreadable"}


# ── The download ────────────────────────────────────────────────────────────────────────

WHOLE = file_of(HEADINGS, PAID, BACK, SUMS, TOTALS).getvalue()
DIGEST = hashlib.sha1(WHOLE, usedforsecurity=False).hexdigest()


@asynccontextmanager
async def serving(
    file: bytes, digest: str, download_url: str = "{address}/file"
) -> AsyncIterator[Payments]:
    """WeChat Pay with one bill: its place, signed, and the file, unsigned."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        body, headers = file, ""
        if "/v3/bill/tradebill" in head:
            place = {
                "hash_type": "SHA1",
                "hash_value": digest,
                "download_url": download_url.format(address=address),
            }
            body = json.dumps(place).encode()
            signed = signed_inbound(body, at=time.time())
            headers = "".join(f"{name}: {value}\r\n" for name, value in signed.headers.items())
        head = (
            f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n{headers}\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    channel = opened(pay_url=address)
    assert channel.payments is not None
    async with server:
        yield channel.payments
    await channel.close()


async def lines_of(payments: Payments) -> list[BillLine]:
    return [line async for line in payments.bill_lines(date(2025, 1, 1))]


@pytest.mark.parametrize("file", [WHOLE, gzip.compress(WHOLE)], ids=["plain", "zipped"])
async def test_a_file_with_the_right_hash_is_read(file: bytes) -> None:
    async with serving(file, DIGEST) as payments:
        assert len(await lines_of(payments)) == 2


@pytest.mark.parametrize(
    ("file", "digest", "place", "code"),
    [
        (WHOLE, "0" * 40, "{address}/file", "answer_unproven"),
        (WHOLE[:-40], DIGEST, "{address}/file", "answer_unproven"),
        (gzip.compress(WHOLE)[:-60], DIGEST, "{address}/file", "answer"),
        (gzip.compress(WHOLE)[:-8], DIGEST, "{address}/file", "answer_unreadable"),
        (b"\x1f\x8bnonsense", "0" * 40, "{address}/file", "answer_unreadable"),
        (WHOLE, DIGEST, "http://127.0.0.1:1/file", "answer_unreadable"),
    ],
    ids=["wrong hash", "cut short", "zip cut short", "zip without end", "no zip", "elsewhere"],
)
async def test_no_line_of_another_file_is_believed(
    file: bytes, digest: str, place: str, code: str
) -> None:
    async with serving(file, digest, place) as payments:
        with pytest.raises(Unreachable, match=code):
            await lines_of(payments)


async def test_a_bomb_is_put_out_by_what_comes_out_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bills, "_FILE_BYTES", 1_000_000)
    bomb = bytes(2_000_000)
    digest = hashlib.sha1(bomb, usedforsecurity=False).hexdigest()
    async with serving(gzip.compress(bomb), digest) as payments:
        with pytest.raises(Unreachable, match="answer_unreadable"):
            await lines_of(payments)
