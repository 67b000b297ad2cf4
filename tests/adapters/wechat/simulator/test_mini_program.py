"""The mini-program's tokens, phone numbers, checks, links and sealed calls, call by call."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import httpx
import pytest

from adapters.contract import Refusal, Unreachable
from adapters.http import Client
from adapters.wechat import wire
from adapters.wechat.config import read_config
from adapters.wechat.mini_program import MiniProgram
from tests.gateways import SimulatedGateway


class App:
    """A server of the mini-program, with plain calls."""

    def __init__(self, gateway: SimulatedGateway) -> None:
        self.section = gateway.section
        self.http = httpx.Client(base_url=gateway.address, trust_env=False)
        self.token = ""

    def session(self, code: str, **changed: str) -> Any:
        query = {
            "appid": self.section["app_id"],
            "secret": self.section["app_secret"],
            "js_code": code,
            "grant_type": "authorization_code",
        }
        answer = self.http.get("/sns/jscode2session", params={**query, **changed})
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.json()

    def stable(self, **changed: Any) -> Any:
        body = {
            "grant_type": "client_credential",
            "appid": self.section["app_id"],
            "secret": self.section["app_secret"],
        }
        return self.http.post("/cgi-bin/stable_token", json={**body, **changed}).json()

    def post(self, path: str, body: Any, token: str | None = None) -> Any:
        self.token = self.token or self.stable()["access_token"]
        answer = self.http.post(path, params={"access_token": token or self.token}, json=body)
        assert answer.status_code == 200
        return answer.json()


@pytest.fixture
def app(wechat_gateway: SimulatedGateway) -> App:
    return App(wechat_gateway)


@pytest.mark.parametrize(
    ("changed", "errcode"),
    [
        ({"appid": "wx0"}, 40013),
        ({"secret": "x"}, 40125),
        ({"js_code": ""}, 41008),
        ({"js_code": "unknown"}, 40029),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"grant_type": "password"}, 40002),
    ],
)
def test_a_wrong_login_is_refused(
    app: App, wechat_gateway: SimulatedGateway, changed: dict[str, str], errcode: int
) -> None:
    said = app.session(wechat_gateway.login_code(wechat_gateway.citizen()), **changed)
    assert said["errcode"] == errcode
    assert " rid: " in said["errmsg"]


def test_a_login_code_lives_five_minutes(app: App, wechat_gateway: SimulatedGateway) -> None:
    code = wechat_gateway.login_code(wechat_gateway.citizen())
    wechat_gateway.control("PUT", "/clock", {"skew_seconds": 301})
    assert app.session(code)["errcode"] == 40029


def test_a_blocked_person_is_refused(app: App, wechat_gateway: SimulatedGateway) -> None:
    open_id = wechat_gateway.citizen(blocked=True)
    assert app.session(wechat_gateway.login_code(open_id))["errcode"] == 40226


def test_the_stable_token_stays_and_then_overlaps(
    app: App, wechat_gateway: SimulatedGateway
) -> None:
    first = app.stable()
    assert app.stable()["access_token"] == first["access_token"]
    wechat_gateway.control("PUT", "/clock", {"skew_seconds": 7200 - 299})
    second = app.stable()["access_token"]
    assert second != first["access_token"]
    body = {"path": "pages/index", "query": ""}
    for token in (first["access_token"], second):
        assert app.post("/wxa/generate_urllink", body, token)["errcode"] == 0
    wechat_gateway.control("PUT", "/clock", {"skew_seconds": 7201})
    assert app.post("/wxa/generate_urllink", body, first["access_token"])["errcode"] == 42001
    assert app.post("/wxa/generate_urllink", body, second)["errcode"] == 0


def test_a_forced_token_kills_the_one_before(app: App) -> None:
    first = app.stable()["access_token"]
    second = app.stable(force_refresh=True)["access_token"]
    assert app.post("/wxa/generate_urllink", {}, first)["errcode"] == 40001
    assert app.post("/wxa/generate_urllink", {}, second)["errcode"] == 0
    assert app.stable(force_refresh=True)["errcode"] == 45011


def test_a_phone_code_gives_the_number_once(app: App, wechat_gateway: SimulatedGateway) -> None:
    open_id = wechat_gateway.citizen(phone="13800138000")
    code = wechat_gateway.phone_code(open_id)
    said = app.post("/wxa/business/getuserphonenumber", {"code": code})
    assert said["phone_info"]["purePhoneNumber"] == "13800138000"
    assert said["phone_info"]["watermark"]["appid"] == app.section["app_id"]
    said = app.post("/wxa/business/getuserphonenumber", {"code": code})
    assert said["errcode"] == 40029


def test_a_login_code_is_no_phone_code(app: App, wechat_gateway: SimulatedGateway) -> None:
    code = wechat_gateway.login_code(wechat_gateway.citizen())
    assert app.post("/wxa/business/getuserphonenumber", {"code": code})["errcode"] == 40029


def face_check(app: App, open_id: str, name: str, id_number: str) -> str:
    asked = {
        "out_seq_no": "check0001",
        "cert_info": {"cert_type": "IDENTITY_CARD", "cert_name": name, "cert_no": id_number},
        "openid": open_id,
    }
    said = app.post("/cityservice/face/identify/getverifyid", asked)
    assert said["errcode"] == 0, said
    verify_id: str = said["verify_id"]
    return verify_id


def face_result(app: App, open_id: str, verify_id: str, name: str, id_number: str) -> int:
    values = {"cert_type": "IDENTITY_CARD", "cert_name": name, "cert_no": id_number}
    text = "&".join(f"{k}={base64.b64encode(v.encode()).decode()}" for k, v in values.items())
    asked = {
        "verify_id": verify_id,
        "out_seq_no": "check0001",
        "cert_hash": hashlib.sha256(text.encode()).hexdigest(),
        "openid": open_id,
    }
    number: int = app.post("/cityservice/face/identify/queryverifyinfo", asked)["verify_ret"]
    return number


# A test's number: its area code belongs to nobody.
ID_NUMBER = "999000199001010012"


def test_a_face_check_passes_only_for_the_person_it_was_begun_for(
    app: App, wechat_gateway: SimulatedGateway
) -> None:
    open_id = wechat_gateway.citizen(name="测试人", id_number=ID_NUMBER)
    verify_id = face_check(app, open_id, "测试人", ID_NUMBER)
    assert face_result(app, open_id, verify_id, "测试人", ID_NUMBER) == 0
    wechat_gateway.control("POST", f"/identity-checks/{verify_id}/pass")
    assert face_result(app, open_id, verify_id, "测试人", ID_NUMBER) == 10000
    assert face_result(app, open_id, verify_id, "另一人", ID_NUMBER) != 10000


def test_somebody_elses_face_does_not_pass(app: App, wechat_gateway: SimulatedGateway) -> None:
    open_id = wechat_gateway.citizen(name="测试人", id_number=ID_NUMBER)
    verify_id = face_check(app, open_id, "另一人", ID_NUMBER)
    wechat_gateway.control("POST", f"/identity-checks/{verify_id}/pass")
    assert face_result(app, open_id, verify_id, "另一人", ID_NUMBER) != 10000


@pytest.mark.parametrize(
    ("name", "said"),
    [("测试人", ("V_OP_NM_MA", "V_NM_ID_MA")), ("另一人", ("V_OP_NM_UM", "V_NM_ID_UM"))],
)
def test_a_real_name_is_compared(
    app: App, wechat_gateway: SimulatedGateway, name: str, said: tuple[str, str]
) -> None:
    open_id = wechat_gateway.citizen(name="测试人", id_number=ID_NUMBER)
    asked = {
        "openid": open_id,
        "real_name": name,
        "cred_id": ID_NUMBER,
        "cred_type": "1",
        "code": wechat_gateway.code(open_id, "realname"),
    }
    answer = app.post("/intp/realname/checkrealnameinfo", asked)
    assert (answer["verify_openid"], answer["verify_real_name"]) == said


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"path": "/pages/x"}, 40165),
        ({"path": "pages/x", "query": "q" * 1025}, 40097),
        ({"path": "pages/x", "expire_type": 1, "expire_interval": 31}, 40097),
        ({"path": "pages/x", "env_version": "beta"}, 40097),
        ({"path": "pages/x", "expire_type": 1, "expire_interval": 30}, 0),
    ],
)
def test_links_are_checked(app: App, body: dict[str, Any], errcode: int) -> None:
    assert app.post("/wxa/generate_urllink", body)["errcode"] == errcode
    scheme = {"jump_wxa": body, **body}
    assert app.post("/wxa/generatescheme", scheme)["errcode"] == errcode


def test_quotas_run_out_in_wechats_words(app: App, wechat_gateway: SimulatedGateway) -> None:
    wechat_gateway.faults(quota=1, only="links")
    assert app.post("/wxa/generate_urllink", {})["errcode"] == 0
    assert app.post("/wxa/generate_urllink", {})["errcode"] == 45009
    wechat_gateway.faults(quota=0, only="login")
    assert app.session("x")["errcode"] == 45011


class KeptToken:
    """A keeper for one test."""

    async def token(self, name: str, fetch: Any) -> str:
        token, _ = await fetch()
        return str(token)

    async def drop(self, name: str, token: str) -> None:
        """The next call fetches anyway."""


@pytest.mark.parametrize(
    ("spoil", "errcode"),
    [
        ({}, None),
        ({"serial": "0" * 32}, "40239"),
        ({"symmetric_key": base64.b64encode(bytes(32)).decode()}, "40235"),
    ],
)
async def test_a_sealed_call_is_opened_strictly_and_answered_sealed(
    wechat_gateway: SimulatedGateway, spoil: dict[str, str], errcode: str | None
) -> None:
    security = wechat_gateway.control("GET", "/account")["api_security"]
    section = {**wechat_gateway.section, "api_security": {**security, **spoil}}
    config = read_config("wechat", section)
    client = Client("wechat")
    now = wechat_gateway.control("GET", "/clock")["now"]
    app = MiniProgram(config, client, KeptToken(), lambda: now)
    code = wechat_gateway.phone_code(wechat_gateway.citizen(phone="13800138001"))
    path = "/wxa/business/getuserphonenumber"
    asked = wire.PhoneAsked(code)
    try:
        if errcode is None:
            answer = await app.post("phone", path, asked, wire.PhoneAnswer)
            assert answer.phone_info.pure_phone_number == "13800138001"
            wechat_gateway.faults(wrong_signature=True, only="phone", times=1)
            with pytest.raises(Unreachable) as unproven:
                await app.post("phone", path, asked, wire.PhoneAnswer)
            assert unproven.value.code == "answer_unproven"
        else:
            with pytest.raises(Refusal) as refusal:
                await app.post("phone", path, asked, wire.PhoneAnswer)
            assert refusal.value.channel_code == errcode
    finally:
        await client.close()
