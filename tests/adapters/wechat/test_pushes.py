"""Message pushes: the published ones, plain and secure, XML and JSON, one entry or several."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto

from adapters.contract import Inbound, MessageNews, NoticeRefused, Reply
from adapters.wechat import signing
from tests.adapters.wechat import vectors as v
from tests.adapters.wechat.builders import TEMPLATE_ID, messages

NOW = 1_714_112_445.0
SECURE = messages(now=NOW)
PLAIN = messages(now=NOW, push_aes_key=None)
OPEN_ID = "o7esq5PHRGBQYmeNyfG064wEFVpQ"


def plain(body: bytes, *, at: float = NOW, **changed: str) -> Inbound:
    words = [v.PUSH_TOKEN, str(int(at)), "nonce"]
    query = {
        "signature": signing.push_signature(words),
        "timestamp": words[1],
        "nonce": "nonce",
        "openid": OPEN_ID,
        **changed,
    }
    return Inbound("POST", urlencode(query), {}, body)


def secure(body: str, *, as_xml: bool = False, app_id: str = v.PUSH_APP_ID) -> Inbound:
    """Sealed by another implementation."""
    encrypted = PrpCrypto(signing.read_push_key(v.PUSH_AES_KEY)).encrypt(body, app_id).decode()
    words = [v.PUSH_TOKEN, str(int(NOW)), "nonce", encrypted]
    query = {
        "signature": signing.push_signature(words[:3]),
        "timestamp": words[1],
        "nonce": "nonce",
        "encrypt_type": "aes",
        "msg_signature": signing.push_signature(words),
    }
    sealed = (
        f"<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Encrypt><![CDATA[{encrypted}]]>"
        "</Encrypt></xml>"
        if as_xml
        else json.dumps({"ToUserName": "gh_1", "Encrypt": encrypted})
    )
    return Inbound("POST", urlencode(query), {}, sealed.encode())


def event(name: str, entries: Any) -> str:
    return json.dumps(
        {
            "ToUserName": "gh_1",
            "FromUserName": OPEN_ID,
            "CreateTime": "1620963428",
            "MsgType": "event",
            "Event": name,
            "List": entries,
        }
    )


def event_xml(name: str, nest: str, entries: list[dict[str, str]]) -> str:
    lists = "".join(
        "<List>" + "".join(f"<{k}><![CDATA[{v}]]></{k}>" for k, v in entry.items()) + "</List>"
        for entry in entries
    )
    return (
        f"<xml><FromUserName><![CDATA[{OPEN_ID}]]></FromUserName><CreateTime>1</CreateTime>"
        f"<MsgType>event</MsgType><Event><![CDATA[{name}]]></Event><{nest}>{lists}</{nest}></xml>"
    )


def refusal_of(inbound: Inbound, reader: Any = SECURE) -> str:
    with pytest.raises(NoticeRefused) as raised:
        reader.read_push(inbound)
    return raised.value.code


def test_the_published_trial_is_echoed() -> None:
    timestamp, nonce, signature = v.PUSH_TRIAL
    query = urlencode(
        {
            "signature": signature,
            "echostr": "4375120948345356249",
            "timestamp": timestamp,
            "nonce": nonce,
        }
    )
    news, reply = messages(now=int(timestamp)).read_push(Inbound("GET", query, {}, b""))
    assert (news, reply) == ([], Reply(200, b"4375120948345356249"))


def test_the_published_secure_push_is_taken_and_means_nothing_to_us() -> None:
    timestamp, nonce, signature = v.PUSH_SECURE
    query = urlencode(
        {
            "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
            "timestamp": timestamp,
            "nonce": nonce,
            "encrypt_type": "aes",
            "msg_signature": signature,
        }
    )
    body = json.dumps({"ToUserName": "gh_97417a04a28d", "Encrypt": v.PUSH_ENCRYPT}).encode()
    assert SECURE.read_push(Inbound("POST", query, {}, body)) == ([], Reply(200, b"success"))


def test_a_delivery_is_news_by_the_messages_number() -> None:
    entry = {
        "TemplateId": TEMPLATE_ID,
        "MsgID": "1864323726461255680",
        "ErrorCode": "0",
        "ErrorStatus": "success",
    }
    for inbound in (
        secure(event("subscribe_msg_sent_event", entry)),
        secure(event("subscribe_msg_sent_event", [entry])),
        secure(event("subscribe_msg_sent_event", {**entry, "MsgID": 1864323726461255680})),
        secure(
            event_xml("subscribe_msg_sent_event", "SubscribeMsgSentEvent", [entry]), as_xml=True
        ),
    ):
        news, reply = SECURE.read_push(inbound)
        assert news == [MessageNews(OPEN_ID, "case_moved", "delivered", "1864323726461255680")]
        assert reply == Reply(200, b"success")


@pytest.mark.parametrize(
    ("code", "reason"), [("43101", "user_refused"), ("999", "undelivered"), ("?", "undelivered")]
)
def test_a_failed_delivery_says_why(code: str, reason: str) -> None:
    entry = {"TemplateId": TEMPLATE_ID, "MsgID": "7", "ErrorCode": code}
    news, _ = SECURE.read_push(secure(event("subscribe_msg_sent_event", entry)))
    assert news == [MessageNews(OPEN_ID, "case_moved", "failed", "7", reason)]


def test_several_answers_of_one_dialogue_are_several_news() -> None:
    entries = [
        {"TemplateId": TEMPLATE_ID, "SubscribeStatusString": "accept", "PopupScene": "0"},
        {"TemplateId": "another", "SubscribeStatusString": "reject", "PopupScene": "0"},
        {"TemplateId": "third", "SubscribeStatusString": "ban"},
    ]
    expected = [
        MessageNews(OPEN_ID, "case_moved", "subscribed"),
        MessageNews(OPEN_ID, None, "unsubscribed"),
    ]
    json_form = secure(event("subscribe_msg_popup_event", entries))
    xml_form = secure(
        event_xml("subscribe_msg_popup_event", "SubscribeMsgPopupEvent", entries), as_xml=True
    )
    assert SECURE.read_push(json_form)[0] == expected
    assert SECURE.read_push(xml_form)[0] == expected


def test_a_change_in_the_settings_is_news() -> None:
    entry = {"TemplateId": TEMPLATE_ID, "SubscribeStatusString": "reject"}
    news, _ = SECURE.read_push(secure(event("subscribe_msg_change_event", entry)))
    assert news == [MessageNews(OPEN_ID, "case_moved", "unsubscribed")]


def test_without_a_key_the_plain_mode_is_read() -> None:
    entry = {"TemplateId": TEMPLATE_ID, "MsgID": "7", "ErrorCode": "0"}
    news, _ = PLAIN.read_push(plain(event("subscribe_msg_sent_event", entry).encode()))
    assert [one.event for one in news] == ["delivered"]


def test_with_a_key_a_plain_push_is_refused() -> None:
    # Its signature does not cover its body: whoever saw one address could write any body.
    assert refusal_of(plain(event("subscribe_msg_sent_event", []).encode())) == "malformed"


def test_forged_stale_and_foreign_pushes_are_refused() -> None:
    assert refusal_of(plain(b"{}", signature="0" * 40), PLAIN) == "signature_wrong"
    assert refusal_of(plain(b"{}", signature=""), PLAIN) == "signature_wrong"
    assert refusal_of(plain(b"{}", at=NOW - 301), PLAIN) == "stale"
    assert refusal_of(Inbound("GET", "", {}, b"")) == "signature_wrong"
    assert refusal_of(secure("{}", app_id="wx0000000000000000")) == "not_ours"
    unasked = messages(now=NOW, push_token=None, push_aes_key=None)
    assert refusal_of(plain(b"{}"), unasked) == "not_ours"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"<xml>",
        b"<xml></xml><xml>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>',
        b'<?xml version="1.0" encoding="unheard-of"?><xml/>',
        b"[" * 60_000,
        b"\xff\xfe",
        b'{"List":5}',
        b"x" * 70_000,
    ],
)
def test_a_body_that_cannot_be_read_is_malformed(body: bytes) -> None:
    assert refusal_of(plain(body), PLAIN) == "malformed"


@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(lambda t: f"<xml>{t}</xml>".encode())
)
def test_no_body_crashes(body: bytes) -> None:
    for reader in (PLAIN, SECURE):
        codes = set()
        try:
            reader.read_push(plain(body))
        except NoticeRefused as refused:
            codes.add(refused.code)
        assert codes <= {"malformed", "signature_wrong"}


@given(query=st.text(max_size=100))
def test_no_query_crashes(query: str) -> None:
    code = refusal_of(Inbound("POST", query, {}, b"{}"), PLAIN)
    assert code in {"malformed", "signature_wrong"}
