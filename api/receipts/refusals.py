"""Why there is no receipt, in words for people."""

from __future__ import annotations

from api.errors import Conflict, NotFound

READY_SECONDS = 3
"""After which a receipt that was not there is worth another look."""


class ReceiptNotReady(Conflict):
    """已经缴费，票据正在开具，请稍后再看。"""

    code = "receipt_not_ready"
    title = "票据正在开具"
    english_title = "Receipt on its way"
    english = "It is paid, and the receipt is being issued. Please look again shortly."


class ReceiptNone(NotFound):
    """这笔支付没有缴费成功，没有票据。"""

    code = "receipt_none"
    title = "没有票据"
    english_title = "No receipt"
    english = "This payment has not been paid, so there is no receipt."


def not_ready() -> ReceiptNotReady:
    """Paid a moment ago: the worker issues it."""
    return ReceiptNotReady(headers={"Retry-After": str(READY_SECONDS)})


def paid_in_vain() -> ReceiptNone:
    """Money that paid no bill goes back, and is nobody's revenue."""
    return ReceiptNone(
        "这笔款没有计入缴款单，会原路退回，不开票据。",
        "This money paid no bill and goes back, so there is no receipt.",
    )


def no_such_payment() -> NotFound:
    """A missing payment, and just so a foreign one."""
    return NotFound("没有这笔支付。", "There is no such payment.")


def no_such_receipt() -> NotFound:
    """A missing receipt, and just so one with other check characters."""
    return NotFound(
        "没有查到这张票据，请核对票据代码、票据号码和校验码。",
        "There is no such receipt. Please check its code, number and check characters.",
    )
