"""Gives money back: every try carries the same number and amount, until the channel has said
what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from adapters.contract import ChannelError, Payments, RefundOrder, RefundReport, Refusal
from api.errors import DatabaseUnavailable
from api.facts import RefundAsked
from api.payments import queries
from api.payments.chase_payments import AT_ONCE, together
from api.payments.reports.take_report import take_refund_report
from api.payments.rows import DueRefund
from api.payments.till import Till, ask

log = structlog.get_logger()

# Refused now, and perhaps not tomorrow.
_LATER = frozenset({"not_enough_funds", "quota_used", "not_permitted"})
# About two hours; then a clerk sees that it failed.
MOST_NOT_PERMITTED = 9
WAITS = [timedelta(seconds=s) for s in (3, 5, 10, 30, 60, 300, 900, 3600)]


def send_asked_refund(till: Till) -> Callable[[RefundAsked], Awaitable[None]]:
    """The reaction to a refund that was asked: do not wait for the clock."""
    send_due = send_refunds(till)

    async def send_asked_refund(fact: RefundAsked) -> None:  # noqa: ARG001 (whatever is due goes)
        await send_due()

    return send_asked_refund


def send_refunds(till: Till) -> Callable[[], Awaitable[None]]:
    """For the timetable: whatever is due."""

    async def send_due_refunds() -> None:
        while True:
            async with till.database.transaction() as connection:
                due = await queries.take_due_refunds(connection, limit=AT_ONCE, waits=WAITS)
            till.reach("refund.taken")
            await together(due, lambda refund: _send(till, refund))
            if len(due) < AT_ONCE:
                return

    return send_due_refunds


async def _send(till: Till, due: DueRefund) -> None:
    payments = till.payments_if_open(due.channel)
    if payments is None:
        log.error("refund_without_channel", channel=due.channel)
        return
    try:
        report = await ask(_ask_channel(till, payments, due))
    except Refusal as refusal:
        log.warning("refund_refused", channel=due.channel, code=refusal.code)
        if refusal.code in _LATER and not _is_in_vain(refusal, due):
            return
        report = RefundReport(due.refund_no, due.payment_no, "closed")
    except ChannelError as error:
        log.info("refund_not_told", channel=due.channel, code=error.code)
        return
    till.reach("refund.told")
    try:
        await till.database.decide(lambda c: take_refund_report(c, due.channel, report))
    except DatabaseUnavailable:
        # It is due again by itself.
        return


def _is_in_vain(refusal: Refusal, due: DueRefund) -> bool:
    """A contract that does not cover refunds may be mended, but not by asking for ever."""
    return refusal.code == "not_permitted" and due.tries >= MOST_NOT_PERMITTED


async def _ask_channel(till: Till, payments: Payments, due: DueRefund) -> RefundReport:
    if due.status == "processing":
        try:
            report = await payments.query_refund(due.payment_no, due.refund_no)
        except Refusal as refusal:
            if refusal.code != "not_found":
                raise
        else:
            if report.state != "unknown":
                return report
    return await payments.refund(
        RefundOrder(
            refund_no=due.refund_no,
            payment_no=due.payment_no,
            amount_fen=due.amount_fen,
            payment_amount_fen=due.payment_amount_fen,
            reason=due.reason,
            notice_url=f"{till.settings.public_address}/v1/notices/{due.channel}/refunds",
        )
    )
