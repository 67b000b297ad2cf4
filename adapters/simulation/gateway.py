"""A gateway: its records, its keys, its clock, its faults, and what a vendor adds to them.

A vendor's simulator is a subclass: `operations()` are its real paths, the other abstract
methods answer what differs between vendors. Handlers are plain functions of a `Call`:
they run one at a time, so what they read and write belongs together without locks.
"""

from __future__ import annotations

import secrets
import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct

from adapters.simulation.faults import Fault, FaultBoard
from adapters.simulation.journal import Journal, Table
from adapters.simulation.keys import KeyRing, draw_toml, write_private
from adapters.simulation.notices import Delivery, NoticeSender
from adapters.simulation.records import (
    Citizen,
    Code,
    IdentityCheck,
    Notice,
    Payment,
    Refund,
    SentMessage,
)


class Options(Struct, frozen=True):
    """How a simulator is started.

    `notify_base` is the caller's own address, for what is pushed without being asked for.
    `retry_seconds` are the waits before each repeat of a notice that was not accepted.
    `any_target`: notices may leave this machine.
    """

    data_dir: Path
    port: int
    host: str = "127.0.0.1"
    notify_base: str = "http://127.0.0.1:8000"
    retry_seconds: tuple[float, ...] = (1, 1, 2, 5, 10, 30, 60, 120, 300)
    any_target: bool = False

    @property
    def address(self) -> str:
        """Where this gateway is called."""
        host = "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104 (only named)
        return f"http://{host}:{self.port}"


class Call(Struct, frozen=True):
    """A request as it came: `query` is raw, `headers` in lower case, `parameters` of the path."""

    operation: str
    method: str
    path: str
    query: str
    parameters: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def target(self) -> str:
        """Path and query exactly as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def fields(self) -> dict[str, str]:
        """The query, decoded; the last of a repeated name wins."""
        return dict(parse_qsl(self.query, keep_blank_values=True))


class Answer(Struct, frozen=True):
    """What goes back; `headers` come beside the media type."""

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = {}


_CODES_KEPT_SECONDS = 86400
# Of what is only looked back at; money is kept for its bills.
ROWS_MOST = 50_000
Handler = Callable[[Call], Answer]
ControlAct = Callable[[Mapping[str, str], bytes], Any]


class Operation(Struct, frozen=True):
    """One real path of the gateway; `name` is what faults and counts call it."""

    name: str
    methods: tuple[str, ...]
    path: str
    handle: Handler


class Outcome(Struct, frozen=True):
    """What a finished call was answered, for `/_control/calls`."""

    operation: str
    status: int
    took_ms: float


class CannotDo(Exception):
    """Something asked for under `/_control` that the gateway cannot do; `status` is HTTP's."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Clock:
    """The gateway's own idea of the time; `skew_seconds` is how far it is off."""

    def __init__(self) -> None:
        self.skew_seconds = 0.0

    def now(self) -> float:
        return time.time() + self.skew_seconds


class Gateway(ABC):
    """What every gateway is. `name` is the channel's name, `title` and `colour` the page's.

    `order_word` is what the vendor calls a payment's `order_id`; `code_kinds` are the codes
    its app hands out.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    colour: ClassVar[str]
    order_word: ClassVar[str]
    code_kinds: ClassVar[tuple[str, ...]] = ("login", "phone")

    def __init__(self, options: Options) -> None:
        self.options = options
        options.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.keys = KeyRing(options.data_dir / "keys")
        self.clock = Clock()
        self.faults = FaultBoard()
        self.journal = Journal(options.data_dir / "journal.ndjson")
        self.citizens = Table(self.journal, "citizens", Citizen)
        self.codes = Table(self.journal, "codes", Code, most=ROWS_MOST)
        self.payments = Table(self.journal, "payments", Payment, group=lambda p: p.merchant_no)
        self.refunds = Table(self.journal, "refunds", Refund, group=lambda r: r.order_id)
        self.messages = Table(self.journal, "messages", SentMessage, most=ROWS_MOST)
        self.checks = Table(self.journal, "checks", IdentityCheck)
        self.notices = Table(self.journal, "notices", Notice, most=ROWS_MOST)
        self.sender = NoticeSender(
            self.notices,
            self.faults,
            sign=self.sign_notice,
            accepts=self.accepts,
            retry_seconds=options.retry_seconds,
            any_target=options.any_target,
        )
        self.notify_base = options.notify_base
        self.calls: Counter[str] = Counter()
        self.outcomes: deque[Outcome] = deque(maxlen=500)
        for code in self.codes:
            if self.clock.now() - code.made_at > _CODES_KEPT_SECONDS:
                self.codes.remove(code.code)

    # ── What a vendor answers ───────────────────────────────────────────────────────────

    @abstractmethod
    def operations(self) -> Sequence[Operation]:
        """The gateway's real paths; earlier ones win."""

    @abstractmethod
    def error_of(self, call: Call, status: int, code: str | None) -> Answer:
        """The vendor's error for an HTTP status, or the one named `code`; unsigned."""

    @abstractmethod
    def quota_error(self, call: Call) -> Answer:
        """The vendor's answer to a call too many; unsigned."""

    @abstractmethod
    def seal(self, call: Call, answer: Answer, fault: Fault) -> Answer:
        """Sign an answer as the vendor does, or spoilt as the fault says.

        `wrong_signature`, `rotate_key` and `wrong_amount_answered` are to be obeyed.
        """

    @abstractmethod
    def sign_notice(self, notice: Notice, fault: Fault) -> Delivery:
        """The request that delivers a notice now, signed, spoilt as the fault says.

        `wrong_signature`, `rotate_key`, `wrong_amount` and `probe` are to be obeyed.
        """

    @abstractmethod
    def accepts(self, notice: Notice, status: int, body: bytes) -> bool:
        """Whether this answer to a notice stops the repeats."""

    @abstractmethod
    def announce_payment(self, payment: Payment) -> None:
        """Tell the caller that this payment has succeeded (`self.sender.send`)."""

    @abstractmethod
    def new_transaction_id(self, payment: Payment) -> str:
        """The number a payment gets when it succeeds."""

    @abstractmethod
    def section(self) -> dict[str, Any]:
        """The channel's section of the API's channels file."""

    @abstractmethod
    def templates(self) -> Mapping[str, str]:
        """Message kinds and their template ids."""

    # ── What a vendor may answer otherwise ──────────────────────────────────────────────

    def name_call(self, call: Call, operation: Operation) -> str:
        """What faults and counts call this call, where one path stands for many operations."""
        del call
        return operation.name

    def launch_fault(self, payment: Payment, parameters: Mapping[str, str]) -> str | None:
        """Why the app would not open the cashier with these parameters; None: it would."""
        del payment, parameters
        return None

    def consent_changed(self, citizen: Citizen, template_ids: Sequence[str], consents: int) -> None:
        """Somebody gave (`consents` > 0) or took back their consent to templates' messages."""
        del citizen, template_ids, consents

    def controls(self) -> Sequence[tuple[str, str, ControlAct]]:
        """More under `/_control`: method, path and what it does with path fields and body."""
        return ()

    def resume(self) -> None:
        """Called in the running loop at the start: go on with what an earlier run left undone."""
        self.sender.resume()

    def finish_check(self, check: IdentityCheck, passed: bool, result_code: str) -> IdentityCheck:
        """How a face check ends; somebody else's name or number never passes."""
        citizen = self.citizens.get(check.open_id)
        same = citizen is not None and all(
            known in ("", given)
            for known, given in ((citizen.name, check.name), (citizen.id_number, check.id_number))
        )
        return msgspec.structs.replace(
            check, state="passed" if passed and same else "failed", result_code=result_code
        )

    def trigger_event(self, event: str, details: Mapping[str, Any]) -> None:
        """Push one of the vendor's own events. Raises CannotDo where there is none such."""
        del details
        raise CannotDo(404, f"no event is called {event}")

    # ── What every gateway does ─────────────────────────────────────────────────────────

    def hand_out_code(self, kind: str, open_id: str, prefix: str = "") -> Code:
        """A fresh code of that kind for a person, used once by `redeem`."""
        code = Code(prefix + secrets.token_hex(16), kind, open_id, self.clock.now())
        return self.codes.put(code.code, code)

    def redeem(self, code: str, kind: str, seconds: float) -> Code | None:
        """Use a code up. The row as it was before: `used` says that it came too late.

        None: unknown, of another kind, or older than `seconds`.
        """
        row = self.codes.get(code)
        if row is None or row.kind != kind or self.clock.now() - row.made_at > seconds:
            return None
        if not row.used:
            self.codes.put(code, msgspec.structs.replace(row, used=True))
        return row

    def payment(self, number: str) -> Payment | None:
        """A payment by the vendor's number or the caller's, closed where its time has run out."""
        payment = self.payments.get(number)
        if payment is None:
            payment = next(iter(self.payments.of(number)), None)
        return None if payment is None else self.expire(payment)

    def show_payment(self, payment: Payment) -> dict[str, Any]:
        """A payment for `/_control`, its number also under the vendor's word."""
        shown = msgspec.structs.asdict(payment)
        return {self.order_word: payment.order_id, "out_trade_no": payment.merchant_no, **shown}

    def expire(self, payment: Payment) -> Payment:
        """The payment as of now. A vendor whose orders stay open past their time overrides it."""
        now = self.clock.now()
        if payment.state != "waiting" or payment.expires_at is None or now < payment.expires_at:
            return payment
        closed = msgspec.structs.replace(payment, state="closed", closed_at=payment.expires_at)
        return self.payments.put(payment.order_id, closed)

    def confirm(self, number: str) -> Payment:
        """The person pays. Raises CannotDo where there is nothing to pay."""
        payment = self.payment(number)
        if payment is None:
            raise CannotDo(404, "no such payment")
        now = self.clock.now()
        if payment.state != "waiting":
            raise CannotDo(409, f"the payment is {payment.state}")
        if payment.expires_at is not None and now >= payment.expires_at:
            raise CannotDo(409, "the time to pay has run out")
        paid = msgspec.structs.replace(
            payment,
            state="paid",
            transaction_id=self.new_transaction_id(payment),
            paid_at=now,
            at_cashier=False,
        )
        self.payments.put(paid.order_id, paid)
        self.announce_payment(paid)
        return paid

    def write_section(self) -> Path:
        """Write `<channel>.toml`, the section for the API's channels file."""
        path = self.options.data_dir / f"{self.name}.toml"
        write_private(path, draw_toml(self.name, self.section()).encode())
        return path

    def reset(self) -> None:
        """Forget everything but the keys. A vendor that remembers more adds to this."""
        self.sender.cancel()
        self.faults.put([])
        self.clock.skew_seconds = 0.0
        for table in (
            self.citizens,
            self.codes,
            self.payments,
            self.refunds,
            self.messages,
            self.checks,
            self.notices,
        ):
            table.clear()
        self.calls.clear()
        self.outcomes.clear()
