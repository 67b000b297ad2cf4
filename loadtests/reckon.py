"""After a run: what the gateways say they took and gave back, against what the service says.

The gateways' books are the truth about money. Every payment they hold since the run began
is asked of the service as a department's system would; the two must come to say the same.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import msgspec
from msgspec import Struct

from loadtests.figures import Reckoning
from loadtests.gateways import Gateway, Order, Return
from loadtests.money_answers import HandledPayment
from loadtests.sign_calls import Signer

# Notices that were under way, refunds that settle a second later, one round of the worker.
_PATIENCE_SECONDS = 45.0
_ANSWER_SECONDS = 15.0
_MOST_EXAMPLES = 10

Ask = Callable[[str], "HandledPayment | None"]
"""What the service says of a payment by its number; None: it knows none such."""


class Money(Struct, frozen=True):
    """What one side says of a payment; `settled`: nothing of it is still under way there."""

    paid_fen: int
    refunded_fen: int
    settled: bool


class Pair(Struct, frozen=True):
    """One payment from both sides."""

    payment_no: str
    by_gateway: Money
    by_service: Money | None

    @property
    def agrees(self) -> bool:
        """Whether both say the same, and will go on to."""
        return (
            self.by_service is not None
            and self.by_gateway == self.by_service
            and self.by_gateway.settled
        )


def reckon(
    host: str,
    gateways: Sequence[Gateway],
    signer: Signer,
    since: float,
    *,
    patience_seconds: float = _PATIENCE_SECONDS,
) -> Reckoning:
    """Of all payments begun since then (Unix seconds). Raises OSError where nobody answers."""

    def ask(payment_no: str) -> HandledPayment | None:
        return _ask(host, signer, payment_no)

    ends_at = time.monotonic() + patience_seconds
    known: dict[str, Pair] = {}
    while True:
        for gateway in gateways:
            known |= compare(gateway.orders(), gateway.returns(), since, ask, known)
        if all(pair.agrees for pair in known.values()) or time.monotonic() > ends_at:
            return sum_up(known.values())
        time.sleep(1)


def compare(
    orders: Iterable[Order],
    returns: Iterable[Return],
    since: float,
    ask: Ask,
    known: dict[str, Pair],
) -> dict[str, Pair]:
    """The pairs of one gateway; where both have agreed already nobody is asked again."""
    back: defaultdict[str, list[Return]] = defaultdict(list)
    for returned in returns:
        back[returned.order_id].append(returned)
    found = {}
    for order in orders:
        if order.created_at < since:
            continue
        told = _by_gateway(order, back[order.order_id])
        before = known.get(order.merchant_no)
        if before is not None and before.agrees and before.by_gateway == told:
            continue
        answer = ask(order.merchant_no)
        ours = _by_service(answer) if answer is not None else None
        found[order.merchant_no] = Pair(order.merchant_no, told, ours)
    return found


def sum_up(pairs: Iterable[Pair]) -> Reckoning:
    """The sums of both sides, and what is not the same."""
    pairs = list(pairs)
    astray = [pair for pair in pairs if not pair.agrees]
    theirs = [pair.by_gateway for pair in pairs]
    ours = [pair.by_service for pair in pairs if pair.by_service is not None]
    return Reckoning(
        payments=len(pairs),
        paid=sum(money.paid_fen > 0 for money in theirs),
        refunded=sum(money.refunded_fen > 0 for money in theirs),
        paid_by_gateways_fen=sum(money.paid_fen for money in theirs),
        paid_by_service_fen=sum(money.paid_fen for money in ours),
        refunded_by_gateways_fen=sum(money.refunded_fen for money in theirs),
        refunded_by_service_fen=sum(money.refunded_fen for money in ours),
        astray=len(astray),
        examples=tuple(_say(pair) for pair in astray[:_MOST_EXAMPLES]),
    )


def _by_gateway(order: Order, returned: Sequence[Return]) -> Money:
    return Money(
        order.amount_fen if order.state == "paid" else 0,
        sum(one.amount_fen for one in returned if one.state == "succeeded"),
        not any(one.state == "processing" for one in returned),
    )


def _by_service(told: HandledPayment) -> Money:
    under_way = any(refund.status in ("asked", "processing") for refund in told.refunds)
    paid_fen = told.amount_fen if told.paid_at is not None else 0
    return Money(paid_fen, told.refunded_fen, not under_way)


def _say(pair: Pair) -> str:
    return f"{pair.payment_no}: gateway {pair.by_gateway}, service {pair.by_service}"


def _ask(host: str, signer: Signer, payment_no: str) -> HandledPayment | None:
    path = f"/v1/platform/payments/{quote(payment_no, safe='')}"
    asked = Request(f"{host.rstrip('/')}{path}", headers=dict(signer("GET", path, b"")))
    try:
        with urlopen(asked, timeout=_ANSWER_SECONDS) as answer:
            return msgspec.json.decode(answer.read(), type=HandledPayment)
    except HTTPError as error:
        with error:
            if error.code == 404:
                return None
        raise
