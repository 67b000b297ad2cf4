"""A channel's notice: proven on its raw bytes, applied once, acknowledged after the commit.

What was proven is kept, also where it is about an order we do not know or names another
amount; such a notice is not acknowledged, so it comes again and somebody sees it.
"""

from __future__ import annotations

import structlog

from adapters.contract import Inbound, NoticeRefused, PaymentNotice, Reply
from api.metrics import PAYMENT_NOTICES
from api.payments import queries
from api.payments.take_report import Outcome, take_refund_report, take_report
from api.payments.till import Till
from api.statements import Connection

log = structlog.get_logger()

_TAKEN = frozenset({"applied", "repeated"})


async def take_notice(till: Till, channel: str, inbound: Inbound) -> Reply:
    """What the channel wants to hear. Raises NoticeRefused, ChannelUnknown, ChannelCannot,
    DatabaseUnavailable (not acknowledged: it comes again)."""
    payments = till.payments(channel)
    notice = payments.read_notice(inbound)
    till.reach("notice.proven")
    outcome = await till.database.decide(lambda c: _apply(till, c, channel, notice))
    till.reach("notice.applied")
    PAYMENT_NOTICES.labels(channel, outcome).inc()
    if outcome not in _TAKEN:
        log.warning("payment_notice_not_taken", channel=channel, outcome=outcome)
    return payments.acknowledge(outcome in _TAKEN)


def count_refused(channel: str, refused: NoticeRefused) -> None:
    """A notice that was not proven: counted; a probe, wrong on purpose, alarms nobody."""
    PAYMENT_NOTICES.labels(channel, refused.code).inc()
    if refused.code != "signature_probe":
        log.warning("payment_notice_refused", channel=channel, code=refused.code)


async def _apply(
    till: Till, connection: Connection, channel: str, notice: PaymentNotice
) -> Outcome:
    outcome: Outcome = "repeated"
    payment_no, refund_no, said = "", None, ""
    if notice.refund is not None:
        payment_no, refund_no = notice.refund.payment_no, notice.refund.refund_no
        said = notice.refund.state
        outcome = await take_refund_report(
            connection, channel, notice.refund, currency=notice.currency
        )
    elif notice.payment is not None:
        payment_no, said = notice.payment.payment_no, notice.payment.state
        outcome = await take_report(connection, channel, notice.payment, currency=notice.currency)
    await queries.keep_notice(
        connection,
        channel=channel,
        notice_id=notice.notice_id[:128],
        payment_no=payment_no[:64],
        refund_no=None if refund_no is None else refund_no[:64],
        said=said,
        outcome=outcome,
    )
    till.reach("notice.weighed")
    return outcome
