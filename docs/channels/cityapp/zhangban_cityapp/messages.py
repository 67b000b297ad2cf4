"""Tells people that something moved, and reads what the app's server says became of it."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.contract import (
    Inbound,
    Message,
    MessageNews,
    MessageState,
    NoticeRefused,
    Refusal,
    Reply,
)
from zhangban_cityapp import wire
from zhangban_cityapp.gateway import Gateway, read_push

VALUE_CHARACTERS = 60
_EVENTS = {"delivered": "delivered", "blocked": "unsubscribed", "allowed": "subscribed"}


class CityAppMessages:
    """contract.Messages. `kinds`: our kinds of messages → the app's templates."""

    def __init__(self, gateway: Gateway, kinds: Mapping[str, str]) -> None:
        self._gateway = gateway
        self._kinds = kinds
        self._kind_of = {template: kind for kind, template in kinds.items()}

    def kinds(self) -> Mapping[str, str]:
        """As the channels file has them."""
        return self._kinds

    async def send(self, message: Message) -> MessageState:
        """The message's number makes a repeat harmless, so the call may be made twice."""
        template = self._kinds.get(message.kind)
        if template is None:
            raise Refusal("parameter_wrong")
        asked = wire.MessageAsked(
            person=message.open_id,
            template=template,
            values={name: text[:VALUE_CHARACTERS] for name, text in message.values.items()},
            page=message.page,
            number=message.message_no,
        )
        try:
            taken = await self._gateway.post(
                "message", "/v1/messages", asked, wire.MessageTaken, safe=True
            )
        except Refusal as refusal:
            reason = wire.MESSAGE_FAILURES.get(refusal.channel_code or "")
            if reason is None:
                raise
            return MessageState("failed", reason=reason)
        return MessageState("accepted", channel_message_id=taken.message)

    def read_push(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        """Prove, then parse; no call and no connection is spent on a forgery."""
        fault = self._gateway.fault_of(inbound.headers, inbound.method, inbound.body)
        if fault is not None:
            raise NoticeRefused(fault)
        push = read_push(inbound.body, wire.Push)
        news = MessageNews(
            open_id=push.person,
            kind=self._kind_of.get(push.template),
            event=_EVENTS[push.happened],  # type: ignore[arg-type]
            channel_message_id=push.message,
        )
        return [news], Reply(200, b"ok")
