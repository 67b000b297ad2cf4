"""The simulated Alipay in both of its modes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.alipay.simulator.builders import Wire
from tests.gateways import SimulatedGateway, simulating


@pytest.fixture
def wire(alipay_gateway: SimulatedGateway) -> Wire:
    """A client in key mode."""
    return Wire(alipay_gateway)


@pytest.fixture(scope="session")
def certified_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    folder = tmp_path_factory.mktemp("alipay-certified")
    with simulating("alipay", folder, "--mode", "certificate") as gateway:
        yield gateway


@pytest.fixture
def certified_gateway(certified_process: SimulatedGateway) -> SimulatedGateway:
    """A gateway in certificate mode, empty and faultless."""
    certified_process.reset()
    return certified_process
