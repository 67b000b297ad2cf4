"""An SDK nobody here wrote takes the simulated gateway for Alipay's."""

from __future__ import annotations

import base64
from datetime import datetime
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import httpx
import pytest
from alipay.exceptions import AliPayException, AliPayValidationError
from cryptography.x509 import load_pem_x509_certificate

from tests.adapters.alipay.simulator.builders import (
    SHANGHAI,
    certificate_number,
    open_sdk,
    read_form,
)
from tests.gateways import NoticeReceiver, SimulatedGateway


@pytest.fixture(params=["key", "certificate"])
def gateway(request: pytest.FixtureRequest) -> SimulatedGateway:
    name = "alipay_gateway" if request.param == "key" else "certified_gateway"
    found: SimulatedGateway = request.getfixturevalue(name)
    return found


@pytest.fixture
def sdk(gateway: SimulatedGateway) -> Any:
    return open_sdk(gateway)


def _create(sdk: Any, gateway: SimulatedGateway, number: str, notify: str | None = None) -> Any:
    return sdk.api_alipay_trade_create(
        "办证工本费",
        number,
        "12.34",
        notify_url=notify,
        product_code="JSAPI_PAY",
        op_app_id=gateway.section["op_app_id"],
        buyer_open_id=gateway.citizen(name="测试"),
    )


def test_a_trade_is_created_paid_refunded_and_asked_for(
    sdk: Any, gateway: SimulatedGateway
) -> None:
    made = _create(sdk, gateway, "SDK_1")
    gateway.confirm(made["trade_no"])

    paid = sdk.api_alipay_trade_query(out_trade_no="SDK_1")
    assert (paid["trade_status"], paid["total_amount"]) == ("TRADE_SUCCESS", "12.34")
    assert paid["trade_no"] == made["trade_no"]

    back = sdk.api_alipay_trade_refund("2.34", out_trade_no="SDK_1", out_request_no="R1")
    assert (back["fund_change"], back["refund_fee"]) == ("Y", "2.34")
    known = sdk.api_alipay_trade_fastpay_refund_query("R1", out_trade_no="SDK_1")
    assert (known["refund_status"], known["refund_amount"]) == ("REFUND_SUCCESS", "2.34")


def test_an_opened_trade_is_closed(sdk: Any, gateway: SimulatedGateway) -> None:
    gateway.decline(_create(sdk, gateway, "SDK_2")["trade_no"])
    assert sdk.api_alipay_trade_close(out_trade_no="SDK_2")["code"] == "10000"
    assert sdk.api_alipay_trade_query(out_trade_no="SDK_2")["trade_status"] == "TRADE_CLOSED"


def test_a_paid_trade_is_cancelled_and_its_money_comes_back(
    sdk: Any, gateway: SimulatedGateway
) -> None:
    gateway.confirm(_create(sdk, gateway, "SDK_5")["trade_no"])
    undone = sdk.api_alipay_trade_cancel(out_trade_no="SDK_5")
    assert (undone["retry_flag"], undone["action"]) == ("N", "refund")
    assert sdk.api_alipay_trade_query(out_trade_no="SDK_5")["trade_status"] == "TRADE_CLOSED"


def test_the_bill_of_a_day_is_named_and_fetched(sdk: Any, gateway: SimulatedGateway) -> None:
    """The library proves where the file is; the file itself nobody signs."""
    gateway.confirm(_create(sdk, gateway, "SDK_6")["trade_no"])
    sdk.api_alipay_trade_refund("2.34", out_trade_no="SDK_6", out_request_no="R6")
    day = f"{datetime.now(SHANGHAI):%Y-%m-%d}"
    gateway.control("PUT", "/clock", {"skew_seconds": 2 * 86400})
    asked = {"bill_type": "trade", "bill_date": day}
    found = sdk.server_api("alipay.data.dataservice.bill.downloadurl.query", asked)
    file = httpx.get(found["bill_download_url"], trust_env=False)
    with ZipFile(BytesIO(file.content)) as packed:
        details = [n for n in packed.namelist() if packed.getinfo(n).file_size]
        texts = [packed.read(name).decode("gb18030") for name in details]
    assert any("SDK_6" in text and "-2.34" in text and "12.34" in text for text in texts)


def test_a_login_code_gives_tokens_once(sdk: Any, gateway: SimulatedGateway) -> None:
    open_id = gateway.citizen()
    asked = {"grant_type": "authorization_code", "code": gateway.login_code(open_id)}
    assert sdk.server_api("alipay.system.oauth.token", **asked)["open_id"] == open_id
    with pytest.raises(AliPayException) as refused:
        sdk.server_api("alipay.system.oauth.token", **asked)
    assert '"error_response":{"code":"40002"' in str(refused.value)
    assert '"sub_code":"isv.code-invalid"' in str(refused.value)


def test_a_notice_is_proven_and_a_changed_one_is_not(
    sdk: Any, gateway: SimulatedGateway, notice_receiver: NoticeReceiver
) -> None:
    made = _create(sdk, gateway, "SDK_3", f"{notice_receiver.address}/notices")
    gateway.confirm(made["trade_no"])
    form = read_form(notice_receiver.wait_for(1)[0].body)
    signature = form.pop("sign")
    assert sdk.verify(dict(form), signature)
    assert not sdk.verify({**form, "total_amount": "12.35"}, signature)


def test_a_wrong_signature_is_noticed(sdk: Any, gateway: SimulatedGateway) -> None:
    made = _create(sdk, gateway, "SDK_4")
    gateway.confirm(made["trade_no"])
    gateway.faults(wrong_signature=True)
    with pytest.raises(AliPayValidationError):
        sdk.api_alipay_trade_query(out_trade_no="SDK_4")


def test_the_numbers_of_certificates_are_those_the_sdk_reckons(
    certified_gateway: SimulatedGateway,
) -> None:
    sdk, section = open_sdk(certified_gateway), certified_gateway.section
    assert sdk.app_cert_sn == certificate_number(section["app_cert"])
    assert "_" not in sdk.alipay_root_cert_sn
    assert section["alipay_root_cert"].count("BEGIN CERTIFICATE") == 2


def test_a_named_certificate_is_handed_out(certified_gateway: SimulatedGateway) -> None:
    sdk, section = open_sdk(certified_gateway), certified_gateway.section
    number = certificate_number(section["alipay_cert"])
    given = sdk.server_api("alipay.open.app.alipaycert.download", {"alipay_cert_sn": number})
    pem = base64.b64decode(given["alipay_cert_content"])
    assert load_pem_x509_certificate(pem) == load_pem_x509_certificate(
        section["alipay_cert"].encode()
    )
