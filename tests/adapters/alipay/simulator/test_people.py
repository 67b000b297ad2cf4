"""Who holds the phone: codes, tokens, profiles and the phone button's envelope."""

from __future__ import annotations

import json

from tests.adapters.alipay.simulator.builders import Wire

TOKEN, PROFILE = "alipay.system.oauth.token", "alipay.user.info.share"


def _denied(wire: Wire, method: str, **common: str) -> tuple[str, str]:
    name, node = wire.ask(method, None, **common)
    assert name == "error_response"
    return node["code"], node["sub_code"]


def _token(wire: Wire, open_id: str) -> dict[str, str]:
    code = wire.gateway.login_code(open_id)
    return wire.call(TOKEN, None, grant_type="authorization_code", code=code)


def test_a_code_gives_an_answer_without_a_code_and_works_once(wire: Wire) -> None:
    open_id = wire.gateway.citizen(user_id="2088123412341234")
    common = {"grant_type": "authorization_code", "code": wire.gateway.login_code(open_id)}
    name, node = wire.ask(TOKEN, None, **common)
    assert name == "alipay_system_oauth_token_response"
    assert "code" not in node
    assert (node["open_id"], node["user_id"]) == (open_id, "2088123412341234")
    assert node["access_token"] != node["refresh_token"]
    assert _denied(wire, TOKEN, **common) == ("40002", "isv.code-invalid")


def test_a_new_person_has_no_user_id(wire: Wire) -> None:
    assert "user_id" not in _token(wire, wire.gateway.citizen())


def test_a_wrong_old_or_foreign_code_is_invalid(wire: Wire) -> None:
    open_id = wire.gateway.citizen()
    old = wire.gateway.login_code(open_id)
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 24 * 3600 + 1})
    for code in ("unknown", old, wire.gateway.phone_code(open_id)):
        denied = _denied(wire, TOKEN, grant_type="authorization_code", code=code)
        assert denied == ("40002", "isv.code-invalid")
    assert _denied(wire, TOKEN, grant_type="password")[1] == "isv.grant-type-invalid"
    assert _denied(wire, TOKEN)[1] == "isv.grant-type-invalid"


def test_a_refresh_token_works_once(wire: Wire) -> None:
    open_id = wire.gateway.citizen()
    first = _token(wire, open_id)
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = wire.call(TOKEN, None, **refresh)
    assert second["open_id"] == open_id
    assert second["access_token"] != first["access_token"]
    assert _denied(wire, TOKEN, **refresh) == ("40002", "isv.refreshed-token-invalid")
    foreign = {**refresh, "refresh_token": second["access_token"]}
    assert _denied(wire, TOKEN, **foreign) == ("40002", "isv.refresh-token-invalid")
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 31 * 24 * 3600})
    late = {**refresh, "refresh_token": second["refresh_token"]}
    assert _denied(wire, TOKEN, **late) == ("40002", "isv.refresh-token-time-out")


def test_a_profile_wants_a_living_access_token(wire: Wire) -> None:
    open_id = wire.gateway.citizen(name="测试")
    given = _token(wire, open_id)
    profile = wire.call(PROFILE, None, auth_token=given["access_token"])
    assert profile == {"open_id": open_id, "nick_name": "测**"}
    for wrong in ("", "unknown", given["refresh_token"]):
        denied = _denied(wire, PROFILE, **({"auth_token": wrong} if wrong else {}))
        assert denied == ("20001", "aop.invalid-auth-token")
    wire.gateway.control("PUT", "/clock", {"skew_seconds": 16 * 24 * 3600})
    denied = _denied(wire, PROFILE, auth_token=given["access_token"])
    assert denied == ("20001", "aop.auth-token-time-out")


def test_the_phone_comes_in_an_envelope_signed_with_its_quotes(wire: Wire) -> None:
    open_id = wire.gateway.citizen(phone="13900005678")
    envelope = json.loads(wire.gateway.phone_code(open_id))
    assert (envelope["sign_type"], envelope["encrypt_type"]) == ("RSA2", "AES")
    wire.demand_signed(f'"{envelope["response"]}"'.encode(), envelope["sign"])
    said = json.loads(wire.decrypt(envelope["response"]))
    assert said == {"code": "10000", "msg": "Success", "mobile": "13900005678"}


def test_somebody_without_a_phone_gets_a_plain_error(wire: Wire) -> None:
    text = wire.gateway.phone_code(wire.gateway.citizen(phone=""))
    envelope = json.loads(text)
    assert envelope["response"]["code"] == "40003"
    assert envelope["response"]["subCode"] == "isv.invalid-auth-relations"
    raw = text[len('{"response":') : text.index("}") + 1]
    wire.demand_signed(raw.encode(), envelope["sign"])
