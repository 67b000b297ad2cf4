"""How bills and payments move: the only table. Imports nothing.

Read as: from → {what happens: to}. Whatever is not in a row does not happen there: paid
never becomes unpaid, and money that comes where none was owed any more goes back.
`python -m api diagram` draws it.
"""

_WHILE_OPEN = {
    "paid": "succeeded",
    "paid_in_vain": "refunding",
    "given_back": "refunded",
    "unsure": "unknown",
    "refused": "failed",
    "cancelled": "cancelled",
    "expired": "expired",
}
_ENDED = {"paid_in_vain": "refunding", "given_back": "refunded"}
_REFUNDS = {
    "refunded": "refunded",
    "partly_refunded": "partially_refunded",
    "refund_asked": "refunding",
    "refund_failed": "succeeded",
    "given_back": "refunded",
    "partly_given_back": "partially_refunded",
}

CELLS: dict[str, dict[str, str]] = {
    "pending": _WHILE_OPEN,
    "unknown": {**_WHILE_OPEN, "known": "pending"},
    "succeeded": {"refund_asked": "refunding", **_REFUNDS},
    "refunding": _REFUNDS,
    "partially_refunded": _REFUNDS,
    "failed": _ENDED,
    "cancelled": _ENDED,
    "expired": _ENDED,
    "refunded": {},
}
"""Of a payment. `paid_in_vain`: its bill was paid, or it had ended here, before it was paid."""

LIVE = frozenset({"pending", "unknown"})
ENDED = frozenset({"failed", "cancelled", "expired"})
FINISHED = frozenset(CELLS) - LIVE - {"refunding"}

MOVES = {
    "(none)": {"begun": "pending"},
    **{
        status: {event: target for event, target in cells.items() if target != status}
        for status, cells in CELLS.items()
    },
}

BILL_CELLS: dict[str, dict[str, str]] = {
    "unpaid": {"paid": "paid", "cancelled": "cancelled"},
    "paid": {"partly_refunded": "partially_refunded", "refunded": "refunded"},
    "partially_refunded": {"refunded": "refunded"},
    "refunded": {},
    "cancelled": {},
}
BILL_MOVES = {"(none)": {"raised": "unpaid"}, **BILL_CELLS}

FLAGS = {
    "wrong_amount": "a notice named another amount or currency; what the channel has goes back",
    "second_payment": "the bill was paid already; the money goes back",
    "paid_after_end": "paid after it had been cancelled or expired here; the money goes back",
    "refunded_outside": "the channel gave the money back without our asking",
    "refund_failed": "the channel could not give the money back",
    "wrong_refund": "the channel refunded another amount than was asked, or more than was paid",
}
"""Why somebody should look at a payment."""


def after(event: str, status: str) -> str:
    """The status a payment has then; what its row does not name leaves it where it stands."""
    return CELLS[status].get(event, status)


def bill_after(event: str, status: str) -> str:
    """The same for a bill."""
    return BILL_CELLS[status].get(event, status)
