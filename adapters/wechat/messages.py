"""Subscription messages: one per consent, in the fields and lengths that templates take."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from adapters.contract import Inbound, Message, MessageNews, MessageState, Refusal, Reply
from adapters.wechat import wire
from adapters.wechat.codes import MESSAGE_FAILURES
from adapters.wechat.config import Config, Template
from adapters.wechat.mini_program import MiniProgram
from adapters.wechat.pushes import PushReader

_STATES = {"release": "formal", "trial": "trial", "develop": "developer"}

# Characters a field takes, by the word before its number; what is not here is sent as it is.
_LENGTHS = {
    "thing": 20,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "character_string": 32,
    "phone_number": 17,
    "car_number": 8,
    "phrase": 5,
}
# What stands for a value that is missing, since an empty one is refused.
_MISSING = {"thing": "无", "phrase": "无", "character_string": "-", "symbol": "-"}
_NOT_CHINESE = re.compile(r"[^\u4e00-\u9fff]")
_NOT_VISIBLE_ASCII = re.compile(r"[^\x21-\x7e]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


class WeChatMessages:
    """contract.Messages."""

    def __init__(self, app: MiniProgram, config: Config, clock: Callable[[], float]) -> None:
        self._app = app
        self._templates = config.section.templates
        self._state = _STATES[config.section.env_version]
        self._pushes = PushReader(config, clock)

    def kinds(self) -> Mapping[str, str]:
        """Kind → template id, for `wx.requestSubscribeMessage`."""
        return {kind: template.template_id for kind, template in self._templates.items()}

    async def send(self, message: Message) -> MessageState:
        """Uses up one consent. WeChat knows no number of ours: a repeat is a second message."""
        template = self._templates.get(message.kind)
        if template is None:
            raise Refusal("parameter_wrong")
        data = _fill(template, message.values)
        if data is None:
            return MessageState("failed", reason="content_wrong")
        asked = wire.MessageAsked(
            touser=message.open_id,
            template_id=template.template_id,
            page=message.page.lstrip("/"),
            data=data,
            miniprogram_state=self._state,
        )
        path = "/cgi-bin/message/subscribe/send"
        try:
            sent = await self._app.post("message", path, asked, wire.MessageSent)
        except Refusal as refusal:
            reason = MESSAGE_FAILURES.get(int(refusal.channel_code or 0))
            if reason is None:
                raise
            return MessageState("failed", reason=reason)
        number = None if sent.msgid is None else str(sent.msgid)
        return MessageState("accepted", channel_message_id=number)

    def read_push(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        """GET is the console's trial of the address, POST an event. Answer with the Reply."""
        return self._pushes.read(inbound)


def _fill(template: Template, values: Mapping[str, str]) -> dict[str, wire.Value] | None:
    """The template's fields; None where one must have a value and has none."""
    data: dict[str, wire.Value] = {}
    for ours, theirs in template.fields.items():
        fitted = fit(theirs, values.get(ours, ""))
        if not fitted:
            return None
        data[theirs] = wire.Value(fitted)
    return data


def fit(field: str, value: str) -> str:
    """A value as the field takes it (`thing1`: 20 characters …); empty where it cannot be."""
    kind = field.rstrip("0123456789")
    text = _CONTROL.sub(" ", value).strip()
    if kind == "phrase":
        text = _NOT_CHINESE.sub("", text)
    if kind in ("character_string", "letter", "number", "phone_number"):
        text = _NOT_VISIBLE_ASCII.sub("", text)
    text = text or _MISSING.get(kind, "")
    if kind == "name":
        # Ten characters with Chinese among them, else twenty letters.
        return text[: 20 if text.isascii() else 10]
    limit = _LENGTHS.get(kind)
    if limit is None or len(text) <= limit:
        return text
    if kind == "character_string":
        # A long number's end tells it from its neighbours.
        return f"..{text[2 - limit :]}"
    return f"{text[: limit - 1]}…" if kind == "thing" else text[:limit]
