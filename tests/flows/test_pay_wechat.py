"""A fee paid with WeChat from the application to the refund, in every mode of key and merchant.

The app's pay call and both notices are also checked by a package that nobody here wrote.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from wechatpayv3.utils import load_private_key, rsa_verify

from api.settings import Settings
from tests.flows.paying import FEE_FEN, Payer, becomes, open_shop, pay, until_status
from tests.flows.people import until
from tests.gateways import SimulatedGateway


class Mode(Struct, frozen=True):
    """How answers and notices are signed, and whose merchant takes the money."""

    keys: str
    merchant: str

    def section(self, gateway: SimulatedGateway) -> dict[str, Any]:
        """The channel's section for it."""
        section, account = gateway.section, gateway.control("GET", "/account")
        merchant = dict(section["merchant"])
        if self.keys == "certificate":
            merchant["platform_keys"] = {}
        if self.keys == "both":
            merchant["platform_keys"] = {**merchant["platform_keys"], **account["next_pay_key"]}
        if self.merchant != "direct":
            merchant |= {
                "mode": "partner",
                "merchant_id": account["provider_id"],
                "sub_merchant_id": account["sub_merchant_id"],
            }
        if self.merchant == "partner_own_app":
            merchant["provider_app_id"] = section["app_id"]
            section = {**section, "app_id": account["sub_app_id"]}
        return {**section, "merchant": merchant}


MODES = [
    Mode("public_key", "direct"),
    Mode("certificate", "direct"),
    Mode("public_key", "partner"),
    Mode("public_key", "partner_own_app"),
    Mode("certificate", "partner_own_app"),
]


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: f"{mode.keys}-{mode.merchant}")
async def test_a_fee_is_paid_the_case_goes_on_and_the_money_comes_back(
    paying_settings: Settings, tmp_path: Path, wechat_gateway: SimulatedGateway, mode: Mode
) -> None:
    section = mode.section(wechat_gateway)
    async with open_shop(paying_settings, tmp_path, {"wechat": section}) as shop:
        payer = await shop.arrive(wechat_gateway)
        owing = await payer.owing()
        begun = await payer.begun(owing.bill_no, "wechat")
        order = demand_launchable(wechat_gateway, section, begun)
        demand_owner(order, section)

        launch = {"client_parameters": begun["client_parameters"]}
        await pay(wechat_gateway, begun["payment_no"], **launch)
        paid = await payer.sees(begun["payment_no"], "succeeded")
        assert (paid["finished"], paid["client_parameters"]) == (True, None)
        assert paid["paid_at"]
        await goes_on(payer, owing.case_no)
        heard = await shop.hears("payment.succeeded", begun["payment_no"])
        assert (heard["case_no"], heard["amount_fen"]) == (owing.case_no, FEE_FEN)

        asked = await shop.refund(begun["payment_no"], FEE_FEN, FEE_FEN)
        assert asked.status_code == 201, asked.text
        await becomes(shop, begun["payment_no"], "refunded")
        back = await shop.hears("payment.refunded", begun["payment_no"])
        assert (back["refund_no"], back["refunded_fen"]) == (asked.json()["refund_no"], FEE_FEN)
        assert (await payer.read(f"/v1/bills/{owing.bill_no}"))["status"] == "refunded"
        await demand_notices_taken(wechat_gateway, "payment", "refund")


async def test_certificates_change_while_people_pay(
    paying_settings: Settings, tmp_path: Path, wechat_gateway: SimulatedGateway
) -> None:
    """The next certificate signs: it is fetched, and what it signs counts."""
    section = Mode("certificate", "direct").section(wechat_gateway)
    async with open_shop(paying_settings, tmp_path, {"wechat": section}) as shop:
        payer = await shop.arrive(wechat_gateway)
        before, after = await payer.owing(), await payer.owing()
        first = await payer.begun(before.bill_no, "wechat")
        wechat_gateway.faults(rotate_key=True)
        second = await payer.begun(after.bill_no, "wechat")
        for begun in (first, second):
            await pay(wechat_gateway, begun["payment_no"])
            await payer.sees(begun["payment_no"], "succeeded")
        assert {p["signed_by"] for p in asked_of(wechat_gateway)} == {"certificate"}


async def test_both_public_keys_count_while_one_follows_the_other(
    paying_settings: Settings, tmp_path: Path, wechat_gateway: SimulatedGateway
) -> None:
    """Notices of either key, on their way at the same moment."""
    section = Mode("both", "direct").section(wechat_gateway)
    async with open_shop(paying_settings, tmp_path, {"wechat": section}) as shop:
        payer = await shop.arrive(wechat_gateway)
        bills = [(await payer.owing()).bill_no for _ in range(4)]
        numbers = [(await payer.begun(bill, "wechat"))["payment_no"] for bill in bills]
        wechat_gateway.faults(rotate_key=True, only="notice", times=2)
        for number in numbers:
            await pay(wechat_gateway, number)
        for number in numbers:
            await payer.sees(number, "succeeded")
        await demand_notices_taken(wechat_gateway, *["payment"] * 4)


async def test_a_key_that_nobody_gave_us_proves_nothing_and_the_query_tells(
    paying_settings: Settings, tmp_path: Path, wechat_gateway: SimulatedGateway
) -> None:
    section = Mode("public_key", "direct").section(wechat_gateway)
    async with open_shop(paying_settings, tmp_path, {"wechat": section}) as shop:
        payer = await shop.arrive(wechat_gateway)
        begun = await payer.begun((await payer.owing()).bill_no, "wechat")
        wechat_gateway.faults(rotate_key=True, only="notice")
        await pay(wechat_gateway, begun["payment_no"])

        async def given_up() -> bool | None:
            [notice] = money_notices(wechat_gateway)
            return True if notice["state"] == "given_up" else None

        await until(given_up)
        [notice] = money_notices(wechat_gateway)
        assert set(notice["attempts"]) == {"401"}
        assert (await shop.payment(begun["payment_no"]))["status"] == "pending"
        assert await shop.value("select count(*) from payment_notices") == 0
        await until_status(shop, begun["payment_no"], "succeeded", shop.chase)


def demand_launchable(
    gateway: SimulatedGateway, section: dict[str, Any], begun: dict[str, Any]
) -> dict[str, Any]:
    """Every text of `wx.requestPayment`, its signature proven; gives the gateway's order."""
    given = begun["client_parameters"]
    [order] = [p for p in gateway.all("payments") if p["merchant_no"] == begun["payment_no"]]
    assert set(given) == {"timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert all(isinstance(value, str) for value in given.values())
    assert given["package"] == f"prepay_id={order['prepay_id']}"
    assert given["signType"] == "RSA"
    assert re.fullmatch(r"[0-9]{10}", given["timeStamp"])
    assert abs(int(given["timeStamp"]) - time.time()) < 60
    assert re.fullmatch(r"[0-9A-Za-z]{1,32}", given["nonceStr"])
    # The launching app is the one whose mini-program it is, also under a provider.
    text = f"{section['app_id']}\n{given['timeStamp']}"
    key = load_private_key(section["merchant"]["private_key"]).public_key()
    assert rsa_verify(text, given["nonceStr"], given["package"], given["paySign"], key)
    assert not rsa_verify(text, given["nonceStr"], "prepay_id=wx0", given["paySign"], key)
    assert (order["amount_fen"], begun["amount_fen"]) == (FEE_FEN, FEE_FEN)
    return order


def demand_owner(order: dict[str, Any], section: dict[str, Any]) -> None:
    """Whose order it is, and which identity of the payer it names."""
    asked, merchant = order["asked"], section["merchant"]
    if "sub_merchant_id" not in merchant:
        assert (asked["appid"], asked["mchid"]) == (section["app_id"], merchant["merchant_id"])
        assert set(asked["payer"]) == {"openid"}
        return
    assert (asked["sp_mchid"], asked["sub_mchid"]) == (
        merchant["merchant_id"],
        merchant["sub_merchant_id"],
    )
    if "provider_app_id" in merchant:
        assert (asked["sp_appid"], asked["sub_appid"]) == (
            merchant["provider_app_id"],
            section["app_id"],
        )
        assert set(asked["payer"]) == {"sub_openid"}
    else:
        assert (asked["sp_appid"], "sub_appid" in asked) == (section["app_id"], False)
        assert set(asked["payer"]) == {"sp_openid"}


async def goes_on(payer: Payer, case_no: str) -> None:
    """The case is decided by itself once its fee is there."""

    async def look() -> Any:
        progress = await payer.read(f"/v1/cases/{case_no}/progress")
        return progress if progress["status"] == "completed" else None

    progress = await until(look, 20)
    assert progress["payment"]["status"] == "paid"


async def demand_notices_taken(gateway: SimulatedGateway, *kinds: str) -> None:
    """These notices went out and each was accepted; a busy machine may have let one wait."""

    async def all_settled() -> Any:
        notices = money_notices(gateway)
        return notices if all(n["state"] != "waiting" for n in notices) else None

    notices = await until(all_settled)
    assert sorted(n["kind"] for n in notices) == sorted(kinds)
    assert {n["state"] for n in notices} == {"accepted"}
    assert {attempt for n in notices for attempt in n["attempts"]} <= {"200", "204", "503"}


def money_notices(gateway: SimulatedGateway) -> list[dict[str, Any]]:
    """What it told of payments and refunds."""
    return [notice for notice in gateway.all("notices") if notice["kind"] != "message"]


def asked_of(gateway: SimulatedGateway) -> list[dict[str, Any]]:
    return [payment["asked"] for payment in gateway.all("payments")]
