"""A channel's notice: proven on its raw bytes, applied once, acknowledged after the commit.

What was proven is kept whole and sealed, also where it is about an order we do not know or
names another amount; such a notice is not acknowledged, so it comes again and somebody sees it.
"""

from __future__ import annotations

import structlog

from adapters.contract import Inbound, NoticeRefused, PaymentNotice, Reply
from api.ledger import LedgerRefused
from api.metrics import PAYMENT_NOTICES
from api.payments.notices.gather_notices import KeptNotice, NoticeGatherer
from api.payments.reports.books import Told
from api.payments.till import Till
from api.vault import Vault

log = structlog.get_logger()

MOST_ID = 128
_TAKEN = frozenset({"applied", "repeated"})


async def take_notice(gatherer: NoticeGatherer, channel: str, inbound: Inbound) -> Reply:
    """What the channel wants to hear. Raises NoticeRefused, ChannelUnknown, ChannelCannot,
    Overloaded, DatabaseUnavailable (not acknowledged: it comes again)."""
    till: Till = gatherer.till
    payments = till.payments(channel)
    notice = payments.read_notice(inbound)
    till.reach("notice.proven")
    try:
        outcome = await gatherer.take(_keep(till.vault, channel, notice))
    except LedgerRefused:
        PAYMENT_NOTICES.labels(channel, "ledger_refused").inc()
        return payments.acknowledge(False)
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


def _keep(vault: Vault, channel: str, notice: PaymentNotice) -> KeptNotice:
    about = notice.refund or notice.payment
    notice_id = notice.notice_id[:MOST_ID]
    key = f"{channel}/{notice_id}"
    return KeptNotice(
        notice_key=key,
        notice_id=notice_id,
        said="" if about is None else about.state,
        content_sealed=vault.seal(
            notice.content, table="payment_notices", column="content_sealed", row=key
        ),
        told=Told(channel, notice.payment, notice.refund, notice.currency),
    )
