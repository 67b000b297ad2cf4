"""The mini-program's API and its pushes as the package wechatpy sees them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from wechatpy import WeChatClient, parse_message
from wechatpy.client.api.wxa import WeChatWxa
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import WeChatClientException

from tests.gateways import NoticeReceiver, Received, SimulatedGateway


def open_client(gateway: SimulatedGateway) -> Any:
    """The package's client, whose addresses are written into its classes."""
    section = gateway.section

    class Wxa(WeChatWxa):  # type: ignore[misc]
        API_BASE_URL = f"{gateway.address}/"

    class Client(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = f"{gateway.address}/cgi-bin/"
        wxa = Wxa()

        def fetch_access_token(self) -> Any:
            return self._fetch_access_token(
                url=f"{gateway.address}/cgi-bin/token",
                params={
                    "grant_type": "client_credential",
                    "appid": self.appid,
                    "secret": self.secret,
                },
            )

    return Client(section["app_id"], section["app_secret"])


def values_for(kind: str, gateway: SimulatedGateway) -> dict[str, Any]:
    """Good values of that kind's template."""
    samples = {
        "service": "不动产登记",
        "case_no": "C2026",
        "status": "请缴费",
        "at": "2026-11-22 10:00",
        "note": "请尽快补正材料",
    }
    fields = gateway.section["templates"][kind]["fields"]
    return {theirs: {"value": samples[ours]} for ours, theirs in fields.items()}


def template_of(kind: str, gateway: SimulatedGateway) -> str:
    template_id: str = gateway.section["templates"][kind]["template_id"]
    return template_id


def query_of(received: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(received.path).query).items()}


def test_a_login_code_gives_the_person_once(wechat_gateway: SimulatedGateway) -> None:
    client = open_client(wechat_gateway)
    open_id = wechat_gateway.citizen(union_id="u1")
    code = wechat_gateway.login_code(open_id)
    session = client.wxa.code_to_session(code)
    assert (session["openid"], session["unionid"]) == (open_id, "u1")
    assert session["session_key"]
    with pytest.raises(WeChatClientException) as refusal:
        client.wxa.code_to_session(code)
    assert refusal.value.errcode == 40163


@pytest.mark.parametrize(
    "kind", ["case_moved", "correction_needed", "payment_due", "case_completed", "reminder"]
)
def test_a_message_uses_up_a_consent(wechat_gateway: SimulatedGateway, kind: str) -> None:
    client = open_client(wechat_gateway)
    open_id = wechat_gateway.citizen()
    template_id = template_of(kind, wechat_gateway)
    values = values_for(kind, wechat_gateway)
    with pytest.raises(WeChatClientException) as refusal:
        client.wxa.send_subscribe_message(open_id, template_id, values)
    assert refusal.value.errcode == 43101
    wechat_gateway.subscribe(open_id, kind)
    client.wxa.send_subscribe_message(open_id, template_id, values, page="pages/case?no=1")
    (message,) = wechat_gateway.all("messages")
    assert (message["kind"], message["open_id"]) == (kind, open_id)
    assert message["values"] == {name: given["value"] for name, given in values.items()}
    with pytest.raises(WeChatClientException):
        client.wxa.send_subscribe_message(open_id, template_id, values)


@pytest.mark.parametrize(
    ("changed", "errcode", "words"),
    [
        ({"thing1": {"value": ""}}, 47003, "data.thing1.value is empty"),
        ({"thing1": {"value": "字" * 21}}, 47003, "data.thing1.value invalid"),
        ({"time4": {"value": "soon"}}, 47003, "data.time4.value invalid"),
        ({"character_string2": {"value": "编号"}}, 47003, "data.character_string2.value invalid"),
        ({"thing9": {"value": "x"}}, 47003, "data.thing9"),
    ],
)
def test_values_must_fit_the_template(
    wechat_gateway: SimulatedGateway, changed: dict[str, Any], errcode: int, words: str
) -> None:
    client = open_client(wechat_gateway)
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id)
    values = {**values_for("case_moved", wechat_gateway), **changed}
    with pytest.raises(WeChatClientException) as refusal:
        client.wxa.send_subscribe_message(
            open_id, template_of("case_moved", wechat_gateway), values
        )
    assert refusal.value.errcode == errcode
    assert words in refusal.value.errmsg
    assert wechat_gateway.all("messages") == []


def test_data_that_is_a_text_and_strangers_are_refused(wechat_gateway: SimulatedGateway) -> None:
    client = open_client(wechat_gateway)
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id)
    template_id = template_of("case_moved", wechat_gateway)
    values = values_for("case_moved", wechat_gateway)
    for touser, template, data, errcode in (
        (open_id, template_id, json.dumps(values), 47003),
        ("o" * 28, template_id, values, 40003),
        (open_id, "unknown", values, 40037),
    ):
        with pytest.raises(WeChatClientException) as refusal:
            client.wxa.send_subscribe_message(touser, template, data)
        assert refusal.value.errcode == errcode


def test_a_mini_program_code_is_a_picture(wechat_gateway: SimulatedGateway) -> None:
    client = open_client(wechat_gateway)
    answer = client.wxa.get_wxa_code_unlimited("case=1", page="pages/case", width=430)
    assert answer.content.startswith(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(WeChatClientException) as refusal:
        client.wxa.get_wxa_code_unlimited("x" * 33, page="pages/case")
    assert refusal.value.errcode == 40169
    with pytest.raises(WeChatClientException) as refusal:
        client.wxa.get_wxa_code_unlimited("a=1", page="/pages/case")
    assert refusal.value.errcode == 41030


def test_a_secure_push_is_opened_by_the_independent_package(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    section = wechat_gateway.section
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    wechat_gateway.control("PUT", "/policy", {"push_format": "xml"})
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, "case_moved")
    (pushed,) = notice_receiver.wait_for(1)
    assert pushed.path.startswith("/v1/notices/wechat/messages?")
    query = query_of(pushed)
    crypto = WeChatCrypto(section["push_token"], section["push_aes_key"], section["app_id"])
    opened = crypto.decrypt_message(
        pushed.body, query["msg_signature"], query["timestamp"], query["nonce"]
    )
    message = parse_message(opened)
    assert message.source == open_id
    listed = message._data["SubscribeMsgPopupEvent"]["List"]
    assert listed["TemplateId"] == template_of("case_moved", wechat_gateway)
    assert listed["SubscribeStatusString"] == "accept"


def test_a_plain_push_lists_one_entry_as_an_object_and_several_as_an_array(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    wechat_gateway.control("PUT", "/policy", {"push": "plain"})
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, "case_moved")
    notice_receiver.wait_for(1)
    wechat_gateway.subscribe(open_id)
    one, all_of_them = notice_receiver.wait_for(2)
    assert isinstance(json.loads(one.body)["List"], dict)
    assert len(json.loads(all_of_them.body)["List"]) == 5
    assert "msg_signature" not in query_of(one)


def test_delivery_of_a_message_is_pushed(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    client = open_client(wechat_gateway)
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, "reminder")
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    wechat_gateway.control("PUT", "/policy", {"push": "plain"})
    values = values_for("reminder", wechat_gateway)
    client.wxa.send_subscribe_message(open_id, template_of("reminder", wechat_gateway), values)
    event = json.loads(notice_receiver.wait_for(1)[0].body)
    assert event["Event"] == "subscribe_msg_sent_event"
    assert event["List"]["MsgID"] == wechat_gateway.all("messages")[0]["message_id"]


def test_the_address_of_pushes_is_verified_by_an_echo(
    wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    wechat_gateway.control("POST", "/events/verify")
    (asked,) = notice_receiver.wait_for(1)
    assert asked.method == "GET"
    assert set(query_of(asked)) == {"signature", "timestamp", "nonce", "echostr"}
