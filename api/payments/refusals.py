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


class BillNotCancellable(Conflict):
    """这张缴款单已经缴费，不能撤销；需要退费的，请办理退款。"""

    code = "bill_not_cancellable"
    english = "This bill is paid and cannot be cancelled. Give the money back by a refund."


class BillsTooMany(Conflict):
    """您有太多未缴的缴款单，请先缴费或者撤销。"""

    code = "bills_too_many"
    english = "You have too many bills that are not paid. Pay or cancel them first."


class NotPaidAlone(Conflict):
    """这个事项不能直接缴费，要先申请办理。"""

    code = "not_paid_alone"
    english = "This service is not paid by itself: apply for it first."


class NothingToPay(Conflict):
    """按您填写的情况，无需缴费。"""

    code = "nothing_to_pay"
    english = "With these answers there is nothing to pay."


class FeeUnknown(Conflict):
    """按您填写的情况算不出应缴金额，请向办理部门咨询。"""

    code = "fee_unknown"
    english = "The amount cannot be found with these answers. Please ask the department."


class NothingWaiting(Conflict):
    """这件事已经处理过，或者不需要处理了。"""

    code = "nothing_waiting"
    english = "This has been settled, or does not wait any more."


class ActionUnfit(Conflict):
    """这种情况不能这样处理，请按列出的办法处理。"""

    code = "action_unfit"
    english = "This cannot be settled so. See the actions that are offered."


class RefundArrived(Conflict):
    """渠道答复这笔退款已经退成功，系统已入账，不用再处理；如果线下已经退还，请追回。"""

    code = "refund_arrived"
    english = (
        "The channel says that this refund has gone through, and it is counted. Nothing else was "
        "done; what was handed back another way is to be asked for again."
    )


class RefundAbnormal(Conflict):
    """渠道把这笔退款标为异常（付款人的账户不能收款），不能换号再退：请在渠道的商户后台处理，或者线下退还后登记。"""

    code = "refund_abnormal"
    english = (
        "The channel holds this refund as abnormal: the payer's account takes no money. Settle it "
        "in the channel's console, or hand the money back another way and note it."
    )


class RefundUnsure(Conflict):
    """渠道还没有说清这笔退款的结果，请稍后再试。"""

    code = "refund_unsure"
    english = "The channel has not said what became of this refund. Try again later."


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
