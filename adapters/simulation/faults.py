"""What the gateway is told to do wrong, and for whom and how often.

PUT one fault or a list of them; each may hold several switches. Without `only` a fault is
for every operation; `only` names operations, or the part before their dot (`payments`,
`notice`). `after` lets that many events pass first; `times` then takes that many and is
spent. An event is counted only where one of the fault's switches has a meaning: a
`mute` is not used up by a call. Switches by event:

a call to the gateway
- `latency_ms`        the call waits that long, then is handled
- `reply_late_ms`     the call is handled at once, its answer comes that much later
- `hang`              never handled, never answered; the connection stays open
- `status`            not handled; answered with this HTTP status and the vendor's error of
                      that status
- `code`              not handled; answered with this error of the vendor's, under `status`
                      where that is given too
- `status_after`      handled, then answered like `status`
- `lose_reply`        handled, then the connection is cut without one byte of an answer
- `quota`             that many calls are left, later ones get the vendor's quota error
- `wrong_amount_answered`  what is said of an order is one fen too much, properly signed
a call's answer, and each attempt to deliver a notice
- `wrong_signature`   the signature is well formed and wrong
- `rotate_key`        signed by the gateway's next key, under that key's number
each attempt to deliver a notice
- `wrong_amount`      the amount told is one fen too high, properly signed
a notice as a whole
- `probe`             a notice whose signature is wrong on purpose and says so comes first
- `duplicate`         delivered that many times more (true: once), one after the other,
                      although it was accepted
- `concurrent`        every attempt is that many (true: two) at the same moment
- `late_ms`           the first attempt comes that much later
- `out_of_order`      waits until another notice has gone, at most `HELD_SECONDS`
- `mute`              never sent (it can be sent by hand)
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

HELD_SECONDS = 10.0

Event = Literal["call", "attempt", "notice"]
Count = bool | Annotated[int, Meta(ge=0, le=100)]
Milliseconds = Annotated[int, Meta(ge=0, le=600_000)]

SWITCHES: dict[Event, frozenset[str]] = {
    "call": frozenset(
        {
            "latency_ms",
            "reply_late_ms",
            "hang",
            "status",
            "code",
            "status_after",
            "lose_reply",
            "quota",
            "wrong_amount_answered",
            "wrong_signature",
            "rotate_key",
        }
    ),
    "attempt": frozenset({"wrong_signature", "rotate_key", "wrong_amount"}),
    "notice": frozenset({"probe", "duplicate", "concurrent", "late_ms", "out_of_order", "mute"}),
}


class Fault(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A set of switches; the defaults break nothing."""

    latency_ms: Milliseconds = 0
    reply_late_ms: Milliseconds = 0
    hang: bool = False
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    code: Annotated[str, Meta(max_length=64)] | None = None
    status_after: Annotated[int, Meta(ge=400, le=599)] | None = None
    lose_reply: bool = False
    wrong_signature: bool = False
    probe: bool = False
    duplicate: Count = 0
    concurrent: Count = 0
    late_ms: Milliseconds = 0
    out_of_order: bool = False
    mute: bool = False
    wrong_amount: bool = False
    wrong_amount_answered: bool = False
    rotate_key: bool = False
    quota: Annotated[int, Meta(ge=0)] | None = None
    only: list[str] | str | None = None
    times: Annotated[int, Meta(ge=1)] | None = None
    after: Annotated[int, Meta(ge=0)] = 0


NOTHING_WRONG = Fault()


class FaultBoard:
    """The faults in force, with what is left of each."""

    def __init__(self) -> None:
        self._entries: list[_Entry] = []

    def put(self, faults: list[Fault]) -> None:
        """These and no others."""
        self._entries = [_Entry(fault) for fault in faults]

    def add(self, fault: Fault) -> None:
        """One more, beside those in force."""
        self._entries.append(_Entry(fault))

    def in_force(self) -> list[Fault]:
        """The faults that still have something left to break."""
        return [entry.fault for entry in self._entries if not entry.spent]

    def take(self, event: Event, operation: str) -> Fault:
        """What goes wrong with this event; counts it. Several faults add up, the last wins."""
        if not self._entries:
            return NOTHING_WRONG
        changes: dict[str, object] = {}
        for entry in self._entries:
            changes |= entry.take(event, operation)
        return msgspec.structs.replace(NOTHING_WRONG, **changes) if changes else NOTHING_WRONG


class _Entry:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        only = [fault.only] if isinstance(fault.only, str) else fault.only
        self._only = None if only is None else tuple(only)
        self._to_pass = fault.after
        self._left = fault.times
        self._quota_left = fault.quota
        self._switches = {
            name: getattr(fault, name)
            for name in fault.__struct_fields__
            if getattr(fault, name) != getattr(NOTHING_WRONG, name)
        }

    @property
    def spent(self) -> bool:
        return self._left == 0

    def take(self, event: Event, operation: str) -> dict[str, object]:
        chosen = {n: v for n, v in self._switches.items() if n in SWITCHES[event]}
        if not chosen or self.spent or not self._is_for(operation):
            return {}
        if self._to_pass:
            self._to_pass -= 1
            return {}
        if self._quota_left is not None and event == "call":
            if self._quota_left:
                self._quota_left -= 1
                chosen.pop("quota")
            else:
                chosen["quota"] = 0
        if self._left is not None:
            self._left -= 1
        return chosen

    def _is_for(self, operation: str) -> bool:
        return self._only is None or any(
            operation == name or operation.startswith(f"{name}.") for name in self._only
        )
