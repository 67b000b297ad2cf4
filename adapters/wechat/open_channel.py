"""Opens the channel from its section; what the section does not configure is None."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import time
from typing import Any

from adapters.contract import Channel, TokenKeeper
from adapters.http import Client
from adapters.wechat.config import read_config
from adapters.wechat.identity import WeChatIdentity, WeChatRealNames
from adapters.wechat.links import WeChatLinks
from adapters.wechat.merchant import Merchant
from adapters.wechat.messages import WeChatMessages
from adapters.wechat.mini_program import MiniProgram
from adapters.wechat.payments import WeChatPayments
from adapters.wechat.sign_in import WeChatSignIn


def open_channel(
    name: str,
    config: Mapping[str, Any],
    tokens: TokenKeeper,
    *,
    clock: Callable[[], float] = time,
) -> Channel:
    """A mini-program, with WeChat Pay where `merchant` is configured. `clock`: Unix seconds."""
    read = read_config(name, config)
    section = read.section
    client = Client(name)
    app = MiniProgram(read, client, tokens, clock)
    merchant = Merchant(section.pay_url, read.merchant, client, clock) if read.merchant else None

    async def close() -> None:
        if merchant is not None:
            await merchant.close()
        await client.close()

    has_messages = bool(section.templates) or section.push_token is not None
    return Channel(
        name=name,
        title=section.title,
        sign_in=WeChatSignIn(app),
        identity=WeChatIdentity(app) if section.identity else None,
        payments=WeChatPayments(section.app_id, merchant) if merchant is not None else None,
        messages=WeChatMessages(app, read, clock) if has_messages else None,
        links=WeChatLinks(app, section),
        close=close,
        real_names=WeChatRealNames(app) if section.identity else None,
    )
