"""What people read of a reconciliation: every code in Chinese, with English beside."""

from __future__ import annotations

CAUSES = {
    "missing_here": ("我方缺失", "in the bill, not ours"),
    "missing_there": ("渠道缺失", "ours, in no bill"),
    "amount": ("金额不符", "amounts differ"),
    "state": ("状态不符", "only one side moved money"),
    "duplicate": ("重复入账", "listed twice"),
    "date_cut_off": ("跨日", "counted on different days"),
}
STATUSES = {
    "open": ("待处理", "open"),
    "explained": ("已说明", "explained"),
    "repaired": ("已修复", "repaired"),
    "resolved": ("已处理", "settled by a clerk"),
    "closed": ("已消失", "gone"),
}
STATES = {
    "clean": ("一致", "clean"),
    "open": ("有差异", "differences"),
    "waiting": ("等待账单", "no bill yet"),
    "failed": ("无法读取账单", "bill not read"),
}
KINDS = {"payment": ("支付", "payment"), "refund": ("退款", "refund")}
CHANNELS = {"wechat": ("微信支付", "WeChat Pay"), "alipay": ("支付宝", "Alipay")}
REASONS = {
    "no_bill": ("渠道还没有这一天的账单", "The channel has no bill of that day yet."),
    "running": ("另一个对账正在进行", "Another run is at it right now."),
    "answer_unproven": ("账单与其校验值不符", "The bill is not what its hash says."),
    "answer_unreadable": ("账单无法读取或不完整", "The bill cannot be read, or is not whole."),
    "not_permitted": ("渠道不允许下载账单", "The channel does not let us have bills."),
    "parameter_wrong": ("渠道不提供这一天的账单", "The channel gives no bill of that day."),
}
UNKNOWN = ("渠道没有回应", "The channel does not answer.")


def reason_words(reason: str) -> tuple[str, str]:
    """Why a day could not be reconciled."""
    return REASONS.get(reason, UNKNOWN)


def channel_words(channel: str) -> tuple[str, str]:
    """A channel of somebody else's goes by its own name."""
    return CHANNELS.get(channel, (channel, channel))
