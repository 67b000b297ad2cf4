"""The first start makes everything, a later one finds it again."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from adapters.alipay.config import read_config
from tests.adapters.alipay.simulator.builders import Wire
from tests.gateways import simulating


def test_what_was_held_is_there_after_a_restart(tmp_path: Path) -> None:
    with simulating("alipay", tmp_path) as gateway:
        wire = Wire(gateway)
        wire.pay("N_1")
        wire.refund("N_1", "R1", "4.00")
        before = gateway.section
        open_id = gateway.citizen()
        code = gateway.login_code(open_id)
    with simulating("alipay", tmp_path) as gateway:
        after = gateway.section
        changed = {name for name in before if before[name] != after[name]}
        assert changed == {"gateway_url"}
        wire = Wire(gateway)
        assert wire.refund("N_1", "R1", "4.00")["fund_change"] == "N"
        given = wire.call(
            "alipay.system.oauth.token", None, grant_type="authorization_code", code=code
        )
        assert given["open_id"] == open_id


@pytest.mark.parametrize("mode", ["key", "certificate"])
def test_the_section_is_what_the_channel_reads(tmp_path: Path, mode: str) -> None:
    with simulating("alipay", tmp_path, "--mode", mode) as gateway:
        config = read_config(gateway.section)
        assert config.gateway_url == f"{gateway.address}/gateway.do"
        assert (config.trust is not None) is (mode == "certificate")
    for path in [*tmp_path.glob("*.toml"), *tmp_path.glob("keys/*")]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_everything_is_forgotten_when_asked(wire: Wire) -> None:
    section = wire.gateway.section
    order = wire.order("N_1")
    wire.gateway.confirm(wire.call("alipay.trade.create", order)["trade_no"])
    wire.gateway.reset()
    asked = {"out_trade_no": "N_1"}
    assert wire.refused("alipay.trade.query", asked) == "ACQ.TRADE_NOT_EXIST"
    assert wire.gateway.section == section
