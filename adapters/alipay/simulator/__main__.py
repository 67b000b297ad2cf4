"""`python -m adapters.alipay.simulator --port 8102 --data-dir DIR [--mode certificate]`."""

from __future__ import annotations

import argparse
import sys
from typing import get_args

from adapters.alipay.simulator.books import Mode
from adapters.alipay.simulator.gateway import AlipayGateway
from adapters.simulation.run import run

PORT = 8102


def main() -> None:
    """The frame reads its own part of the command line; how requests are trusted is ours."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--mode", choices=get_args(Mode), default="key")
    given, rest = parser.parse_known_args()
    sys.argv[1:] = rest
    run(lambda options: AlipayGateway(options, given.mode), default_port=PORT)


if __name__ == "__main__":
    main()
