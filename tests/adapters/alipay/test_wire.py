"""Amounts and times on their way to Alipay and back: exact, and never a float."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.alipay import wire
from adapters.alipay.wire import Unreadable
from tests.adapters.alipay.builders import unhurried

AMOUNTS = st.integers(0, wire.AMOUNT_MOST_FEN)


@unhurried
@given(AMOUNTS)
def test_fen_become_yuan_and_fen_again(amount_fen: int) -> None:
    spelt = wire.spell_yuan(amount_fen)
    assert wire.read_yuan_text(spelt) == amount_fen
    assert len(spelt.partition(".")[2]) == 2
    for written in (f'"{spelt}"', spelt):
        decoded = msgspec.json.decode(
            f'{{"out_trade_no":"1","trade_status":"x","total_amount":{written}}}', type=wire.Trade
        )
        assert decoded.total_amount is not None
        assert wire.read_fen(decoded.total_amount) == amount_fen


@pytest.mark.parametrize(
    ("written", "amount_fen"),
    [("19.99", 1999), ("100.2", 10020), ("0.01", 1), ("-80.00", -8000), ("5", 500), ("0.10", 10)],
)
def test_amounts_that_floats_get_wrong_are_exact(written: str, amount_fen: int) -> None:
    assert wire.read_yuan_text(written) == amount_fen
    assert wire.read_fen(msgspec.json.decode(written, type=Decimal)) == amount_fen


@pytest.mark.parametrize(
    "written",
    ["NaN", "Infinity", "-Infinity", "sNaN", "1E+999999", "1E-999999", "0.001", "1e12"],
)
def test_an_amount_that_is_none_is_refused_at_once(written: str) -> None:
    with pytest.raises(Unreadable):
        wire.read_fen(Decimal(written))


@unhurried
@given(st.text(max_size=20))
def test_no_text_crashes_the_amount_or_the_time(text: str) -> None:
    for read in (wire.read_yuan_text, wire.read_time):
        with contextlib.suppress(Unreadable):
            read(text)


@pytest.mark.parametrize("amount_fen", [-1, wire.AMOUNT_MOST_FEN + 1])
def test_an_amount_out_of_range_is_not_spelt(amount_fen: int) -> None:
    with pytest.raises(Unreadable):
        wire.spell_yuan(amount_fen)


@unhurried
@given(st.datetimes(datetime(1992, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_times_go_by_shanghais_clock_and_come_back_the_same_moment(moment: datetime) -> None:
    spelt = wire.spell_time(moment)
    assert spelt == (moment + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S")
    assert wire.read_time(spelt) == moment.replace(microsecond=0)


def test_a_time_with_milliseconds_is_read() -> None:
    read = wire.read_time("2026-11-22 16:18:21.123")
    assert read.isoformat() == "2026-11-22T16:18:21.123000+08:00"


@pytest.mark.parametrize(
    "text", ["2026-13-01 00:00:00", "2026-11-22", "2026-11-22T16:18:21", "2026-11-22 16:18:21Z", ""]
)
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        wire.read_time(text)


def test_a_title_loses_what_alipay_does_not_take() -> None:
    assert wire.plain_text("a/b=c&d\n\x00e") == "a／b＝c＆de"
    assert len(wire.plain_text("费" * 300)) == 256


@pytest.mark.parametrize(
    ("person", "is_old"),
    [
        ("2088102363632794", True),
        ("074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", False),
        ("2088102363632794\n", False),
        ("20881023636327945", False),
    ],
)
def test_the_two_kinds_of_identity_are_told_apart(person: str, is_old: bool) -> None:
    assert wire.is_user_id(person) is is_old
