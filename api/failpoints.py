"""Places where a process can be made to die, to prove that nothing is lost there.

`FAILPOINT=name` ends the process, without any clean-up, the first time it comes to that
step; `FAILPOINT=random:0.02:seed` at any step it comes to, with that probability. The
last line on standard error then names the step. Never in production.
"""

from __future__ import annotations

import os
import random
from functools import cache

from api.settings import Settings

EXIT_STATUS = 70
SAID = "failpoint: "

NAMES = (
    "payment.intended",
    "payment.ordered",
    "payment.cancelling",
    "payment.closed",
    "notice.proven",
    "notice.weighed",
    "notice.applied",
    "chase.taken",
    "chase.told",
    "refund.taken",
    "refund.told",
    "desk.asked",
    "reconciliation.leased",
    "reconciliation.loaded",
    "reconciliation.matched",
)
"""Every step there is, about in the order a payment may come to them."""


def reach(settings: Settings, name: str) -> None:
    """End the process here where the setting says so."""
    if not settings.failpoint or settings.environment == "production":
        return
    if _is_fatal(settings.failpoint, name):
        os.write(2, f"{SAID}{name}\n".encode())
        os._exit(EXIT_STATUS)


def _is_fatal(setting: str, name: str) -> bool:
    if not setting.startswith("random:"):
        return setting == name
    _, share, seed = setting.split(":", 2)
    return _dice(seed).random() < float(share)


@cache
def _dice(seed: str) -> random.Random:
    """Thrown at every step, so that a seed and the steps say where the process dies."""
    return random.Random(seed)
