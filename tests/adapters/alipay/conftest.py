"""A channel opened on the simulated gateway, in key mode and in certificate mode."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio
from msgspec import Struct

from adapters.alipay import open_channel
from adapters.alipay.identity import AlipayIdentity
from adapters.alipay.messages import AlipayMessages
from adapters.contract import Channel, Identity, Inbound, Links, Messages, Payments, SignIn
from tests.adapters.alipay.builders import TOKENS
from tests.gateways import Received, SimulatedGateway, simulating


@pytest.fixture(scope="session")
def certificate_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    folder = tmp_path_factory.mktemp("alipay-certificates")
    with simulating("alipay", folder, "--mode", "certificate") as gateway:
        yield gateway


@pytest.fixture(params=["key", "certificate"])
def simulated(request: pytest.FixtureRequest) -> SimulatedGateway:
    """Alipay's gateway in either mode, empty and faultless."""
    name = "alipay_process" if request.param == "key" else "certificate_process"
    process: SimulatedGateway = request.getfixturevalue(name)
    process.reset()
    assert process.section["mode"] == request.param
    return process


class Opened(Struct, frozen=True):
    """A channel that can do everything, without its Nones."""

    sign_in: SignIn
    identity: Identity
    payments: Payments
    messages: Messages
    links: Links
    subscribed_kinds: Callable[[str], Any]


Open = Callable[..., Opened]


@pytest_asyncio.fixture
async def open_alipay(simulated: SimulatedGateway) -> AsyncIterator[Open]:
    """Opens the channel as the simulator's section says, with changes to it."""
    channels: list[Channel] = []

    def open_changed(**changes: Any) -> Opened:
        channel = open_channel("alipay", {**simulated.section, **changes}, TOKENS)
        channels.append(channel)
        assert channel.sign_in is not None
        assert isinstance(channel.identity, AlipayIdentity)
        assert channel.payments is not None
        assert isinstance(channel.messages, AlipayMessages)
        assert channel.links is not None
        return Opened(
            channel.sign_in,
            channel.identity,
            channel.payments,
            channel.messages,
            channel.links,
            channel.messages.subscribed_kinds,
        )

    yield open_changed
    for channel in channels:
        await channel.close()


@pytest.fixture
def alipay(open_alipay: Open) -> Opened:
    return open_alipay()


@pytest.fixture
def impatient(open_alipay: Open) -> Opened:
    """Gives up after half a second."""
    return open_alipay(timeout_seconds=0.5)


def as_inbound(received: Received) -> Inbound:
    return Inbound(received.method, "", received.headers, received.body)
