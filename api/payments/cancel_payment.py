"""Ends a payment that its payer does not want any more: at the channel first, then here.

The wish is written before the channel is asked, so that whoever dies in between is
followed by the worker. The channel has the last word: it may turn out paid.
"""

from __future__ import annotations

from adapters.contract import ChannelError
from api.access import Caller
from api.channels import as_problem
from api.payments import queries
from api.payments.reports.take_report import take_report
from api.payments.rows import PaymentRow
from api.payments.show_money import find_own_payment
from api.payments.states import LIVE
from api.payments.till import WAITS, Till, ask
from api.statements import Connection


async def cancel_payment(till: Till, caller: Caller, payment_no: str) -> PaymentRow:
    """What the payment is then; a finished one stays what it is. Raises NotFound, Forbidden,
    ChannelUnavailable (the wish stands, and the channel is asked again)."""

    async def wish(connection: Connection) -> PaymentRow:
        payment = await find_own_payment(connection, caller, payment_no)
        if payment.status in LIVE:
            await queries.ask_cancel(
                connection, payment_no=payment_no, seconds=WAITS[0].total_seconds()
            )
        return payment

    payment = await till.database.decide(wish)
    if payment.status not in LIVE:
        return payment
    till.reach("payment.cancelling")
    try:
        report = await ask(till.payments(payment.channel).close(payment_no))
    except ChannelError as error:
        raise as_problem(error) from None
    till.reach("payment.closed")

    async def end(connection: Connection) -> PaymentRow:
        await take_report(connection, payment.channel, report, is_answer=True)
        return await find_own_payment(connection, caller, payment_no)

    return await till.database.decide(end)
