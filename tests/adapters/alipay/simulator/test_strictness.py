"""Whatever is wrong with a request has the gateway's own code, and nothing is done."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature

from tests.adapters.alipay.simulator.builders import (
    Wire,
    certificate_number,
    certified_key,
    open_sdk,
)
from tests.gateways import SimulatedGateway

QUERY = "alipay.trade.query"
RESPONSE = "alipay_trade_query_response"
Change = Callable[[dict[str, str]], dict[str, str]]


def _without(name: str) -> Change:
    return lambda given: {key: value for key, value in given.items() if key != name}


def _with(name: str, value: str) -> Change:
    return lambda given: {**given, name: value}


@pytest.mark.parametrize(
    ("change", "member", "code", "sub_code"),
    [
        (_without("method"), "error_response", "40001", "isv.missing-method"),
        (_without("app_id"), RESPONSE, "40001", "isv.missing-app-id"),
        (_without("sign_type"), RESPONSE, "40001", "isv.missing-signature-type"),
        (_without("timestamp"), RESPONSE, "40001", "isv.missing-timestamp"),
        (_without("version"), RESPONSE, "40001", "isv.missing-version"),
        (_with("app_id", "2021000000000000"), RESPONSE, "40002", "isv.invalid-app-id"),
        (_with("method", "alipay.trade.pray"), "error_response", "40002", "isv.invalid-method"),
        (_with("sign_type", "RSA"), RESPONSE, "40002", "isv.invalid-signature-type"),
        (_with("version", "2.0"), RESPONSE, "40002", "isv.invalid-parameter"),
        (_with("charset", "latin-1"), RESPONSE, "40002", "isv.invalid-charset"),
        (_with("format", "XML"), RESPONSE, "40002", "isv.invalid-format"),
        (_with("timestamp", "20260102030405"), RESPONSE, "40002", "isv.invalid-timestamp"),
        (_with("timestamp", "2026-02-30 00:00:00"), RESPONSE, "40002", "isv.invalid-timestamp"),
        (_with("biz_content", "{"), RESPONSE, "40002", "isv.illegal-json"),
        (_with("app_cert_sn", "0" * 32), RESPONSE, "40002", "isv.app-cert-not-exist"),
        (_with("encrypt_type", "DES"), RESPONSE, "40002", "isv.invalid-encrypt-type"),
        (_with("encrypt_type", "AES"), RESPONSE, "40002", "isv.invalid-encrypt"),
    ],
)
def test_a_wrong_common_parameter_is_named(
    wire: Wire, change: Change, member: str, code: str, sub_code: str
) -> None:
    given = wire.sign(change(wire.parameters(QUERY, {"out_trade_no": "N1"})))
    name, node = wire.prove(wire.send(given))
    assert (name, node["code"], node["sub_code"]) == (member, code, sub_code)


@pytest.mark.parametrize(
    "change",
    [
        _with("biz_content", '{"out_trade_no":"N2"}'),
        _with("notify_url", "http://127.0.0.1:9/elsewhere"),
        _with("unheard_of", "1"),
        _without("format"),
        _with("sign", "AAAA"),
        _with("sign", "not base64!"),
    ],
)
def test_a_request_changed_after_signing_is_refused(wire: Wire, change: Change) -> None:
    given = change(wire.sign(wire.parameters(QUERY, {"out_trade_no": "N1"})))
    _, node = wire.prove(wire.send(given))
    assert (node["code"], node["sub_code"]) == ("40002", "isv.invalid-signature")


def test_a_signature_that_leaves_out_its_own_kind_is_refused(wire: Wire) -> None:
    given = wire.parameters(QUERY, {"out_trade_no": "N1"})
    bare = wire.sign({key: value for key, value in given.items() if key != "sign_type"})
    _, node = wire.prove(wire.send({**bare, "sign_type": "RSA2"}))
    assert node["sub_code"] == "isv.invalid-signature"


def test_a_missing_signature_is_named_after_an_unknown_application(wire: Wire) -> None:
    given = wire.parameters(QUERY, {"out_trade_no": "N1"})
    _, node = wire.prove(wire.send(given))
    assert (node["code"], node["sub_code"]) == ("40001", "isv.missing-signature")
    _, node = wire.prove(wire.send({**given, "app_id": "1"}))
    assert node["sub_code"] == "isv.invalid-app-id"


def test_an_empty_parameter_is_not_signed(wire: Wire) -> None:
    given = {**wire.sign(wire.parameters(QUERY, {"out_trade_no": "N1"})), "return_url": ""}
    _, node = wire.prove(wire.send(given))
    assert node["sub_code"] == "ACQ.TRADE_NOT_EXIST"


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_query_and_form_are_read_as_one(wire: Wire, verb: str) -> None:
    wire.pay("N_1")
    given = wire.sign(wire.parameters(QUERY, {"out_trade_no": "N_1"}))
    _, node = wire.prove(wire.send(given, verb))
    assert node["trade_status"] == "TRADE_SUCCESS"


def test_a_form_alone_will_do(wire: Wire) -> None:
    wire.pay("N_1")
    given = wire.sign(wire.parameters(QUERY, {"out_trade_no": "N_1"}))
    _, node = wire.prove(wire.client.post(wire.url, data=given))
    assert node["trade_status"] == "TRADE_SUCCESS"


def test_encrypted_content_is_answered_encrypted_with_its_quotes_signed(wire: Wire) -> None:
    wire.pay("N_1")
    for number, expected in (("N_1", "10000"), ("N_2", "40004")):
        content = wire.encrypt(b'{"out_trade_no":"%b"}' % number.encode())
        given = wire.parameters(QUERY, None, encrypt_type="AES", biz_content=content)
        name, raw = wire.prove_raw(wire.send(wire.sign(given)))
        assert name == RESPONSE
        assert raw.startswith(b'"')
        assert f'"code":"{expected}"'.encode() in wire.decrypt(raw.decode().strip('"'))


def _certified(wire: Wire, **changes: str) -> dict[str, str]:
    sdk = open_sdk(wire.gateway)
    numbers = {
        "app_cert_sn": changes.get("app", sdk.app_cert_sn),
        "alipay_root_cert_sn": changes.get("root", sdk.alipay_root_cert_sn),
    }
    return {key: value for key, value in numbers.items() if value}


@pytest.mark.parametrize(
    ("changes", "sub_code"),
    [
        ({"app": ""}, "isv.missing-app-cert-sn"),
        ({"root": ""}, "isv.missing-alipay-root-cert-sn"),
        ({"app": "0" * 32}, "isv.app-cert-not-exist"),
        ({"root": "0" * 32}, "isv.invalid-alipay-root-cert-sn"),
    ],
)
def test_certificate_mode_wants_both_numbers(
    certified_gateway: SimulatedGateway, changes: dict[str, str], sub_code: str
) -> None:
    wire = Wire(certified_gateway)
    _, node = wire.ask(QUERY, {"out_trade_no": "N1"}, **_certified(wire, **changes))
    assert (node["code"], node["sub_code"]) == ("40002", sub_code)


def test_the_gateways_certificate_is_named_only_where_ours_was(
    certified_gateway: SimulatedGateway, wire: Wire
) -> None:
    wire.ask(QUERY, {"out_trade_no": "N1"})
    assert wire.serial is None
    certified = Wire(certified_gateway)
    certified.ask(QUERY, {"out_trade_no": "N1"}, **_certified(certified))
    assert certified.serial == certificate_number(certified.section["alipay_cert"])


def test_a_rotated_certificate_can_be_fetched_and_proves_the_answer(
    certified_gateway: SimulatedGateway,
) -> None:
    wire = Wire(certified_gateway)
    common = _certified(wire)
    certified_gateway.faults(rotate_key=True, times=1)
    answer = wire.send(wire.sign(wire.parameters(QUERY, {"out_trade_no": "N1"}, **common)))
    with pytest.raises(InvalidSignature):
        wire.prove(answer)
    content = {"alipay_cert_sn": wire.serial}
    given = wire.call("alipay.open.app.alipaycert.download", content, **common)
    pem = base64.b64decode(given["alipay_cert_content"])
    assert certificate_number(pem.decode()) == content["alipay_cert_sn"]
    wire.theirs = certified_key(pem.decode())
    _, node = wire.prove(answer)
    assert node["sub_code"] == "ACQ.TRADE_NOT_EXIST"


def test_an_unknown_certificate_is_not_handed_out(
    certified_gateway: SimulatedGateway, wire: Wire
) -> None:
    certified = Wire(certified_gateway)
    for client, common in ((wire, {}), (certified, _certified(certified))):
        method, content = "alipay.open.app.alipaycert.download", {"alipay_cert_sn": "0" * 32}
        _, node = client.ask(method, content, **common)
        assert (node["code"], node["sub_code"]) == ("40002", "isv.alipay-cert-not-exist")


@pytest.mark.parametrize(
    "content",
    [
        '{"out_trade_no":"N_1","total_amount":' + "9" * 5000 + "}",
        "[" * 5000,
        '{"out_trade_no":"\\ud800"}',
        '{"out_trade_no":"N\x00"}',
        "[]",
        "null",
        '{"out_trade_no":{}}',
    ],
)
def test_strange_content_is_refused_and_not_stumbled_over(wire: Wire, content: str) -> None:
    for method in ("alipay.trade.create", QUERY, "alipay.trade.refund"):
        given = wire.sign(wire.parameters(method, None, biz_content=content))
        _, node = wire.prove(wire.send(given))
        assert node["code"] in ("40002", "40004"), node
