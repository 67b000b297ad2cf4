"""What people are told, and what they agree to be told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.messages.words import Kind

ChannelName = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_-]{1,39}\Z", examples=["wechat"])]
MessageStatus = Literal[
    "waiting", "sending", "accepted", "delivered", "failed", "unknown", "withheld"
]


class MessageAnswer(Struct, frozen=True):
    """One message. `status` is how it fares in the channel; `reason` why not, as a code:
    `user_refused`, `muted`, `not_linked`, `channel_cannot`, `channel_unavailable` …"""

    message_id: str
    kind: Kind
    title: str
    text: str
    case_no: str
    channel: str | None
    status: MessageStatus
    reason: str | None
    created_at: datetime
    sent_at: datetime | None


class Wish(Struct, frozen=True, forbid_unknown_fields=True):
    """What the person answered when the app asked about one kind."""

    kind: Kind
    wanted: bool


class SubscriptionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The answers that `wx.requestSubscribeMessage` or its like gave."""

    channel: ChannelName
    wishes: Annotated[list[Wish], Meta(min_length=1, max_length=20)]


class Subscription(Struct, frozen=True):
    """One kind in one channel: `template_id` is what the app asks consent for; `wanted` null:
    not asked yet."""

    channel: str
    kind: str
    template_id: str
    wanted: bool | None
