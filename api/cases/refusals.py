"""What a move can hear instead of yes."""

from __future__ import annotations

from api.cases.states import EVENT_LABELS, STATUS_NAMES
from api.errors import Conflict, FieldError, NotFound, Problem, ValidationFailed


class InvalidMove(Conflict):
    """办件不能这样流转。"""

    code = "invalid_move"
    title = "不能这样流转"
    english_title = "Invalid move"
    english = "A case cannot move this way."


class EventIdReused(Conflict):
    """这个 event_id 已用于另一个事件。"""

    code = "event_id_reused"
    title = "事件编号重复"
    english_title = "Event id reused"
    english = "This event_id was used for another event."


class CaseNoTaken(Conflict):
    """这个办件编号已属于另一件办件。"""

    code = "case_no_taken"
    title = "办件编号重复"
    english_title = "Case number taken"
    english = "This case number belongs to another case."


class PreconditionRequired(Problem):
    """请在 If-Match 请求头中写明您看到的版本。"""

    status = 428
    code = "precondition_required"
    title = "缺少版本"
    english_title = "Precondition required"
    english = "Say in the If-Match header which version you have seen."


class PreconditionFailed(Problem):
    """办件已经变化，请刷新后再操作。"""

    status = 412
    code = "precondition_failed"
    title = "版本已变"
    english_title = "Precondition failed"
    english = "The case has changed since you looked. Please read it again."


def no_such_case() -> NotFound:
    """A case that is not there, or not the caller's: the same words."""
    return NotFound("没有这个办件。", "There is no such case.")


def cannot_move(status: str, event: str) -> InvalidMove:
    """From where to where it cannot go."""
    here, here_english = STATUS_NAMES[status]
    there = EVENT_LABELS[event][0]
    return InvalidMove(
        f"办件现在是“{here}”，不能做“{there}”。",
        f"The case is {here_english} (`{status}`); it cannot take the event `{event}`.",
    )


def wrong_value(field: str, code: str, chinese: str, english: str) -> ValidationFailed:
    """One value that is not right, in both languages."""
    return ValidationFailed(errors=[FieldError(field, code, chinese, english)])
