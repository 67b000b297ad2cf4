"""Signing in, checks of identity, messages and codes through the simulated gateway."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from adapters.contract import ConfigurationWrong, Message, Refusal, Unreachable
from tests.adapters.alipay.builders import private_pem
from tests.adapters.alipay.conftest import Open, Opened
from tests.gateways import SimulatedGateway

# Invented: no area has the code 999000; the check character is right.
ID_NUMBER = "999000199001010015"
CHECK_NO = "C" + "0" * 31


# ── Signing in ──────────────────────────────────────────────────────────────────────────


async def test_a_person_signs_in_once_by_a_code(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen(union_id="union")
    code = simulated.login_code(open_id)
    identity = await alipay.sign_in.sign_in(code)
    assert (identity.app_id, identity.open_id, identity.union_id, identity.session_secret) == (
        simulated.section["app_id"],
        open_id,
        "union",
        None,
    )
    with pytest.raises(Refusal) as refused:
        await alipay.sign_in.sign_in(code)
    assert refused.value.code == "code_wrong"


@pytest.mark.parametrize("code", ["nonsense", "%00&sign=x", "工"])
async def test_a_code_nobody_gave_is_refused(alipay: Opened, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        await alipay.sign_in.sign_in(code)
    assert refused.value.code == "code_wrong"


async def test_a_phone_number_comes_out_of_its_envelope(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen(phone="13800138000")
    phone = await alipay.sign_in.phone(simulated.phone_code(open_id))
    assert (phone.number, phone.country_code) == ("13800138000", "86")


async def test_a_person_without_a_phone_has_none_to_give(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    with pytest.raises(Refusal) as refused:
        await alipay.sign_in.phone(simulated.phone_code(simulated.citizen(phone="")))
    assert refused.value.code == "user_refused"


async def test_another_applications_key_is_refused_and_the_reason_named(
    open_alipay: Open, simulated: SimulatedGateway
) -> None:
    if simulated.section["mode"] == "certificate":
        with pytest.raises(ConfigurationWrong):
            open_alipay(app_private_key=private_pem("somebody"))
        return
    alipay = open_alipay(app_private_key=private_pem("somebody"))
    with pytest.raises(Refusal) as refused:
        await alipay.sign_in.sign_in(simulated.login_code(simulated.citizen()))
    assert (refused.value.code, refused.value.channel_code) == (
        "not_permitted",
        "isv.invalid-signature",
    )


@pytest.mark.parametrize(
    ("switches", "code"),
    [
        ({"hang": True}, "timeout"),
        ({"status": 502}, "channel_busy"),
        ({"lose_reply": True}, "connection_failed"),
        ({"wrong_signature": True}, "answer_unproven"),
        ({"quota": 0}, "channel_busy"),
    ],
)
async def test_a_sign_in_that_fails_on_the_way_is_unreachable(
    impatient: Opened, simulated: SimulatedGateway, switches: dict[str, Any], code: str
) -> None:
    login_code = simulated.login_code(simulated.citizen())
    simulated.faults(**switches, only="login")
    with pytest.raises(Unreachable) as unknown:
        await impatient.sign_in.sign_in(login_code)
    assert unknown.value.code == code


# ── Identity ────────────────────────────────────────────────────────────────────────────


async def begin(alipay: Opened, **changes: str) -> Any:
    return await alipay.identity.begin_identity_check(
        **{
            "check_no": CHECK_NO,
            "open_id": "o",
            "name": "测试甲",
            "id_number": ID_NUMBER,
            "return_page": "pages/identity/index",
            **changes,
        }
    )


async def outcome(alipay: Opened, check_id: str) -> tuple[str, str | None, str | None]:
    ended = await alipay.identity.identity_outcome(
        check_no=CHECK_NO,
        channel_check_id=check_id,
        open_id="o",
        name="测试甲",
        id_number=ID_NUMBER,
    )
    return ended.state, ended.level, ended.reason


async def test_an_identity_check_passes_when_the_person_does(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    check = await begin(alipay)
    assert (await begin(alipay)).channel_check_id == check.channel_check_id
    assert await outcome(alipay, check.channel_check_id) == ("pending", None, None)
    simulated.control("POST", f"/identity-checks/{check.channel_check_id}/pass")
    assert await outcome(alipay, check.channel_check_id) == ("passed", "face", None)


async def test_an_identity_check_fails_when_the_person_does(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    check = await begin(alipay)
    simulated.control("POST", f"/identity-checks/{check.channel_check_id}/fail")
    assert await outcome(alipay, check.channel_check_id) == ("failed", None, "identity_mismatch")


async def test_the_page_of_a_check_opens_and_its_address_holds_no_identity(
    alipay: Opened,
) -> None:
    check = await begin(alipay)
    url = check.client_parameters["url"]
    assert check.client_parameters["certify_id"] == check.channel_check_id
    assert ID_NUMBER not in url
    async with httpx.AsyncClient(trust_env=False) as client:
        page = await client.get(url)
    assert page.status_code == 200
    assert "人脸" in page.text
    link = urlsplit(check.client_parameters["link"])
    assert parse_qs(link.query)["url"] == [url]


async def test_a_wrong_number_or_an_unknown_check_is_refused(alipay: Opened) -> None:
    with pytest.raises(Refusal) as refused:
        await begin(alipay, id_number="999000199001010016")
    assert refused.value.code == "parameter_wrong"
    assert await outcome(alipay, "nonsense") == ("failed", None, "expired")


# ── Messages ────────────────────────────────────────────────────────────────────────────


def message(open_id: str, **changes: Any) -> Message:
    return Message(
        **{
            "kind": "case_moved",
            "open_id": open_id,
            "values": {
                "service": "不动产登记",
                "case_no": "1",
                "status": "已受理",
                "at": "2026-11-22",
            },
            "page": "/pages/case/index?case_no=1",
            "message_no": "M1",
            **changes,
        }
    )


async def test_a_message_arrives_where_it_was_asked_for(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen(user_id="2088000000000078")
    simulated.subscribe(open_id, "case_moved", 2)
    for person in (open_id, "2088000000000078"):
        state = await alipay.messages.send(message(person))
        assert state.state == "accepted"
    sent = simulated.all("messages")
    assert [item["open_id"] for item in sent] == [open_id, open_id]
    assert sent[0]["page"] == "pages/case/index?case_no=1"
    # A field of the template that we had nothing for is not empty, or nothing would be sent.
    assert sent[0]["values"]["keyword5"] == "-"
    assert sent[0]["values"]["keyword1"] == "不动产登记"


async def test_what_is_too_long_for_its_keyword_is_cut(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen()
    simulated.subscribe(open_id)
    long = dict.fromkeys(("service", "case_no", "status", "at", "note"), "长" * 500)
    await alipay.messages.send(message(open_id, values=long))
    (sent,) = simulated.all("messages")
    assert {len(value) for value in sent["values"].values()} == {64}


async def test_who_did_not_ask_is_not_told(alipay: Opened, simulated: SimulatedGateway) -> None:
    state = await alipay.messages.send(message(simulated.citizen()))
    assert (state.state, state.reason) == ("failed", "user_refused")
    state = await alipay.messages.send(message("nobody"))
    assert (state.state, state.reason) == ("failed", "person_unknown")
    with pytest.raises(Refusal) as refused:
        await alipay.messages.send(message("nobody", kind="a kind without a template"))
    assert refused.value.code == "parameter_wrong"
    assert simulated.all("messages") == []


@pytest.mark.parametrize(
    ("sub_code", "reason"),
    [
        ("MSG_REJECTED", "user_refused"),
        ("USER_TEMPLATE_ILLEGAL", "template_wrong"),
        ("USER_KEYWORD_LENGTH_ERROR", "content_wrong"),
    ],
)
async def test_a_message_that_can_never_be_sent_says_why(
    alipay: Opened, simulated: SimulatedGateway, sub_code: str, reason: str
) -> None:
    open_id = simulated.citizen()
    simulated.subscribe(open_id)
    simulated.faults(code=sub_code, only="messages.send", times=1)
    state = await alipay.messages.send(message(open_id))
    assert (state.state, state.reason) == ("failed", reason)


async def test_a_persons_daily_measure_is_a_refusal_and_a_busy_gateway_none(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen()
    simulated.subscribe(open_id)
    simulated.faults(code="MSG_SINGLE_SD_OVER", only="messages.send", times=1)
    with pytest.raises(Refusal) as refused:
        await alipay.messages.send(message(open_id))
    assert refused.value.code == "quota_used"
    simulated.faults(status=503, only="messages.send", times=1)
    with pytest.raises(Unreachable):
        await alipay.messages.send(message(open_id))


async def test_what_a_person_lets_us_send_can_be_asked(
    alipay: Opened, simulated: SimulatedGateway
) -> None:
    open_id = simulated.citizen()
    assert await alipay.subscribed_kinds(open_id) == frozenset()
    simulated.subscribe(open_id, "reminder")
    assert await alipay.subscribed_kinds(open_id) == {"reminder"}


# ── Codes to scan ───────────────────────────────────────────────────────────────────────


async def test_a_code_is_a_picture(alipay: Opened) -> None:
    picture = await alipay.links.code_image("/pages/case/index", {"case_no": "1&2"}, "办件进度")
    assert picture.startswith(b"\x89PNG")


@pytest.mark.parametrize("switches", [{"status": 500}, {"hang": True}, {"lose_reply": True}])
async def test_a_picture_that_does_not_arrive_is_unreachable(
    impatient: Opened, simulated: SimulatedGateway, switches: dict[str, Any]
) -> None:
    simulated.faults(**switches, only="links.file")
    with pytest.raises(Unreachable):
        await impatient.links.code_image("pages/case/index", {}, "办件进度")


async def test_nothing_personal_is_written_to_the_log(
    alipay: Opened, simulated: SimulatedGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    open_id = simulated.citizen()
    code = simulated.login_code(open_id)
    await alipay.sign_in.sign_in(code)
    await begin(alipay)
    await alipay.messages.send(message(open_id))
    with pytest.raises(Refusal) as refused:
        await alipay.sign_in.sign_in(code)
    key_part = simulated.section["app_private_key"].splitlines()[5]
    log = "".join(capsys.readouterr()) + str(refused.value) + repr(refused.value)
    assert "channel_call" in log
    for secret in (open_id, code, ID_NUMBER, "测试甲", key_part):
        assert secret not in log
