"""What happened to money that waits for a person, and what they can do, in words."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal[
    "wrong_amount",
    "second_payment",
    "paid_after_end",
    "refunded_outside",
    "refund_failed",
    "refund_late",
    "wrong_refund",
    "long_unknown",
    "refunded_twice",
]
Action = Literal["refund_again", "settled_outside", "seen"]


class Matter(Struct, frozen=True):
    """What happened, in both languages, and what can be done about it."""

    chinese: str
    english: str
    actions: tuple[Action, ...] = ("seen",)


KINDS: dict[Kind, Matter] = {
    "wrong_amount": Matter(
        "渠道通知的金额或币种与应缴的不一致，系统正在向渠道核实，多收的钱会原路退回。",
        "A notice named another amount or currency than was due. The channel is asked, and money "
        "that is not right goes back by itself.",
    ),
    "second_payment": Matter(
        "这张缴款单已经缴清，这一笔是重复缴费，系统已安排原路退回。",
        "The bill was paid already. This second payment goes back by itself.",
    ),
    "paid_after_end": Matter(
        "订单在这里取消或者过期之后才付款，系统已安排原路退回。",
        "It was paid after it had been cancelled or expired here, and goes back by itself.",
    ),
    "refunded_outside": Matter(
        "渠道未经本系统申请就把钱退了，请核对是谁在渠道后台操作的退款。",
        "The channel gave the money back without our asking. Find out who did it in its console.",
    ),
    "wrong_refund": Matter(
        "渠道退款的金额与申请的不一致，或者退的比收的多，请与渠道对账。",
        "The channel refunded another amount than was asked, or more than was paid.",
    ),
    "refund_failed": Matter(
        "渠道没能把钱退给付款人（例如对方的银行卡或账户已经注销）。可以再退一次，或者线下退还后登记。",
        "The channel could not give the money back: perhaps the payer's card or account is closed. "
        "Ask for it again, or hand it back another way and say so.",
        ("refund_again", "settled_outside"),
    ),
    "refund_late": Matter(
        "这笔退款超过一天没有结果，系统仍在向渠道申请。常见原因是商户号余额不足，请核实并充值。",
        "This refund has no result for over a day, and is still being asked for. Often the "
        "merchant's account lacks the money: look, and fill it up.",
    ),
    "long_unknown": Matter(
        "这笔支付超过一天没有结果，系统仍在向渠道查询。请在渠道后台核实。",
        "The channel has not said for over a day what became of it, and is still being asked. Look "
        "into its console.",
    ),
    "refunded_twice": Matter(
        "这笔退款线下已经退还，渠道后来又退成功了，付款人收到了两次，请追回其中一次。",
        "It was handed back another way, and then the channel's refund went through as well: the "
        "payer has it twice. Ask for one of them back.",
    ),
}

ACTIONS: dict[Action, tuple[str, str]] = {
    "refund_again": ("再退一次", "Ask the channel for the refund again"),
    "settled_outside": ("登记已线下退还", "Note that it was handed back another way"),
    "seen": ("已阅，无需再办", "Noted; nothing more is to be done"),
}


def say(kind: Kind, english: bool) -> str:
    """What happened."""
    matter = KINDS[kind]
    return matter.english if english else matter.chinese
