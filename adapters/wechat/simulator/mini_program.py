"""The mini-program's API: sign-in, tokens, phone numbers, messages, links and codes.

HTTP says 200 whatever happens; `errcode` says what did.
"""

from __future__ import annotations

import base64
import io
import re
import secrets
from collections.abc import Callable
from typing import Any

import msgspec
import segno

from adapters.simulation.gateway import Answer, Call
from adapters.simulation.records import Citizen, Code, SentMessage
from adapters.wechat.simulator.books import Token, WechatBooks, json_answer, read_object
from adapters.wechat.simulator.errors import Refused
from adapters.wechat.simulator.push import push_sent
from adapters.wechat.simulator.templates import TEMPLATES, field_fault

CODE_SECONDS = 300
TOKEN_SECONDS = 7200
_OVERLAP_SECONDS = 300
_FORCED_PER_DAY = 20
_FORCED_SECONDS_APART = 30
_SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@\-._~]{1,32}")
_PAGE = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_/.-]{0,1023}")
_LINK_SECONDS = 30 * 86400
_VERSIONS = ("release", "trial", "develop")


# ── Sign-in and tokens ──────────────────────────────────────────────────────────────────


def code_to_session(books: WechatBooks, call: Call) -> Answer:
    """GET /sns/jscode2session; its media type is text/plain."""
    fields = call.fields
    _demand_application(books, fields.get("appid"), fields.get("secret"))
    if not fields.get("js_code"):
        raise Refused(41008)
    if fields.get("grant_type") != "authorization_code":
        raise Refused(40002)
    citizen = _redeem(books, fields["js_code"], "login")
    if citizen.blocked:
        raise Refused(40226)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    books.session_keys[citizen.open_id] = key
    session = {"session_key": key, "openid": citizen.open_id}
    if citizen.union_id:
        session["unionid"] = citizen.union_id
    return json_answer(session)


def stable_token(books: WechatBooks, call: Call) -> Answer:
    """POST /cgi-bin/stable_token: the same token until it has five minutes left."""
    body = read_object(call)
    _demand_application(books, body.get("appid"), body.get("secret"))
    if body.get("grant_type") != "client_credential":
        raise Refused(40002)
    force = body.get("force_refresh", False)
    if not isinstance(force, bool):
        raise Refused(47001)
    now = books.clock.now()
    current = _newest(books, "stable")
    if force:
        _count_forced(books, now)
        for old in _family(books, "stable"):
            books.tokens.remove(old.token)
        current = None
    if current is None or current.expires_at - now <= _OVERLAP_SECONDS:
        current = _issue(books, "stable", now)
    return json_answer({"access_token": current.token, "expires_in": int(current.expires_at - now)})


def plain_token(books: WechatBooks, call: Call) -> Answer:
    """GET /cgi-bin/token: a new one each time; the one before works five minutes more."""
    fields = call.fields
    _demand_application(books, fields.get("appid"), fields.get("secret"))
    if fields.get("grant_type") != "client_credential":
        raise Refused(40002)
    now = books.clock.now()
    for old in _family(books, "plain"):
        dies_at = min(old.dies_at, now + _OVERLAP_SECONDS)
        books.tokens.put(old.token, msgspec.structs.replace(old, dies_at=dies_at))
    issued = _issue(books, "plain", now)
    return json_answer({"access_token": issued.token, "expires_in": TOKEN_SECONDS})


def with_token(
    handler: Callable[[WechatBooks, Call], Answer],
) -> Callable[[WechatBooks, Call], Answer]:
    """Demand a living access token of the query first."""

    def guarded(books: WechatBooks, call: Call) -> Answer:
        given = call.fields.get("access_token")
        if not given:
            raise Refused(41001)
        token = books.tokens.get(given)
        if token is None:
            raise Refused(40001)
        if books.clock.now() >= token.dies_at:
            raise Refused(42001)
        return handler(books, call)

    return guarded


def _demand_application(books: WechatBooks, app_id: Any, secret: Any) -> None:
    if not app_id:
        raise Refused(41002)
    if not secret:
        raise Refused(41004)
    # The sub-merchant's mini-program has the same people and, here, the same secret.
    if app_id not in (books.account.app_id, books.account.sub_app_id):
        raise Refused(40013)
    if secret != books.account.app_secret:
        raise Refused(40125)


def _family(books: WechatBooks, family: str) -> list[Token]:
    return [token for token in books.tokens if token.family == family]


def _newest(books: WechatBooks, family: str) -> Token | None:
    tokens = _family(books, family)
    return tokens[-1] if tokens else None


def _issue(books: WechatBooks, family: str, now: float) -> Token:
    for old in list(books.tokens):
        if now >= old.dies_at + 86400:
            books.tokens.remove(old.token)
    # WeChat's tokens grow: callers are told to keep room for 512 characters.
    token = "88_" + secrets.token_urlsafe(128)
    ends_at = now + TOKEN_SECONDS
    return books.tokens.put(token, Token(token, family, ends_at, ends_at))


def _count_forced(books: WechatBooks, now: float) -> None:
    books.forced_at = [moment for moment in books.forced_at if now - moment < 86400]
    if books.forced_at and now - books.forced_at[-1] < _FORCED_SECONDS_APART:
        raise Refused(45011)
    if len(books.forced_at) >= _FORCED_PER_DAY:
        raise Refused(45009)
    books.forced_at.append(now)


# ── Phone numbers ───────────────────────────────────────────────────────────────────────


def phone_number(books: WechatBooks, call: Call) -> Answer:
    """POST /wxa/business/getuserphonenumber."""
    body = read_object(call)
    code = body.get("code")
    if not isinstance(code, str) or not code:
        raise Refused(41008)
    row = books.codes.get(code)
    if row is not None and body.get("openid") not in (None, row.open_id):
        raise Refused(40029)
    citizen = _redeem(books, code, "phone", used=40029)
    info = {
        "phoneNumber": citizen.phone,
        "purePhoneNumber": citizen.phone,
        "countryCode": "86",
        "watermark": {"timestamp": int(books.clock.now()), "appid": books.account.app_id},
    }
    return json_answer({"errcode": 0, "errmsg": "ok", "phone_info": info})


def _redeem(books: WechatBooks, code: str, kind: str, used: int = 40163) -> Citizen:
    row: Code | None = books.redeem(code, kind, CODE_SECONDS)
    if row is None:
        raise Refused(40029)
    if row.used:
        raise Refused(used)
    citizen = books.citizens.get(row.open_id)
    if citizen is None:
        raise Refused(40029)
    return citizen


# ── Messages ────────────────────────────────────────────────────────────────────────────


def send_message(books: WechatBooks, call: Call) -> Answer:
    """POST /cgi-bin/message/subscribe/send: uses one consent up, then reports the delivery."""
    body = read_object(call)
    citizen = books.citizens.get(str(body.get("touser")))
    if citizen is None:
        raise Refused(40003)
    template_id = str(body.get("template_id"))
    kind = next((k for k, known in books.account.template_ids.items() if known == template_id), "")
    if not kind:
        raise Refused(40037)
    page = body.get("page", "")
    if not isinstance(page, str) or (page and not _PAGE.fullmatch(page.split("?")[0])):
        raise Refused(41030)
    if body.get("miniprogram_state", "formal") not in ("developer", "trial", "formal"):
        raise Refused(47003, "argument invalid! miniprogram_state")
    if body.get("lang", "zh_CN") not in ("zh_CN", "en_US", "zh_HK", "zh_TW"):
        raise Refused(47003, "argument invalid! lang")
    fault = field_fault(TEMPLATES[kind], body.get("data"))
    if fault is not None:
        raise Refused(47003, fault)
    left = citizen.consents.get(template_id, 0)
    if left < 1:
        raise Refused(43101)
    consents = {**citizen.consents, template_id: left - 1}
    books.citizens.put(citizen.open_id, msgspec.structs.replace(citizen, consents=consents))
    message = SentMessage(
        message_id=str(2_000_000_000_000_000_000 + secrets.randbelow(10**18)),
        open_id=citizen.open_id,
        template_id=template_id,
        page=page,
        values={name: given["value"] for name, given in body["data"].items()},
        sent_at=books.clock.now(),
    )
    books.messages.put(message.message_id, message)
    push_sent(books, message)
    return json_answer({"errcode": 0, "errmsg": "ok", "msgid": int(message.message_id)})


# ── Links and codes ─────────────────────────────────────────────────────────────────────


def url_link(books: WechatBooks, call: Call) -> Answer:
    """POST /wxa/generate_urllink."""
    body = read_object(call)
    _demand_link(books, body, body)
    link = f"https://wxaurl.cn/{secrets.token_urlsafe(8)}"
    return json_answer({"errcode": 0, "errmsg": "ok", "url_link": link})


def scheme(books: WechatBooks, call: Call) -> Answer:
    """POST /wxa/generatescheme."""
    body = read_object(call)
    jump = body.get("jump_wxa", {})
    if not isinstance(jump, dict):
        raise Refused(47001)
    _demand_link(books, body, jump)
    link = f"weixin://dl/business/?t={secrets.token_urlsafe(12)}"
    return json_answer({"errcode": 0, "errmsg": "ok", "openlink": link})


def mini_code(_: WechatBooks, call: Call) -> Answer:
    """POST /wxa/getwxacodeunlimit: a picture, or JSON where something is wrong."""
    body = read_object(call)
    scene, page, width = body.get("scene"), body.get("page", ""), body.get("width", 430)
    if not isinstance(scene, str) or not _SCENE.fullmatch(scene):
        raise Refused(40169)
    if not isinstance(page, str) or (page and not _PAGE.fullmatch(page)):
        raise Refused(41030)
    if isinstance(width, bool) or not isinstance(width, int) or not 280 <= width <= 1280:
        raise Refused(40097)
    if body.get("env_version", "release") not in _VERSIONS:
        raise Refused(40097)
    code = segno.make_qr(f"weixin://dl/business/?path={page}&scene={scene}", error="m")
    picture = io.BytesIO()
    code.save(picture, kind="png", scale=max(1, width // code.symbol_size()[0]))
    return Answer(200, picture.getvalue(), "image/png")


def _demand_link(books: WechatBooks, body: dict[str, Any], target: dict[str, Any]) -> None:
    path, query = target.get("path", ""), target.get("query", "")
    if not isinstance(path, str) or (path and not _PAGE.fullmatch(path)):
        raise Refused(40165)
    if not isinstance(query, str) or len(query) > 1024:
        raise Refused(40097, "invalid args: query")
    if target.get("env_version", "release") not in _VERSIONS:
        raise Refused(40097, "invalid args: env_version")
    kind = body.get("expire_type", 0)
    if kind == 1:
        days = body.get("expire_interval")
        if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= 30:
            raise Refused(40097, "invalid args: expire_interval")
    elif kind == 0:
        at, now = body.get("expire_time", 0), books.clock.now()
        if not isinstance(at, int) or (at and not now < at <= now + _LINK_SECONDS):
            raise Refused(40097, "invalid args: expire_time")
    else:
        raise Refused(40097, "invalid args: expire_type")
