"""The page at `/`: the person's phone and the gateway's switches, for trying things by hand.

Drawn on the server, without a script, a font or a picture from elsewhere; every button
is a form that does what the same path under `/_control` does and comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.simulation.control import CheckEnd, Consent, Control
from adapters.simulation.faults import NOTHING_WRONG, Fault
from adapters.simulation.gateway import CannotDo, Gateway

_CHINA = timezone(timedelta(hours=8))
_SHOWN = 50
# The switches a person flips, with what the page calls them.
SWITCHES: dict[str, str] = {
    "latency_ms": "延迟（毫秒）",
    "reply_late_ms": "先处理、迟答复（毫秒）",
    "hang": "一直不答复",
    "status": "只答 HTTP 状态码",
    "code": "只答此错误码",
    "status_after": "已处理但答此状态码",
    "lose_reply": "已处理但答复丢失",
    "quota": "剩余调用次数",
    "wrong_signature": "签名错误",
    "rotate_key": "换用新密钥",
    "wrong_amount": "通知金额多一分",
    "wrong_amount_answered": "答复金额多一分",
    "probe": "先发探测通知",
    "duplicate": "通知重复（次）",
    "concurrent": "通知并发（个）",
    "late_ms": "通知迟到（毫秒）",
    "out_of_order": "通知乱序",
    "mute": "不发通知",
    "only": "仅限操作（空格分隔）",
    "times": "仅限次数",
    "after": "先放过次数",
}
STATES = {
    "waiting": "待支付",
    "paid": "已支付",
    "closed": "已关闭",
    "processing": "退款中",
    "succeeded": "已退款",
    "abnormal": "退款异常",
    "pending": "进行中",
    "passed": "已通过",
    "failed": "未通过",
}
NOTICE_STATES = {
    "waiting": "发送中",
    "accepted": "对方已收",
    "given_up": "已放弃",
    "muted": "按要求未发",
    "target_refused": "目标不是本机，未发",
}


def page_routes(gateway: Gateway) -> list[Route]:
    """The page, and its buttons under `/_page`."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True
    )
    environment.filters["clock"] = _clock
    environment.filters["yuan"] = lambda fen: f"{fen // 100}.{fen % 100:02d}"
    template = environment.get_template("page.html")

    async def show(request: Request) -> Response:
        newest = {
            name: list(getattr(gateway, name))[::-1][:_SHOWN]
            for name in ("citizens", "refunds", "messages", "notices", "checks")
        }
        payments = [gateway.expire(payment) for payment in gateway.payments][::-1][:_SHOWN]
        text = template.render(
            gateway=gateway,
            payments=payments,
            switches=SWITCHES,
            types={name: type(getattr(NOTHING_WRONG, name)).__name__ for name in SWITCHES},
            faults=[msgspec.json.encode(fault).decode() for fault in gateway.faults.in_force()],
            states=STATES,
            notice_states=NOTICE_STATES,
            templates={template_id: kind for kind, template_id in gateway.templates().items()},
            said=request.query_params.get("said", ""),
            **newest,
        )
        return HTMLResponse(text, headers={"Cache-Control": "no-store"})

    return [
        Route("/", show, methods=["GET"]),
        Route("/_page/{act}", _press(Buttons(gateway)), methods=["POST"]),
    ]


class Buttons:
    """What each button does with its form; gives what the page then says."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._control = Control(gateway)
        self.acts: dict[str, Callable[[dict[str, str]], str]] = {
            "citizen": self._citizen,
            "code": self._code,
            "consent": self._consent,
            "confirm": self._confirm,
            "decline": self._decline,
            "check": self._check,
            "notice": self._notice,
            "faults": self._faults,
            "clear": self._clear,
        }

    def _citizen(self, form: dict[str, str]) -> str:
        named = {name: value for name, value in form.items() if value}
        citizen = self._control.write_citizen(msgspec.json.encode(named))
        return f"已添加 {citizen.open_id}"

    def _code(self, form: dict[str, str]) -> str:
        citizen = self._control.citizen(form.get("open_id", ""))
        kind = form.get("kind", "")
        if kind not in self._gateway.code_kinds:
            raise CannotDo(404, "no such kind of code")
        return f"{kind} code：{self._gateway.hand_out_code(kind, citizen.open_id).code}"

    def _consent(self, form: dict[str, str]) -> str:
        count = int(form.get("count", "1"))
        self._control.consent(form.get("open_id", ""), Consent(count=count))
        return "已允许各类消息一次" if count else "已取消订阅"

    def _confirm(self, form: dict[str, str]) -> str:
        paid = self._gateway.confirm(form.get("order_id", ""))
        return f"已支付 {paid.merchant_no}"

    def _decline(self, form: dict[str, str]) -> str:
        self._control.turn_away(form.get("order_id", ""))
        return "已取消支付"

    def _check(self, form: dict[str, str]) -> str:
        passed = form.get("passed") == "yes"
        ended = self._control.end_check(form.get("check_id", ""), passed, CheckEnd())
        return f"核验{STATES[ended.state]}"

    def _notice(self, form: dict[str, str]) -> str:
        if not self._gateway.sender.send_again(form.get("notice_id", "")):
            raise CannotDo(404, "no such notice")
        return "已再次发送"

    def _faults(self, form: dict[str, str]) -> str:
        given: dict[str, Any] = {name: value for name, value in form.items() if value}
        if "only" in given:
            given["only"] = given["only"].split()
        try:
            fault = msgspec.convert(given, Fault, strict=False)
        except msgspec.ValidationError as error:
            raise CannotDo(400, str(error)) from error
        self._gateway.faults.add(fault)
        return "故障已生效"

    def _clear(self, _: dict[str, str]) -> str:
        self._gateway.faults.put([])
        return "故障已清除"


def _press(buttons: Buttons) -> Callable[[Request], Awaitable[Response]]:
    async def press(request: Request) -> Response:
        form = {k: v[-1] for k, v in parse_qs((await request.body()).decode()).items()}
        act = buttons.acts.get(request.path_params["act"])
        try:
            said = act(form) if act else "没有这个按钮"
        except (CannotDo, ValueError) as refusal:
            said = f"未完成：{refusal}"
        return RedirectResponse("/?" + urlencode({"said": said}), status_code=303)

    return press


def _clock(seconds: float | None) -> str:
    return "" if seconds is None else f"{datetime.fromtimestamp(seconds, _CHINA):%m-%d %H:%M:%S}"
