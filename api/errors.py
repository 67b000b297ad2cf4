"""The error tree, and the one place that turns an error into problem+json (RFC 9457).

Raise a `Problem`; its docstring is the default Chinese message, `english` the
English one. `code` is stable: clients may switch on it. Input errors carry
`errors: [{field, code, detail}]`.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec
from msgspec import Struct

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """服务暂时出了问题，请稍后再试。"""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "服务内部错误"
    english_title: ClassVar[str] = "Internal error"
    english: ClassVar[str] = "Something went wrong on our side. Please try again later."

    def __init__(
        self,
        detail: str | None = None,
        english: str | None = None,
        *,
        errors: list[FieldError] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(self.code)
        self.detail = detail
        self.detail_english = english
        self.errors = errors
        self.headers = headers or {}


class BadRequest(Problem):
    """请求无法读懂，请检查格式。"""

    status = 400
    code = "bad_request"
    title = "请求有误"
    english_title = "Bad request"
    english = "The request could not be understood. Please check its format."


class ValidationFailed(BadRequest):
    """提交的内容有误，请按提示修改。"""

    code = "validation_failed"
    title = "内容校验未通过"
    english_title = "Validation failed"
    english = "Some values are not right. See `errors`."


class CursorWrong(ValidationFailed):
    """翻页游标无效，请从第一页重新开始。"""

    code = "cursor_wrong"
    english = (
        "The cursor is not one of ours, or belongs to another list. Start from the first page."
    )


class IdempotencyKeyMissing(BadRequest):
    """缺少 Idempotency-Key 请求头（1–255 个可见字符）。"""

    code = "idempotency_key_missing"
    english = "The Idempotency-Key header (1–255 visible characters) is required here."


class Unauthorized(Problem):
    """请先登录。"""

    status = 401
    code = "unauthorized"
    title = "未登录"
    english_title = "Unauthorized"
    english = "Please sign in first."


class SignatureWrong(Unauthorized):
    """请求签名缺失或未通过验证。"""

    code = "signature_wrong"
    title = "签名无效"
    english_title = "Signature not valid"
    english = "The request's signature is missing or not valid."


class Forbidden(Problem):
    """您没有权限做这件事。"""

    status = 403
    code = "forbidden"
    title = "没有权限"
    english_title = "Forbidden"
    english = "You are not allowed to do this."


class NotFound(Problem):
    """没有找到您要的内容。"""

    status = 404
    code = "not_found"
    title = "未找到"
    english_title = "Not found"
    english = "There is nothing here."


class MethodNotAllowed(Problem):
    """此地址不支持这种请求方法。"""

    status = 405
    code = "method_not_allowed"
    title = "方法不支持"
    english_title = "Method not allowed"
    english = "This address does not answer that method."


class NotAcceptable(Problem):
    """无法按您要求的格式回答。"""

    status = 406
    code = "not_acceptable"
    title = "格式不支持"
    english_title = "Not acceptable"
    english = "The answer cannot be given in the format asked for."


class Conflict(Problem):
    """当前状态不允许这样做。"""

    status = 409
    code = "conflict"
    title = "状态冲突"
    english_title = "Conflict"
    english = "The current state does not allow this."


class RequestInProgress(Conflict):
    """相同的请求正在处理，请稍候再查。"""

    code = "request_in_progress"
    english = "The same request is still being handled. Please ask again shortly."


class NonceUsed(Conflict):
    """这个签名随机串已经用过，请换一个重新签名。"""

    code = "nonce_used"
    english = "This nonce was used before. Sign again with a new one."


class WebhooksTooMany(Conflict):
    """推送地址已达上限，请先删除不用的。"""

    code = "webhooks_too_many"
    english = "There are as many webhooks as a platform may have. Delete one first."


class ServiceWithdrawn(Problem):
    """该事项已经取消，不再办理。"""

    status = 410
    code = "service_withdrawn"
    title = "事项已取消"
    english_title = "Gone"
    english = "This service has been withdrawn."


class BodyTooLarge(Problem):
    """提交的内容太大。"""

    status = 413
    code = "body_too_large"
    title = "内容过大"
    english_title = "Content too large"
    english = "The request body is too large."


class UriTooLong(Problem):
    """请求地址太长。"""

    status = 414
    code = "uri_too_long"
    title = "地址过长"
    english_title = "URI too long"
    english = "The request address is too long."


class UnsupportedMediaType(Problem):
    """请以 application/json 提交。"""

    status = 415
    code = "unsupported_media_type"
    title = "内容类型不支持"
    english_title = "Unsupported media type"
    english = "Please send application/json."


class IdempotencyKeyReused(Problem):
    """这个 Idempotency-Key 已用于另一份内容。"""

    status = 422
    code = "idempotency_key_reused"
    title = "幂等键重复"
    english_title = "Idempotency key reused"
    english = "This Idempotency-Key was used with another payload."


class RequestTimeout(Problem):
    """内容发送太慢，连接已关闭。"""

    status = 408
    code = "request_timeout"
    title = "发送超时"
    english_title = "Request timeout"
    english = "The request body took too long to arrive."


class RateLimited(Problem):
    """请求太频繁，请稍后再试。"""

    status = 429
    code = "rate_limited"
    title = "请求过于频繁"
    english_title = "Too many requests"
    english = "Too many requests. Please slow down."


class QuotaUsed(RateLimited):
    """今天的调用次数已经用完，请明天再试。"""

    code = "quota_used"
    english = "Today's calls are used up. Come back tomorrow."


class Overloaded(Problem):
    """现在使用的人很多，请稍后再试。"""

    status = 503
    code = "overloaded"
    title = "服务繁忙"
    english_title = "Overloaded"
    english = "Very many people are using the service right now. Please try again shortly."


class DatabaseUnavailable(Overloaded):
    """数据服务暂时不可用，请稍后再试。"""

    code = "database_unavailable"
    title = "数据服务不可用"
    english_title = "Database unavailable"
    english = "The database is not available right now. Please try again shortly."


class FieldError(Struct, frozen=True):
    """One wrong value: where it is, a stable code, and words.

    `detail_english` is chosen instead of `detail` when the caller asks for English.
    """

    field: str
    code: str
    detail: str
    detail_english: str


class FieldErrorAnswer(Struct, frozen=True):
    """One wrong value, in the caller's language."""

    field: str
    code: str
    detail: str


class ProblemAnswer(Struct, frozen=True, omit_defaults=True):
    """The body of every error answer (RFC 9457, with `code`, `request_id`, `errors`)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str | None
    errors: list[FieldErrorAnswer] | None = None


_BY_STATUS: dict[int, type[Problem]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    408: RequestTimeout,
    409: Conflict,
    413: BodyTooLarge,
    414: UriTooLong,
    415: UnsupportedMediaType,
    429: RateLimited,
    503: Overloaded,
}


def problem_for_status(status: int) -> Problem:
    """The problem that stands for a bare HTTP status raised by the framework."""
    return _BY_STATUS.get(status, BadRequest if 400 <= status < 500 else Problem)()


def every_problem() -> list[type[Problem]]:
    """All problems, for the documents and for the page that explains a code."""
    found: list[type[Problem]] = []
    waiting: list[type[Problem]] = [Problem]
    while waiting:
        kind = waiting.pop(0)
        found.append(kind)
        waiting.extend(kind.__subclasses__())
    return found


def wants_english(accept_language: str) -> bool:
    """Chinese unless English is asked for before Chinese (RFC 9110 weights)."""
    weights: dict[str, float] = {}
    for part in accept_language.lower().split(","):
        tag, _, parameter = part.strip().partition(";")
        language = tag.split("-")[0]
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            weight = 0.0
        weights[language] = max(weight, weights.get(language, 0.0))
    return weights.get("en", 0.0) > weights.get("zh", 0.0)


def render(problem: Problem, *, request_id: str | None, english: bool) -> bytes:
    """The problem as JSON bytes in the caller's language."""
    default = (problem.english if english else type(problem).__doc__) or problem.english
    detail = problem.detail_english if english else problem.detail
    errors = [
        FieldErrorAnswer(e.field, e.code, e.detail_english if english else e.detail)
        for e in problem.errors or ()
    ]
    return msgspec.json.encode(
        ProblemAnswer(
            type=f"/problems/{problem.code}",
            title=problem.english_title if english else problem.title,
            status=problem.status,
            detail=detail or default.strip(),
            code=problem.code,
            request_id=request_id,
            errors=errors or None,
        )
    )
