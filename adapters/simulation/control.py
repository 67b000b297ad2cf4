"""`/_control`: what a person does with their phone, and what the gateway is told to do wrong.

Answers are JSON, lists `{"items": […], "next_cursor": null}`; errors `{"code", "detail"}`
with 400, 404 or 409. Beside what people do
it shows what the gateway holds, and lets a test forget it all.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.simulation.faults import Fault
from adapters.simulation.gateway import CannotDo, ControlAct, Gateway
from adapters.simulation.records import Citizen, IdentityCheck, Payment

Wanted = TypeVar("Wanted", bound=Struct)
Text = Annotated[str, Meta(max_length=200)]
Act = Callable[[Request, bytes], Any]


# So many messages as good as never end.
FOR_GOOD = 1_000_000


class NewCitizen(Struct, frozen=True, forbid_unknown_fields=True):
    """`agrees`: a new person has said yes to every message for good (长期订阅)."""

    open_id: Annotated[str, Meta(pattern=r"\A[0-9A-Za-z_-]{1,128}\Z")] | None = None
    name: Text | None = None
    id_number: Text | None = None
    phone: Text | None = None
    union_id: Text | None = None
    user_id: Text | None = None
    blocked: bool = False
    agrees: bool = True


class Consent(Struct, frozen=True, forbid_unknown_fields=True):
    """`kind` or `template_id`; `count` messages more are allowed, 0: none any longer."""

    kind: Text | None = None
    template_id: Text | None = None
    count: Annotated[int, Meta(ge=0, le=1000)] = 1


class CashierOpened(Struct, frozen=True, forbid_unknown_fields=True):
    """What the mini-program handed to the pay call, to be checked as the app does."""

    client_parameters: dict[str, str] | None = None


class CheckEnd(Struct, frozen=True, forbid_unknown_fields=True):
    result_code: Text = ""


class ClockSetting(Struct, frozen=True, forbid_unknown_fields=True):
    skew_seconds: Annotated[float, Meta(ge=-1e9, le=1e9)]


class NotifyBase(Struct, frozen=True, forbid_unknown_fields=True):
    notify_base: Annotated[str, Meta(pattern=r"\Ahttps?://[^\s/]+/?\Z", max_length=200)]


class EventDetails(Struct, frozen=True):
    """The vendor's own words of the event."""

    details: dict[str, Any] = {}


def control_routes(gateway: Gateway) -> list[Route]:
    """Every path under `/_control`."""
    control = Control(gateway)
    paths: list[tuple[str, str, Act]] = [
        ("GET", "/citizens", control.list_citizens),
        ("POST", "/citizens", control.add_citizen),
        ("POST", "/citizens/{open_id}/subscriptions", control.subscribe),
        ("DELETE", "/citizens/{open_id}/subscriptions", control.unsubscribe),
        ("GET", "/payments", control.list_payments),
        ("POST", "/payments/{order_id}/open", control.open_cashier),
        ("POST", "/payments/{order_id}/confirm", control.confirm),
        ("POST", "/payments/{order_id}/decline", control.decline),
        ("GET", "/refunds", lambda *_: gateway.refunds),
        ("GET", "/messages", control.list_messages),
        ("GET", "/notices", lambda *_: gateway.notices),
        ("POST", "/notices/{notice_id}/send", control.send_notice),
        ("GET", "/identity-checks", lambda *_: gateway.checks),
        ("POST", "/identity-checks/{check_id}/pass", control.pass_check),
        ("POST", "/identity-checks/{check_id}/fail", control.fail_check),
        ("POST", "/events/{event}", control.trigger_event),
        ("GET", "/templates", lambda *_: dict(gateway.templates())),
        ("GET", "/faults", lambda *_: gateway.faults.in_force()),
        ("PUT", "/faults", control.put_faults),
        ("POST", "/faults", control.add_fault),
        ("DELETE", "/faults", control.clear_faults),
        ("GET", "/clock", control.show_clock),
        ("PUT", "/clock", control.set_clock),
        ("PUT", "/notify-base", control.set_notify_base),
        ("GET", "/calls", control.show_calls),
        ("POST", "/reset", control.reset),
    ]
    for method, path, act in gateway.controls():
        paths.append((method, path, _with_path(act)))
    for kind in gateway.code_kinds:
        paths.append(("POST", f"/citizens/{{open_id}}/{kind}-code", control.hand_out(kind)))
    return [
        Route(f"/_control{path}", _endpoint(act), methods=[method]) for method, path, act in paths
    ]


class Control:
    """What can be done by hand, one method each; the page's buttons do the same."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def list_citizens(self, *_: object) -> Any:
        return self._gateway.citizens

    def add_citizen(self, _: Request, body: bytes) -> Citizen:
        return self.write_citizen(body)

    def write_citizen(self, body: bytes) -> Citizen:
        """A new person, or changes to a known one: what is not named stays."""
        wanted = read_body(body, NewCitizen)
        open_id = wanted.open_id or f"o{secrets.token_urlsafe(20)}"
        known = self._gateway.citizens.get(open_id) or self._stranger(open_id, wanted.agrees)
        fields = msgspec.structs.asdict(wanted)
        named = {k: v for k, v in fields.items() if v is not None and k != "agrees"}
        citizen = msgspec.structs.replace(known, **{**named, "open_id": open_id})
        return self._gateway.citizens.put(open_id, citizen)

    def _stranger(self, open_id: str, agrees: bool) -> Citizen:
        allowed = dict.fromkeys(self._gateway.templates().values(), FOR_GOOD) if agrees else {}
        return Citizen(open_id, phone=_some_phone(), consents=allowed)

    def hand_out(self, kind: str) -> Act:
        def act(request: Request, _: bytes) -> Any:
            citizen = self.citizen(request.path_params["open_id"])
            return {"code": self._gateway.hand_out_code(kind, citizen.open_id).code}

        return act

    def subscribe(self, request: Request, body: bytes) -> Citizen:
        wanted = read_body(body, Consent)
        return self.consent(request.path_params["open_id"], wanted)

    def unsubscribe(self, request: Request, _: bytes) -> Citizen:
        wanted = Consent(
            kind=request.query_params.get("kind"),
            template_id=request.query_params.get("template_id"),
            count=0,
        )
        return self.consent(request.path_params["open_id"], wanted)

    def consent(self, open_id: str, wanted: Consent) -> Citizen:
        """Neither kind nor template named: all of them."""
        citizen = self.citizen(open_id)
        templates = self._gateway.templates()
        if wanted.kind is not None and wanted.kind not in templates:
            raise CannotDo(404, f"no template for {wanted.kind}")
        named = templates[wanted.kind] if wanted.kind else wanted.template_id
        chosen = [named] if named else list(templates.values())
        known = citizen.consents
        changed = {t: known.get(t, 0) + wanted.count if wanted.count else 0 for t in chosen}
        citizen = msgspec.structs.replace(citizen, consents={**known, **changed})
        self._gateway.citizens.put(open_id, citizen)
        self._gateway.consent_changed(citizen, chosen, wanted.count)
        return citizen

    def list_payments(self, *_: object) -> list[dict[str, Any]]:
        gateway = self._gateway
        return [gateway.show_payment(gateway.expire(payment)) for payment in gateway.payments]

    def list_messages(self, *_: object) -> list[dict[str, Any]]:
        kinds = {template_id: kind for kind, template_id in self._gateway.templates().items()}
        return [
            {"kind": kinds.get(message.template_id), **msgspec.structs.asdict(message)}
            for message in self._gateway.messages
        ]

    def open_cashier(self, request: Request, body: bytes) -> dict[str, Any]:
        """The person has the password field before them."""
        payment = self._payment(request, body)
        opened = msgspec.structs.replace(payment, at_cashier=True)
        return self._keep(opened)

    def confirm(self, request: Request, body: bytes) -> dict[str, Any]:
        paid = self._gateway.confirm(self._payment(request, body).order_id)
        return self._gateway.show_payment(paid)

    def decline(self, request: Request, body: bytes) -> dict[str, Any]:
        return self.turn_away(self._payment(request, body).order_id)

    def turn_away(self, number: str) -> dict[str, Any]:
        """The person closes the cashier without paying; they may come back."""
        payment = self._waiting(number)
        left = msgspec.structs.replace(payment, at_cashier=False, declines=payment.declines + 1)
        return self._keep(left)

    def _keep(self, payment: Payment) -> dict[str, Any]:
        return self._gateway.show_payment(self._gateway.payments.put(payment.order_id, payment))

    def send_notice(self, request: Request, _: bytes) -> Any:
        if not self._gateway.sender.send_again(request.path_params["notice_id"]):
            raise CannotDo(404, "no such notice")
        return {"sent": True}

    def pass_check(self, request: Request, body: bytes) -> IdentityCheck:
        return self.end_check(request.path_params["check_id"], True, read_body(body, CheckEnd))

    def fail_check(self, request: Request, body: bytes) -> IdentityCheck:
        return self.end_check(request.path_params["check_id"], False, read_body(body, CheckEnd))

    def end_check(self, check_id: str, passed: bool, end: CheckEnd) -> IdentityCheck:
        check = self._gateway.checks.get(check_id)
        if check is None:
            raise CannotDo(404, "no such identity check")
        if check.state != "pending":
            raise CannotDo(409, f"the identity check has {check.state}")
        ended = self._gateway.finish_check(check, passed, end.result_code)
        return self._gateway.checks.put(check_id, ended)

    def trigger_event(self, request: Request, body: bytes) -> Any:
        wanted = read_body(body, EventDetails)
        self._gateway.trigger_event(request.path_params["event"], wanted.details)
        return {"triggered": True}

    def put_faults(self, _: Request, body: bytes) -> list[Fault]:
        faults = _decode(body, list[Fault] | Fault)
        self._gateway.faults.put(faults if isinstance(faults, list) else [faults])
        return self._gateway.faults.in_force()

    def add_fault(self, _: Request, body: bytes) -> list[Fault]:
        self._gateway.faults.add(read_body(body, Fault))
        return self._gateway.faults.in_force()

    def clear_faults(self, *_: object) -> list[Fault]:
        self._gateway.faults.put([])
        return []

    def show_clock(self, *_: object) -> Any:
        clock = self._gateway.clock
        return {"now": clock.now(), "skew_seconds": clock.skew_seconds}

    def set_clock(self, _: Request, body: bytes) -> Any:
        self._gateway.clock.skew_seconds = read_body(body, ClockSetting).skew_seconds
        return self.show_clock()

    def set_notify_base(self, _: Request, body: bytes) -> Any:
        """Where pushes go from now on."""
        self._gateway.notify_base = read_body(body, NotifyBase).notify_base.rstrip("/")
        return {"notify_base": self._gateway.notify_base}

    def show_calls(self, *_: object) -> Any:
        """How often each operation was called, and how the last 500 calls ended."""
        return {"counts": self._gateway.calls, "last": list(self._gateway.outcomes)}

    def reset(self, *_: object) -> Any:
        self._gateway.reset()
        return {"reset": True}

    def citizen(self, open_id: str) -> Citizen:
        citizen = self._gateway.citizens.get(open_id)
        if citizen is None:
            raise CannotDo(404, "no such citizen")
        return citizen

    def _payment(self, request: Request, body: bytes) -> Payment:
        payment = self._waiting(request.path_params["order_id"])
        parameters: Mapping[str, str] | None = read_body(body, CashierOpened).client_parameters
        fault = None if parameters is None else self._gateway.launch_fault(payment, parameters)
        if fault is not None:
            raise CannotDo(400, fault)
        return payment

    def _waiting(self, number: str) -> Payment:
        payment = self._gateway.payment(number)
        if payment is None:
            raise CannotDo(404, "no such payment")
        if payment.state != "waiting":
            raise CannotDo(409, f"the payment is {payment.state}")
        return payment


def _some_phone() -> str:
    """Everybody with the app has a number; who it is does not matter."""
    return f"1380013{secrets.randbelow(10_000):04d}"


def _with_path(act: ControlAct) -> Act:
    return lambda request, body: act(request.path_params, body)


def _endpoint(act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        body = await request.body()
        try:
            done = act(request, body)
        except CannotDo as refusal:
            said = {"code": "cannot_do", "detail": str(refusal)}
            return Response(
                msgspec.json.encode(said), refusal.status, media_type="application/json"
            )
        if not isinstance(done, (Struct, dict)):
            done = {"items": list(done), "next_cursor": None}
        return Response(msgspec.json.encode(done), media_type="application/json")

    return answer


def read_body(body: bytes, wanted: type[Wanted]) -> Wanted:
    """The body as a struct; an empty one is an empty object."""
    read: Wanted = _decode(body.strip() or b"{}", wanted)
    return read


def _decode(body: bytes, wanted: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.MsgspecError as error:
        raise CannotDo(400, str(error)) from error
