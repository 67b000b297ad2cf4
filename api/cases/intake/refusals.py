"""What an application can hear instead of yes."""

from __future__ import annotations

from api.errors import Conflict, Forbidden, NotFound, Problem


class NotOnline(Conflict):
    """这个事项不能在网上办理，请到窗口办理。"""

    code = "not_online"
    title = "不能网上办理"
    english_title = "Not online"
    english = "This service cannot be applied for online. Please go to the window."


class NotEligible(Problem):
    """您目前不符合办理条件。"""

    status = 422
    code = "not_eligible"
    title = "不符合条件"
    english_title = "Not eligible"
    english = "The conditions of this service are not met."


class AssuranceNeeded(Forbidden):
    """办理这个事项需要先完成更高等级的实名认证。"""

    code = "assurance_needed"
    title = "需要实名认证"
    english_title = "Assurance needed"
    english = "This service needs a higher level of identity assurance. Please verify first."


class RulesFailed(Problem):
    """这个事项的办理规则出了问题，请到窗口办理；我们已经收到提醒。"""

    code = "rules_failed"
    title = "办理规则出错"
    english_title = "Rules failed"
    english = "The rules of this service are out of order. Please go to the window."


class UploadTooDense(Problem):
    """文件展开后过大，请换一个文件。"""

    status = 413
    code = "upload_too_dense"
    title = "文件过大"
    english_title = "File too large"
    english = "The file becomes too large when it is opened."


class UploadTypeRefused(Problem):
    """只能上传 PDF、DOCX、PNG 或 JPEG 文件。"""

    status = 415
    code = "upload_type_refused"
    title = "文件类型不支持"
    english_title = "File type refused"
    english = "Only PDF, DOCX, PNG and JPEG files are taken."


class UploadsTooMany(Conflict):
    """未使用的文件太多，请先提交或者等待清理。"""

    code = "uploads_too_many"
    english = "Too many files are waiting to be used. Hand them in first."


def no_such_upload() -> NotFound:
    """An upload that is not there, or not the caller's: the same words."""
    return NotFound("没有这个文件。", "There is no such upload.")


def no_such_service() -> NotFound:
    return NotFound("没有这个事项。", "There is no such service.")
