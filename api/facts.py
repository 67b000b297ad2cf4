"""The facts that cross from one feature to another.

Features are strangers: the one that publishes and those that react meet here. A fact
holds keys, never what a row says of a person.
"""

from __future__ import annotations

from typing import ClassVar

from api.events import Fact


class CaseMoved(Fact, frozen=True):
    """A case has one more applied event; `seq` is that event's number within the case."""

    NAME: ClassVar[str] = "case.moved"

    case_no: str
    seq: int
    event_type: str
    status: str
    version: int
    service_code: str
    region_code: str
    citizen_id: str | None
    platform_id: str | None


class CitizensMerged(Fact, frozen=True):
    """Two records turned out to be one person: what was `gone`'s is `kept`'s now."""

    NAME: ClassVar[str] = "citizen.merged"

    kept: str
    gone: str


class CitizenErased(Fact, frozen=True):
    """A citizen asked to be forgotten; what the law does not bid us keep goes."""

    NAME: ClassVar[str] = "citizen.erased"

    citizen_id: str


class MessageAsked(Fact, frozen=True):
    """A message stands ready to be sent; its row says to whom and what."""

    NAME: ClassVar[str] = "message.asked"

    message_id: str


class DeliveryAsked(Fact, frozen=True):
    """A webhook delivery is due now."""

    NAME: ClassVar[str] = "delivery.asked"

    delivery_id: str


class BillRaised(Fact, frozen=True):
    """Somebody has something to pay, mostly for a case."""

    NAME: ClassVar[str] = "bill.raised"

    bill_no: str
    case_no: str | None


class PaymentSettled(Fact, frozen=True):
    """The money of a bill is here: it is paid by this payment."""

    NAME: ClassVar[str] = "payment.settled"

    payment_no: str
    bill_no: str
    case_no: str | None


class RefundAsked(Fact, frozen=True):
    """A refund stands ready to be asked of the channel."""

    NAME: ClassVar[str] = "refund.asked"

    refund_no: str


class PaymentRefunded(Fact, frozen=True):
    """Money went back to the payer."""

    NAME: ClassVar[str] = "payment.refunded"

    refund_no: str
    payment_no: str
