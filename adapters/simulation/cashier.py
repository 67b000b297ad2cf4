"""The cashier at `/cashier/{number}`: what the person sees on the phone when there is to be paid.

A page for one payment, by the vendor's number or the caller's: what it is for, how much, until
when, and two large buttons. Drawn on the server; without a script it works as well.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.simulation.control import Control
from adapters.simulation.gateway import CannotDo, Gateway
from adapters.simulation.records import Payment

_CHINA = timezone(timedelta(hours=8))


class Face(Struct, frozen=True):
    """What the page says first of a payment: a mark, a headline, a sentence beneath."""

    mark: str
    headline: str
    sentence: str
    payable: bool = False


WAITING = Face("¥", "待支付", "请核对金额，再按“确认支付”。", payable=True)
DECLINED = Face("¥", "您还没有支付", "可以现在支付，也可以返回办事程序。", payable=True)
PAID = Face("✓", "支付成功", "可以返回办事程序查看进度。")
REFUNDED = Face("↩", "已退款", "钱会退回您付款的账户。")
PART_REFUNDED = Face("↩", "已支付，部分退款", "退款会回到您付款的账户。")
CLOSED = Face("✕", "订单已关闭", "没有扣款。需要缴费时请在办事程序里重新发起。")
LATE = Face("✕", "已过支付时间", "没有扣款。请在办事程序里重新发起支付。")
UNKNOWN = Face("?", "没有找到这笔订单", "请返回办事程序，重新打开支付。")


def cashier_routes(gateway: Gateway) -> list[Route]:
    """The page, and its two buttons."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    environment.filters["moment"] = _moment
    environment.filters["yuan"] = lambda fen: f"{fen // 100:,}.{fen % 100:02d}"
    template = environment.get_template("cashier.html")
    control = Control(gateway)
    acts: dict[str, Callable[[str], object]] = {
        "confirm": gateway.confirm,
        "decline": control.turn_away,
    }

    async def show(request: Request) -> Response:
        payment = gateway.payment(request.path_params["number"])
        face = UNKNOWN if payment is None else face_of(payment, gateway.clock.now())
        text = template.render(gateway=gateway, payment=payment, face=face)
        status = 404 if payment is None else 200
        return HTMLResponse(text, status, headers={"Cache-Control": "no-store"})

    async def press(request: Request) -> Response:
        number = request.path_params["number"]
        # Where it cannot be done, the page says how the payment stands, and that is why.
        with contextlib.suppress(CannotDo, KeyError):
            acts[request.path_params["act"]](number)
        return RedirectResponse(f"/cashier/{quote(number, safe='')}", status_code=303)

    return [
        Route("/cashier/{number}", show, methods=["GET"]),
        Route("/cashier/{number}/{act}", press, methods=["POST"]),
    ]


def face_of(payment: Payment, now: float) -> Face:
    """How a payment stands, in words for anybody."""
    if payment.state == "paid":
        if payment.refunded_fen >= payment.amount_fen:
            return REFUNDED
        return PART_REFUNDED if payment.refunded_fen else PAID
    if payment.state == "closed":
        return CLOSED
    if payment.expires_at is not None and now >= payment.expires_at:
        return LATE
    return DECLINED if payment.declines else WAITING


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return ""
    at = datetime.fromtimestamp(seconds, _CHINA)
    return f"{at.month}月{at.day}日 {at:%H:%M}"
