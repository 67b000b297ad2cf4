"""The simulated Alipay beneath its methods: keys, people, what is told to the caller.

The methods (`trade.py`, `people.py` …) are plain functions of these books and of what was
asked; `gateway.py` puts them on the wire.
"""

from __future__ import annotations

import asyncio
import base64
import os
from abc import ABC
from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from heapq import heapify, heappop, heappush
from typing import Any, ClassVar, Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from msgspec import Struct

from adapters.alipay.signing import encrypt, sign
from adapters.alipay.simulator import notices
from adapters.alipay.simulator.amounts import SHANGHAI
from adapters.alipay.simulator.certificates import Certificates, open_certificates
from adapters.alipay.simulator.codes import Refused
from adapters.alipay.simulator.templates import TEMPLATES
from adapters.simulation.faults import Fault
from adapters.simulation.gateway import CannotDo, Gateway, Options
from adapters.simulation.journal import Table
from adapters.simulation.keys import private_pem, public_pem
from adapters.simulation.notices import Delivery
from adapters.simulation.records import Code, IdentityCheck, Notice, Payment

Mode = Literal["key", "certificate"]
Wanted = TypeVar("Wanted", bound=Struct)
WATCH_SECONDS = 0.5
NOTICE_PATH = "/v1/notices/alipay"


class Asked(Struct, frozen=True):
    """What a method was asked: its own parameters as JSON, and the common ones it may read."""

    content: bytes
    notify_url: str = ""
    return_url: str = ""
    auth_token: str = ""


class Token(Struct, frozen=True):
    """An access or refresh token; a refresh token is used once."""

    token: str
    kind: Literal["access", "refresh"]
    open_id: str
    expires_at: float
    used: bool = False


class Finished(Struct, frozen=True):
    """A trade whose time for refunds is over."""

    order_id: str
    at: float


class Picture(Struct, frozen=True):
    """A picture that was asked for; `link` is what it holds."""

    token: str
    link: str
    colour: str


class Books(Gateway, ABC):
    """Records, keys and notices of the simulated Alipay."""

    name: ClassVar[str] = "alipay"
    title: ClassVar[str] = "支付宝模拟网关"
    colour: ClassVar[str] = "#1677ff"
    order_word: ClassVar[str] = "trade_no"

    def __init__(self, options: Options, mode: Mode = "key") -> None:
        super().__init__(options)
        self.mode = mode
        self.app_id = self.keys.kept("app_id", "2021" + _digits(12))
        self.seller_id = self.keys.kept("seller_id", "2088" + _digits(12))
        self.aes_key_text = self.keys.kept("aes_key", base64.b64encode(os.urandom(16)).decode())
        self.aes_key = base64.b64decode(self.aes_key_text)
        self.app_key = self.keys.rsa("app")
        self.app_public_key = self.app_key.public_key()
        self.own_key = self.keys.rsa("alipay")
        self.tokens = Table(self.journal, "alipay_tokens", Token)
        self.finished = Table(self.journal, "alipay_finished", Finished)
        self.pictures = Table(self.journal, "alipay_pictures", Picture)
        self.trades_by_merchant_no = {p.merchant_no: p.order_id for p in self.payments}
        self.bill_urls: dict[str, tuple[float, bytes]] = {}
        self._endings = [
            (p.expires_at, p.order_id)
            for p in self.payments
            if p.state == "waiting" and p.expires_at
        ]
        heapify(self._endings)
        self._watch: asyncio.Task[None] | None = None

    # ── Time and keys ───────────────────────────────────────────────────────────────────

    def now(self) -> datetime:
        """The gateway's time on Shanghai's wall."""
        return self.time(self.clock.now())

    def time(self, seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, SHANGHAI)

    @cached_property
    def next_key(self) -> RSAPrivateKey:
        return self.keys.rsa("alipay_next")

    @cached_property
    def certificates(self) -> Certificates:
        """Made when first asked for: six keys take their time."""
        return open_certificates(self.keys)

    def signing_key(self, fault: Fault) -> RSAPrivateKey:
        """The key in force. A wrong signature is made with the application's own key: who keeps
        that one in the place of Alipay's would believe it."""
        if fault.wrong_signature or fault.probe:
            return self.app_key
        return self.next_key if fault.rotate_key else self.own_key

    def certificate_sn(self, fault: Fault) -> str:
        certificates = self.certificates
        return certificates.alipay_next_sn if fault.rotate_key else certificates.alipay_sn

    # ── What the frame asks ─────────────────────────────────────────────────────────────

    def sign_notice(self, notice: Notice, fault: Fault) -> Delivery:
        return notices.sign_notice(notice, fault, self.signing_key(fault), self.now())

    def accepts(self, notice: Notice, status: int, body: bytes) -> bool:
        del notice
        return status == 200 and body == b"success"

    def announce_payment(self, payment: Payment) -> None:
        notices.announce(self, payment, "payment")

    def new_transaction_id(self, payment: Payment) -> str:
        return payment.order_id

    def keep(self, payment: Payment) -> None:
        """A fresh trade, whose time is watched from now on."""
        self.payments.put(payment.order_id, payment)
        self.trades_by_merchant_no[payment.merchant_no] = payment.order_id
        if payment.expires_at is not None:
            heappush(self._endings, (payment.expires_at, payment.order_id))

    def resume(self) -> None:
        super().resume()
        self._watch = asyncio.get_running_loop().create_task(self._end_trades())

    async def _end_trades(self) -> None:
        """Nobody needs to ask for a trade's end to be told."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            while self._endings and self._endings[0][0] <= self.clock.now():
                self.payment(heappop(self._endings)[1])

    def expire(self, payment: Payment) -> Payment:
        """A trade that the person never opened ends without a word."""
        known = super().expire(payment)
        if known.state != payment.state and is_opened(known):
            notices.announce(self, known, "closed")
        return known

    def hand_out_code(self, kind: str, open_id: str, prefix: str = "") -> Code:
        """For the phone it is the envelope `my.getPhoneNumber` gives, not kept here."""
        if kind != "phone":
            return super().hand_out_code(kind, open_id, prefix)
        return Code(self._phone_envelope(open_id), kind, open_id, self.clock.now())

    def launch_fault(self, payment: Payment, parameters: Mapping[str, str]) -> str | None:
        if parameters.get("tradeNO") != payment.order_id:
            return "tradeNO is not this trade"
        return None

    def finish_check(self, check: IdentityCheck, passed: bool, result_code: str) -> IdentityCheck:
        """The name and number were given by the application: nobody known by that number may
        have another name."""
        same = all(
            citizen.name in ("", check.name)
            for citizen in self.citizens
            if citizen.id_number == check.id_number
        )
        return msgspec.structs.replace(
            check, state="passed" if passed and same else "failed", result_code=result_code
        )

    def trigger_event(self, event: str, details: Mapping[str, Any]) -> None:
        """`trade_finished` {trade_no}: no refunds any longer, said in a second notice.

        Any other name is the `msg_method` of a gateway message with the details as content.
        """
        if event == "trade_finished":
            self._finish_trade(str(details.get("trade_no", "")))
        elif "." in event:
            url = self.notify_base + NOTICE_PATH
            self.sender.send(notices.gateway_message(self, event, details, url))
        else:
            raise CannotDo(404, f"no event is called {event}")

    def reset(self) -> None:
        super().reset()
        for table in (self.tokens, self.finished, self.pictures):
            table.clear()
        self.trades_by_merchant_no.clear()
        self.bill_urls.clear()
        self._endings.clear()

    def templates(self) -> Mapping[str, str]:
        return {kind: template.template_id for kind, template in TEMPLATES.items()}

    def section(self) -> dict[str, Any]:
        common = {
            "gateway_url": f"{self.options.address}/gateway.do",
            "app_id": self.app_id,
            "app_private_key": private_pem(self.app_key),
            "mode": self.mode,
            "aes_key": self.aes_key_text,
            "seller_id": self.seller_id,
            "op_app_id": self.app_id,
            "templates": {
                kind: {"template_id": template.template_id, "fields": dict(template.fields)}
                for kind, template in TEMPLATES.items()
            },
        }
        if self.mode == "key":
            return {**common, "alipay_public_key": public_pem(self.own_key)}
        return {
            **common,
            "app_cert": self.certificates.app,
            "alipay_cert": self.certificates.alipay,
            "alipay_root_cert": self.certificates.root,
        }

    # ── Inside ──────────────────────────────────────────────────────────────────────────

    def _finish_trade(self, trade_no: str) -> None:
        payment = self.payment(trade_no)
        if payment is None:
            raise CannotDo(404, "no such payment")
        if payment.state != "paid" or payment.refunded_fen == payment.amount_fen:
            raise CannotDo(409, "only a paid trade can finish")
        if self.finished.get(trade_no) is None:
            self.finished.put(trade_no, Finished(trade_no, self.clock.now()))
            notices.announce(self, payment, "finished")

    def _phone_envelope(self, open_id: str) -> str:
        citizen = self.citizens.get(open_id)
        if citizen is not None and citizen.phone:
            said = {"code": "10000", "msg": "Success", "mobile": citizen.phone}
            sealed = encrypt(msgspec.json.encode(said), self.aes_key)
            raw = msgspec.json.encode(sealed)
        else:
            raw = msgspec.json.encode(
                {
                    "code": "40003",
                    "msg": "Insufficient Conditions",
                    "subCode": "isv.invalid-auth-relations",
                    "subMsg": "无效的授权关系",
                }
            )
        envelope = {
            "response": msgspec.Raw(raw),
            "sign": sign(raw, self.own_key),
            "sign_type": "RSA2",
            "encrypt_type": "AES",
            "charset": "UTF-8",
        }
        return msgspec.json.encode(envelope).decode()


def read_content(asked: Asked, kind: type[Wanted], sub_code: str) -> Wanted:
    """The method's parameters; fields nobody reads are left alone, as Alipay does."""
    try:
        return msgspec.json.decode(asked.content, type=kind)
    except msgspec.ValidationError as wrong:
        raise Refused(sub_code) from wrong
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as wrong:
        raise Refused("isv.illegal-json") from wrong


def is_opened(payment: Payment) -> bool:
    """Whether the person has ever stood before the cashier; earlier there is no trade."""
    return payment.at_cashier or payment.declines > 0 or payment.paid_at is not None


def _digits(count: int) -> str:
    return str(int.from_bytes(os.urandom(8), "big"))[:count].rjust(count, "0")
