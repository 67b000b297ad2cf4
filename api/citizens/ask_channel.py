"""Asks a channel something, within its time, and says its failures in our words."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable
from typing import TypeVar

from adapters.contract import ChannelError, Refusal
from api.channels import ChannelUnavailable, as_problem
from api.errors import Unauthorized

Result = TypeVar("Result")

# Less than the deadline of the request leaves, and what a person waits without doubting.
CHANNEL_SECONDS = 2.8


class LoginCodeWrong(Unauthorized):
    """登录码无效或已过期，请重新登录。"""

    code = "login_code_wrong"
    english = "The login code is wrong, used or expired. Please sign in again."


async def ask_channel(call: Awaitable[Result]) -> Result:
    """What the channel answers. Raises ChannelUnavailable within 3 s, LoginCodeWrong,
    ChannelRefused. Nobody holds a connection while waiting here."""
    try:
        async with asyncio.timeout(CHANNEL_SECONDS):
            return await call
    except TimeoutError:
        raise ChannelUnavailable(headers={"Retry-After": str(random.randint(2, 5))}) from None
    except Refusal as refusal:
        if refusal.code == "code_wrong":
            raise LoginCodeWrong() from None
        raise as_problem(refusal) from None
    except ChannelError as error:
        raise as_problem(error) from None
