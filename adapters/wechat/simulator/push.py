"""Message push: what WeChat tells the mini-program's server on its own account.

In JSON a list of one entry is an object, of several an array; in XML entries repeat.
`CreateTime` is a number. Secure pushes hold only `ToUserName` and `Encrypt` in the open.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from adapters.simulation.faults import Fault
from adapters.simulation.gateway import CannotDo
from adapters.simulation.notices import Delivery
from adapters.simulation.records import Citizen, Notice, SentMessage
from adapters.wechat.signing import PROBE_PREFIX, push_signature, seal_push
from adapters.wechat.simulator.books import WechatBooks

PATH = "/v1/notices/wechat/messages"
_EVENTS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}


def push_sent(books: WechatBooks, message: SentMessage) -> None:
    """What became of a message."""
    entry = {
        "TemplateId": message.template_id,
        "MsgID": message.message_id,
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }
    push(books, "subscribe_msg_sent_event", message.open_id, [entry])


def push_consent(
    books: WechatBooks, citizen: Citizen, template_ids: Sequence[str], consents: int
) -> None:
    """Somebody was asked and agreed, or took their consent back in the settings."""
    said = "accept" if consents else "reject"
    event = "subscribe_msg_popup_event" if consents else "subscribe_msg_change_event"
    entries = [
        {"TemplateId": template_id, "SubscribeStatusString": said}
        | ({"PopupScene": "0"} if consents else {})
        for template_id in template_ids
    ]
    push(books, event, citizen.open_id, entries)


def push(
    books: WechatBooks, event: str, open_id: str, entries: Sequence[Mapping[str, str]]
) -> None:
    """Send an event with its entries, unless pushing is off."""
    if event not in _EVENTS:
        raise CannotDo(404, f"no event is called {event}")
    if books.policy.push == "off":
        return
    content: dict[str, Any] = {
        "ToUserName": books.account.original_id,
        "FromUserName": open_id,
        "CreateTime": int(books.clock.now()),
        "MsgType": "event",
        "Event": event,
        "List": list(entries),
    }
    _send(books, event, content)


def verify_address(books: WechatBooks) -> None:
    """The console's test of the address: GET with an `echostr` to be given back."""
    _send(books, "verify", {"echostr": str(secrets.randbelow(10**18))})


def deliver(books: WechatBooks, notice: Notice, fault: Fault) -> Delivery:
    """The request of one attempt."""
    timestamp = str(int(books.clock.now()))
    nonce = str(secrets.randbelow(10**10))
    token = books.account.push_token
    signature = _spoil(push_signature([token, timestamp, nonce]), fault)
    query = {"signature": signature, "timestamp": timestamp, "nonce": nonce}
    if notice.subject == "verify":
        query["echostr"] = notice.content["echostr"]
        return Delivery(f"{notice.url}?{urlencode(query)}", {}, b"", method="GET")
    query["openid"] = notice.content["FromUserName"]
    is_xml = books.policy.push_format == "xml"
    body = _xml(notice.content) if is_xml else _json(notice.content)
    if books.policy.push == "aes":
        sealed = seal_push(
            books.account.push_key, body, books.account.app_id, salt=secrets.token_bytes(16)
        )
        query["encrypt_type"] = "aes"
        query["msg_signature"] = _spoil(push_signature([token, timestamp, nonce, sealed]), fault)
        outer = {"ToUserName": books.account.original_id, "Encrypt": sealed}
        body = f"<xml>{_elements(outer)}</xml>".encode() if is_xml else msgspec.json.encode(outer)
    media_type = "text/xml" if is_xml else "application/json"
    headers = {"Content-Type": media_type, "User-Agent": "Mozilla/4.0"}
    return Delivery(f"{notice.url}?{urlencode(query)}", headers, body)


def accepts_push(notice: Notice, status: int, body: bytes) -> bool:
    """`success` or nothing; for an address' test what was to be echoed."""
    if notice.subject == "verify":
        return status == 200 and body == notice.content["echostr"].encode()
    return status == 200 and body in (b"success", b"")


def _send(books: WechatBooks, subject: str, content: dict[str, Any]) -> None:
    notice = Notice(
        notice_id=secrets.token_hex(16),
        kind="message",
        subject=subject,
        url=f"{books.notify_base}{PATH}",
        content=content,
        made_at=books.clock.now(),
    )
    books.sender.send(notice)


def _spoil(signature: str, fault: Fault) -> str:
    if fault.probe:
        return PROBE_PREFIX + signature
    return signature[::-1] if fault.wrong_signature else signature


def _json(content: Mapping[str, Any]) -> bytes:
    entries = content["List"]
    listed = entries[0] if len(entries) == 1 else entries
    return msgspec.json.encode({**content, "List": listed})


def _xml(content: Mapping[str, Any]) -> bytes:
    plain = {name: value for name, value in content.items() if name != "List"}
    listed = "".join(f"<List>{_elements(entry)}</List>" for entry in content["List"])
    nest = _EVENTS[content["Event"]]
    return f"<xml>{_elements(plain)}<{nest}>{listed}</{nest}></xml>".encode()


def _elements(values: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{value}</{name}>"
        if isinstance(value, int)
        else f"<{name}><![CDATA[{value}]]></{name}>"
        for name, value in values.items()
    )
