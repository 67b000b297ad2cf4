"""The REST form of the gateway: the same methods, signed in headers."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.adapters.alipay.simulator.builders import Wire, certificate_number, open_sdk
from tests.gateways import SimulatedGateway


def _send(
    wire: Wire, method: str, path: str, content: Any = None, *, body: str | None = None, **more: str
) -> httpx.Response:
    text = body if body is not None else "" if content is None else json.dumps(content)
    numbers: dict[str, str] = {
        name: more.pop(name) for name in ("app_id", "app_cert_sn") if name in more
    }
    parts: dict[str, str] = {
        "app_id": wire.section["app_id"],
        **numbers,
        "nonce": "n0",
        "timestamp": more.pop("timestamp", str(int(time.time() * 1000))),
    }
    authorization = ",".join(f"{name}={value}" for name, value in parts.items())
    signature = wire.signature(f"{authorization}\n{method}\n{path}\n{text}\n".encode())
    headers = {
        "authorization": f"ALIPAY-SHA256withRSA {authorization},sign={signature}",
        "content-type": "application/json",
        **more,
    }
    url = wire.gateway.address + path
    return wire.client.request(method, url, content=text.encode(), headers=headers)


def _prove(wire: Wire, answer: httpx.Response) -> None:
    headers = answer.headers
    text = f"{headers['alipay-timestamp']}\n{headers['alipay-nonce']}\n".encode()
    wire.demand_signed(text + answer.content + b"\n", headers["alipay-signature"])
    assert headers["alipay-trace-id"]


def test_a_trade_goes_the_same_way(wire: Wire) -> None:
    order = {**wire.order("N_1"), "notify_url": "http://127.0.0.1:9/n"}
    made = _send(wire, "POST", "/v3/alipay/trade/create", order)
    _prove(wire, made)
    assert "code" not in made.json()
    wire.gateway.confirm(made.json()["trade_no"])
    found = _send(wire, "POST", "/v3/alipay/trade/query", {"out_trade_no": "N_1"})
    _prove(wire, found)
    assert found.json()["trade_status"] == "TRADE_SUCCESS"
    assert wire.gateway.all("notices")[0]["url"] == "http://127.0.0.1:9/n"
    assert wire.gateway.calls("payments.query") == 1


def test_a_business_fault_is_an_http_error(wire: Wire) -> None:
    answer = _send(wire, "POST", "/v3/alipay/trade/query", {"out_trade_no": "N_1"})
    _prove(wire, answer)
    assert (answer.status_code, answer.json()["code"]) == (400, "ACQ.TRADE_NOT_EXIST")
    assert answer.json()["links"][0]["link"]


def test_what_is_only_read_is_got(wire: Wire) -> None:
    path = "/v3/alipay/data/dataservice/bill/downloadurl/query?bill_type=trade&bill_date=2026-01-05"
    answer = _send(wire, "GET", path)
    assert (answer.status_code, answer.json()["code"]) == (400, "NO_BILL_DATA")
    assert _send(wire, "POST", path.partition("?")[0], {}).json()["code"] == "invalid-method"


def test_tokens_are_given_here_too(wire: Wire) -> None:
    open_id = wire.gateway.citizen()
    asked = {"grant_type": "authorization_code", "code": wire.gateway.login_code(open_id)}
    given = _send(wire, "POST", "/v3/alipay/system/oauth/token", asked).json()
    profile = {"auth_token": given["access_token"]}
    answer = _send(wire, "POST", "/v3/alipay/user/info/share", profile)
    assert answer.json() == {"open_id": open_id}
    wrong = _send(wire, "POST", "/v3/alipay/user/info/share", {"auth_token": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (401, "invalid-auth-token")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"authorization": ""}, "missing-timestamp"),
        ({"app_id": "2021"}, "invalid-app-id"),
        ({"timestamp": "1700000000"}, "invalid-timestamp"),
        ({"alipay-app-auth-token": "t"}, "invalid-signature"),
        ({"body": "{"}, "illegal-json"),
        ({"body": "[]"}, "illegal-json"),
    ],
)
def test_a_wrong_call_is_named(wire: Wire, more: dict[str, str], code: str) -> None:
    answer = _send(wire, "POST", "/v3/alipay/trade/query", {"out_trade_no": "N_1"}, **more)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_content_may_be_encrypted(wire: Wire) -> None:
    wire.pay("N_1")
    body = wire.encrypt(b'{"out_trade_no":"N_1"}')
    more = {"alipay-encrypt-type": "AES", "content-type": "text/plain"}
    answer = _send(wire, "POST", "/v3/alipay/trade/query", body=body, **more)
    _prove(wire, answer)
    assert json.loads(wire.decrypt(answer.text))["trade_status"] == "TRADE_SUCCESS"


def test_certificate_mode_names_the_gateways_certificate(
    certified_gateway: SimulatedGateway,
) -> None:
    wire, sdk = Wire(certified_gateway), open_sdk(certified_gateway)
    path, asked = "/v3/alipay/trade/query", {"out_trade_no": "N_1"}
    root = {"alipay-root-cert-sn": sdk.alipay_root_cert_sn}
    answer = _send(wire, "POST", path, asked, app_cert_sn=sdk.app_cert_sn, **root)
    assert answer.json()["code"] == "ACQ.TRADE_NOT_EXIST"
    assert answer.headers["alipay-sn"] == certificate_number(wire.section["alipay_cert"])
    assert _send(wire, "POST", path, asked, **root).json()["code"] == "missing-app-cert-sn"
    bare = _send(wire, "POST", path, asked, app_cert_sn=sdk.app_cert_sn)
    assert bare.json()["code"] == "invalid-alipay-root-cert-sn"
