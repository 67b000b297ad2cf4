"""Alipay, on the wire: the channel as configuration opens it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from adapters.alipay.config import read_config
from adapters.alipay.gateway import Gateway
from adapters.alipay.identity import AlipayIdentity
from adapters.alipay.links import AlipayLinks
from adapters.alipay.messages import AlipayMessages
from adapters.alipay.payments import AlipayPayments
from adapters.alipay.sign_in import AlipaySignIn
from adapters.contract import Channel, TokenKeeper
from adapters.http import Client, Limits

__all__ = ["open_channel"]


def open_channel(
    name: str,
    config: Mapping[str, Any],
    tokens: TokenKeeper,  # noqa: ARG001 - Alipay signs every call and has no token to keep
) -> Channel:
    """`config`: the section described beside this package. Raises ConfigurationWrong."""
    read = read_config(config)
    client = Client(name, Limits(budget_seconds=read.timeout_seconds))
    gateway = Gateway(read, client)
    links = AlipayLinks(gateway)
    return Channel(
        name=name,
        title=read.title,
        sign_in=AlipaySignIn(gateway),
        identity=AlipayIdentity(gateway, links) if read.identity_checks else None,
        payments=AlipayPayments(gateway),
        messages=AlipayMessages(gateway) if read.templates else None,
        links=links,
        close=client.close,
    )
