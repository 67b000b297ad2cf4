"""What people read when their case moves: plain words, the same in the list and in the app."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["case_moved", "correction_needed", "payment_due", "case_completed", "reminder"]


class Words(Struct, frozen=True):
    """A kind of message with its words. `kind` decides which template a channel uses."""

    kind: Kind
    title: str
    english: str


WORDS: dict[str, Words] = {
    "submitted": Words("case_moved", "申请已提交", "Your application has been handed in"),
    "pre_checked": Words("case_moved", "预审已通过", "The pre-check is passed"),
    "returned": Words(
        "correction_needed", "预审退回，请修改后重新提交", "Returned: please mend it"
    ),
    "accepted": Words("case_moved", "申请已受理", "Your application has been accepted"),
    "correction_requested": Words(
        "correction_needed", "需要补正材料", "Something has to be corrected"
    ),
    "corrected": Words("case_moved", "补正已提交", "Your correction has been handed in"),
    "suspended": Words(
        "case_moved", "进入特别程序，时限暂停", "A special procedure: the clock stops"
    ),
    "resumed": Words("case_moved", "恢复办理", "Handling goes on"),
    "extended": Words("case_moved", "办理时限已延长", "The time limit has been extended"),
    "reviewed": Words("case_moved", "审查已完成", "The review is done"),
    "payment_requested": Words("payment_due", "请缴费", "A fee is due"),
    "paid": Words("case_moved", "缴费成功", "The fee is paid"),
    "decided": Words("case_moved", "已作出决定", "A decision has been made"),
    "completed": Words("case_completed", "已办结，请评价", "Completed: please tell us how it was"),
    "delivered": Words("case_completed", "结果已送达", "The result has been delivered"),
    "transferred": Words("case_moved", "已转交其他部门办理", "Passed on to another department"),
    "withdrawn": Words("case_moved", "申请已撤回", "Your application has been withdrawn"),
}
"""By type of event. What is not here, nobody is told: `evaluated` is the citizen's own word."""
