"""What WeChat pushes to us about messages: proven, opened, read; plain or secure, XML or JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import msgspec

from adapters.contract import Inbound, MessageNews, NoticeRefused, Reply
from adapters.wechat import wire
from adapters.wechat.codes import MESSAGE_FAILURES
from adapters.wechat.config import Config
from adapters.wechat.signing import WINDOW_SECONDS, Unproven, open_push, prove_push

T = TypeVar("T")

SUCCESS = Reply(200, b"success")
_BODY_BYTES = 64 * 1024
_POPUP, _CHANGE, _SENT = (f"subscribe_msg_{name}_event" for name in ("popup", "change", "sent"))
_NESTED = {
    _POPUP: "SubscribeMsgPopupEvent",
    _CHANGE: "SubscribeMsgChangeEvent",
    _SENT: "SubscribeMsgSentEvent",
}


class PushReader:
    """Reads pushes for one application. No I/O."""

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        section = config.section
        self._app_id = section.app_id
        self._token = section.push_token
        self._key = config.push_key
        self._clock = clock
        self._kinds = {t.template_id: kind for kind, t in section.templates.items()}

    def read(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        """News and the answer to give. Raises NoticeRefused."""
        try:
            return self._read(inbound)
        except Unproven as error:
            raise NoticeRefused(error.code) from None

    def _read(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        if self._token is None:
            raise NoticeRefused("not_ours")
        if len(inbound.body) > _BODY_BYTES:
            raise NoticeRefused("malformed")
        query = _query(inbound.query)
        words = [self._token, query.get("timestamp", ""), query.get("nonce", "")]
        if inbound.method == "GET":
            self._prove(words, query.get("signature", ""))
            return [], Reply(200, query.get("echostr", "").encode())
        body = inbound.body
        if self._key is None:
            self._prove(words, query.get("signature", ""))
        else:
            # `signature` does not cover the body, so with a key only `msg_signature` counts.
            encrypted = _encrypted(body)
            self._prove([*words, encrypted], query.get("msg_signature", ""))
            body = open_push(self._key, encrypted, self._app_id)
        return self._news(_push(body)), SUCCESS

    def _prove(self, words: list[str], signature: str) -> None:
        prove_push(words, signature)
        timestamp = words[1]
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
            raise NoticeRefused("malformed")
        if abs(self._clock() - int(timestamp)) >= WINDOW_SECONDS:
            raise NoticeRefused("stale")

    def _news(self, push: wire.Push) -> list[MessageNews]:
        if push.event not in _NESTED:
            return []
        entries = push.entries if isinstance(push.entries, list) else [push.entries]
        read = [self._entry(push, entry) for entry in entries]
        return [news for news in read if news is not None]

    def _entry(self, push: wire.Push, entry: wire.SubscribeEntry) -> MessageNews | None:
        kind = self._kinds.get(entry.template_id)
        if push.event == _SENT:
            number = None if entry.msg_id is None else str(entry.msg_id)
            code = _number(entry.error_code)
            if code == 0:
                return MessageNews(push.from_user_name, kind, "delivered", number)
            reason = MESSAGE_FAILURES.get(code, "undelivered")
            return MessageNews(push.from_user_name, kind, "failed", number, reason)
        status = entry.subscribe_status_string
        if status == "accept":
            return MessageNews(push.from_user_name, kind, "subscribed")
        if status == "reject":
            return MessageNews(push.from_user_name, kind, "unsubscribed")
        return None


def _query(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=32, errors="strict"))
    except (ValueError, UnicodeDecodeError):
        raise NoticeRefused("malformed") from None


def _encrypted(body: bytes) -> str:
    if _is_xml(body):
        found = _xml(body).findtext("Encrypt")
        if not found:
            raise NoticeRefused("malformed")
        return found
    return _decode(body, wire.Encrypted).encrypt


def _push(body: bytes) -> wire.Push:
    if not _is_xml(body):
        return _decode(body, wire.Push)
    root = _xml(body)
    event = root.findtext("Event") or ""
    return wire.Push(
        from_user_name=root.findtext("FromUserName") or "",
        event=event,
        entries=[
            wire.SubscribeEntry(
                template_id=entry.findtext("TemplateId") or "",
                subscribe_status_string=entry.findtext("SubscribeStatusString") or "",
                msg_id=entry.findtext("MsgID"),
                error_code=entry.findtext("ErrorCode"),
            )
            for entry in root.findall(f"{_NESTED.get(event, '_')}/List")
        ],
    )


def _is_xml(body: bytes) -> bool:
    return body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def _xml(body: bytes) -> ET.Element:
    # Their XML declares nothing; without declarations there is no entity to expand.
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise NoticeRefused("malformed")
    try:
        return ET.fromstring(body)  # noqa: S314 (see above; the body is bounded)
    except (ET.ParseError, ValueError, LookupError):
        raise NoticeRefused("malformed") from None


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NoticeRefused("malformed") from None


def _number(code: int | str | None) -> int:
    try:
        return -1 if code is None else int(code)
    except ValueError:
        return -1
