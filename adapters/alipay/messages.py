"""Templated messages of the mini-program, and what Alipay pushes to the application gateway.

Sources: alipay.open.app.mini.templatemessage.send; …messagetemplate.subscribe.query;
"From 蚂蚁消息". Alipay answers a message with no number of its own.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from adapters.alipay import codes, signing, wire
from adapters.alipay.config import Template
from adapters.alipay.forms import prove_form
from adapters.alipay.gateway import Gateway
from adapters.contract import Inbound, Message, MessageNews, MessageState, Refusal, Reply

# A keyword may not be empty.
_NOTHING = "-"
# Written in either form.
_SUBSCRIBED = frozenset({"SUBSCRIBE", "SUBSCRIBED"})


class AlipayMessages:
    """Sends the kinds that the configuration names a template for."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._templates = gateway.config.templates

    def kinds(self) -> Mapping[str, str]:
        """Kind → template id, for `my.requestSubscribeMessage`."""
        return {kind: template.template_id for kind, template in self._templates.items()}

    async def send(self, message: Message) -> MessageState:
        """`accepted` is all that Alipay says of a message it takes; whether it arrived is never
        told. Alipay knows no number of ours: a repeat is a second message."""
        template = self._templates.get(message.kind)
        if template is None:
            raise Refusal("parameter_wrong")
        is_old = wire.is_user_id(message.open_id)
        asked = wire.SendMessage(
            user_template_id=template.template_id,
            page=message.page.lstrip("/"),
            data=_spell_data(template, message.values),
            to_open_id=None if is_old else message.open_id,
            to_user_id=message.open_id if is_old else None,
        )
        try:
            await self._gateway.call(
                "alipay.open.app.mini.templatemessage.send", asked, wire.Nothing
            )
        except Refusal as refusal:
            reason = codes.message_failure(refusal)
            if reason is None:
                raise
            return MessageState("failed", reason=reason)
        return MessageState("accepted")

    async def subscribed_kinds(self, open_id: str) -> frozenset[str]:
        """The kinds this person lets us send now."""
        is_old = wire.is_user_id(open_id)
        answer = await self._gateway.call(
            "alipay.open.app.messagetemplate.subscribe.query",
            wire.NameSubscriptions(
                template_id_list=list(self.kinds().values()),
                open_id=None if is_old else open_id,
                user_id=open_id if is_old else None,
            ),
            wire.Subscriptions,
            safe=True,
        )
        allowed = {
            relation.template_id
            for relation in answer.subscribe_relations
            if (relation.subscribe_state or "").upper() in _SUBSCRIBED
        }
        return frozenset(kind for kind, template in self.kinds().items() if template in allowed)

    def read_push(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        """Gateway messages tell of audits, push-backs and the like: none is news of a message
        of ours, but each wants to be proven and answered, or it comes again."""
        prove_form(inbound, self._gateway.keys, self._gateway.config, signing.message_text)
        return [], Reply(200, b"success")


def _spell_data(template: Template, values: Mapping[str, str]) -> str:
    """The keywords as JSON in a text, every value cut to what its keyword takes."""
    data = {
        field.keyword: {"value": (values.get(ours, "").strip() or _NOTHING)[: field.length]}
        for ours, field in template.keywords().items()
    }
    return msgspec.json.encode(data).decode()
