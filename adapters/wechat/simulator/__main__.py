"""`python -m adapters.wechat.simulator`."""

from __future__ import annotations

from adapters.simulation.run import run
from adapters.wechat.simulator.gateway import WechatGateway

if __name__ == "__main__":
    run(WechatGateway, default_port=8101)
