"""Why a bill or a payment cannot be had as asked, in words for people."""

from __future__ import annotations

from api.errors import Conflict, NotFound, Problem, Unauthorized


class BillNotPayable(Conflict):
    """这张缴款单已经缴清或已作废，无需缴费。"""

    code = "bill_not_payable"
    english = "This bill is paid or cancelled: there is nothing to pay."


class BillOpen(Conflict):
    """该办件还有一张未缴的缴款单。"""

    code = "bill_open"
    english = "The case already has a bill that is not paid."


class PayerNotLinked(Conflict):
    """您还没有关联这个渠道。"""

    code = "payer_not_linked"
    english = "You have not linked this channel."


class PaymentOpen(Conflict):
    """上一笔支付正在结束或由他人发起，请稍后再试。"""

    code = "payment_open"
    english = "An earlier payment is just ending, or somebody else's. Please try again shortly."


class PaymentFinished(Conflict):
    """这笔支付已经结束，不能再支付。"""

    code = "payment_finished"
    english = "This payment has ended. Begin another one."


class NotRefundable(Conflict):
    """这笔支付当前不能退款。"""

    code = "not_refundable"
    english = "This payment cannot be refunded now."


class RefundPreconditionFailed(Problem):
    """可退金额已经变化，请重新查询后再操作。"""

    status = 412
    code = "refundable_amount_changed"
    title = "可退金额已变"
    english_title = "Refundable amount changed"
    english = "What can be refunded has changed since you looked. Please read it again."


class NoticeUnproven(Unauthorized):
    """通知未通过验证。"""

    code = "payment_notice_unproven"
    english = "The notice is not proven to be the channel's."


def no_such_bill() -> NotFound:
    """A missing bill, and just so a foreign one."""
    return NotFound("没有这张缴款单。", "There is no such bill.")


def no_such_payment() -> NotFound:
    """A missing payment, and just so a foreign one."""
    return NotFound("没有这笔支付。", "There is no such payment.")
