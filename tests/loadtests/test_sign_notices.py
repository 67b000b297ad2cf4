"""The storm's notices are what the service believes; its forgeries are what it must not."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import registry
from adapters.alipay.simulator.gateway import AlipayGateway
from adapters.contract import Inbound, NoticeRefused, PaymentNotice, Payments
from adapters.simulation.gateway import Options
from adapters.simulation.keys import draw_toml
from adapters.wechat.simulator.gateway import WechatGateway
from loadtests.gateways import Order
from loadtests.sign_notices import Delivery, Pen, new_notice_id, open_pens
from tests.adapters.wechat.builders import MemoryTokens

CHANNELS = pytest.mark.parametrize("channel", ["wechat", "alipay"])
GATEWAYS: dict[str, Any] = {"wechat": WechatGateway, "alipay": AlipayGateway}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the keys of both gateways, and the channels file's sections."""
    data = tmp_path_factory.mktemp("data")
    for name, kind in GATEWAYS.items():
        gateway = kind(Options(data / name, 1))
        (data / f"{name}.toml").write_text(draw_toml(name, gateway.section()))
        gateway.journal.close()
    return data


@pytest.fixture(scope="module")
def pens(folder: Path) -> dict[str, Pen]:
    return open_pens(folder)


def open_payments(folder: Path, channel: str) -> Payments:
    section = tomllib.loads((folder / f"{channel}.toml").read_text())[channel]
    opened = registry.open_channel(channel, section, MemoryTokens())
    assert opened.payments is not None
    return opened.payments


def read(payments: Payments, delivery: Delivery) -> PaymentNotice:
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    return payments.read_notice(Inbound("POST", "", headers, delivery.body))


def paid_order() -> Order:
    return Order(
        order_id="2026112222001",
        merchant_no="0193a5b6c7d8e9f00112233445566778",
        open_id="o-test",
        amount_fen=1999,
        created_at=time.time() - 20,
        state="paid",
        notice_url="http://127.0.0.1:8000/v1/notices/somewhere",
        description="事项",
        transaction_id="4200000000000000000000000001",
        paid_at=time.time() - 5,
    )


@CHANNELS
async def test_a_true_notice_is_proven(folder: Path, pens: dict[str, Pen], channel: str) -> None:
    order, notice_id = paid_order(), new_notice_id()
    notice = read(open_payments(folder, channel), pens[channel].write(order, notice_id))
    assert notice.notice_id == notice_id
    assert notice.payment is not None
    told = (notice.payment.payment_no, notice.payment.state, notice.payment.amount_fen)
    assert told == (order.merchant_no, "paid", order.amount_fen)


@CHANNELS
async def test_every_forgery_is_refused(folder: Path, pens: dict[str, Pen], channel: str) -> None:
    payments = open_payments(folder, channel)
    forgeries = pens[channel].forge()
    assert len(forgeries) >= 4
    for make in forgeries:
        with pytest.raises(NoticeRefused) as refused:
            read(payments, make(paid_order(), new_notice_id()))
        assert refused.value.code != "signature_probe"


async def test_a_probe_is_known_as_one(folder: Path, pens: dict[str, Pen]) -> None:
    probe = pens["wechat"].probe()
    assert probe is not None
    with pytest.raises(NoticeRefused, match="signature_probe"):
        read(open_payments(folder, "wechat"), probe(paid_order(), new_notice_id()))


@CHANNELS
async def test_a_repeat_is_signed_anew_under_the_same_number(
    folder: Path, pens: dict[str, Pen], channel: str
) -> None:
    payments, notice_id = open_payments(folder, channel), new_notice_id()
    later = msgspec.structs.replace(paid_order(), created_at=time.time())
    deliveries = [pens[channel].write(order, notice_id) for order in (paid_order(), later)]
    assert deliveries[0] != deliveries[1]
    assert {read(payments, delivery).notice_id for delivery in deliveries} == {notice_id}
