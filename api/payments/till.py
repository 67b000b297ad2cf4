"""What everything about money is done with, and how channels are asked: bounded, in our words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct

from adapters.contract import Payments, Unreachable
from api.channels import ChannelCannot, Channels, ChannelUnknown, able
from api.database import Database
from api.failpoints import reach
from api.settings import Settings
from api.vault import Vault

Result = TypeVar("Result")

# Less than the deadline of a request leaves, and what a person waits without doubting.
CHANNEL_SECONDS = 2.8

WAITS = [timedelta(seconds=s) for s in (3, 5, 10, 30, 60, 120, 300, 600)]
"""How long after each question a channel is asked the next one; the last one is repeated."""


class Till(Struct, frozen=True):
    """The tools of this process."""

    settings: Settings
    database: Database
    vault: Vault
    channels: Channels

    def payments(self, channel: str) -> Payments:
        """Raises ChannelUnknown, ChannelCannot."""
        return able(self.channels.named(channel).payments)

    def payments_if_open(self, channel: str) -> Payments | None:
        """None: the channel is not configured here any more."""
        try:
            return self.payments(channel)
        except (ChannelUnknown, ChannelCannot):
            return None

    def reach(self, name: str) -> None:
        """A place where tests let the process die."""
        reach(self.settings, name)


async def ask(call: Awaitable[Result]) -> Result:
    """What the channel says, within `CHANNEL_SECONDS`. Raises Refusal and Unreachable only."""
    try:
        async with asyncio.timeout(CHANNEL_SECONDS):
            return await call
    except TimeoutError:
        raise Unreachable("timeout") from None
