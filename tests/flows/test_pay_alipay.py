"""A fee paid with Alipay from the application to the refund, by public key and by certificates.

Notices are also checked by a package that nobody here wrote.
"""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from api.settings import Settings
from tests.adapters.alipay.simulator.builders import certificate_number, open_sdk
from tests.flows.paying import FEE_FEN, Shop, becomes, open_shop, pay, until_status
from tests.flows.test_pay_wechat import demand_notices_taken, goes_on
from tests.gateways import NoticeReceiver, SimulatedGateway


@pytest.fixture(params=["key", "certificate"])
def gateway(request: pytest.FixtureRequest) -> SimulatedGateway:
    """Alipay's gateway in either mode, empty and faultless."""
    name = "alipay_process" if request.param == "key" else "certified_process"
    found: SimulatedGateway = request.getfixturevalue(name)
    found.reset()
    assert found.section["mode"] == request.param
    return found


async def test_a_fee_is_paid_the_case_goes_on_and_the_money_comes_back(
    paying_settings: Settings, tmp_path: Path, gateway: SimulatedGateway
) -> None:
    async with open_shop(paying_settings, tmp_path, {"alipay": gateway.section}) as shop:
        payer = await shop.arrive(gateway)
        owing = await payer.owing()
        begun = await payer.begun(owing.bill_no, "alipay")
        demand_launchable(gateway, begun)

        launch = {"client_parameters": begun["client_parameters"]}
        await pay(gateway, begun["payment_no"], **launch)
        paid = await payer.sees(begun["payment_no"], "succeeded")
        assert (paid["finished"], paid["client_parameters"]) == (True, None)
        await goes_on(payer, owing.case_no)
        heard = await shop.hears("payment.succeeded", begun["payment_no"])
        assert (heard["case_no"], heard["amount_fen"]) == (owing.case_no, FEE_FEN)

        part = await shop.refund(begun["payment_no"], 600, FEE_FEN)
        assert part.status_code == 201, part.text
        await becomes(shop, begun["payment_no"], "partially_refunded")
        rest = await shop.refund(begun["payment_no"], FEE_FEN - 600, FEE_FEN - 600)
        assert rest.status_code == 201, rest.text
        await becomes(shop, begun["payment_no"], "refunded")
        await shop.hears("payment.refunded", begun["payment_no"])
        assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["status"] == "refunded"
        # All three at the one address, each with the gateway's word of yes at once.
        await demand_notices_taken(gateway, "payment", "refund", "refund")


async def test_certificates_change_while_people_pay(
    paying_settings: Settings, tmp_path: Path, certified_process: SimulatedGateway
) -> None:
    """Answers name a certificate that nobody gave us: it is fetched, and its notices count."""
    gateway = certified_process
    gateway.reset()
    async with open_shop(paying_settings, tmp_path, {"alipay": gateway.section}) as shop:
        payer = await shop.arrive(gateway)
        gateway.faults(rotate_key=True)
        begun = await payer.begun((await payer.owing()).bill_no, "alipay")
        await pay(gateway, begun["payment_no"])
        await payer.sees(begun["payment_no"], "succeeded")
        # One that the old key signed is still on its way, and counts.
        gateway.clear_faults()
        other = await payer.begun((await payer.owing()).bill_no, "alipay")
        await pay(gateway, other["payment_no"])
        await payer.sees(other["payment_no"], "succeeded")
        assert gateway.calls("certificates") >= 1


async def test_a_key_that_nobody_gave_us_proves_nothing_and_the_query_tells(
    paying_settings: Settings, tmp_path: Path, gateway: SimulatedGateway
) -> None:
    async with open_shop(paying_settings, tmp_path, {"alipay": gateway.section}) as shop:
        payer = await shop.arrive(gateway)
        begun = await payer.begun((await payer.owing()).bill_no, "alipay")
        # Signed with the application's own key: who keeps that one for Alipay's believes it.
        gateway.faults(wrong_signature=True, only="notice")
        await pay(gateway, begun["payment_no"])
        await until_status(shop, begun["payment_no"], "succeeded", shop.chase)
        assert await shop.value("select count(*) from payment_notices") == 0


async def test_certificates_are_named_both_ways(
    paying_settings: Settings, tmp_path: Path, certified_process: SimulatedGateway
) -> None:
    """Ours in every call, theirs in every answer, seen on the wire between the two."""
    gateway = certified_process
    gateway.reset()
    section = gateway.section
    wire = Wire(gateway.address)
    relayed = {**section, "gateway_url": f"{wire.address}/gateway.do"}
    try:
        async with open_shop(paying_settings, tmp_path, {"alipay": relayed}) as shop:
            payer = await shop.arrive(gateway)
            await payer.begun((await payer.owing()).bill_no, "alipay")
    finally:
        wire.close()
    [(query, answer)] = [seen for seen in wire.seen if seen[0]["method"] == "alipay.trade.create"]
    assert query["app_cert_sn"] == certificate_number(section["app_cert"])
    assert query["alipay_root_cert_sn"] == open_sdk(gateway).alipay_root_cert_sn
    assert query["notify_url"].endswith("/v1/notices/alipay")
    named = certificate_number(section["alipay_cert"])
    assert f'"alipay_cert_sn":"{named}"'.encode() in answer


async def test_an_independent_library_believes_every_notice(
    paying_settings: Settings,
    tmp_path: Path,
    gateway: SimulatedGateway,
    notice_receiver: NoticeReceiver,
) -> None:
    """Payment and refunds told elsewhere: the library proves what our own adapter takes."""
    async with open_shop(
        paying_settings, tmp_path, {"alipay": gateway.section}, public_url=notice_receiver.address
    ) as shop:
        numbers = await _pay_and_refund(shop, gateway)
        sdk = open_sdk(gateway)
        for received in notice_receiver.wait_for(2):
            assert received.path == "/v1/notices/alipay"
            form = dict(parse_qsl(received.body.decode(), keep_blank_values=True))
            assert form["out_trade_no"] in numbers
            signature = form.pop("sign")
            assert sdk.verify(dict(form), signature)
            assert not sdk.verify({**form, "total_amount": "0.01"}, signature)


async def _pay_and_refund(shop: Shop, gateway: SimulatedGateway) -> set[str]:
    payer = await shop.arrive(gateway)
    begun = await payer.begun((await payer.owing()).bill_no, "alipay")
    await pay(gateway, begun["payment_no"])
    await until_status(shop, begun["payment_no"], "succeeded", shop.chase)
    assert (await shop.refund(begun["payment_no"], 100, FEE_FEN)).status_code == 201
    await until_status(shop, begun["payment_no"], "partially_refunded", shop.send_refunds)
    return {begun["payment_no"]}


def demand_launchable(gateway: SimulatedGateway, begun: dict[str, Any]) -> None:
    """What `my.tradePay` takes: the gateway's number of the trade and nothing else."""
    [trade] = [p for p in gateway.all("payments") if p["merchant_no"] == begun["payment_no"]]
    assert begun["client_parameters"] == {"tradeNO": trade["trade_no"]}
    assert re.fullmatch(r"[0-9]{16,64}", trade["trade_no"])
    asked = trade["asked"]
    assert (asked["total_amount"], asked["product_code"]) == ("16.00", "JSAPI_PAY")
    assert asked["op_app_id"] == gateway.section["op_app_id"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", asked["time_expire"])


class Wire:
    """Stands between the service and the gateway and writes down what goes by."""

    def __init__(self, target: str) -> None:
        self.seen: list[tuple[dict[str, str], bytes]] = []
        wire = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                kept = {"content-type": self.headers.get("content-type", "")}
                url = f"{target}{self.path}"
                answer = httpx.post(url, headers=kept, content=body, trust_env=False, timeout=10)
                wire.seen.append((dict(parse_qsl(self.path.partition("?")[2])), answer.content))
                self.send_response(answer.status_code)
                self.send_header("content-type", answer.headers["content-type"])
                self.send_header("content-length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content)

            def log_message(self, *_: object) -> None:
                """The test says what it needs to say."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
