"""The mini-program's side through the simulated gateway: people, messages, links, identity."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from adapters.contract import (
    Channel,
    Identity,
    Inbound,
    Links,
    Message,
    Messages,
    Refusal,
    SignIn,
    Unreachable,
)
from adapters.wechat.open_channel import open_channel
from tests.adapters.wechat.builders import MemoryTokens
from tests.gateways import NoticeReceiver, SimulatedGateway

# Invented: no area has the code 999000; the check character is right.
ID_NUMBER = "999000199001010015"
CHECK_NO = "c" + "0" * 31
CASE = {
    "service": "居民身份证换领、补领与首次申领及其他",
    "case_no": "9" * 48,
    "status": "已受理",
    "at": "2026-01-02 15:01",
    "note": "请留意短信\n及本页",
}

Open = Callable[..., Channel]


@pytest.fixture
async def tokens() -> MemoryTokens:
    return MemoryTokens()


@pytest.fixture
async def open_wechat(
    wechat_gateway: SimulatedGateway, tokens: MemoryTokens
) -> AsyncIterator[Open]:
    opened: list[Channel] = []

    def make(**changed: Any) -> Channel:
        channel = open_channel("wechat", {**wechat_gateway.section, **changed}, tokens)
        opened.append(channel)
        return channel

    yield make
    for channel in opened:
        await channel.close()


@pytest.fixture
async def wechat(open_wechat: Open) -> Channel:
    return open_wechat()


@pytest.fixture
def sign_in(wechat: Channel) -> SignIn:
    assert wechat.sign_in is not None
    return wechat.sign_in


@pytest.fixture
def messages(wechat: Channel) -> Messages:
    assert wechat.messages is not None
    return wechat.messages


@pytest.fixture
def links(wechat: Channel) -> Links:
    assert wechat.links is not None
    return wechat.links


@pytest.fixture
def identity(wechat: Channel) -> Identity:
    assert wechat.identity is not None
    return wechat.identity


# ── Signing in ──────────────────────────────────────────────────────────────────────────


async def test_a_person_signs_in_once_by_a_code(
    sign_in: SignIn, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(union_id="union")
    code = wechat_gateway.login_code(open_id)
    found = await sign_in.sign_in(code)
    assert (found.app_id, found.open_id, found.union_id) == (
        wechat_gateway.section["app_id"],
        open_id,
        "union",
    )
    assert found.session_secret
    with pytest.raises(Refusal) as refused:
        await sign_in.sign_in(code)
    assert (refused.value.code, refused.value.channel_code) == ("code_wrong", "40163")


@pytest.mark.parametrize("code", ["nonsense", "", "工", "a b", "%00&secret=x"])
async def test_a_code_nobody_gave_is_refused(
    sign_in: SignIn, wechat_gateway: SimulatedGateway, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await sign_in.sign_in(code)
    assert refused.value.code == "code_wrong"


async def test_a_blocked_person_is_told_apart(
    sign_in: SignIn, wechat_gateway: SimulatedGateway
) -> None:
    code = wechat_gateway.login_code(wechat_gateway.citizen(blocked=True))
    with pytest.raises(Refusal) as refused:
        await sign_in.sign_in(code)
    assert refused.value.code == "user_blocked"


async def test_a_wrong_secret_is_the_operators(
    open_wechat: Open, wechat_gateway: SimulatedGateway
) -> None:
    channel = open_wechat(app_secret="f" * 32)
    assert channel.sign_in is not None
    assert channel.links is not None
    code = wechat_gateway.login_code(wechat_gateway.citizen())
    with pytest.raises(Refusal, match="not_permitted"):
        await channel.sign_in.sign_in(code)
    with pytest.raises(Refusal, match="not_permitted"):
        await channel.links.url_link("pages/case", {})


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"hang": True}, "timeout"),
        ({"status": 502}, "channel_busy"),
        ({"status": 400, "code": "-1"}, "channel_busy"),
        ({"status": 400, "code": "45011"}, "channel_busy"),
        ({"lose_reply": True}, "connection_failed"),
    ],
)
async def test_a_sign_in_without_a_good_answer_is_unreachable_and_not_repeated(
    sign_in: SignIn, wechat_gateway: SimulatedGateway, switches: dict[str, Any], code: str
) -> None:
    login_code = wechat_gateway.login_code(wechat_gateway.citizen())
    wechat_gateway.faults(**switches, only="login")
    with pytest.raises(Unreachable) as raised:
        await sign_in.sign_in(login_code)
    assert raised.value.code == code
    assert wechat_gateway.calls("login") == 1


async def test_a_phone_number_comes_for_its_code(
    sign_in: SignIn, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(phone="13800138000")
    code = wechat_gateway.phone_code(open_id)
    phone = await sign_in.phone(code)
    assert (phone.number, phone.country_code) == ("13800138000", "86")
    with pytest.raises(Refusal, match="code_wrong"):
        await sign_in.phone(code)


# ── The access token ────────────────────────────────────────────────────────────────────


async def test_one_token_serves_many_calls(
    links: Links, wechat_gateway: SimulatedGateway, tokens: MemoryTokens
) -> None:
    for _ in range(3):
        await links.url_link("pages/case", {"no": "1"})
    assert tokens.fetched == 1


async def test_a_refused_token_is_dropped_and_the_call_made_once_more(
    links: Links, wechat_gateway: SimulatedGateway, tokens: MemoryTokens
) -> None:
    await links.url_link("pages/case", {})
    name = next(iter(tokens.kept))
    tokens.kept[name] = "no longer good"
    assert (await links.url_link("pages/case", {})).startswith("https://")
    assert tokens.fetched == 2
    assert wechat_gateway.calls("links.url") == 3


async def test_a_token_refused_for_ever_is_asked_for_twice_and_no_more(
    links: Links, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.faults(status=400, code="40001", only="links.url")
    with pytest.raises(Unreachable) as raised:
        await links.url_link("pages/case", {})
    assert (raised.value.code, raised.value.sent) == ("channel_busy", False)
    assert wechat_gateway.calls("links.url") == 2


async def test_a_message_whose_token_cannot_be_fetched_was_not_sent(
    messages: Messages, wechat_gateway: SimulatedGateway
) -> None:
    wechat_gateway.faults(hang=True, only="token.stable")
    with pytest.raises(Unreachable) as raised:
        await messages.send(_message(wechat_gateway.citizen()))
    assert not raised.value.sent
    assert wechat_gateway.calls("messages.send") == 0


# ── Messages ────────────────────────────────────────────────────────────────────────────


def _message(open_id: str, kind: str = "case_moved", **changed: str) -> Message:
    return Message(
        kind=kind,
        open_id=open_id,
        values={**CASE, **changed},
        page="/pages/case?no=1",
        message_no="m1",
    )


async def test_a_message_reaches_a_person_who_agreed_and_uses_the_consent_up(
    messages: Messages, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, "case_moved")
    state = await messages.send(_message(open_id))
    (sent,) = wechat_gateway.all("messages")
    assert (state.state, state.channel_message_id) == ("accepted", sent["message_id"])
    assert sent["page"] == "pages/case?no=1"
    assert sent["values"]["character_string2"] == ".." + "9" * 30
    assert len(sent["values"]["thing1"]) <= 20
    again = await messages.send(_message(open_id))
    assert (again.state, again.reason) == ("failed", "user_refused")


async def test_every_kind_of_the_section_can_be_sent(
    messages: Messages, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id)
    for kind in messages.kinds():
        state = await messages.send(_message(open_id, kind))
        assert (kind, state.state) == (kind, "accepted")
    assert len(wechat_gateway.all("messages")) == len(messages.kinds()) >= 4


@pytest.mark.parametrize(
    ("code", "reason"),
    [("43101", "user_refused"), ("40003", "person_unknown"), ("40037", "template_wrong")],
)
async def test_what_will_never_arrive_is_failed_and_says_why(
    messages: Messages, wechat_gateway: SimulatedGateway, code: str, reason: str
) -> None:
    wechat_gateway.faults(status=400, code=code, only="messages.send")
    state = await messages.send(_message(wechat_gateway.citizen()))
    assert (state.state, state.reason) == ("failed", reason)


@pytest.mark.parametrize(("code", "refusal"), [("45009", "quota_used"), ("48001", "not_permitted")])
async def test_what_the_channel_lets_nobody_send_is_refused(
    messages: Messages, wechat_gateway: SimulatedGateway, code: str, refusal: str
) -> None:
    wechat_gateway.faults(status=400, code=code, only="messages.send")
    with pytest.raises(Refusal, match=refusal):
        await messages.send(_message(wechat_gateway.citizen()))


async def test_a_message_whose_answer_is_lost_is_unknown_and_not_sent_twice(
    messages: Messages, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, count=5)
    wechat_gateway.faults(lose_reply=True, only="messages.send")
    with pytest.raises(Unreachable) as raised:
        await messages.send(_message(open_id))
    assert raised.value.sent
    assert len(wechat_gateway.all("messages")) == 1


@pytest.mark.parametrize("push", ["aes", "plain"])
@pytest.mark.parametrize("push_format", ["json", "xml"])
async def test_what_the_gateway_pushes_is_read(
    open_wechat: Open,
    wechat_gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
    push: str,
    push_format: str,
) -> None:
    changed = {} if push == "aes" else {"push_aes_key": None}
    section = {k: v for k, v in {**wechat_gateway.section, **changed}.items() if v is not None}
    channel = open_channel("wechat", section, MemoryTokens())
    assert channel.messages is not None
    wechat_gateway.control("PUT", "/policy", {"push": push, "push_format": push_format})
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    open_id = wechat_gateway.citizen()
    wechat_gateway.subscribe(open_id, count=2)
    sent = await channel.messages.send(_message(open_id))

    said = []
    for came in await asyncio.to_thread(notice_receiver.wait_for, 2):
        query = came.path.partition("?")[2]
        news, reply = channel.messages.read_push(
            Inbound(came.method, query, came.headers, came.body)
        )
        assert reply.body == b"success"
        said += news
    assert {news.kind for news in said if news.event == "subscribed"} == set(
        channel.messages.kinds()
    )
    (delivered,) = [news for news in said if news.event == "delivered"]
    assert (delivered.open_id, delivered.channel_message_id) == (open_id, sent.channel_message_id)
    await channel.close()


async def test_the_consoles_trial_of_the_address_is_echoed(
    messages: Messages, wechat_gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    wechat_gateway.control("PUT", "/notify-base", {"notify_base": notice_receiver.address})
    wechat_gateway.control("POST", "/events/verify", {})
    (came,) = await asyncio.to_thread(notice_receiver.wait_for, 1)
    query = came.path.partition("?")[2]
    news, reply = messages.read_push(Inbound("GET", query, came.headers, b""))
    assert news == []
    assert reply.body.decode() in query


# ── Links ───────────────────────────────────────────────────────────────────────────────


async def test_links_and_codes_are_made(links: Links) -> None:
    assert (await links.url_link("/pages/case", {"no": "1"})).startswith("https://wxaurl.cn/")
    picture = await links.code_image("/pages/case", {"no": "123", "from": "wall"}, "扫码查进度")
    assert picture.startswith(b"\x89PNG")


async def test_a_code_without_parameters_is_made(links: Links) -> None:
    assert (await links.code_image("pages/home", {}, "")).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("code", "refusal"), [("41030", "parameter_wrong"), ("85079", "not_permitted")]
)
async def test_an_error_instead_of_a_picture_is_no_picture(
    links: Links, wechat_gateway: SimulatedGateway, code: str, refusal: str
) -> None:
    wechat_gateway.faults(status=400, code=code, only="links.code")
    with pytest.raises(Refusal, match=refusal):
        await links.code_image("pages/case", {"no": "1"}, "")


# ── Identity ────────────────────────────────────────────────────────────────────────────


async def _begin(identity: Identity, open_id: str) -> str:
    begun = await identity.begin_identity_check(
        check_no=CHECK_NO,
        open_id=open_id,
        name="张三",
        id_number=ID_NUMBER,
        return_page="pages/me",
    )
    assert begun.client_parameters == {"verifyId": begun.channel_check_id}
    return begun.channel_check_id


async def _outcome(identity: Identity, open_id: str, check_id: str, name: str = "张三") -> Any:
    return await identity.identity_outcome(
        check_no=CHECK_NO,
        channel_check_id=check_id,
        open_id=open_id,
        name=name,
        id_number=ID_NUMBER,
    )


async def test_a_face_check_passes_only_when_the_channel_says_so(
    identity: Identity, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(name="张三", id_number=ID_NUMBER)
    check_id = await _begin(identity, open_id)
    assert (await _outcome(identity, open_id, check_id)).state == "pending"
    wechat_gateway.control("POST", f"/identity-checks/{check_id}/pass")
    passed = await _outcome(identity, open_id, check_id)
    assert (passed.state, passed.level) == ("passed", "face")
    # A pass is worth nothing for another name.
    assert (await _outcome(identity, open_id, check_id, "李四")).state == "failed"


@pytest.mark.parametrize(
    ("number", "reason"),
    [("90002", "cancelled"), ("90007", "network"), ("90017", "timeout"), ("90100", "mismatch")],
)
async def test_a_failed_face_check_says_why(
    identity: Identity, wechat_gateway: SimulatedGateway, number: str, reason: str
) -> None:
    open_id = wechat_gateway.citizen(name="张三", id_number=ID_NUMBER)
    check_id = await _begin(identity, open_id)
    wechat_gateway.control("POST", f"/identity-checks/{check_id}/fail", {"result_code": number})
    failed = await _outcome(identity, open_id, check_id)
    assert (failed.state, failed.reason, failed.level) == ("failed", reason, None)


async def test_a_check_begun_twice_is_one_check(
    identity: Identity, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(name="张三", id_number=ID_NUMBER)
    assert await _begin(identity, open_id) == await _begin(identity, open_id)


@pytest.mark.parametrize(
    ("known", "name", "state", "reason"),
    [
        ({"name": "张三", "id_number": ID_NUMBER}, "张三", "passed", None),
        ({"name": "张三", "id_number": ID_NUMBER}, "李四", "failed", "mismatch"),
        ({"name": "张三", "id_number": "999000199001010023"}, "张三", "failed", "mismatch"),
        ({}, "张三", "failed", "mismatch"),
    ],
)
async def test_name_and_number_are_checked_against_the_channels_record(
    wechat: Channel,
    wechat_gateway: SimulatedGateway,
    known: dict[str, str],
    name: str,
    state: str,
    reason: str | None,
) -> None:
    assert wechat.real_names is not None
    open_id = wechat_gateway.citizen(**known)
    outcome = await wechat.real_names.check_real_name(
        open_id=open_id,
        name=name,
        id_number=ID_NUMBER,
        proof=wechat_gateway.code(open_id, "realname"),
    )
    assert (outcome.state, outcome.reason) == (state, reason)
    assert outcome.level == ("verified" if state == "passed" else None)


# ── API security ────────────────────────────────────────────────────────────────────────


@pytest.fixture
def shielded(open_wechat: Open, wechat_gateway: SimulatedGateway) -> SignIn:
    security = wechat_gateway.control("GET", "/account")["api_security"]
    sign_in = open_wechat(api_security=security).sign_in
    assert sign_in is not None
    return sign_in


async def test_a_sealed_call_is_answered_sealed(
    shielded: SignIn, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(phone="13800138000")
    code = wechat_gateway.phone_code(open_id)
    assert (await shielded.phone(code)).number == "13800138000"
    with pytest.raises(Refusal, match="code_wrong"):
        await shielded.phone(code)


async def test_a_sealed_answer_with_a_wrong_signature_is_not_believed(
    shielded: SignIn, wechat_gateway: SimulatedGateway
) -> None:
    code = wechat_gateway.phone_code(wechat_gateway.citizen(phone="13800138000"))
    wechat_gateway.faults(wrong_signature=True, only="phone")
    with pytest.raises(Unreachable) as raised:
        await shielded.phone(code)
    assert (raised.value.code, raised.value.channel_code) == ("answer_unproven", "signature_wrong")


async def test_a_seal_with_another_key_is_the_operators(
    open_wechat: Open, wechat_gateway: SimulatedGateway
) -> None:
    security = wechat_gateway.control("GET", "/account")["api_security"]
    wrong = {**security, "symmetric_key": "otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY="}
    sign_in = open_wechat(api_security=wrong).sign_in
    assert sign_in is not None
    code = wechat_gateway.phone_code(wechat_gateway.citizen(phone="13800138000"))
    with pytest.raises(Refusal, match="not_permitted"):
        await sign_in.phone(code)
