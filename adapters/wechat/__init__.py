"""WeChat 微信: mini-program sign-in, messages, links, identity, and WeChat Pay API v3."""

from adapters.wechat.open_channel import open_channel

__all__ = ["open_channel"]
