"""What a channel can do for us, in our words. Channels implement it; features see nothing else.

A channel is opened from its own section of the channels file and offers any of six
small protocols: `SignIn`, `Identity`, `RealNames`, `Payments`, `Messages`, `Links`. There are no
defaults: what a channel does not offer is None in its `Channel`, and a caller says so
(`channel_cannot`) instead of pretending.

Two kinds of failure leave an adapter, nothing else: a `Refusal` (the channel answered,
and the answer is no, with our code) and `Unreachable` (no answer that can be believed:
refused, late, 5xx, a wrong signature, "system busy"). After `Unreachable` of a call that
changes something the outcome is unknown, and only a query by our number can tell.
Amounts are integer fen, times carry a zone, and nothing here holds a vendor's word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, Literal, Protocol

from msgspec import Struct


class ChannelError(Exception):
    """Whatever goes wrong in a channel; `code` is ours and stable, the text holds no data."""

    def __init__(self, code: str, *, channel_code: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.channel_code = channel_code


class Refusal(ChannelError):
    """The channel said no, and the same request will hear no again.

    Codes: `code_wrong` (login or phone code unknown, used or expired), `user_blocked`,
    `user_refused` (no consent, not subscribed), `identity_mismatch`, `parameter_wrong`
    (we sent something the channel does not take), `not_permitted` (our contract with the
    channel does not cover it), `not_found`, `state_wrong` (the order or refund is in a state
    that does not allow it), `not_enough_funds`, `quota_used`, `already_closed`, `already_paid`.
    """


class Unreachable(ChannelError):
    """No answer that can be believed; whether the request took effect is unknown.

    Codes: `timeout`, `connection_failed`, `channel_busy`, `answer_unproven`,
    `answer_unreadable`, `circuit_open`. `sent` False: it surely took no effect.
    """

    def __init__(self, code: str, *, sent: bool = True, channel_code: str | None = None) -> None:
        super().__init__(code, channel_code=channel_code)
        self.sent = sent


class NoticeRefused(ChannelError):
    """Something that came in was not proven to be from the channel, or cannot be read.

    Codes: `signature_wrong`, `signature_probe` (a wrong signature sent on purpose),
    `stale`, `serial_unknown`, `not_ours` (another application or merchant), `malformed`.
    """


class Inbound(Struct, frozen=True):
    """A request from the channel as it came: `headers` in lower case, `body` the raw bytes."""

    method: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Reply(Struct, frozen=True):
    """What the channel wants to hear back, byte for byte."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"


# ── Signing in and who somebody is ──────────────────────────────────────────────────────


class ChannelIdentity(Struct, frozen=True):
    """Who the channel says is holding the phone.

    `open_id` is the person within our application, `union_id` within our group of
    applications. `session_secret` stays on the server (WeChat's session_key).
    """

    app_id: str
    open_id: str
    union_id: str | None = None
    session_secret: str | None = None


class Phone(Struct, frozen=True):
    """A number the person let the channel hand over; digits only, mainland without +86."""

    number: str
    country_code: str = "86"


class SignIn(Protocol):
    """Who is holding the phone, and with their consent their number."""

    async def sign_in(self, code: str) -> ChannelIdentity: ...

    async def phone(self, proof: str) -> Phone:
        """`proof` is what the phone button gave: a code, or the channel's signed envelope."""


class IdentityCheck(Struct, frozen=True):
    """A real-name check begun: `client_parameters` go unchanged to the mini-program."""

    channel_check_id: str
    client_parameters: dict[str, Any]
    expires_at: datetime | None


class IdentityOutcome(Struct, frozen=True):
    """`pending` while the person has not finished; `level` is what a pass is worth."""

    state: Literal["pending", "passed", "failed"]
    level: Literal["verified", "face"] | None = None
    reason: str | None = None


class Identity(Protocol):
    """Checks that somebody is who they say, by name, identity number and face."""

    async def begin_identity_check(
        self, *, check_no: str, open_id: str, name: str, id_number: str, return_page: str
    ) -> IdentityCheck:
        """`check_no`: ours, 32 letters and digits; repeating it begins nothing new."""

    async def identity_outcome(
        self, *, check_no: str, channel_check_id: str, open_id: str, name: str, id_number: str
    ) -> IdentityOutcome: ...


class RealNames(Protocol):
    """Checks name and number against the channel's own real-name record, in one call."""

    async def check_real_name(
        self, *, open_id: str, name: str, id_number: str, proof: str
    ) -> IdentityOutcome:
        """`proof`: what the person's consent in the app gave. A pass is worth `verified`."""


# ── Messages ────────────────────────────────────────────────────────────────────────────


class Message(Struct, frozen=True):
    """A templated message to one person. `values` are our field names of that `kind`.

    The channel's configuration says which of its templates a `kind` is, and which of its
    fields each of ours fills; values are cut to what the template's field takes.
    """

    kind: str
    open_id: str
    values: Mapping[str, str]
    page: str
    message_no: str


class MessageState(Struct, frozen=True):
    """What became of a message: `accepted` by the channel, `delivered`, or `failed` and why.

    `failed` for good: `user_refused`, `person_unknown`, `template_wrong`, `content_wrong`.
    """

    state: Literal["accepted", "delivered", "failed"]
    channel_message_id: str | None = None
    reason: str | None = None


class MessageNews(Struct, frozen=True):
    """What a push said: a delivery result, or that somebody (un)subscribed to a kind."""

    open_id: str
    kind: str | None
    event: Literal["delivered", "failed", "subscribed", "unsubscribed"]
    channel_message_id: str | None = None
    reason: str | None = None


class Messages(Protocol):
    """Tells people, through the app they use, that something moved."""

    def kinds(self) -> Mapping[str, str]:
        """The kinds this channel can send, each with its template id (the client asks consent)."""

    async def send(self, message: Message) -> MessageState:
        """`failed` where this person or this content cannot be told; raises Refusal where
        the channel lets us send nothing of the kind, Unreachable where unknown."""

    def read_push(self, inbound: Inbound) -> tuple[list[MessageNews], Reply]:
        """Prove and read what the channel pushes to us. Raises NoticeRefused. No I/O."""


# ── Links ───────────────────────────────────────────────────────────────────────────────


class Links(Protocol):
    """Ways into the mini-program: `page` is a path inside it, `query` its parameters."""

    def deep_link(self, page: str, query: Mapping[str, str]) -> str:
        """A link that opens the app at that page; made without any call."""

    async def url_link(self, page: str, query: Mapping[str, str]) -> str:
        """An https link for messages and web pages."""

    async def code_image(self, page: str, query: Mapping[str, str], label: str) -> bytes:
        """A picture (PNG or JPEG bytes) to scan with the app."""


# ── Payments ────────────────────────────────────────────────────────────────────────────

PaymentState = Literal["pending", "paid", "closed", "refunded", "partially_refunded", "unknown"]
RefundState = Literal["processing", "succeeded", "closed", "abnormal", "unknown"]


class PaymentOrder(Struct, frozen=True):
    """What is to be paid. `payment_no`: ours, 6–32 letters and digits, unique per merchant.

    `description` is what the payer sees; `expires_at` ends paying at the channel too.
    """

    payment_no: str
    amount_fen: int
    description: str
    open_id: str
    expires_at: datetime
    notice_url: str
    attach: str | None = None


class PaymentLaunch(Struct, frozen=True):
    """`client_parameters` go unchanged into the app's pay call; `channel_order_id` its order."""

    client_parameters: dict[str, str]
    channel_order_id: str | None


class PaymentReport(Struct, frozen=True):
    """What the channel says of one payment now.

    `unknown` where it cannot say. `amount_fen` is the order's, `refunded_fen` the sum of
    what went back, where the channel tells.
    """

    payment_no: str
    state: PaymentState
    channel_payment_id: str | None = None
    amount_fen: int | None = None
    refunded_fen: int | None = None
    paid_at: datetime | None = None
    payer_open_id: str | None = None
    channel_state: str | None = None


class RefundOrder(Struct, frozen=True):
    """A refund; a repeat carries the same `refund_no` and the same amount."""

    refund_no: str
    payment_no: str
    amount_fen: int
    payment_amount_fen: int
    reason: str
    notice_url: str | None = None


class RefundReport(Struct, frozen=True):
    """What the channel says of one refund now. `total_refunded_fen`: the sum of all refunds of
    the payment, where that is what the channel tells."""

    refund_no: str
    payment_no: str
    state: RefundState
    channel_refund_id: str | None = None
    amount_fen: int | None = None
    succeeded_at: datetime | None = None
    channel_state: str | None = None
    total_refunded_fen: int | None = None


class PaymentNotice(Struct, frozen=True):
    """A proven notice: `notice_id` is the same in every repeat of one event.

    Exactly one of `payment` and `refund` is what the event is about. `content` is what was
    proven, decrypted, whole: what we do not read today is there to be read tomorrow. It names
    persons.
    """

    notice_id: str
    payment: PaymentReport | None
    refund: RefundReport | None
    merchant_id: str
    app_id: str | None
    currency: str = "CNY"
    content: bytes = b""


class BillLine(Struct, frozen=True):
    """One line of the channel's own bill; `amount_fen` is positive for both kinds. `state`:
    `succeeded`, `processing`, `failed`, `unknown`. `fee_fen`: what the channel kept."""

    kind: Literal["payment", "refund"]
    payment_no: str
    refund_no: str | None
    channel_payment_id: str
    channel_refund_id: str | None
    amount_fen: int
    fee_fen: int
    state: str
    happened_at: datetime


class Payments(Protocol):
    """Takes money and gives it back. Unknown means pending: query, never order anew."""

    @property
    def merchant_id(self) -> str:
        """The number at the channel that the money is taken under."""

    async def order(self, order: PaymentOrder) -> PaymentLaunch:
        """Repeating the same order gives the same payment."""

    async def query(self, payment_no: str) -> PaymentReport:
        """State `pending` also where the channel does not know the number yet."""

    async def close(self, payment_no: str) -> PaymentReport:
        """End an unpaid order; gives what it is now, which may be `paid`."""

    async def refund(self, order: RefundOrder) -> RefundReport: ...

    async def query_refund(self, payment_no: str, refund_no: str) -> RefundReport: ...

    def read_notice(self, inbound: Inbound) -> PaymentNotice:
        """Prove → decrypt → decode → translate. Raises NoticeRefused. No I/O."""

    def acknowledge(self, accepted: bool) -> Reply:
        """The answer that stops the channel repeating, or that makes it come again."""

    def bill_lines(self, day: date) -> AsyncIterator[BillLine]:
        """Every line of the channel's bill of that day, streamed, its hash and sums checked: no
        line counts before the last. None where nothing happened that day; raises Refusal
        `not_found` where there is no bill yet."""


# ── A channel as a whole ────────────────────────────────────────────────────────────────


class Channel(Struct, frozen=True):
    """One opened channel. None: this channel, as configured, cannot do that."""

    name: str
    title: str
    sign_in: SignIn | None
    identity: Identity | None
    payments: Payments | None
    messages: Messages | None
    links: Links | None
    close: Callable[[], Awaitable[None]]
    real_names: RealNames | None = None


class TokenKeeper(Protocol):
    """Keeps a channel's access token for all processes, and lets one of them refresh it."""

    async def token(self, name: str, fetch: Callable[[], Awaitable[tuple[str, int]]]) -> str:
        """The live token called `name`; `fetch` gives (token, seconds it lives) and runs once
        at a time over all processes."""

    async def drop(self, name: str, token: str) -> None:
        """Forget this very value, which the channel refused; another's newer one stays."""


class OpenChannel(Protocol):
    """What a channel's package offers, and what the entry point `zhangban.channels` names.

    `config` is the channel's section of the channels file. Raises ConfigurationWrong.
    """

    def __call__(self, name: str, config: Mapping[str, Any], tokens: TokenKeeper) -> Channel: ...


class ConfigurationWrong(Exception):
    """A channel's section cannot be used; the text names the key and the rule, no value."""
