"""The city's own app 城市通 as a channel: signing in, messages, links. No payments.

Read in this order: this file, `wire.py` (what travels), `gateway.py` (how a call is made
and an answer believed), then one file for each thing the channel can do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from adapters.contract import Channel, ConfigurationWrong, TokenKeeper
from adapters.http import Client
from zhangban_cityapp.gateway import Gateway
from zhangban_cityapp.links import CityAppLinks
from zhangban_cityapp.messages import CityAppMessages
from zhangban_cityapp.sign_in import CityAppSignIn

__all__ = ["open_channel"]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """What stands under `[cityapp]` in the channels file."""

    app_id: Annotated[str, Meta(pattern=r"\A[0-9a-z-]{3,32}\Z")]
    secret: Annotated[str, Meta(min_length=32, max_length=128)]
    url: Annotated[str, Meta(pattern=r"\Ahttps?://[^/?#\s]+\Z")]
    title: str = "城市通"
    kinds: dict[str, str] = {}


def open_channel(
    name: str,
    config: Mapping[str, Any],
    tokens: TokenKeeper,  # noqa: ARG001 (every call is signed: there is no access token to keep)
    *,
    clock: Callable[[], float] = time.time,
) -> Channel:
    """What the entry point names: contract.OpenChannel. Raises ConfigurationWrong."""
    try:
        section = msgspec.convert(dict(config), Section)
    except msgspec.ValidationError as error:
        # msgspec names the key and the rule, and not the value.
        raise ConfigurationWrong(f"[{name}]: {error}") from None
    client = Client(name)
    gateway = Gateway(section.url, section.app_id, section.secret.encode(), client, clock)
    return Channel(
        name=name,
        title=section.title,
        sign_in=CityAppSignIn(gateway),
        identity=None,
        payments=None,
        messages=CityAppMessages(gateway, section.kinds) if section.kinds else None,
        links=CityAppLinks(gateway),
        close=client.close,
    )
